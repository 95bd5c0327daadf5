using System.Buffers;
using System.Threading.Tasks.Sources;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Transport.Calls;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <summary>A call under way or waiting for its turn. One that was cancelled keeps its serial until the reply.</summary>
internal abstract class LibvirtPendingCall : PendingCall
{
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

    /// <summary>Decodes a reply and keeps the result until the call is delivered.</summary>
    public abstract void ReadResult(ref XdrReader r);

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
        IsSent = false;
        Start(deadline, timeout);
    }

    protected override void Cancel(CancellationToken token) => Session.EndEarly(this, wasSent => new OperationCanceledException(
        wasSent ? $"Waiting for {Procedure.Name} was cancelled. The call had been sent to {Session.Endpoint} and may have been executed." : $"{Procedure.Name} was cancelled before it was sent.", token));
}

/// <summary>A call whose result is a <typeparamref name="T"/>.</summary>
internal sealed class LibvirtPendingCall<T> : LibvirtPendingCall, IValueTaskSource<T>, IValueTaskSource
{
    private static readonly PendingCallPool<LibvirtPendingCall<T>> s_pool = new(64);

    private ManualResetValueTaskSourceCore<T> _core;
    private XdrRead<T>? _read;
    private T _result = default!;

    public short Version => _core.Version;

    public static LibvirtPendingCall<T> Rent(LibvirtSession session, LibvirtProcedure procedure, XdrRead<T> read, LibvirtStream? stream, long deadline, TimeSpan timeout)
    {
        var call = s_pool.Rent();
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
        s_pool.Return(this);
    }
}
