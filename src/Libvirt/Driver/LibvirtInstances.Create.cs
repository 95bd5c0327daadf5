using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <content>Making domains. An instance's id is its request's: the daemon itself keeps that one request makes one instance, and says afterwards whether it has.</content>
internal abstract partial class LibvirtInstances
{
    /// <summary>Makes the domain of a spec.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="refuse">Refuses what cannot be, before anything is sent.</param>
    /// <param name="make">Makes the configuration with its disks, of a copy of the spec: what the caller does with his own afterwards is his.</param>
    /// <param name="isAutostarted">Whether the daemon is to start it when it starts itself; null for not.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    protected async Task<Operation<Instance>> CreateAsync(
        InstanceName name, Action refuse, Func<DomainChangeScope, Guid, CancellationToken, Task<DomainDocument>> make, bool? isAutostarted, RequestOptions? request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        refuse();
        var id = request?.RequestId ?? RequestId.New(parts.Time);
        var uuid = id.ToGuid();
        bool isKnown = await parts.Server.Ledger.LookUpAsync(id, cancellationToken).ConfigureAwait(false) is { State: RequestState.Running or RequestState.Succeeded };
        if (!isKnown)
        {
            if (await parts.Domains.FindAsync(uuid, cancellationToken).ConfigureAwait(false) is { } made)
                return new TrackedOperation<Instance>(null, id, Task.FromResult(made.View), new WorkProgress());
            if (await parts.Domains.FindByNameAsync(name.ToString(), cancellationToken).ConfigureAwait(false) is not null)
                throw Refusal.NameTaken(name.ToString());
            parts.Server.Remember(id, new LibvirtServer.Effect(WorkKinds.Create, uuid));
        }

        var options = new RequestOptions { RequestId = id, Deadline = request?.Deadline };
        var operation = await parts.Server.Ledger.BeginAsync(
            WorkKinds.Create, options, parts.Options.DefaultDeadline, () => DomainFacts.IdOf(uuid), (progress, token) => MakeAsync(name.ToString(), make, isAutostarted, id, progress, token), cancellationToken).ConfigureAwait(false);
        if (isKnown && await parts.Server.Ledger.LookUpAsync(id, cancellationToken).ConfigureAwait(false) is { State: RequestState.Succeeded } && await parts.Domains.FindAsync(uuid, cancellationToken).ConfigureAwait(false) is null)
            throw new HypervisorException($"The request {id} made '{uuid:D}', which was deleted since. Ask with a new request id for a new one.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"instance {uuid:D}" };
        return operation;
    }

    private async Task<Instance> MakeAsync(string name, Func<DomainChangeScope, Guid, CancellationToken, Task<DomainDocument>> make, bool? isAutostarted, RequestId id, WorkProgress progress, CancellationToken cancellationToken)
    {
        var uuid = id.ToGuid();
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var scope = new DomainChangeScope(libvirt);
        try
        {
            progress.Say("making disks");
            var config = await make(scope, uuid, cancellationToken).ConfigureAwait(false);
            var requests = new RequestRecords();
            requests.Set(new RequestRecord(id, WorkKinds.Create, true, null));
            requests.Write(config);
            progress.Say("defining the domain");
            await DefineNewAsync(libvirt, config, name, uuid, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is OperationCanceledException or HypervisorException { Outcome: RequestOutcome.NotSent or RequestOutcome.Rejected })
        {
            await UndoAsync(scope).ConfigureAwait(false);
            throw;
        }

        if (isAutostarted == true)
            await AutostartAsync(libvirt, name, uuid).ConfigureAwait(false);
        // It is made: who cancels now comes too late.
        return (await parts.Domains.FindAsync(uuid, CancellationToken.None).ConfigureAwait(false))?.View
            ?? throw new HypervisorException($"'{name}' was made and is gone already: somebody has deleted it.", ErrorCode.NotFound, RequestOutcome.FailedMidway) { Resource = $"instance {uuid:D}" };
    }

    protected static bool? AutostartOf(SpecExtensions extensions) => extensions.TryGet<LibvirtDomain>(out var own) ? own.IsAutostarted : null;

    /// <summary>No document says it, so it comes after the definition.</summary>
    private static async Task AutostartAsync(LibvirtConnection libvirt, string name, Guid uuid)
    {
        try
        {
            var domain = await libvirt.DomainLookupByUuidAsync(uuid, CancellationToken.None).ConfigureAwait(false);
            await libvirt.DomainSetAutostartAsync(domain, 1, CancellationToken.None).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected)
        {
            throw new HypervisorException($"'{name}' was made, and the daemon does not start it by itself: {error.Message}", error.Code, RequestOutcome.FailedMidway, error)
            {
                Resource = $"instance {uuid:D}", BackendCode = error.BackendCode, BackendMessage = error.BackendMessage,
            };
        }
    }

    /// <summary>Of what nobody has taken note, nothing is left.</summary>
    private static async Task UndoAsync(DomainChangeScope scope)
    {
        foreach (var made in scope.Made)
            await LibvirtDisks.TryDeleteAsync(scope.Libvirt, made, CancellationToken.None).ConfigureAwait(false);
    }

    private async Task DefineNewAsync(LibvirtConnection libvirt, DomainDocument config, string name, Guid uuid, CancellationToken cancellationToken)
    {
        // A definition under a name or an id that is taken would change what has it.
        await parts.Server.Creating.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (await parts.Domains.FindByNameAsync(name, cancellationToken).ConfigureAwait(false) is not null)
                throw Refusal.NameTaken(name);
            using var told = parts.News.Expect(uuid, VirDomainEventType.Defined);
            // From here on it cannot be cancelled: of a call that is under way nobody knows whether it has made the machine.
            cancellationToken.ThrowIfCancellationRequested();
            await libvirt.DomainDefineXmlFlagsAsync(config.ToXml(), 0, CancellationToken.None).ConfigureAwait(false);
            await told.ToldAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrOperationFailed or VirErrorNumber.ErrDomExist)
        {
            // Another process was faster; libvirt has no error of its own for it.
            if (await parts.Domains.FindByNameAsync(name, cancellationToken).ConfigureAwait(false) is { } other && other.Uuid != uuid)
                throw Refusal.NameTaken(name);
            throw;
        }
        finally
        {
            parts.Server.Creating.Release();
        }
    }
}
