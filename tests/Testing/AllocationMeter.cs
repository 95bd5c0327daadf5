namespace Hypervisor.Sdk.Testing;

/// <summary>Measures what the whole process allocates, across all threads, while a piece of work runs.</summary>
public static class AllocationMeter
{
    /// <summary>
    /// Runs <paramref name="work"/> until it is warm, then again, and returns the bytes that all threads together allocated in the best of the measured runs: other threads of the
    /// test host can only add bytes, never take any away. Measures until a run was <paramref name="goodEnough"/>: on a busy machine the pool starts threads in the middle of it.
    /// </summary>
    public static async Task<long> MeasureAsync(long goodEnough, Func<Task> work, int warmups = 2, int attempts = 10)
    {
        for (int i = 0; i < warmups; i++)
            await work();

        long best = long.MaxValue;
        for (int i = 0; i < attempts && best > goodEnough; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await work();
            best = Math.Min(best, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return best;
    }
}
