using System.Text.Json.Serialization;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.Benchmarks.Jobs;

/// <summary>A job that does nothing: what is left is the engine and its store.</summary>
internal sealed record NoOpArgs(long EnqueuedTicks);

/// <summary>Counts, and keeps when each began.</summary>
internal sealed class NoOp : IJobHandler<NoOpArgs, bool>
{
    public Tally Begun { get; } = new();

    public Tally Done { get; } = new();

    /// <summary>What each waits for, where they are to last.</summary>
    public Task? Until { get; set; }

    public List<long>? WaitTicks { get; set; }

    public async Task<bool> RunAsync(JobContext job, NoOpArgs args, CancellationToken cancellationToken)
    {
        Begun.Add();
        if (Until is not null)
            await Until;
        if (WaitTicks is { } waits)
        {
            lock (waits)
                waits.Add(TimeProvider.System.GetTimestamp() - args.EnqueuedTicks);
        }

        Done.Add();
        return true;
    }
}

[JsonSerializable(typeof(NoOpArgs))]
[JsonSerializable(typeof(bool))]
internal sealed partial class NoOpJson : JsonSerializerContext;
