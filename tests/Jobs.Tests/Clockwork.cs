namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Moves the clock of engines that have parked themselves on their timers: the loop of each worker, and of each process the question for what others did.</summary>
internal static class Clockwork
{
    public static async Task<T> UntilAsync<T>(this ManualTimeProvider clock, Task<T> happened, int parkedTimers = 2, double stepSeconds = 1)
    {
        while (!happened.IsCompleted)
        {
            await clock.TickAsync(parkedTimers, stepSeconds);
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }

        return await happened;
    }

    /// <summary>The same with a pause of real time at each step, for leases that must not run out: who was woken is counted as parked until he has a thread.</summary>
    public static async Task<T> SlowlyUntilAsync<T>(this ManualTimeProvider clock, Task<T> happened)
    {
        while (!happened.IsCompleted)
        {
            await clock.TickAsync(stepSeconds: 0.01);
            await Task.Delay(TimeSpan.FromMilliseconds(1), TestContext.Current.CancellationToken);
        }

        return await happened;
    }

    /// <summary>
    /// Puts the clock to a time, and moves it by a hundredth of a second for each thousandth of real time from there on until it is so: whatever is due at that time happens, and nothing that is due minutes later,
    /// however slow the machine is.
    /// </summary>
    public static async Task AtAsync(this ManualTimeProvider clock, DateTimeOffset at, Func<Task<bool>> isSo, int parkedTimers = 2)
    {
        while (!await isSo())
        {
            var left = at - clock.GetUtcNow();
            if (clock.ActiveTimers >= parkedTimers)
                clock.Advance(left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(10));
            await Task.Delay(TimeSpan.FromMilliseconds(1), TestContext.Current.CancellationToken);
        }
    }

    public static async Task TickAsync(this ManualTimeProvider clock, int parkedTimers = 2, double stepSeconds = 1)
    {
        if (clock.ActiveTimers >= parkedTimers)
            clock.Advance(TimeSpan.FromSeconds(stepSeconds));
        await Task.Yield();
    }
}
