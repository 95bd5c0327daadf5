namespace Hypervisor.Sdk;

/// <summary>A running command. One reader takes both outputs in the order in which they come, so that none can stall the other.</summary>
public abstract class ExecSession : IAsyncDisposable
{
    /// <summary>Whether signals can be sent.</summary>
    public abstract bool CanSignal { get; }

    /// <summary>Whether it has a terminal that can be resized.</summary>
    public abstract bool CanResize { get; }

    /// <summary>Its exit code, once a read has answered <see cref="ExecChannel.End"/>; null before, and when a signal ended it.</summary>
    public abstract int? ExitCode { get; }

    /// <summary>Reads what comes next. A read that is cancelled loses nothing.</summary>
    /// <exception cref="HypervisorException">There is no such program (<see cref="ErrorCode.NotFound"/>), or the connection is lost and how it ended is not known (<see cref="ErrorCode.Unavailable"/>).</exception>
    public abstract ValueTask<ExecRead> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Writes to its standard input.</summary>
    /// <exception cref="HypervisorException">It has ended, or its input was ended (<see cref="ErrorCode.InvalidState"/>).</exception>
    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken = default);

    /// <summary>Ends its standard input. Of a terminal, which has no end, its end-of-input character is typed (Ctrl+D).</summary>
    public abstract ValueTask CompleteInputAsync(CancellationToken cancellationToken = default);

    /// <summary>Gives its terminal another size, in characters.</summary>
    public abstract ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default);

    /// <summary>Sends it a signal.</summary>
    public abstract ValueTask SignalAsync(SignalName signal, CancellationToken cancellationToken = default);

    /// <summary>Closes the stream; promises nothing about the process.</summary>
    public abstract ValueTask DisposeAsync();
}
