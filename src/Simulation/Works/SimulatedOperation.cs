using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Works;

/// <summary>What a client sees of a piece of work.</summary>
/// <typeparam name="T">What it makes or changes.</typeparam>
internal sealed class SimulatedOperation<T>(Work<T> work) : Operation<T>
{
    private World World => work.World;

    public override OperationToken? Token => World.Personality.Can(Capability.ResumableOperations) ? work.Token : null;

    public override RequestId RequestId => work.RequestId;

    public override ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(World.Loop.EnterAsync(() =>
        {
            if (work.IsRunning)
                World.Nudge();
            return Task.FromResult(work.Progress);
        }));
    }

    public override Task<T> WaitAsync(CancellationToken cancellationToken = default) => World.WaitAsync(async () =>
    {
        await work.EndedAsync(cancellationToken).ConfigureAwait(false);
        return work.State == OperationState.Succeeded ? work.Result! : throw Copy(work.Error!);
    });

    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default) => World.Loop.EnterAsync(() => Task.FromResult(World.Works.Cancel(work)));

    public override async IAsyncEnumerable<OperationProgress> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        int seen = -1;
        while (true)
        {
            int before = seen;
            var (moment, progress) = await World.WaitAsync(async () =>
            {
                await work.ChangedAsync(before, cancellationToken).ConfigureAwait(false);
                return (work.Moment, work.Progress);
            }).ConfigureAwait(false);
            seen = moment;
            yield return progress;
            if (progress.State != OperationState.Running)
                yield break;
        }
    }

    /// <summary>An error that several wait for is thrown several times: each has his own stack.</summary>
    private static HypervisorException Copy(HypervisorException error) => new(error.Message, error.Code, error.Outcome, error)
    {
        Backend = error.Backend,
        Resource = error.Resource,
        BackendCode = error.BackendCode,
        BackendMessage = error.BackendMessage,
        FieldErrors = error.FieldErrors,
        RetryAfter = error.RetryAfter,
    };
}
