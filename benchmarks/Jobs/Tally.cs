namespace Hypervisor.Sdk.Benchmarks.Jobs;

/// <summary>A count that one at a time waits for.</summary>
internal sealed class Tally
{
    private int _count;
    private Waiter? _waiter;

    public int Count => Volatile.Read(ref _count);

    public void Add()
    {
        int count = Interlocked.Increment(ref _count);
        Volatile.Read(ref _waiter)?.Tell(count);
    }

    /// <summary>Ends when it is at least so many.</summary>
    public Task ReachAsync(int count)
    {
        var waiter = new Waiter(count);
        // With a fence on both sides: either it is seen here, or told from there.
        Interlocked.Exchange(ref _waiter, waiter);
        waiter.Tell(Count);
        return waiter.Task;
    }

    private sealed class Waiter(int count)
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Task => _reached.Task;

        public void Tell(int now)
        {
            if (now >= count)
                _reached.TrySetResult();
        }
    }
}
