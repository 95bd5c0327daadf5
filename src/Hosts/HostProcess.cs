using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts;

/// <summary>A program that runs on a node. Disposing it closes its standard input, gives it a moment to exit, then ends it.</summary>
public abstract class HostProcess : IAsyncDisposable
{
    private protected HostProcess()
    {
    }

    /// <summary>
    /// Its standard input (<see cref="Connection.Output"/>; completing it ends it) and output (<see cref="Connection.Input"/>). The end of the output is regular whatever the exit code; when the node is lost in the middle the read
    /// throws instead.
    /// </summary>
    public abstract Connection Connection { get; }

    /// <summary>The number of its process group on the node.</summary>
    public abstract int ProcessId { get; }

    /// <summary>Completes with the exit code, 128 + n when signal n ended it. Fails with a <see cref="HypervisorException"/> of unknown outcome when the node was lost before it said so.</summary>
    public abstract Task<int> Exited { get; }

    /// <summary>The end of what it has written to standard error so far, as UTF-8; at most 16 KiB.</summary>
    public abstract string ErrorText { get; }

    /// <summary>Ends it at once, and what it has started. Does nothing when it has exited.</summary>
    /// <exception cref="HypervisorException">The node was lost: it may run on.</exception>
    public abstract Task KillAsync(CancellationToken cancellationToken = default);

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();
}
