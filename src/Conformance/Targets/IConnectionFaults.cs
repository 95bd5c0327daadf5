namespace Hypervisor.Sdk.Conformance;

/// <summary>Disturbs the connection of a client: a proxy in front of the server, or the faults of a simulated one.</summary>
public interface IConnectionFaults
{
    /// <summary>Connects a client whose connection can be disturbed by the other members. One at a time.</summary>
    Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken);

    /// <summary>Loses the reply to the next call of that client that changes something.</summary>
    void LoseNextReply(LostReply when);

    /// <summary>Ends the connection under the client. It can be made again at once.</summary>
    Task BreakAsync(CancellationToken cancellationToken);
}
