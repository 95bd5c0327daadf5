namespace Hypervisor.Sdk.Qemu.State;

/// <summary>The QEMU process of a machine, in <c>process.json</c>: while it runs, and after it has ended otherwise than asked for.</summary>
internal sealed record ProcessRecord
{
    public required int Pid { get; init; }

    public required long StartTicks { get; init; }

    public required string BootId { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The revision of the configuration that it was started with. Live changes since are in it; see <see cref="Lacks"/>.</summary>
    public required long Revision { get; init; }

    /// <summary>Whether it lacks a change of the configuration, which waits for the next start.</summary>
    public bool Lacks(MachineConfig config) => Revision < config.StartRevision;

    /// <summary><c>kvm</c> or <c>tcg</c>.</summary>
    public required string Accelerator { get; init; }

    /// <summary>Why it is no longer there, when it should be; null while it is thought to run.</summary>
    public string? CrashReason { get; init; }
}
