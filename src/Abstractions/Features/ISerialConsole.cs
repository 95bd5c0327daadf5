namespace Hypervisor.Sdk;

/// <summary>The text console of an instance.</summary>
public interface ISerialConsole
{
    /// <summary>Opens it.</summary>
    /// <param name="id">The instance, which must run.</param>
    /// <param name="options">How; see there.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">Somebody else has it open (<see cref="ErrorCode.Locked"/>), or the instance does not run (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<ConsoleSession> OpenAsync(InstanceId id, ConsoleOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>What the console has printed since the instance was started, also while it is open and after the instance has stopped.</summary>
    /// <param name="id">The instance.</param>
    /// <param name="tailBytes">At most this much, from the end; all that is kept when null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">The backend keeps no log, or kept none of this instance (<see cref="ErrorCode.Unsupported"/>).</exception>
    Task<Stream> OpenLogAsync(InstanceId id, long? tailBytes = null, CancellationToken cancellationToken = default);
}
