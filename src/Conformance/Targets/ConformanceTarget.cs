namespace Hypervisor.Sdk.Conformance;

/// <summary>
/// What the author of a driver writes to have it checked: how to connect, what the smallest instance or volume is, and what can be done to it from outside. Checks see only this and the interfaces, never a driver's type.
/// What is not overridden is not offered; the checks that need it are skipped, with the reason from <see cref="WhyNot"/>.
/// </summary>
public abstract class ConformanceTarget : IAsyncDisposable
{
    /// <summary>What it is, with its version: <c>QEMU 7.2</c>. The head of its column in the feature matrix.</summary>
    public abstract string Name { get; }

    /// <summary>What the names of everything begin with that the kit makes, and removes. Acceptable to the backend's <see cref="NamingRules"/>, at most 16 characters. Default <c>hvconf-</c>.</summary>
    public virtual string Prefix => "hvconf-";

    /// <summary>How much longer than usual its work may take: the deadline of every check is multiplied by it. Default 1.</summary>
    public virtual double Patience => 1;

    /// <summary>Disturbs connections; null where it cannot.</summary>
    public virtual IConnectionFaults? Connection => null;

    /// <summary>Disturbs guests; null where it cannot.</summary>
    public virtual IGuestFaults? Guests => null;

    /// <summary>Disturbs nodes; null where it cannot.</summary>
    public virtual INodeFaults? Nodes => null;

    /// <summary>The pool that volumes are made in; null where the backend has no storage role. Default null.</summary>
    public virtual PoolName? Pool => null;

    /// <summary>Connects a client. Called again for a second client of the same backend, while the first is connected.</summary>
    /// <param name="name">What the client calls the backend.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public abstract Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken);

    /// <summary>
    /// Connects another backend of the same kind, to which the one that <see cref="ConnectAsync"/> connected can move instances: what <see cref="MigrationTarget.Backend"/> names. Null where there is none, which is the default.
    /// </summary>
    /// <param name="name">What it is called, and what the first one finds it by. Always the same.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public virtual Task<IBackend?> ConnectElsewhereAsync(BackendName name, CancellationToken cancellationToken) => Task.FromResult<IBackend?>(null);

    /// <summary>The smallest instance that can be created, started and stopped in the least time: a <see cref="VirtualMachineSpec"/> or a <see cref="ContainerSpec"/>; null where the backend runs none. Its guest need not boot.</summary>
    public virtual InstanceSpec? NewInstance(InstanceName name) => null;

    /// <summary>An instance whose guest boots and answers to an agent; null where there is none. Default null.</summary>
    public virtual InstanceSpec? NewGuest(InstanceName name) => null;

    /// <summary>An instance whose guest does not heed the power button; null where there is none. Default null.</summary>
    public virtual InstanceSpec? NewDeafGuest(InstanceName name) => null;

    /// <summary>
    /// An instance with which the condition of a capability is met that the backend answers conditionally, or with which it can be moved to another backend (<see cref="Capability.LiveMigration"/>); null where it cannot be met
    /// here. Default: <see cref="NewInstance"/>.
    /// </summary>
    public virtual InstanceSpec? NewInstanceFor(Capability capability, InstanceName name) => NewInstance(name);

    /// <summary>The smallest volume; null where the backend has no storage role. Default: 1 MiB in <see cref="Pool"/>.</summary>
    public virtual VolumeSpec? NewVolume(string name) => Pool is { } pool ? new VolumeSpec { Pool = pool, Name = name, Size = ByteSize.FromMiB(1) } : null;

    /// <summary>Makes something outside the backend that a disk can be attached to: a file, a block device; null where it cannot. The target removes it when it is disposed.</summary>
    public virtual Task<VolumeAttachment?> MakeAttachmentAsync(CancellationToken cancellationToken) => Task.FromResult<VolumeAttachment?>(null);

    /// <summary>Whether what <see cref="MakeAttachmentAsync"/> made is still there.</summary>
    public virtual Task<bool> AttachmentExistsAsync(VolumeAttachment attachment, CancellationToken cancellationToken) => Task.FromResult(false);

    /// <summary>Whether the processor itself runs the code of a running instance instead of an emulator, seen from outside and not asked of the driver; null where that cannot be seen. Default null.</summary>
    public virtual Task<bool?> IsAcceleratedAsync(InstanceId running, CancellationToken cancellationToken) => Task.FromResult<bool?>(null);

    /// <summary>
    /// Whether an instance that was made, and not started yet, has what it was to have: <see cref="Capability.UefiFirmware"/>, <see cref="Capability.Tpm"/> or <see cref="Capability.CloudInit"/>. Seen from outside and not asked
    /// of the driver, which says nothing of it; null where that cannot be seen, and the checks find out only that it was accepted. Default null.
    /// </summary>
    public virtual Task<bool?> HasAsync(InstanceId made, Capability capability, CancellationToken cancellationToken) => Task.FromResult<bool?>(null);

    /// <summary>Lets time pass between two looks at something that is to come. Default: waits; a target whose backend has a clock of its own moves that one.</summary>
    public virtual Task PassTimeAsync(TimeSpan time, CancellationToken cancellationToken) => Task.Delay(time, cancellationToken);

    /// <summary>Why the target cannot do something, in a sentence that stands in the feature matrix. Null: no reason is written, and a check that is skipped for it counts as failed.</summary>
    public virtual string? WhyNot(ConformanceAbility ability) => null;

    /// <summary>Removes what the target itself has made.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
