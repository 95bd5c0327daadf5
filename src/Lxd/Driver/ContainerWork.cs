using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>
/// Changes of containers: each is found, compared with what the caller expects, looked at whether its state allows it, and then worked on by one at a time. A request that was made before is not carried out again: this process
/// knows its own, and what others have done stands at the container.
/// </summary>
internal sealed class ContainerWork(LxdParts parts, Action refuseClosed)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    public RequestLedger Ledger => parts.Memory.Ledger;

    public void RefuseClosed() => refuseClosed();

    /// <summary>The container that an id addresses, which must be there.</summary>
    public async Task<ContainerFacts> RequireAsync(InstanceId id, CancellationToken cancellationToken)
    {
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        cancellationToken.ThrowIfCancellationRequested();
        refuseClosed();
        return await parts.Containers.FindAsync(id, cancellationToken).ConfigureAwait(false) ?? throw Refusal.NotFound(id);
    }

    /// <summary>Begins to change a container.</summary>
    /// <param name="kind">The word for the effect.</param>
    /// <param name="id">The container.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="check">Refuses by throwing what the state does not allow; looked at again when it is the change's turn.</param>
    /// <param name="work">Does it.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    public Task<Operation<Instance>> ChangeAsync(string kind, InstanceId id, RequestOptions? request, Action<ContainerFacts>? check, Func<ContainerChange, CancellationToken, Task> work, CancellationToken cancellationToken) =>
        ChangeAsync<Instance>(
            kind, id, request, check,
            async (change, token) =>
            {
                await work(change, token).ConfigureAwait(false);
                return (await parts.Containers.FindAsync(id, token).ConfigureAwait(false) ?? change.Before).View;
            },
            (facts, _) => Task.FromResult(facts?.View), cancellationToken);

    /// <summary>The same where the result is something else: <paramref name="resultOf"/> says what it is of a request that was carried out before.</summary>
    public async Task<Operation<T>> ChangeAsync<T>(
        string kind, InstanceId id, RequestOptions? request, Action<ContainerFacts>? check, Func<ContainerChange, CancellationToken, Task<T>> work, Func<ContainerFacts?, CancellationToken, Task<T?>> resultOf, CancellationToken cancellationToken)
        where T : class
    {
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        cancellationToken.ThrowIfCancellationRequested();
        refuseClosed();
        bool isKnown = request?.RequestId is { } known && await Ledger.LookUpAsync(known, cancellationToken).ConfigureAwait(false) is { State: RequestState.Running or RequestState.Succeeded };
        if (!isKnown)
        {
            var facts = await parts.Containers.FindAsync(id, cancellationToken).ConfigureAwait(false);
            if (request?.RequestId is { } again && await HasHappenedAsync(again, kind, id, facts, cancellationToken).ConfigureAwait(false) && await resultOf(facts, cancellationToken).ConfigureAwait(false) is { } result)
                return new TrackedOperation<T>(null, again, Task.FromResult(result), new WorkProgress());
            Check(facts ?? throw Refusal.NotFound(id), request, check);
            if (request?.RequestId is { } first)
                parts.Memory.Remember(first, new LxdMemory.Effect(kind, id, facts.View.Incarnation));
        }

        return await Ledger.BeginAsync(kind, request, parts.Options.DefaultDeadline, () => id, (progress, token) => HoldAsync(id, progress, () => InTurnAsync(kind, id, request, check, work, progress, token), token), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether a request about a container has had its effect, by what stands at it or by what can be seen of it.</summary>
    /// <exception cref="HypervisorException">The id stands for another effect (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public async Task<bool> HasHappenedAsync(RequestId id, string? kind, InstanceId container, ContainerFacts? facts, CancellationToken cancellationToken)
    {
        if (parts.Memory.EffectOf(id) is { Kind: WorkKinds.Delete } gone && gone.Id == container && kind is null or WorkKinds.Delete)
            return facts is null || facts.View.Incarnation != gone.Incarnation;
        if (facts is not null && parts.Memory.EffectOf(id) is { Kind: WorkKinds.Revert, HasBegun: true } back && back.Id == container && kind is null or WorkKinds.Revert && !LxdSnapshots.IsReverting(facts, id.ToString()))
            return true;
        if (facts is null || RequestRecord.Find(facts, id) is not { } record)
            return false;
        if (kind is not null && record.Kind != kind)
            throw new HypervisorException($"The request {id} was '{record.Kind}' before and cannot be '{kind}' now. A request id stands for one effect.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
        return record.IsDone || record.Kind switch
        {
            WorkKinds.Start or WorkKinds.Resume => facts.State == PowerState.Running,
            WorkKinds.Restart => facts.State == PowerState.Running && facts.Run != record.Mark,
            WorkKinds.Stop => facts.State == PowerState.Stopped,
            WorkKinds.Pause => facts.State == PowerState.Paused,
            WorkKinds.Snapshot or WorkKinds.DeleteSnapshot => await LxdSnapshots.IsDoneAsync(parts.Client, id, record, facts, cancellationToken).ConfigureAwait(false),
            _ => false,
        };
    }

    private static void Check(ContainerFacts facts, RequestOptions? request, Action<ContainerFacts>? check)
    {
        Refusal.Unexpected(facts.Id, facts.View.Revision, facts.View.Incarnation, request);
        check?.Invoke(facts);
    }

    /// <summary>Does something while nobody else of this process works on the container.</summary>
    public async Task<T> HoldAsync<T>(InstanceId id, WorkProgress progress, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        var gate = parts.Memory.GateOf(id);
        progress.Say("waiting for other work on the instance");
        try
        {
            await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!progress.Cancelled.IsCancellationRequested)
        {
            throw new HypervisorException($"'{id}' was not changed: other work has it to itself, longer than the deadline.", ErrorCode.Timeout, RequestOutcome.NotSent) { Resource = $"instance {id}" };
        }

        try
        {
            return await work().ConfigureAwait(false);
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task<T> InTurnAsync<T>(string kind, InstanceId id, RequestOptions? request, Action<ContainerFacts>? check, Func<ContainerChange, CancellationToken, Task<T>> work, WorkProgress progress, CancellationToken cancellationToken)
    {
        while (true)
        {
            var facts = await RequireAsync(id, cancellationToken).ConfigureAwait(false);
            while (facts.State == PowerState.Stopping || facts.State == PowerState.Starting)
            {
                // Somebody else does something to it just now: in a moment that is over.
                await Task.Delay(s_pause, cancellationToken).ConfigureAwait(false);
                facts = await RequireAsync(id, cancellationToken).ConfigureAwait(false);
            }

            Check(facts, request, check);
            progress.Say(kind);
            var change = new ContainerChange(parts, facts, kind, request?.RequestId, progress);
            try
            {
                return await work(change, cancellationToken).ConfigureAwait(false);
            }
            catch (LxdException error) when (error.Status == 412 && !change.HasEffect)
            {
                // Somebody was faster: with what it is now, it is looked at anew.
                await Task.Yield();
            }
            catch (HypervisorException error) when (change.HasEffect && error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected)
            {
                // Of the whole it is not true that nothing has happened.
                throw new HypervisorException($"'{id}' was changed in part: {error.Message}", error.Code, RequestOutcome.FailedMidway, error)
                {
                    Backend = parts.Name, Resource = $"instance {id}", BackendCode = error.BackendCode, BackendMessage = error.BackendMessage,
                };
            }
        }
    }
}
