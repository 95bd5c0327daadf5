namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>The target's side of one move, under the machine's lock there. When it ends before the machine is the target's, what is there stays held until it is known whose it is.</summary>
internal interface IMigrationTarget : IAsyncDisposable
{
    /// <summary>Whether the way to it is lost: then nobody knows what became of the last call.</summary>
    bool IsLost { get; }

    /// <summary>Makes the machine's directory, and starts a QEMU that waits for the guest.</summary>
    Task<MigrationWay> PrepareAsync(MigrationArrival arrival, CancellationToken cancellationToken);

    /// <summary>Whether the machine is there and coming by this move.</summary>
    Task<bool> IsComingAsync(Guid migration, CancellationToken cancellationToken);

    /// <summary>Lets its QEMU take in the disks that move along.</summary>
    Task<MigrationDiskWay> ListenForDisksAsync(CancellationToken cancellationToken);

    /// <summary>Nobody else writes to its disks any more.</summary>
    Task CloseDisksAsync(CancellationToken cancellationToken);

    /// <summary>Lets its QEMU listen for the guest's memory.</summary>
    /// <returns>Where.</returns>
    Task<string> ListenAsync(bool isPostCopy, CancellationToken cancellationToken);

    /// <summary>Lets its QEMU listen for another way, in the place of one that was cut after the guest went on there.</summary>
    /// <param name="listening">Where it was told to before; null for nowhere.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Where it listens.</returns>
    Task<string> ListenAgainAsync(string? listening, CancellationToken cancellationToken);

    /// <summary>Connects to a socket beside those of its QEMU.</summary>
    Task<MigrationPipe> ConnectAsync(string socketName, CancellationToken cancellationToken);

    /// <summary>Whether the guest has come, as far as it must to go on there. Fails when its QEMU does not answer.</summary>
    Task<bool> HasComeAsync(CancellationToken cancellationToken);

    /// <summary>Whether its QEMU is there.</summary>
    Task<bool> IsUpAsync(CancellationToken cancellationToken);

    /// <summary>Waits until the whole guest has come. It is held.</summary>
    /// <param name="isSenderGone">Whether the source's QEMU has ended: then what has come is all that will.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task AwaitAsync(bool isSenderGone, CancellationToken cancellationToken);

    /// <summary>Waits until all of the memory has come that followed the guest, after all was sent or the source's QEMU has ended.</summary>
    /// <returns>False when it will not come.</returns>
    Task<bool> AwaitRestAsync(bool isSenderGone, CancellationToken cancellationToken);

    /// <summary>The machine was given: lets its guest go. Can be done again.</summary>
    /// <returns>Null when it runs, or is held as it was at the source; otherwise why not.</returns>
    Task<MigrationFailure?> LetGoAsync();

    /// <summary>Ends its QEMU.</summary>
    Task KillAsync();

    /// <summary>Makes the machine that was given one like any other. Can be done again.</summary>
    /// <param name="isUp">Whether its QEMU is there.</param>
    Task TakeAsync(bool isUp);

    /// <summary>The machine that was taken.</summary>
    Task<Instance> ViewAsync();

    /// <summary>The machine was not given: nothing of it is left there. Can be done again.</summary>
    Task DropAsync(HypervisorException reason);
}
