using System.Globalization;
using Hypervisor.Sdk.Simulation.Guests;
using Hypervisor.Sdk.Simulation.Snapshots;
using Hypervisor.Sdk.Simulation.Works;

namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>An instance. Belongs to the loop. Small when it does nothing: no task, no timer, and its view is made when somebody asks.</summary>
internal sealed class SimInstance
{
    private Instance? _view;

    /// <summary>Its number in the order of making: what lists go by.</summary>
    public required long Number { get; init; }

    public required InstanceId Id { get; set; }

    public required Incarnation Incarnation { get; init; }

    public required InstanceConfig Config { get; set; }

    public required SimNode Node { get; set; }

    /// <summary>Whether it says on which node it is.</summary>
    public bool ShowsNode { get; init; } = true;

    public required DateTimeOffset CreatedAt { get; init; }

    public InstanceId? ClonedFrom { get; init; }

    public long Revision { get; set; } = 1;

    public PowerState State { get; set; } = PowerState.Stopped;

    public string? StateReason { get; set; }

    public DateTimeOffset? StartedAt { get; set; }

    public bool HasPendingChanges { get; set; }

    public bool IsTemplate { get; set; }

    /// <summary>Linked clones that need its disks.</summary>
    public int LinkedClones { get; set; }

    /// <summary>The template whose disks it needs.</summary>
    public SimInstance? LinkedTo { get; set; }

    /// <summary>Whether it was saved to disk: the next start goes on where it was.</summary>
    public bool HasSavedMemory { get; set; }

    public SnapshotTree? Snapshots { get; set; }

    /// <summary>The guest; null until it is started for the first time.</summary>
    public SimGuest? Guest { get; set; }

    public long HighestFencingToken { get; set; } = long.MinValue;

    public bool IsDeleted { get; set; }

    /// <summary>The work that has it to itself now.</summary>
    public Work? Holder { get; set; }

    /// <summary>How many copy it now, beside each other; nobody has it to himself meanwhile.</summary>
    public int Sharers { get; set; }

    /// <summary>Work that waits to have it.</summary>
    public Queue<LockWaiter>? Waiting { get; set; }

    public string Text => Id.ToString();

    public string Name => Config.Name;

    public InstanceKind Kind => Config.Kind;

    /// <summary>Whether what ran it is gone: one that has crashed takes nothing of its node then.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Whether it takes memory and CPU of its node.</summary>
    public bool IsUp => !HasEnded && (State == PowerState.Running || State == PowerState.Paused || State == PowerState.Starting || State == PowerState.Stopping || State == PowerState.Crashed || State == PowerState.Unknown);

    /// <summary>What it takes of its node's memory while it is up: what it was started with and what was plugged in since.</summary>
    public long HeldMemoryBytes { get; set; }

    /// <summary>The CPUs that it has while it is up, likewise.</summary>
    public int HeldCpus { get; set; }

    /// <summary>What the backend says of it. The same object until something changes.</summary>
    public Instance View => _view ??= MakeView();

    /// <summary>Something of it has changed.</summary>
    public void Touch() => _view = null;

    private Instance MakeView()
    {
        var config = Config;
        var disks = config.Disks.Count == 0 ? [] : new DiskDevice[config.Disks.Count];
        for (int i = 0; i < disks.Length; i++)
            disks[i] = ViewOf(config.Disks[i]);
        var networks = config.Networks.Count == 0 ? [] : new NetworkDevice[config.Networks.Count];
        bool isGuestUp = Guest is { IsUp: true };
        for (int i = 0; i < networks.Length; i++)
        {
            var network = config.Networks[i];
            networks[i] = new NetworkDevice { Id = network.Id, Network = network.Network, Mac = network.Mac, Addresses = isGuestUp && network.Address is { } address ? [address] : [] };
        }

        return new Instance
        {
            Id = Id,
            Incarnation = Incarnation,
            Name = config.Name,
            Kind = config.Kind,
            State = State,
            StateReason = StateReason,
            Revision = World.RevisionOf(Revision),
            HasPendingChanges = HasPendingChanges && IsUp,
            IsTemplate = IsTemplate,
            ClonedFrom = ClonedFrom,
            Node = ShowsNode ? Node.Name : null,
            Scope = config.Scope,
            Architecture = config.Architecture,
            GuestOs = config.GuestOs,
            Cpus = config.Kind == InstanceKind.VirtualMachine ? config.Cpus : config.CpuLimit,
            MemoryTarget = config.MemoryTargetBytes is { } target ? new ByteSize(target) : null,
            Memory = config.Kind == InstanceKind.VirtualMachine ? new ByteSize(config.MemoryBytes) : config.MemoryLimitBytes is { } limit ? new ByteSize(limit) : null,
            Disks = disks,
            Networks = networks,
            Labels = config.Labels,
            Description = config.Description,
            CreatedAt = CreatedAt,
            StartedAt = IsUp ? StartedAt : null,
        };
    }

    private static DiskDevice ViewOf(DiskConfig disk) => new()
    {
        Id = disk.Id,
        Volume = disk.Volume?.Id ?? (disk.External is { } external ? VolumeId.Parse(external) : null),
        Size = disk.Volume is null && (disk.External is not null || disk.IsCd) && disk.SizeBytes == 0 ? null : new ByteSize(disk.GuestBytes),
        Allocated = disk.Volume is { } volume ? new ByteSize(volume.WrittenBytes) : null,
        Bus = disk.Bus,
        Serial = disk.Serial,
        ReadOnly = disk.ReadOnly,
        Disposal = disk.Disposal,
        IsCd = disk.IsCd,
        Image = disk.Image,
        Limits = disk.Limits,
        Discard = disk.IsCd ? null : disk.Discard,
        DetectZeroes = disk.IsCd ? null : disk.DetectZeroes,
    };
}
