using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Backups;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Snapshots;

/// <summary>
/// Snapshots within the images of a domain's disks, with the memory or without it, and beside them. Those that others have made are listed, gone back to and deleted as far as the daemon does that: to snapshots beside the images, an old
/// daemon does not go back.
/// </summary>
internal sealed class LibvirtSnapshots(LibvirtParts parts) : ISnapshots
{
    public async IAsyncEnumerable<Snapshot> ListAsync(InstanceId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var facts = await parts.Work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        var tree = await SnapshotTree.ReadAsync(await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false), facts.Domain, cancellationToken).ConfigureAwait(false);
        foreach (var snapshot in tree.All)
            yield return tree.ViewOf(snapshot);
    }

    public Task<Operation<Snapshot>> CreateAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) => CreateAsync(id, spec, isExternal: false, request, cancellationToken);

    /// <summary>Takes a snapshot within the images of the disks, or beside them.</summary>
    public async Task<Operation<Snapshot>> CreateAsync(InstanceId id, SnapshotSpec spec, bool isExternal, RequestOptions? request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Name.IsDefault)
            throw new ArgumentException("A snapshot needs a name.", nameof(spec));
        string name = spec.Name.ToString();
        if (!parts.Naming.Accepts(name, out string? problem))
            throw Refusal.Invalid("name", problem);
        if (name.All(char.IsAsciiDigit))
            throw Refusal.Invalid("name", $"'{name}' is a number, and QEMU counts snapshots by numbers: begin it with a letter.");
        DomainMaker.RefuseText("description", spec.Description);
        if (isExternal && spec.IncludeMemory)
            throw Refusal.Unsupported("includeMemory", "a snapshot beside the images holds disks only: one within them holds the memory too.");
        var note = new SnapshotNote(name, request?.RequestId, spec.ExpiresAt, spec.Quiesce);
        var (includesMemory, description) = (spec.IncludeMemory, spec.Description);
        return await parts.Work.ChangeAsync<Snapshot>(
            WorkKinds.Snapshot, id, request, facts => Refuse(facts, includesMemory, note.IsQuiesced, isExternal), (change, token) => CreateAsync(change, note, description, includesMemory, isExternal, token),
            async (facts, token) => facts is null ? null : await AgainAsync(facts, note, token).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    public Task<Operation<Instance>> RevertAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A snapshot name is needed.", nameof(name));
        return parts.Work.ChangeAsync(WorkKinds.Revert, id, request, null, (change, token) => RevertAsync(change, name.ToString(), token), cancellationToken);
    }

    public async Task<Operation> DeleteAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A snapshot name is needed.", nameof(name));
        return await parts.Work.ChangeAsync<object>(
            WorkKinds.DeleteSnapshot, id, request, null,
            async (change, token) =>
            {
                var snapshot = Require(await SnapshotTree.ReadAsync(change.Libvirt, change.Domain, token).ConfigureAwait(false), change.Before, name.ToString());
                await change.BeginAsync(token).ConfigureAwait(false);
                await change.DoAsync(Unhurried(change).DomainSnapshotDeleteAsync(Of(change, snapshot), 0, token)).ConfigureAwait(false);
                if (snapshot.IsExternal)
                    await ExternalImages.LeaveAsync(change, snapshot).ConfigureAwait(false);
                await change.EndAsync(token).ConfigureAwait(false);
                return change;
            },
            (facts, _) => Task.FromResult<object?>(facts), cancellationToken).ConfigureAwait(false);
    }

    private async Task<Snapshot> CreateAsync(DomainChange change, SnapshotNote note, string? description, bool includesMemory, bool isExternal, CancellationToken cancellationToken)
    {
        var tree = await SnapshotTree.ReadAsync(change.Libvirt, change.Domain, cancellationToken).ConfigureAwait(false);
        if (note.Request is { } request && tree.FindRequest(request) is { } made)
        {
            if (made.IsExternal)
                await ExternalImages.RecountAsync(change).ConfigureAwait(false);
            await change.EndAsync(cancellationToken).ConfigureAwait(false);
            return tree.ViewOf(made);
        }

        if (tree.Find(note.Name) is not null)
            throw new HypervisorException($"'{change.Before.View.Name}' has a snapshot '{note.Name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"instance {change.Before.Id}" };
        RefuseOtherKind(change.Before, tree, isExternal);
        await change.BeginAsync(cancellationToken).ConfigureAwait(false);
        var impact = change.Before is { IsActive: true, IsPersistent: false } ? VirDomainModificationImpact.Live : VirDomainModificationImpact.Config;
        await note.WriteAsync(change.Libvirt, change.Domain, impact, cancellationToken).ConfigureAwait(false);
        var images = isExternal ? new ExternalImages(change) : null;
        if (images is not null)
            await images.MakeAsync(cancellationToken).ConfigureAwait(false);
        if (note.IsQuiesced)
            await QuiescedAsync(change, images, () => TakeAsync(change, tree, note, description, includesMemory, images, cancellationToken), cancellationToken).ConfigureAwait(false);
        else
            await TakeAsync(change, tree, note, description, includesMemory, images, cancellationToken).ConfigureAwait(false);
        await change.EndAsync(cancellationToken).ConfigureAwait(false);
        tree = await SnapshotTree.ReadAsync(change.Libvirt, change.Domain, cancellationToken).ConfigureAwait(false);
        return tree.Find(note.Name) is { } taken ? tree.ViewOf(taken)
            : throw new HypervisorException($"The snapshot '{note.Name}' was made and is gone already: somebody has deleted it.", ErrorCode.NotFound, RequestOutcome.FailedMidway) { Resource = $"instance {change.Before.Id}" };
    }

    /// <summary>Takes it while the guest's file systems are at rest; a guest that cannot be asked leaves no images behind.</summary>
    private static async Task QuiescedAsync(DomainChange change, ExternalImages? images, Func<Task> take, CancellationToken cancellationToken)
    {
        try
        {
            await Quiescence.RunAsync(change, take, cancellationToken).ConfigureAwait(false);
        }
        catch when (images is { IsAsked: false })
        {
            await images.ForgetAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task TakeAsync(DomainChange change, SnapshotTree tree, SnapshotNote note, string? description, bool includesMemory, ExternalImages? images, CancellationToken cancellationToken)
    {
        change.Progress.Say(includesMemory ? "saving memory and disks" : "keeping the disks");
        if (images is not null)
        {
            await images.TakeAsync(note.Name, description).ConfigureAwait(false);
            return;
        }

        var disks = (change.Before.Live ?? change.Before.Config).Disks;
        var asked = SnapshotDocument.Internal(note.Name, description, includesMemory, disks);
        if (change.Before.IsActive && !includesMemory)
            await new DiskSnapshots(change, parts.IsTestDriver).TakeAsync(asked, note, tree.Current, parts.Time.GetUtcNow(), cancellationToken).ConfigureAwait(false);
        else
            await change.DoAsync(AskAsync(change, BoundedXml.Write(asked), cancellationToken)).ConfigureAwait(false);
    }

    private static async ValueTask AskAsync(DomainChange change, string xml, CancellationToken cancellationToken) =>
        await Unhurried(change).DomainSnapshotCreateXmlAsync(change.Domain, xml, 0, cancellationToken).ConfigureAwait(false);

    private async Task RevertAsync(DomainChange change, string name, CancellationToken cancellationToken)
    {
        var before = change.Before;
        var tree = await SnapshotTree.ReadAsync(change.Libvirt, change.Domain, cancellationToken).ConfigureAwait(false);
        var snapshot = Require(tree, before, name);
        if (snapshot.IsExternal && !parts.Host.RevertsExternalSnapshots)
            throw Unsupported(before, $"has '{name}' beside its images, and {LibvirtCapabilities.NoExternalRevert(parts)}");
        RefuseOtherKind(before, tree, snapshot.IsExternal);
        RefuseOtherDisks(before, snapshot);
        await change.BeginAsync(cancellationToken).ConfigureAwait(false);
        if (parts.Host.HasBackups)
            await Checkpoints.DropAsync(change, cancellationToken).ConfigureAwait(false);
        if (before.HasManagedSave)
        {
            // The memory that was saved belongs to disks that are going to be others.
            await change.DoAsync(change.Libvirt.DomainManagedSaveRemoveAsync(change.Domain, 0, cancellationToken)).ConfigureAwait(false);
            change.News.Tell(before, PowerState.Stopped);
        }

        // QEMU's driver tells last of all that the configuration is another one, the one for tests does not.
        using (var told = change.News.Expect(change.Domain.Uuid, VirDomainEventType.Defined))
        {
            await change.DoAsync(Unhurried(change).DomainRevertToSnapshotAsync(Of(change, snapshot), 0, cancellationToken)).ConfigureAwait(false);
            await change.RestoreAsync(cancellationToken).ConfigureAwait(false);
            if (!parts.IsTestDriver)
                await told.ToldAsync(cancellationToken).ConfigureAwait(false);
        }

        if (snapshot.IsExternal)
            await ExternalImages.RecountAsync(change).ConfigureAwait(false);
        if (before.State == PowerState.Crashed && !snapshot.IncludesMemory)
            change.News.Tell(before, PowerState.Stopped);
        if (snapshot is { IncludesMemory: true, Note.IsQuiesced: true })
            await Quiescence.ThawAsync(change, cancellationToken).ConfigureAwait(false);
        if (!snapshot.IncludesMemory && before.IsActive && before.State != PowerState.Crashed)
            await DomainPower.BootAsync(change, null, cancellationToken).ConfigureAwait(false);
    }

    private void Refuse(DomainFacts facts, bool includesMemory, bool isQuiesced, bool isExternal)
    {
        string name = facts.View.Name;
        var disks = (facts.Live ?? facts.Config).Disks.Where(disk => disk is { IsCd: false, IsFloppy: false, IsReadOnly: false }).ToList();
        if (facts.State == PowerState.Suspended)
            throw Refusal.InvalidState(facts.Id, $"'{name}' is suspended: what its memory has not written yet is not on its disks. Start it first.");
        if (includesMemory && !facts.IsActive)
            throw Refusal.InvalidState(facts.Id, $"'{name}' is {facts.State}: it has no memory to keep.");
        if (isQuiesced && facts.State != PowerState.Running)
            throw Refusal.InvalidState(facts.Id, $"'{name}' is {facts.State}: there is no guest that could bring its file systems to rest.");
        if (facts is { IsPersistent: false })
            throw Refusal.InvalidState(facts.Id, $"'{name}' is not kept by the daemon when it does not run, and neither are its snapshots: define it first.");
        if (!includesMemory && disks.Count == 0)
            throw Unsupported(facts, "has no writable disk: without memory there is nothing to keep");
        if (parts.IsTestDriver)
            return;
        if (isExternal && ExternalImages.FindForeign(facts) is { } foreign)
            throw Unsupported(facts, $"has the disk '{foreign.Target}', which is no volume that goes with it: images are put upon the machine's own");
        if (!isExternal && disks.FirstOrDefault(disk => disk.Format != "qcow2") is { } other)
            throw Unsupported(facts, $"has the disk '{other.Target}', which is not on a qcow2 image: a snapshot cannot hold it");
        if (facts.Config.HasNvram)
            throw Unsupported(facts, "boots by UEFI, whose variables lie in a file that libvirt keeps no snapshots in");
    }

    /// <summary>A snapshot within an image goes with it when the disk goes on in another: libvirt keeps no account of trees of both kinds.</summary>
    private static void RefuseOtherKind(DomainFacts facts, SnapshotTree tree, bool isExternal)
    {
        if (tree.All.FirstOrDefault(snapshot => snapshot.IsExternal != isExternal) is { } other)
            throw Refusal.InvalidState(facts.Id, $"'{facts.View.Name}' has the snapshot '{other.Name}' {(isExternal ? "within" : "beside")} its images, and a machine has snapshots of one kind: delete it first.");
    }

    /// <summary>Going back puts the whole configuration back: it must neither lose a disk that was added since nor miss one that was removed.</summary>
    private static void RefuseOtherDisks(DomainFacts facts, SnapshotDocument snapshot)
    {
        var now = facts.Config.Disks.Where(disk => disk is { IsCd: false, IsFloppy: false, IsReadOnly: false }).Select(disk => disk.Target).ToHashSet(StringComparer.Ordinal);
        var then = snapshot.Disks.Select(disk => disk.Target).ToHashSet(StringComparer.Ordinal);
        if (now.Except(then).FirstOrDefault() is { } added)
            throw Refusal.InvalidState(facts.Id, $"'{facts.View.Name}' has the disk '{added}', which it had not when '{snapshot.Name}' was made: remove it first, going back would lose it.");
        if (then.Except(now).FirstOrDefault() is { } gone)
            throw Refusal.InvalidState(facts.Id, $"'{facts.View.Name}' has lost the disk '{gone}', which '{snapshot.Name}' needs.");
    }

    private static SnapshotDocument Require(SnapshotTree tree, DomainFacts facts, string name) => tree.Find(name)
        ?? throw new HypervisorException($"'{facts.View.Name}' has no snapshot '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {facts.Id}" };

    private async Task<Snapshot> AgainAsync(DomainFacts facts, SnapshotNote note, CancellationToken cancellationToken)
    {
        var tree = await SnapshotTree.ReadAsync(await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false), facts.Domain, cancellationToken).ConfigureAwait(false);
        return tree.FindRequest(note.Request!.Value) is { } made ? tree.ViewOf(made)
            : throw Refusal.Conflict(facts.Id, "The snapshot that this request made was deleted since. Ask with a new request id for a new one.");
    }

    private static VirDomainSnapshot Of(DomainChange change, SnapshotDocument snapshot) => new() { Name = snapshot.Name, Dom = change.Domain };

    /// <summary>Memory and disks take the time that they take.</summary>
    private static LibvirtConnection Unhurried(DomainChange change) => change.Libvirt.WithTimeout(Timeout.InfiniteTimeSpan);

    private static HypervisorException Unsupported(DomainFacts facts, string why) => new($"'{facts.View.Name}' {why}.", ErrorCode.Unsupported, RequestOutcome.Rejected) { Resource = $"instance {facts.Id}" };
}
