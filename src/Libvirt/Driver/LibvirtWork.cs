using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>
/// Changes of domains: each is found, compared with what the caller expects, looked at whether its state allows it, and then worked on by one at a time. A request that was made before is not carried out again: this process
/// knows its own, and what others have done stands at the domain.
/// </summary>
internal sealed class LibvirtWork(LibvirtLink link, LibvirtServer server, LibvirtDomains domains, LibvirtNews news, BackendName backend, TimeSpan defaultDeadline)
{
    /// <summary>The domain that an id addresses, which must be there.</summary>
    /// <exception cref="ArgumentException">It is a default id.</exception>
    /// <exception cref="HypervisorException">There is none (<see cref="ErrorCode.NotFound"/>).</exception>
    public async Task<DomainFacts> RequireAsync(InstanceId id, CancellationToken cancellationToken)
    {
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        cancellationToken.ThrowIfCancellationRequested();
        await link.GetAsync(cancellationToken).ConfigureAwait(false);
        return (DomainFacts.DomainOf(id) is { } uuid ? await domains.FindAsync(uuid, cancellationToken).ConfigureAwait(false) : null) ?? throw Refusal.NotFound(id);
    }

    /// <summary>Begins to change an instance.</summary>
    /// <param name="kind">The word for the effect.</param>
    /// <param name="id">The instance.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="check">Refuses by throwing what the state does not allow; looked at again when it is the change's turn.</param>
    /// <param name="work">Does it.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    public Task<Operation<Instance>> ChangeAsync(string kind, InstanceId id, RequestOptions? request, Action<DomainFacts>? check, Func<DomainChange, CancellationToken, Task> work, CancellationToken cancellationToken) =>
        ChangeAsync<Instance>(
            kind, id, request, check,
            async (change, token) =>
            {
                await work(change, token).ConfigureAwait(false);
                return (await domains.FindAsync(change.Domain.Uuid, token).ConfigureAwait(false) ?? change.Before).View;
            },
            (facts, _) => Task.FromResult<Instance?>(facts?.View), cancellationToken);

    /// <summary>The same where the result is something else.</summary>
    /// <param name="kind">The word for the effect.</param>
    /// <param name="id">The instance.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="check">Refuses by throwing.</param>
    /// <param name="work">Does it.</param>
    /// <param name="resultOf">The result of a request that was carried out before, from the domain as it is now; null when it is no longer there.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    public async Task<Operation<T>> ChangeAsync<T>(
        string kind, InstanceId id, RequestOptions? request, Action<DomainFacts>? check, Func<DomainChange, CancellationToken, Task<T>> work, Func<DomainFacts?, CancellationToken, Task<T?>> resultOf, CancellationToken cancellationToken)
        where T : class
    {
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        cancellationToken.ThrowIfCancellationRequested();
        await link.GetAsync(cancellationToken).ConfigureAwait(false);
        bool isKnown = request?.RequestId is { } known && await server.Ledger.LookUpAsync(known, cancellationToken).ConfigureAwait(false) is { State: RequestState.Running or RequestState.Succeeded };
        if (!isKnown)
        {
            if (DomainFacts.DomainOf(id) is not { } uuid)
                throw Refusal.NotFound(id);
            var facts = await domains.FindAsync(uuid, cancellationToken).ConfigureAwait(false);
            if (request?.RequestId is { } again && HasHappened(again, kind, uuid, facts) && await resultOf(facts, cancellationToken).ConfigureAwait(false) is { } result)
                return new TrackedOperation<T>(null, again, Task.FromResult(result), new WorkProgress());
            Check(facts ?? throw Refusal.NotFound(id), request, check);
            if (request?.RequestId is { } first)
                server.Remember(first, new LibvirtServer.Effect(kind, uuid));
        }

        return await server.Ledger.BeginAsync(kind, request, defaultDeadline, () => id, (progress, token) => RunAsync(kind, id, request, check, work, progress, token), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether a request about a domain has had its effect, by what stands at the domain or by what can be seen of it.</summary>
    /// <exception cref="HypervisorException">The id stands for another effect (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public bool HasHappened(RequestId id, string? kind, Guid domain, DomainFacts? facts)
    {
        if (facts is null)
            return server.EffectOf(id) is { Kind: WorkKinds.Delete } gone && gone.Domain == domain && kind is null or WorkKinds.Delete;
        if (facts.Requests.Find(id) is not { } record)
            return false;
        if (kind is not null && record.Kind != kind)
            throw new HypervisorException($"The request {id} was '{record.Kind}' before and cannot be '{kind}' now. A request id stands for one effect.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
        if (record.IsDone)
            return true;
        return record.Kind switch
        {
            WorkKinds.Start or WorkKinds.Resume => facts.State == PowerState.Running,
            WorkKinds.Restart => facts.State == PowerState.Running && facts.Run != record.Run,
            WorkKinds.Stop => facts.State == PowerState.Stopped,
            WorkKinds.Pause => facts.State == PowerState.Paused,
            WorkKinds.Suspend => facts.State == PowerState.Suspended,
            _ => false,
        };
    }

    private static void Check(DomainFacts facts, RequestOptions? request, Action<DomainFacts>? check)
    {
        Refusal.Unexpected(facts.Id, facts.View.Revision, facts.View.Incarnation, request);
        check?.Invoke(facts);
    }

    private async Task<T> RunAsync<T>(string kind, InstanceId id, RequestOptions? request, Action<DomainFacts>? check, Func<DomainChange, CancellationToken, Task<T>> work, WorkProgress progress, CancellationToken cancellationToken)
    {
        var gate = server.GateOf(DomainFacts.DomainOf(id)!.Value);
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
            return await InTurnAsync(kind, id, request, check, work, progress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task<T> InTurnAsync<T>(string kind, InstanceId id, RequestOptions? request, Action<DomainFacts>? check, Func<DomainChange, CancellationToken, Task<T>> work, WorkProgress progress, CancellationToken cancellationToken)
    {
        var libvirt = await link.GetAsync(cancellationToken).ConfigureAwait(false);
        DomainFacts facts;
        while (true)
        {
            using var told = news.ExpectAnything(DomainFacts.DomainOf(id)!.Value);
            facts = await RequireAsync(id, cancellationToken).ConfigureAwait(false);
            if (facts.State != PowerState.Stopping && facts.State != PowerState.Starting)
                break;
            // A guest that has shut down and is not gone yet, or that somebody else starts just now: in a moment it is.
            await told.ToldSoonAsync(cancellationToken).ConfigureAwait(false);
        }

        Check(facts, request, check);
        if (server.Read.ContainsKey(facts.Domain.Uuid) && kind is WorkKinds.Backup or WorkKinds.Snapshot or WorkKinds.Revert or WorkKinds.DeleteSnapshot or WorkKinds.DiskStorage or WorkKinds.Migrate or WorkKinds.Suspend)
            throw new HypervisorException($"A backup reads the disks of '{facts.View.Name}'. End it first.", ErrorCode.Locked, RequestOutcome.Rejected) { Resource = $"instance {id}" };
        progress.Say(kind);
        var change = new DomainChange(libvirt, news, facts, kind, request?.RequestId, progress);
        try
        {
            return await work(change, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (change.HasEffect && error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected)
        {
            // Of the whole it is not true that nothing has happened.
            throw new HypervisorException($"'{id}' was changed in part: {error.Message}", error.Code, RequestOutcome.FailedMidway, error)
            {
                Backend = backend, Resource = $"instance {id}", BackendCode = error.BackendCode, BackendMessage = error.BackendMessage,
            };
        }
    }
}
