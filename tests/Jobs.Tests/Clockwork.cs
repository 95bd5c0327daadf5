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

    public static async Task TickAsync(this ManualTimeProvider clock, int parkedTimers = 2, double stepSeconds = 1)
    {
        if (clock.ActiveTimers >= parkedTimers)
            clock.Advance(TimeSpan.FromSeconds(stepSeconds));
        await Task.Yield();
    }
}
