using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>The domains of a daemon, machines or containers: those that we have made and all others. What of them is made of a spec is said by the roles over it.</summary>
internal abstract partial class LibvirtInstances(LibvirtBackend backend, LibvirtParts parts) : ICompute
{
    private readonly DomainPower _power = new(parts.Domains, parts.Time);

    public PagedList<Instance> List(InstanceFilter? filter = null) => new OrderedList<Instance>(
        async token =>
        {
            var all = await parts.Domains.ListAsync(token).ConfigureAwait(false);
            return [.. all.Select(facts => facts.View).Where(instance => filter?.Matches(instance) ?? true)];
        },
        instance => instance.Id.ToString(), () => parts.Events.Position);

    public async Task<Instance?> FindAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        return DomainFacts.DomainOf(id) is { } uuid && await parts.Domains.FindAsync(uuid, cancellationToken).ConfigureAwait(false) is { } facts ? facts.View : null;
    }

    public Task<Operation<Instance>> StartAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        parts.Work.ChangeAsync(WorkKinds.Start, id, request, DomainPower.RefuseStart, DomainPower.StartAsync, cancellationToken);

    public Task<Operation<Instance>> StopAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return parts.Work.ChangeAsync(WorkKinds.Stop, id, request, null, (change, token) => _power.StopAsync(change, options, token), cancellationToken);
    }

    public Task<Operation<Instance>> RestartAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return parts.Work.ChangeAsync(WorkKinds.Restart, id, request, null, (change, token) => _power.RestartAsync(change, options, token), cancellationToken);
    }

    public async Task<Operation> DeleteAsync(InstanceId id, DeleteOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) => await parts.Work.ChangeAsync<object>(
        WorkKinds.Delete, id, request,
        facts =>
        {
            if (facts.IsActive && options is not { StopFirst: true })
                throw Refusal.InvalidState(id, $"'{facts.View.Name}' is {facts.State}: stop it first, or ask for that with the deletion.");
        },
        async (change, token) =>
        {
            await change.BeginAsync(token).ConfigureAwait(false);
            await RemoveAsync(change, token).ConfigureAwait(false);
            parts.Server.Forget(change.Domain.Uuid);
            return change;
        },
        (facts, _) => Task.FromResult<object?>(facts is null ? id : null), cancellationToken).ConfigureAwait(false);

    public Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(backend.ConnectionState == BackendConnectionState.Closed, backend);
        return Task.FromResult(parts.Events.Subscribe(options, ObserveAsync));
    }

    private async IAsyncEnumerable<Instance> ObserveAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var facts in await parts.Domains.ListAsync(cancellationToken).ConfigureAwait(false))
            yield return facts.View;
    }

    /// <summary>Ends it, deletes the disks that go with it, and then what the daemon keeps of it: after a crash in between, deleting it again goes on.</summary>
    private async Task RemoveAsync(DomainChange change, CancellationToken cancellationToken)
    {
        var (libvirt, facts) = (change.Libvirt, change.Before);
        if (facts.IsActive)
            await _power.OffAtOnceAsync(change, cancellationToken).ConfigureAwait(false);
        foreach (var disk in facts.Record.Disks.Values.Concat(facts.Record.Files.Values).Where(disk => disk.IsDeletedWithInstance))
        {
            if (await LibvirtDisks.TryDeleteAsync(libvirt, disk, cancellationToken).ConfigureAwait(false))
                await change.DoAsync(ValueTask.CompletedTask).ConfigureAwait(false);
        }

        if (!facts.IsPersistent)
            return;
        var flags = VirDomainUndefineFlagsValues.ManagedSave | VirDomainUndefineFlagsValues.SnapshotsMetadata;
        if (parts.IsContainers)
            flags = 0;
        else if (!parts.IsTestDriver)
            flags |= VirDomainUndefineFlagsValues.Nvram | VirDomainUndefineFlagsValues.CheckpointsMetadata;
        await change.DoAndTellAsync(VirDomainEventType.Undefined, () => libvirt.DomainUndefineFlagsAsync(facts.Domain, (uint)flags, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private static StopOptions Checked(StopOptions? options)
    {
        options ??= new StopOptions();
        return options.GracePeriod < TimeSpan.Zero ? throw new ArgumentException($"A grace period is not negative; this one is {options.GracePeriod}.", nameof(options)) : options;
    }
}
