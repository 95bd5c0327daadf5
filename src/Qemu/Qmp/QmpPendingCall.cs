using System.Text.Json;
using System.Threading.Tasks.Sources;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>A call in flight. It has two holders, the table of ids and the caller, and goes back to the pool when both have let go: a call that was cancelled keeps its id until the reply.</summary>
internal abstract class QmpPendingCall
{
    private const int Holders = 2;

    private int _holders;
    private int _settled;
    private QmpSession? _session;
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;

    public QapiCommand? Command { get; private set; }

    public int Id { get; set; }

    /// <summary>When the session gives up on it: a timestamp of its clock, or <see cref="long.MaxValue"/>.</summary>
    public long Deadline { get; private set; }

    public TimeSpan Timeout { get; private set; }

    /// <summary>The next in the pool, or in the batch that is being delivered.</summary>
    public QmpPendingCall? Next { get; set; }

    public bool IsSettled => Volatile.Read(ref _settled) != 0;

    /// <summary>What the call ends with instead of a result.</summary>
    public Exception? Error { get; set; }

    /// <summary>Decodes the value of a reply and keeps the result until <see cref="Publish"/>.</summary>
    public abstract void ReadResult(ref Utf8JsonReader r);

    public void CancelBy(CancellationToken token)
    {
        if (!token.CanBeCanceled)
            return;
        _token = token;
        _registration = token.UnsafeRegister(static state => ((QmpPendingCall)state!).Cancel(), this);
    }

    /// <summary>True for the one who may end the call: by reply, cancellation, time-out or close.</summary>
    public bool TrySettle() => Interlocked.Exchange(ref _settled, 1) == 0;

    /// <summary>Wakes the caller with the result or the error. After it the call may belong to somebody else.</summary>
    public void Publish()
    {
        SetOutcome(runContinuationsAsynchronously: false);
        Release();
    }

    /// <summary>Ends the call early, while its id stays taken.</summary>
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

    protected void Start(QmpSession session, QapiCommand command, long deadline, TimeSpan timeout)
    {
        _session = session;
        Command = command;
        Deadline = deadline;
        Timeout = timeout;
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

    private void Cancel() => EndEarly(new OperationCanceledException(
        $"Waiting for {Command!.Name} was cancelled. The command had been sent to {_session!.Endpoint} and may have been executed.", _token));
}

/// <summary>A call whose result is a <typeparamref name="T"/>.</summary>
internal sealed class QmpPendingCall<T> : QmpPendingCall, IValueTaskSource<T>, IValueTaskSource
{
    private const int MaxPooled = 256;

    private static readonly Lock s_pool = new();
    private static QmpPendingCall<T>? s_top;
    private static int s_pooled;

    private ManualResetValueTaskSourceCore<T> _core;
    private QapiRead<T>? _read;
    private T _result = default!;

    public short Version => _core.Version;

    public static QmpPendingCall<T> Rent(QmpSession session, QapiCommand command, QapiRead<T> read, long deadline, TimeSpan timeout)
    {
        QmpPendingCall<T>? call;
        lock (s_pool)
        {
            call = s_top;
            if (call is not null)
            {
                s_top = (QmpPendingCall<T>?)call.Next;
                s_pooled--;
            }
        }

        call ??= new QmpPendingCall<T>();
        call._read = read;
        call.Start(session, command, deadline, timeout);
        return call;
    }

    public override void ReadResult(ref Utf8JsonReader r) => _result = _read!(ref r);

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
