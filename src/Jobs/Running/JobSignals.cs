using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>
/// What the parts of one process tell each other, so that nobody has to wait for the next look at the store. What other processes did is found by one question per poll interval, whoever
/// waits here: an idle process asks no more than that.
/// </summary>
internal sealed class JobSignals(IJobStore store, JobsOptions options, ILogger<JobSignals> logger) : IAsyncDisposable, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<JobId, Watched> _watched = [];
    private readonly CancellationTokenSource _stop = new();
    private TaskCompletionSource _change = options.NewSource();
    private TaskCompletionSource _work = options.NewSource();
    private Task? _poll;
    private bool _isChanged;

    /// <summary>Somebody asked to cancel this job.</summary>
    public event Action<JobId>? CancelRequested;

    /// <summary>Completes at the next change of any job. Taken before the store is looked at.</summary>
    public Task Change
    {
        get
        {
            lock (_gate)
            {
                _poll ??= PollAsync();
                return _change.Task;
            }
        }
    }

    /// <summary>Completes when there may be something for a worker to do. Taken before the store is looked at.</summary>
    public Task Work
    {
        get
        {
            lock (_gate)
            {
                _poll ??= PollAsync();
                return _work.Task;
            }
        }
    }

    /// <summary>True once after others may have changed something; what this process did may be among it.</summary>
    public bool TakeChanged()
    {
        lock (_gate)
        {
            bool was = _isChanged;
            _isChanged = false;
            return was;
        }
    }

    public void RequestCancel(JobId id) => CancelRequested?.Invoke(id);

    /// <summary>There may be something for a worker to do: a job was made, or a place or a lane became free.</summary>
    public void PulseWork()
    {
        lock (_gate)
        {
            options.Complete(_work);
            _work = options.NewSource();
        }
    }

    /// <summary>A job changed, perhaps for the last time.</summary>
    public void PulseJob(JobId id)
    {
        lock (_gate)
        {
            if (_watched.Remove(id, out var watched))
                options.Complete(watched.Change);
            options.Complete(_change);
            _change = options.NewSource();
        }
    }

    /// <summary>Is told when the job may have ended; taken before the store is looked at.</summary>
    public JobWatch Watch(JobId id)
    {
        lock (_gate)
        {
            _poll ??= PollAsync();
            if (!_watched.TryGetValue(id, out var watched))
                _watched[id] = watched = new Watched(options.NewSource());
            watched.Watchers++;
            return new JobWatch(this, id, watched);
        }
    }

    // Who was told is out of the table already: another watch of the same job may be there by now, and is not ours to end.
    private void Unwatch(JobId id, Watched watched)
    {
        lock (_gate)
        {
            if (--watched.Watchers == 0 && _watched.TryGetValue(id, out var current) && current == watched)
                _watched.Remove(id);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task? poll;
        lock (_gate)
            poll = _poll;
        await options.StopAsync(_stop).ConfigureAwait(false);
        if (poll is not null)
            await poll.ConfigureAwait(false);
        _stop.Dispose();
    }

    public void Dispose() => _stop.Cancel();

    private async Task PollAsync()
    {
        // Begun within the lock.
        await options.NewTurn();
        using var timer = new PeriodicTimer(options.PollInterval, options.TimeProvider);
        store.Changed += PulseAll;
        long seen = -1;
        bool isSilent = false;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                long position = await store.GetPositionAsync(CancellationToken.None).ConfigureAwait(false);
                if (position != seen)
                    PulseAll();
                seen = position;
                isSilent = false;
            }
#pragma warning disable CA1031 // Whatever it is: nobody here would be told of anything any more.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (!isSilent)
                    logger.LogWarning(exception, "The job store does not answer; asking again every {PollInterval}.", options.PollInterval);
                isSilent = true;
            }

            try
            {
                // A timer that is no more ticks no more: who waits for it again is not to ask without end.
                if (!await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
                    break;
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        store.Changed -= PulseAll;
    }

    private void PulseAll()
    {
        lock (_gate)
        {
            _isChanged = true;
            foreach (var watched in _watched.Values)
                options.Complete(watched.Change);
            _watched.Clear();
            options.Complete(_change);
            _change = options.NewSource();
        }

        PulseWork();
    }

    /// <summary>One wait for a change of a job.</summary>
    internal readonly struct JobWatch(JobSignals signals, JobId id, Watched watched) : IDisposable
    {
        public Task Change => watched.Change.Task;

        public void Dispose() => signals.Unwatch(id, watched);
    }

    internal sealed class Watched(TaskCompletionSource change)
    {
        public TaskCompletionSource Change { get; } = change;

        public int Watchers { get; set; }
    }
}
