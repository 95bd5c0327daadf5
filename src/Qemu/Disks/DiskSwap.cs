using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Disks;

/// <summary>What is done to a disk, with all that is needed to finish or undo it after a crash. It is decided when the configuration has the disk as it is afterwards, which moves the revision by one.</summary>
internal sealed record DiskSwap
{
    /// <summary>The job in QEMU: there is one of them at a time.</summary>
    public const string Job = "hv-disk";

    public const string Add = "add";
    public const string Commit = "commit";
    public const string Flatten = "flatten";
    public const string Move = "move";

    /// <summary>What is done, in one of these words.</summary>
    public required string Kind { get; init; }

    /// <summary>The revision before.</summary>
    public required long BasedOn { get; init; }

    public required DiskConfig Before { get; init; }

    public required DiskConfig After { get; init; }

    /// <summary>Whether a running QEMU does it.</summary>
    public bool IsLive { get; init; }

    /// <summary>A file of the machine's own that is made for it: removed when it is undone.</summary>
    public string? Made { get; init; }

    /// <summary>Files of the machine's own that nobody needs when it is done.</summary>
    public IReadOnlyList<string> Obsolete { get; init; } = [];

    /// <summary>Nodes that QEMU closes when it is done, the upper ones first.</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>Of a commit: which image, counted from the uppermost.</summary>
    public int Layer { get; init; }

    /// <summary>Of a move: how many bytes a second.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>How many steps the configuration is ahead of what it was.</summary>
    public bool IsDecided(MachineConfig config) => (config.Revision - BasedOn) % 2 == 1;
}
