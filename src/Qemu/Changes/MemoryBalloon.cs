using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>Asks guests to make do with a part of their memory. What they have is what their balloon drivers say (Virtio 1.2, 5.5), not what they were asked for.</summary>
[SupportedOSPlatform("linux")]
internal static class MemoryBalloon
{
    /// <summary>The id of the device.</summary>
    public const string Device = "hv-balloon";

    /// <summary>How long a guest may go on giving nothing.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Asks for what is written down, and does not wait: at a start, when no driver runs yet, and to undo. Can be done again.</summary>
    public static async Task ApplyAsync(MachineChange change, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        await AskAsync(change, client, change.Config.MemoryTargetBytes ?? await MemoryAsync(client, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks a guest for a part of its memory, or gives it all back, and waits until the guest says that it is so.</summary>
    /// <param name="change">The change.</param>
    /// <param name="target">What it is to make do with; null for all.</param>
    /// <param name="cancellationToken">Gives up; what was asked for is for the caller to take back.</param>
    /// <exception cref="HypervisorException">It gave nothing more for <see cref="Patience"/> (<see cref="ErrorCode.Timeout"/>): the message says what it gave.</exception>
    public static async Task AskAsync(MachineChange change, long? target, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        using var events = client.Subscribe(QmpEventName.BalloonChange);
        long memory = await MemoryAsync(client, cancellationToken).ConfigureAwait(false);
        long goal = Math.Min(target ?? memory, memory);
        long begin = await ActualAsync(client, cancellationToken).ConfigureAwait(false);
        await AskAsync(change, client, goal, cancellationToken).ConfigureAwait(false);
        change.Progress.Say($"waiting for the guest to make do with {new ByteSize(goal)}");
        for (long actual = begin; actual != goal;)
        {
            long before = actual;
            using var patience = new CancellationTokenSource(Patience, change.Services.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
            try
            {
                // An event tells of what was so a moment ago, and not more than one comes in a second.
                while ((actual = await ActualAsync(client, cancellationToken).ConfigureAwait(false)) == before && actual != goal)
                    await events.ReadAsync(either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                actual = await ActualAsync(client, cancellationToken).ConfigureAwait(false);
                if (actual == before)
                    throw Silent(change, begin, actual, goal, memory);
            }
        }
    }

    /// <summary>What a guest has left of its memory.</summary>
    public static async Task<long> ActualAsync(QmpClient client, CancellationToken cancellationToken) => (await client.QueryBalloonAsync(cancellationToken).ConfigureAwait(false)).Actual;

    private static HypervisorException Silent(MachineChange change, long begin, long actual, long goal, long memory)
    {
        string why = actual != begin ? "It may need the rest itself."
            : actual == memory ? "A guest hears of it once its system runs, and needs a balloon driver (Linux: virtio_balloon)." : "It does not answer, or needs what it has.";
        return new HypervisorException(
            $"The guest was asked to make do with {new ByteSize(goal)} of its {new ByteSize(memory)} and has {new ByteSize(actual)}, of {new ByteSize(begin)} before, since when it gave nothing for {Patience.TotalSeconds:0.#} s. {why} "
            + $"It is asked for {(change.Config.MemoryTargetBytes is { } before ? new ByteSize(before).ToString() : "nothing")} again.",
            ErrorCode.Timeout, RequestOutcome.FailedMidway);
    }

    private static Task AskAsync(MachineChange change, QmpClient client, long bytes, CancellationToken cancellationToken) =>
        change.Root.EffectAsync($"set balloon of QEMU {change.Id}", async () => await client.BalloonAsync(bytes, cancellationToken).ConfigureAwait(false));

    private static async Task<long> MemoryAsync(QmpClient client, CancellationToken cancellationToken)
    {
        var memory = await client.QueryMemorySizeSummaryAsync(cancellationToken).ConfigureAwait(false);
        return (long)(memory.BaseMemory + (memory.PluggedMemory ?? 0));
    }
}
