using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>What goes on apart from its caller: on the thread pool, or in the loop of a simulation. There is no third way in the engine, or a simulation would lose its order.</summary>
internal static class JobTurns
{
    /// <summary>Awaited, the rest does not run within the caller.</summary>
    public static ConfiguredTaskAwaitable NewTurn(this JobsOptions options)
    {
        if (options.Loop is null)
            return Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var turn = new TaskCompletionSource();
        options.Loop(turn.SetResult);
        return turn.Task.ConfigureAwait(ConfigureAwaitOptions.None);
    }

    /// <summary>One whose waiters do not go on within who completes it by <see cref="Complete"/>.</summary>
    public static TaskCompletionSource NewSource(this JobsOptions options) => options.Loop is null ? new(TaskCreationOptions.RunContinuationsAsynchronously) : new();

    public static void Complete(this JobsOptions options, TaskCompletionSource source)
    {
        if (options.Loop is null)
            source.TrySetResult();
        else
            CompleteIn(options.Loop, source);
    }

    // Apart, so that nothing is allocated for it elsewhere.
    private static void CompleteIn(Action<Action> loop, TaskCompletionSource source) => loop(() => source.TrySetResult());

    /// <summary>Cancels what only the engine's own waits are registered with.</summary>
    public static Task StopAsync(this JobsOptions options, CancellationTokenSource source)
    {
        if (options.Loop is null)
            return source.CancelAsync();
        source.Cancel();
        return Task.CompletedTask;
    }

    /// <summary>Waits, by the engine's clock.</summary>
    public static Task DelayAsync(this JobsOptions options, TimeSpan time, CancellationToken cancellationToken) =>
        options.Loop is null ? Task.Delay(time, options.TimeProvider, cancellationToken) : DelayInLoopAsync(options.TimeProvider, time, cancellationToken);

    // A delay of the runtime's that is cancelled goes on in the thread pool.
    private static async Task DelayInLoopAsync(TimeProvider clock, TimeSpan time, CancellationToken cancellationToken)
    {
        var over = new TaskCompletionSource();
        using var timer = clock.CreateTimer(static state => ((TaskCompletionSource)state!).TrySetResult(), over, time, Timeout.InfiniteTimeSpan);
        using var stop = cancellationToken.UnsafeRegister(static (state, cancelled) => ((TaskCompletionSource)state!).TrySetCanceled(cancelled), over);
        await over.Task.ConfigureAwait(false);
    }
}
