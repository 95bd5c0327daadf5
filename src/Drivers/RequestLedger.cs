using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// Gives requests their identity where the backend keeps none: the same id again is the same effect, and what became of it is looked up. Kept in memory, for as long as the server that it stands for keeps what it made;
/// a driver whose machines outlive its process writes its own to disk. Changes are accepted one at a time. Safe to use from several threads.
/// </summary>
/// <param name="time">The clock. Default: the system's.</param>
/// <param name="keptRequests">How many requests that have ended are remembered. Default 10,000; of one that is forgotten it is said that it has expired.</param>
public sealed class RequestLedger(TimeProvider? time = null, int keptRequests = 10_000) : IRequestLog
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _lock = new();
    private readonly Dictionary<RequestId, Entry> _entries = [];
    private readonly Queue<RequestId> _ended = [];
    private bool _hasForgotten;

    /// <summary>Begins an effect, or returns the operation that its request id began before.</summary>
    /// <typeparam name="T">What it makes or changes.</typeparam>
    /// <param name="kind">The word for the effect; a request id that began another kind is refused.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="defaultDeadline">How long the work may take where the request does not say.</param>
    /// <param name="accept">Looks whether it can be done, and refuses by throwing. Nothing else is accepted meanwhile. Returns the instance that it is about.</param>
    /// <param name="work">Does it, within the deadline. Its token is cancelled at the deadline, or when somebody cancels the work.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    /// <param name="canCancel">Whether the work heeds cancellation. Default true.</param>
    /// <exception cref="HypervisorException">What <paramref name="accept"/> throws; or the id began another kind of effect (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public Task<Operation<T>> BeginAsync<T>(string kind, RequestOptions? request, TimeSpan defaultDeadline, Func<InstanceId> accept, Func<WorkProgress, CancellationToken, Task<T>> work, CancellationToken cancellationToken, bool canCancel = true)
    {
        ArgumentNullException.ThrowIfNull(accept);
        ArgumentNullException.ThrowIfNull(work);
        cancellationToken.ThrowIfCancellationRequested();
        var id = request?.RequestId ?? RequestId.New(_time);
        lock (_lock)
        {
            if (_entries.GetValueOrDefault(id) is { Error: null } known)
            {
                return known.Kind == kind && known.Operation is Operation<T> same ? Task.FromResult(same)
                    : throw new HypervisorException($"The request {id} was '{known.Kind}' before and cannot be '{kind}' now. A request id stands for one effect.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
            }

            var progress = new WorkProgress { CanCancel = canCancel };
            var entry = new Entry { Kind = kind, Instance = accept() };
            var operation = new TrackedOperation<T>(null, id, RunAsync(id, entry, request?.Deadline ?? defaultDeadline, progress, work), progress);
            entry.Operation = operation;
            _entries[id] = entry;
            return Task.FromResult<Operation<T>>(operation);
        }
    }

    /// <inheritdoc />
    public Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default)
    {
        if (id.IsDefault)
            throw new ArgumentException("A request id is needed.", nameof(id));
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            var entry = _entries.GetValueOrDefault(id);
            return Task.FromResult(new RequestLookup
            {
                State = entry switch
                {
                    null => _hasForgotten ? RequestState.Expired : RequestState.NeverSeen,
                    { Error: not null } => RequestState.Failed,
                    { HasEnded: true } => RequestState.Succeeded,
                    _ => RequestState.Running,
                },
                Instance = entry?.Instance,
                Error = entry?.Error,
            });
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "What the work throws is the operation's error, in the words of the contract.")]
    private async Task<T> RunAsync<T>(RequestId id, Entry entry, TimeSpan deadline, WorkProgress progress, Func<WorkProgress, CancellationToken, Task<T>> work)
    {
        await Task.Yield();
        using var timeout = new CancellationTokenSource(deadline, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, progress.Cancelled);
        try
        {
            var result = await work(progress, either.Token).ConfigureAwait(false);
            End(id, entry, null);
            return result;
        }
        catch (Exception error)
        {
            var failure = error switch
            {
                HypervisorException known => known,
                OperationCanceledException when timeout.IsCancellationRequested => new HypervisorException($"The work did not finish within {deadline.TotalSeconds:0.#} s.", ErrorCode.Timeout, RequestOutcome.FailedMidway, error),
                OperationCanceledException => new HypervisorException("The work was cancelled.", ErrorCode.Cancelled, RequestOutcome.FailedMidway, error),
                _ => new HypervisorException($"The work failed: {error.Message}", ErrorCode.Unspecified, RequestOutcome.FailedMidway, error),
            };
            End(id, entry, failure);
            throw failure;
        }
        finally
        {
            progress.Dispose();
        }
    }

    private void End(RequestId id, Entry entry, HypervisorException? error)
    {
        lock (_lock)
        {
            entry.HasEnded = true;
            entry.Error = error;
            _ended.Enqueue(id);
            if (_ended.Count <= keptRequests)
                return;
            _entries.Remove(_ended.Dequeue());
            _hasForgotten = true;
        }
    }

    private sealed class Entry
    {
        public required string Kind { get; init; }

        public required InstanceId Instance { get; init; }

        public Operation? Operation { get; set; }

        public bool HasEnded { get; set; }

        public HypervisorException? Error { get; set; }
    }
}
