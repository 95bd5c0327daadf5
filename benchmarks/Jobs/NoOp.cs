using System.Text.Json.Serialization;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.Benchmarks.Jobs;

/// <summary>A job that does nothing: what is left is the engine and its store.</summary>
internal sealed record NoOpArgs(long EnqueuedTicks);

/// <summary>Counts, and keeps when each began.</summary>
internal sealed class NoOp : IJobHandler<NoOpArgs, bool>
{
    private int _done;
    private int _begun;

    public int Done => Volatile.Read(ref _done);

    public int Begun => Volatile.Read(ref _begun);

    /// <summary>What each waits for, where they are to last.</summary>
    public Task? Until { get; set; }

    public List<long>? WaitTicks { get; set; }

    public async Task<bool> RunAsync(JobContext job, NoOpArgs args, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _begun);
        if (Until is not null)
            await Until;
        if (WaitTicks is { } waits)
        {
            lock (waits)
                waits.Add(TimeProvider.System.GetTimestamp() - args.EnqueuedTicks);
        }

        Interlocked.Increment(ref _done);
        return true;
    }
}

[JsonSerializable(typeof(NoOpArgs))]
[JsonSerializable(typeof(bool))]
internal sealed partial class NoOpJson : JsonSerializerContext;
