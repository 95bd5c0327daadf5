using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Transport.Calls;

/// <summary>
/// Who runs the callers of a session. The replies of one read are collected; then the read loop waits for the connection, and the thread that has become free by that wakes the callers: no thread hop, and a caller that blocks his
/// thread holds up neither the loop nor, for longer than a moment, the callers behind him. It allocates nothing.
/// </summary>
/// <remarks>All of it is for the one read loop of a session, but <see cref="IsDelivering"/>, which is for everybody.</remarks>
public sealed class ReplyDelivery : IThreadPoolWorkItem
{
    /// <summary>Replies that are collected before they are delivered, at most, while more is there to be read.</summary>
    private const int MaxBatch = 128;

    [ThreadStatic]
    private static ReplyDelivery? t_delivering;

    private readonly IReplySession _session;
    private readonly StallWatch _watch;

    // Of the read loop alone: the replies of this read, in order.
    private PendingCall? _batchFirst;
    private PendingCall? _batchLast;
    private int _batchCount;

    // Replies on their way to their callers, under their own lock.
    private readonly Lock _gate = new();
    private PendingCall? _first;
    private PendingCall? _last;

    /// <summary>Begins with nothing to deliver.</summary>
    public ReplyDelivery(IReplySession session)
    {
        ArgumentNullException.ThrowIfNull(session);
        _session = session;
        _watch = new StallWatch(DeliverQueued);
    }

    /// <summary>Whether the calling thread is waking callers of this session: what they write leaves with one flush when all of them have run (<see cref="IReplySession.FlushDeferred"/>).</summary>
    public bool IsDelivering => t_delivering == this;

    /// <summary>Puts a call whose reply has been read into the batch.</summary>
    /// <param name="call">The call, which the session has taken out of its table.</param>
    /// <param name="error">What it ends with instead of a result; null for a result.</param>
    /// <returns>False when its caller has gone away: the session's hold of it is over.</returns>
    public bool TryCollect(PendingCall call, Exception? error)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (!call.TrySettle())
        {
            call.Release();
            return false;
        }

        call.Error = error;
        call.Next = null;
        if (_batchLast is null)
            _batchFirst = call;
        else
            _batchLast.Next = call;
        _batchLast = call;
        _batchCount++;
        return true;
    }

    /// <summary>Reads what comes next, and wakes the callers of the batch while nothing is there.</summary>
    public Reading ReadAsync(PipeReader input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var read = input.ReadAsync();
        if (!read.IsCompleted)
            return new Reading(this, read, TakeBatch());
        if (_batchCount >= MaxBatch)
            DeliverElsewhere(TakeBatch());
        return new Reading(this, read, default);
    }

    /// <summary>Has another thread wake the callers of the batch: the loop ends, or waits for something else than the connection.</summary>
    public void DeliverElsewhere()
    {
        if (_batchFirst is not null)
            DeliverElsewhere(TakeBatch());
    }

    void IThreadPoolWorkItem.Execute() => DeliverQueued();

    private Batch TakeBatch()
    {
        var batch = new Batch(_batchFirst, _batchLast, _batchCount);
        _batchFirst = _batchLast = null;
        _batchCount = 0;
        return batch;
    }

    /// <summary>Runs the callers of a batch on this thread, which is free for it.</summary>
    private void Deliver(Batch batch)
    {
        if (batch.Count == 1)
        {
            batch.First!.Publish();
            return;
        }

        // One of these callers may block his thread until another one has run, or until what he sends is answered: then the watch has another thread go on.
        Queue(batch);
        _watch.Enter();
        DeliverQueued();
        _watch.Leave();
    }

    private void DeliverElsewhere(Batch batch)
    {
        Queue(batch);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Queue(Batch batch)
    {
        lock (_gate)
        {
            if (_last is null)
                _first = batch.First;
            else
                _last.Next = batch.First;
            _last = batch.Last;
        }
    }

    private void DeliverQueued()
    {
        var outer = t_delivering;
        t_delivering = this;
        while (true)
        {
            PendingCall? call;
            lock (_gate)
            {
                call = _first;
                if (call is null)
                    break;
                _first = call.Next;
                if (_first is null)
                    _last = null;
            }

            call.Publish();
        }

        t_delivering = outer;
        _session.FlushDeferred();
    }

    /// <summary>A read that is awaited once: hands the loop's continuation to the read, then wakes the callers on the thread that has become free by that.</summary>
    public readonly struct Reading : ICriticalNotifyCompletion
    {
        private readonly ReplyDelivery _delivery;
        private readonly ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read;
        private readonly Batch _batch;

        internal Reading(ReplyDelivery delivery, ValueTask<ReadResult> read, Batch batch)
        {
            _delivery = delivery;
            _read = read.ConfigureAwait(false).GetAwaiter();
            _batch = batch;
        }

        /// <summary>Whether it was done at once, and nobody is to be woken now.</summary>
        public bool IsCompleted => _batch.Count == 0 && _read.IsCompleted;

        /// <summary>What <c>await</c> asks for.</summary>
        public Reading GetAwaiter() => this;

        /// <summary>What was read.</summary>
        public ReadResult GetResult() => _read.GetResult();

        /// <inheritdoc />
        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        /// <inheritdoc />
        public void UnsafeOnCompleted(Action continuation)
        {
            // From here on the loop may run on another thread: nothing of it is touched.
            _read.UnsafeOnCompleted(continuation);
            if (_batch.Count == 0)
                return;
            _delivery.Deliver(_batch);
            // More replies are coming: a server that waits for this core writes them now, and one wake-up takes them all.
            if (_delivery._session.CallsUnderWay > 1)
                Thread.Yield();
        }
    }

    internal readonly record struct Batch(PendingCall? First, PendingCall? Last, int Count);
}
