namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// Another QEMU backend, as far as moves are concerned: what a source says to the target that it has found, and what a target asks the source that a machine was to come from. All that goes over is plain data, so that the other one may be
/// an object of this process (<see cref="LocalMigrationPeer"/>) or of another one (<see cref="DistantMigrationPeer"/>).
/// </summary>
internal interface IMigrationPeer
{
    /// <summary>What it is called.</summary>
    string Name { get; }

    /// <summary>Its state directory, where it is open to this process too; null when it can only be asked.</summary>
    string? StatePath { get; }

    /// <summary>Asks a target what stands in the way there.</summary>
    Task<MigrationAnswer> AskAsync(MigrationQuestion question, CancellationToken cancellationToken);

    /// <summary>Has a target finish or undo what an interrupted move of a machine has left there, as far as it can.</summary>
    /// <param name="id">The machine.</param>
    /// <param name="identity">The source that asks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The move from that source that waits for its word; null when none does.</returns>
    Task<Guid?> FindWaitingAsync(string id, string identity, CancellationToken cancellationToken);

    /// <summary>Has a target settle a move by the word of its source.</summary>
    Task<MigrationStanding> SettleAsync(string id, MigrationVerdict verdict, CancellationToken cancellationToken);

    /// <summary>Takes the machine's lock at a target, for as long as what is returned is not disposed.</summary>
    Task<IMigrationTarget> HoldAsync(string id, CancellationToken cancellationToken);

    /// <summary>Asks a source whether a machine was given away by a move. What it says of one that was not holds for ever.</summary>
    /// <param name="id">The machine.</param>
    /// <param name="migration">The move.</param>
    /// <param name="identity">Whose word is wanted (<see cref="State.StateDirectory.Identity"/>).</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when it is not decided.</returns>
    Task<MigrationVerdict?> JudgeAsync(string id, Guid migration, string identity, CancellationToken cancellationToken);

    /// <summary>Gives a machine back to its source, whose guest has not run at the target and never will. Can be done again.</summary>
    /// <returns>False when it cannot be done now.</returns>
    Task<bool> TryGiveBackAsync(string id, Guid migration, string identity, CancellationToken cancellationToken);
}
