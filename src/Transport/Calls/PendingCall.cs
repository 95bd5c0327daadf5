namespace Hypervisor.Sdk.Transport.Calls;

/// <summary>
/// A call under way over a connection that carries many at once. It has two holders, the session and the caller, and goes back to its pool when both have let go: a call that was cancelled keeps its number until the reply.
/// </summary>
/// <remarks>A protocol derives its own calls from it, which are what the caller's value task asks (<see cref="System.Threading.Tasks.Sources.IValueTaskSource{TResult}"/>); <see cref="ReplyDelivery"/> wakes their callers.</remarks>
public abstract class PendingCall
{
    private const int Holders = 2;

    private int _holders;
    private int _settled;
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;

    /// <summary>When the session gives up on it: a timestamp of its clock, or <see cref="long.MaxValue"/> for never.</summary>
    public long Deadline { get; private set; }

    /// <summary>How long the server had, for the message of a time-out.</summary>
    public TimeSpan Timeout { get; private set; }

    /// <summary>Whether it has ended by reply, cancellation, time-out or close.</summary>
    public bool IsSettled => Volatile.Read(ref _settled) != 0;

    /// <summary>What it ends with instead of a result; null for a result.</summary>
    public Exception? Error { get; set; }

    /// <summary>The next in the pool, or in the batch that is being delivered.</summary>
    internal PendingCall? Next { get; set; }

    /// <summary>Ends the call when a token is cancelled. Once, by the one who has sent it.</summary>
    public void CancelBy(CancellationToken token)
    {
        if (!token.CanBeCanceled)
            return;
        _token = token;
        _registration = token.UnsafeRegister(static state => ((PendingCall)state!).Cancel(), this);
    }

    /// <summary>True for the one who may end the call: by reply, cancellation, time-out or close.</summary>
    public bool TrySettle() => Interlocked.Exchange(ref _settled, 1) == 0;

    /// <summary>Ends the call early, while the session still holds it; nothing where it has ended. Its caller goes on on another thread.</summary>
    public void EndEarly(Exception error)
    {
        if (!TrySettle())
            return;
        Error = error;
        SetOutcome(runContinuationsAsynchronously: true);
    }

    /// <summary>One holder lets go. After it the call may belong to somebody else.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
            ReturnToPool();
    }

    /// <summary>Wakes the caller with the result or the error, on this thread. After it the call may belong to somebody else.</summary>
    internal void Publish()
    {
        SetOutcome(runContinuationsAsynchronously: false);
        Release();
    }

    /// <summary>Makes the call a new one, held by the session and the caller.</summary>
    /// <param name="deadline">When the session gives up on it: a timestamp of its clock, or <see cref="long.MaxValue"/> for never.</param>
    /// <param name="timeout">How long that is.</param>
    protected void Start(long deadline, TimeSpan timeout)
    {
        Deadline = deadline;
        Timeout = timeout;
        _settled = 0;
        _holders = Holders;
        Error = null;
        Next = null;
    }

    /// <summary>The caller's token was cancelled: ends the call early, with an <see cref="OperationCanceledException"/> of that token that says what is known of the request.</summary>
    protected abstract void Cancel(CancellationToken token);

    /// <summary>The caller has come for the result, and lets go. Waits for a cancellation that is just running, so that it cannot meet the next call.</summary>
    protected void CallerIsDone()
    {
        _registration.Dispose();
        _registration = default;
        _token = default;
        Release();
    }

    /// <summary>Ends the value task with <see cref="Error"/>, or with the result where that is null.</summary>
    /// <param name="runContinuationsAsynchronously">Whether the caller goes on on another thread.</param>
    protected abstract void SetOutcome(bool runContinuationsAsynchronously);

    /// <summary>Both holders have let go: forgets what belongs to this call, and puts it back into its <see cref="PendingCallPool{TCall}"/>.</summary>
    protected abstract void ReturnToPool();

    private void Cancel() => Cancel(_token);
}
