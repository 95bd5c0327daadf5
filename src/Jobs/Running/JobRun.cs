using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>An attempt that runs here.</summary>
internal sealed class JobRun : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _source = new();
    private readonly Action<Action>? _loop;
    private readonly TimeSpan? _limit;
    private bool _isDisposed;
    private bool _hasReturned;
    private bool _isEnding;

    /// <param name="claim">What was taken.</param>
    /// <param name="now">When.</param>
    /// <param name="limit">Its time limit.</param>
    /// <param name="loop">See <see cref="JobsOptions.Loop"/>.</param>
    public JobRun(ClaimedJob claim, DateTimeOffset now, TimeSpan? limit, Action<Action>? loop)
    {
        _loop = loop;
        Claim = claim;
        _limit = limit is null || claim.DeadlineAt < now + limit ? null : limit;
        StopAt = _limit is null ? claim.DeadlineAt : now + _limit;
        Token = _source.Token;
    }

    public ClaimedJob Claim { get; }

    /// <summary>The handler, and the storing of its end.</summary>
    public Task Task { get; set; } = Task.CompletedTask;

    /// <summary>The storing of the end of one that was abandoned.</summary>
    public Task Abandoning { get; set; } = Task.CompletedTask;

    /// <summary>The renewal of the lease that is under way, or was last. Of who renews only.</summary>
    public Task<bool?>? Renewal { get; set; }

    public RunStop Reason { get; private set; }

    public CancellationToken Token { get; }

    /// <summary>When it is asked to stop, where it has a limit or a deadline.</summary>
    public DateTimeOffset? StopAt { get; private set; }

    /// <summary>When it is given up, once it was asked to stop.</summary>
    public DateTimeOffset? AbandonAt { get; private set; }

    public bool IsAbandoned { get; private set; }

    /// <summary>Its handler has ended, or was abandoned; that is being stored, and its place is free.</summary>
    public bool IsEnding { get => Volatile.Read(ref _isEnding); set => Volatile.Write(ref _isEnding, value); }

    /// <summary>What the handler threw.</summary>
    public Exception? Failure { get; set; }

    /// <summary>The first reason wins.</summary>
    public void Stop(RunStop reason, DateTimeOffset? abandonAt)
    {
        lock (_gate)
        {
            if (_isDisposed || Reason != RunStop.None)
                return;
            Reason = reason;
            AbandonAt = abandonAt;
            // Callbacks of the handler run elsewhere: they may block.
            if (_loop is null)
                _ = _source.CancelAsync();
            else
                _loop(Cancel);
        }
    }

    private void Cancel()
    {
        // His token is there as long as he is.
        if (!_isDisposed)
            _source.Cancel();
    }

    /// <summary>The clock went back: what lasts a while ends when it would have, and a deadline when the clock says so. Of the worker's loop only.</summary>
    public void ClockWentBack(DateTimeOffset now, TimeSpan by, TimeSpan abandonAfter)
    {
        lock (_gate)
        {
            // What is no further away than it can be was said by the clock as it is.
            if (AbandonAt > now + abandonAfter)
                AbandonAt -= by;
            if (StopAt > now + _limit)
                StopAt -= by;
        }
    }

    /// <summary>Gives it up, unless its handler has returned: of the two one alone says how the attempt ended.</summary>
    public bool TryAbandon()
    {
        lock (_gate)
            return !_hasReturned && !IsAbandoned && (IsAbandoned = true);
    }

    /// <summary>The handler has returned; false where it was given up before.</summary>
    public bool TryReturn()
    {
        lock (_gate)
            return !IsAbandoned && (_hasReturned = true);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _source.Dispose();
        }
    }
}
