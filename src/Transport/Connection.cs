using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Transport;

/// <summary>
/// A connection to a peer as two pipes. <see cref="Input"/> has one reader at a time. <see cref="Output"/> has one writer at a time; while a flush is pending the writer may go on
/// writing, and a second flush begins only when the first has completed: that is how messages of many callers, who share a lock of their own, leave in one send.
/// </summary>
/// <remarks>
/// Nothing is read ahead: bytes leave the operating system's buffer only when somebody reads <see cref="Input"/>, so that a slow reader stops the peer. A flush completes when the
/// operating system has taken all bytes, so that a slow peer stops the writer. Continuations run on the thread that completed the input or output: one that blocks delays only
/// its own connection.
/// </remarks>
public abstract partial class Connection : IDuplexPipe, IAsyncDisposable
{
    private const int InputSide = 1;
    private const int OutputSide = 2;

    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ConnectionClosedException? _closeReason;
    private int _aborted;
    private int _endedSides;

    private protected Connection(string endpoint) => Endpoint = endpoint;

    /// <summary>The peer for messages and logs, for example <c>unix:/run/qemu.sock</c>, <c>tcp:host:8006</c>, <c>tls:host:8443</c>, <c>process:qemu-img</c>.</summary>
    public string Endpoint { get; }

    /// <summary>
    /// What the peer sends. A result with <see cref="ReadResult.IsCompleted"/> is the regular end: the peer will send no more. Every other end throws <see cref="CloseReason"/>.
    /// A cancelled read loses nothing: the next read returns what arrived meanwhile.
    /// </summary>
    public abstract PipeReader Input { get; }

    /// <summary>
    /// What is sent to the peer, at each flush. Completing it sends the rest and ends this direction (half close). When the connection is closed a flush throws <see cref="CloseReason"/>.
    /// Cancelling a flush cancels the wait: the bytes are sent all the same.
    /// </summary>
    public abstract PipeWriter Output { get; }

    /// <summary>Completes, always successfully, when <see cref="CloseReason"/> is set.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Why the connection is closed, or null while it is open. The first reason stays, and is what every pending and later read and flush throws.</summary>
    public ConnectionClosedException? CloseReason => Volatile.Read(ref _closeReason);

    internal bool IsAborted => Volatile.Read(ref _aborted) != 0;

    /// <summary>
    /// Closes the connection at once; bytes not yet sent or read are lost. When it is the first reason it becomes <see cref="CloseReason"/>: itself when it is a
    /// <see cref="ConnectionClosedException"/>, else as the inner exception of one.
    /// </summary>
    public void Abort(Exception reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        Close(reason as ConnectionClosedException ?? new ConnectionClosedException($"The connection to {Endpoint} was closed: {reason.Message}", reason));
        if (Interlocked.Exchange(ref _aborted, 1) == 0)
            ReleaseTransport();
    }

    /// <summary>Closes the connection at once, like <see cref="Abort"/>. To have everything sent first, complete <see cref="Output"/>. May be called again, and never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!IsAborted)
            Abort(new ConnectionClosedException($"The connection to {Endpoint} was closed by this side."));
        await DisposeTransportAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Hands an open file to the peer of a unix socket (SCM_RIGHTS of unix(7)), together with one byte of the stream. Only while nothing that was written to <see cref="Output"/> is unsent.</summary>
    /// <param name="file">The file; this side's stays open.</param>
    /// <param name="marker">The byte: a file cannot travel alone.</param>
    /// <exception cref="NotSupportedException">The connection is not a unix socket.</exception>
    /// <exception cref="IOException">The peer is gone, or does not read.</exception>
    [SupportedOSPlatform("linux")]
    public virtual void SendFile(SafeHandle file, byte marker) => throw new NotSupportedException($"{Endpoint} is no unix socket: files are passed on by those only.");

    /// <inheritdoc />
    public override string ToString() => Endpoint;

    /// <summary>Sets the first reason. What has arrived can still be read, unless the connection is aborted as well.</summary>
    internal ConnectionClosedException Close(ConnectionClosedException reason)
    {
        ConnectionClosedException? first = Interlocked.CompareExchange(ref _closeReason, reason, null);
        if (first is not null)
            return first;
        _closed.TrySetResult();
        return reason;
    }

    /// <summary>Closes because of an error of the transport and returns the first reason.</summary>
    internal ConnectionClosedException CloseBy(string direction, Exception error) =>
        CloseReason ?? Close(error as ConnectionClosedException ?? new ConnectionClosedException($"{direction} {Endpoint} failed: {error.Message}", error));

    /// <summary>The peer has ended its direction.</summary>
    internal void InputEnded() => Ended(InputSide);

    /// <summary>This side has ended its direction.</summary>
    internal void OutputEnded() => Ended(OutputSide);

    /// <summary>Closes the sockets, streams or processes without waiting, so that pending operations end. Called once; must not throw.</summary>
    private protected abstract void ReleaseTransport();

    /// <summary>Waits for what <see cref="ReleaseTransport"/> began. May be called again; must not throw.</summary>
    private protected virtual ValueTask DisposeTransportAsync() => ValueTask.CompletedTask;

    private void Ended(int side)
    {
        if ((Interlocked.Or(ref _endedSides, side) | side) == (InputSide | OutputSide))
            Close(new ConnectionClosedException($"The connection to {Endpoint} has ended: both sides have sent all they had."));
    }
}
