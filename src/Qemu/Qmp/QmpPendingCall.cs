using System.Text.Json;
using System.Threading.Tasks.Sources;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Transport.Calls;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>A command in flight. One that was cancelled keeps its id until the reply.</summary>
internal abstract class QmpPendingCall : PendingCall
{
    private QmpSession? _session;

    public QapiCommand? Command { get; private set; }

    public int Id { get; set; }

    /// <summary>Decodes the value of a reply and keeps the result until the call is delivered.</summary>
    public abstract void ReadResult(ref Utf8JsonReader r);

    protected void Start(QmpSession session, QapiCommand command, long deadline, TimeSpan timeout)
    {
        _session = session;
        Command = command;
        Start(deadline, timeout);
    }

    protected override void Cancel(CancellationToken token) => EndEarly(new OperationCanceledException(
        $"Waiting for {Command!.Name} was cancelled. The command had been sent to {_session!.Endpoint} and may have been executed.", token));
}

/// <summary>A call whose result is a <typeparamref name="T"/>.</summary>
internal sealed class QmpPendingCall<T> : QmpPendingCall, IValueTaskSource<T>, IValueTaskSource
{
    private static readonly PendingCallPool<QmpPendingCall<T>> s_pool = new(256);

    private ManualResetValueTaskSourceCore<T> _core;
    private QapiRead<T>? _read;
    private T _result = default!;

    public short Version => _core.Version;

    public static QmpPendingCall<T> Rent(QmpSession session, QapiCommand command, QapiRead<T> read, long deadline, TimeSpan timeout)
    {
        var call = s_pool.Rent();
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
        s_pool.Return(this);
    }
}
