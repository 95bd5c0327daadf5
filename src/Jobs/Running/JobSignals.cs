namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>What the parts of one process tell each other, so that nobody has to wait for the next look at the store.</summary>
internal sealed class JobSignals
{
    private readonly Lock _gate = new();
    private readonly Dictionary<JobId, Watched> _watched = [];
    private TaskCompletionSource _work = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Somebody asked to cancel this job.</summary>
    public event Action<JobId>? CancelRequested;

    /// <summary>Completes when there may be something for a worker to do. Taken before the store is looked at.</summary>
    public Task Work
    {
        get
        {
            lock (_gate)
                return _work.Task;
        }
    }

    public void PulseWork()
    {
        lock (_gate)
        {
            _work.TrySetResult();
            _work = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void RequestCancel(JobId id) => CancelRequested?.Invoke(id);

    /// <summary>A job ended.</summary>
    public void PulseEnd(JobId id)
    {
        lock (_gate)
        {
            if (_watched.Remove(id, out var watched))
                watched.End.TrySetResult();
        }
    }

    /// <summary>Completes when the job ends; taken before the store is looked at, and given back by <see cref="Unwatch"/>.</summary>
    public Task Watch(JobId id)
    {
        lock (_gate)
        {
            if (!_watched.TryGetValue(id, out var watched))
                _watched[id] = watched = new Watched();
            watched.Watchers++;
            return watched.End.Task;
        }
    }

    public void Unwatch(JobId id)
    {
        lock (_gate)
        {
            if (_watched.TryGetValue(id, out var watched) && --watched.Watchers <= 0)
                _watched.Remove(id);
        }
    }

    private sealed class Watched
    {
        public TaskCompletionSource End { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Watchers { get; set; }
    }
}
