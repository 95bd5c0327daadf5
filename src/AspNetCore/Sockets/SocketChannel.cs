using System.Text.Json;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>One channel of a WebSocket. It runs on its own: what it waits for holds up nobody else.</summary>
internal abstract class SocketChannel(SocketSession session, uint number) : IDisposable
{
    private readonly CancellationTokenSource _closing = new();
    private bool _disposed;

    public uint Number => number;

    protected SocketSession Session => session;

    /// <summary>Ends the channel; it says goodbye by itself.</summary>
    public void Close()
    {
        lock (_closing)
        {
            if (!_disposed)
                _ = _closing.CancelAsync();
        }
    }

    /// <summary>Opens, works and ends the channel. Never throws.</summary>
    public async Task RunAsync(CancellationToken socketClosed)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token, socketClosed);
        string? reason = null;
        HypervisorException? problem = null;
        try
        {
            reason = await WorkAsync(ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            reason = "closed by the client";
        }
        catch (HypervisorException failure)
        {
            problem = failure;
        }
        catch (ArgumentException failure)
        {
            // Misuse, in the words of a driver: whatever it was given came with the message.
            problem = new HypervisorException(failure.Message, ErrorCode.InvalidArgument, RequestOutcome.NotSent, failure);
        }
        catch (Exception failure) when (failure is IOException or InvalidOperationException or ObjectDisposedException)
        {
            problem = new HypervisorException(failure.Message, ErrorCode.Unavailable, RequestOutcome.Unknown, failure);
        }

        await session.EndAsync(this, reason, problem, socketClosed).ConfigureAwait(false);
    }

    /// <summary>Bytes from the client. Called by the reader of the socket: must not wait.</summary>
    public virtual void Receive(ReadOnlySpan<byte> payload) => throw SocketProtocolException.NoBytes(number);

    /// <summary>The client has taken bytes.</summary>
    public virtual void Credit(int bytes) => throw SocketProtocolException.NoBytes(number);

    /// <summary>The client's terminal has another size.</summary>
    public virtual void Resize(int columns, int rows) => throw SocketProtocolException.NoBytes(number);

    public void Dispose()
    {
        lock (_closing)
            _disposed = true;
        _closing.Dispose();
    }

    /// <returns>Why it ended, for a person.</returns>
    protected abstract Task<string> WorkAsync(CancellationToken closing);

    protected ValueTask SendAsync(string op, Action<Utf8JsonWriter>? members, CancellationToken cancellationToken) => session.SendAsync(op, number, members, cancellationToken);
}
