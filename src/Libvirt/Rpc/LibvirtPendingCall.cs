using System.Buffers;
using System.Threading.Tasks.Sources;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <summary>
/// A call under way or waiting for its turn. It has two holders, the session and the caller, and goes back to the pool when both have let go: a call that was cancelled keeps its serial
/// until the reply.
/// </summary>
internal abstract class LibvirtPendingCall
{
    private const int Holders = 2;

    private int _holders;
    private int _settled;
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;

    public LibvirtProcedure Procedure { get; private set; } = null!;

    public LibvirtSession Session { get; private set; } = null!;

    public uint Serial { get; set; }

    /// <summary>Whether it has left for the server. The session's lock guards it.</summary>
    public bool IsSent { get; set; }

    /// <summary>The message of a call that waits for its turn: rented.</summary>
    public byte[]? Frame { get; set; }

    public int FrameBytes { get; set; }

    /// <summary>The stream that begins with a good reply, or null.</summary>
    public LibvirtStream? Stream { get; set; }

    /// <summary>When the session gives up on it: a timestamp of its clock, or <see cref="long.MaxValue"/>.</summary>
    public long Deadline { get; private set; }

    public TimeSpan Timeout { get; private set; }

    /// <summary>The next in the pool, or in the batch that is being delivered.</summary>
    public LibvirtPendingCall? Next { get; set; }

    public bool IsSettled => Volatile.Read(ref _settled) != 0;

    /// <summary>What the call ends with instead of a result.</summary>
    public Exception? Error { get; set; }

    /// <summary>Decodes a reply and keeps the result until <see cref="Publish"/>.</summary>
    public abstract void ReadResult(ref XdrReader r);

    public void CancelBy(CancellationToken token)
    {
        if (!token.CanBeCanceled)
            return;
        _token = token;
        _registration = token.UnsafeRegister(static state => ((LibvirtPendingCall)state!).Cancel(), this);
    }

    /// <summary>True for the one who may end the call: by reply, cancellation, time-out or close.</summary>
    public bool TrySettle() => Interlocked.Exchange(ref _settled, 1) == 0;

    /// <summary>Wakes the caller with the result or the error. After it the call may belong to somebody else.</summary>
    public void Publish()
    {
        SetOutcome(runContinuationsAsynchronously: false);
        Release();
    }

    /// <summary>Ends the call early, while the session still holds it.</summary>
    public void EndEarly(Exception error)
    {
        if (!TrySettle())
            return;
        Error = error;
        SetOutcome(runContinuationsAsynchronously: true);
    }

    /// <summary>One holder lets go.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
            ReturnToPool();
    }

    public void ReturnFrame()
    {
        if (Frame is { } frame)
            ArrayPool<byte>.Shared.Return(frame);
        Frame = null;
    }

    protected void Start(LibvirtSession session, LibvirtProcedure procedure, LibvirtStream? stream, long deadline, TimeSpan timeout)
    {
        Session = session;
        Procedure = procedure;
        Stream = stream;
        Deadline = deadline;
        Timeout = timeout;
        IsSent = false;
        _settled = 0;
        _holders = Holders;
        Error = null;
        Next = null;
    }

    /// <summary>The caller has come for the result. Waits for a cancellation that is just running, so that it cannot meet the next call.</summary>
    protected void CallerIsDone()
    {
        _registration.Dispose();
        _registration = default;
        _token = default;
        Release();
    }

    protected abstract void SetOutcome(bool runContinuationsAsynchronously);

    protected abstract void ReturnToPool();

    private void Cancel() => Session.EndEarly(this, wasSent => new OperationCanceledException(
        wasSent ? $"Waiting for {Procedure.Name} was cancelled. The call had been sent to {Session.Endpoint} and may have been executed." : $"{Procedure.Name} was cancelled before it was sent.", _token));
}

/// <summary>A call whose result is a <typeparamref name="T"/>.</summary>
internal sealed class LibvirtPendingCall<T> : LibvirtPendingCall, IValueTaskSource<T>, IValueTaskSource
{
    private const int MaxPooled = 64;

    private static readonly Lock s_pool = new();
    private static LibvirtPendingCall<T>? s_top;
    private static int s_pooled;

    private ManualResetValueTaskSourceCore<T> _core;
    private XdrRead<T>? _read;
    private T _result = default!;

    public short Version => _core.Version;

    public static LibvirtPendingCall<T> Rent(LibvirtSession session, LibvirtProcedure procedure, XdrRead<T> read, LibvirtStream? stream, long deadline, TimeSpan timeout)
    {
        LibvirtPendingCall<T>? call;
        lock (s_pool)
        {
            call = s_top;
            if (call is not null)
            {
                s_top = (LibvirtPendingCall<T>?)call.Next;
                s_pooled--;
            }
        }

        call ??= new LibvirtPendingCall<T>();
        call._read = read;
        call.Start(session, procedure, stream, deadline, timeout);
        return call;
    }

    public override void ReadResult(ref XdrReader r) => _result = _read!(ref r);

    public T GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            CallerIsDone();
        }
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);

    protected override void SetOutcome(bool runContinuationsAsynchronously)
    {
        _core.RunContinuationsAsynchronously = runContinuationsAsynchronously;
        if (Error is { } error)
            _core.SetException(error);
        else
            _core.SetResult(_result);
    }

    protected override void ReturnToPool()
    {
        ReturnFrame();
        Stream = null;
        _core.Reset();
        _read = null;
        _result = default!;
        lock (s_pool)
        {
            if (s_pooled == MaxPooled)
                return;
            s_pooled++;
            Next = s_top;
            s_top = this;
        }
    }
}
