using System.IO.Pipelines;

namespace Hypervisor.Sdk;

/// <summary>An open text console.</summary>
public abstract class ConsoleSession : IDuplexPipe, IAsyncDisposable
{
    /// <summary>What the guest prints.</summary>
    public abstract PipeReader Input { get; }

    /// <summary>What is typed.</summary>
    public abstract PipeWriter Output { get; }

    /// <summary>Completes when the session has ended; fails with the reason when somebody else ended it: taken over, the instance stopped, the connection lost.</summary>
    public abstract Task Completion { get; }

    /// <summary>Whether the console has a size that can be set.</summary>
    public abstract bool CanResize { get; }

    /// <summary>Sets the size, in characters.</summary>
    /// <exception cref="HypervisorException">It has none (<see cref="ErrorCode.Unsupported"/>).</exception>
    public abstract ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default);

    /// <summary>Closes the session; the guest goes on.</summary>
    public abstract ValueTask DisposeAsync();
}
