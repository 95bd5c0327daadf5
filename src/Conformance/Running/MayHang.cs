namespace Hypervisor.Sdk.Conformance;

/// <summary>Waits for what may hang: a driver may block the thread that calls it, and heed no token. What hangs is left to itself.</summary>
internal static class MayHang
{
    /// <summary>How long what was cancelled may take to end by itself.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    /// <summary>Begins something on a thread of its own, and waits until it has ended, or has not within a moment of being cancelled.</summary>
    /// <returns>The task of what has ended, in whichever way; null when it hangs.</returns>
    public static async Task<Task<T>?> RunAsync<T>(Func<Task<T>> work, CancellationToken token)
    {
        var running = Task.Run(work, CancellationToken.None);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(token);
        if (await Task.WhenAny(running, Task.Delay(Timeout.InfiniteTimeSpan, waiting.Token)).ConfigureAwait(false) != running)
            await Task.WhenAny(running, Task.Delay(s_grace, CancellationToken.None)).ConfigureAwait(false);
        await waiting.CancelAsync().ConfigureAwait(false);
        return running.IsCompleted ? running : null;
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    public static async Task<Task?> RunAsync(Func<Task> work, CancellationToken token) => await RunAsync(
        async () =>
        {
            await work().ConfigureAwait(false);
            return true;
        }, token).ConfigureAwait(false);
}
