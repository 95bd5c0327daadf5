using System.Globalization;
using Hypervisor.Sdk.Libvirt.Snapshots;
using Hypervisor.Sdk.Libvirt.Storage;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>
/// Says what became of requests: by what this process knows, then by what stands at the domains and by what can be seen of them. A deletion leaves nothing at the daemon: of one that another process made it is said that it has
/// expired where it may be older than what is known here.
/// </summary>
internal sealed class LibvirtRequestLog(LibvirtParts parts) : IRequestLog
{
    private readonly LibvirtStorage _storage = new(parts);

    public async Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default)
    {
        if (id.IsDefault)
            throw new ArgumentException("A request id is needed.", nameof(id));
        cancellationToken.ThrowIfCancellationRequested();
        await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var known = await parts.Server.Ledger.LookUpAsync(id, cancellationToken).ConfigureAwait(false);
        if (parts.Server.EffectOf(id) is { Volume: not null } effect)
            return await OfVolumeAsync(known, effect, cancellationToken).ConfigureAwait(false);
        // Of a pool nothing but the outcome is known.
        if (known.Instance is { IsDefault: true })
            return new RequestLookup { State = known.State, Error = known.Error };
        if (known.State is RequestState.Running or RequestState.Succeeded || known is { State: RequestState.Failed, Error.Outcome: RequestOutcome.Rejected or RequestOutcome.NotSent })
            return known;
        if (await SettleAsync(id, cancellationToken).ConfigureAwait(false) is { } settled)
            return settled;
        return known.State == RequestState.NeverSeen && TimeOf(id) < parts.Server.KnownSince ? new RequestLookup { State = RequestState.Expired } : known;
    }

    private async Task<RequestLookup> OfVolumeAsync(RequestLookup known, LibvirtServer.Effect effect, CancellationToken cancellationToken)
    {
        bool isOpen = known is { State: RequestState.Failed, Error.Outcome: RequestOutcome.Unknown };
        bool isDone = isOpen && await _storage.HasHappenedAsync(effect, cancellationToken).ConfigureAwait(false) == true;
        return isDone ? new RequestLookup { State = RequestState.Succeeded, Volume = effect.Volume } : new RequestLookup { State = known.State, Volume = effect.Volume, Error = known.Error };
    }

    private async Task<RequestLookup?> SettleAsync(RequestId id, CancellationToken cancellationToken)
    {
        // What a create makes has the request's id; what this process began is about one domain; else it is at any of them.
        if (await parts.Domains.FindAsync(id.ToGuid(), cancellationToken).ConfigureAwait(false) is { } made)
            return new RequestLookup { State = RequestState.Succeeded, Instance = made.Id };
        if (parts.Server.EffectOf(id) is { } effect)
        {
            if (effect.Kind == WorkKinds.Create)
                return null;
            var facts = await parts.Domains.FindAsync(effect.Domain, cancellationToken).ConfigureAwait(false);
            return await HasHappenedAsync(id, effect.Domain, facts, cancellationToken).ConfigureAwait(false) ? new RequestLookup { State = RequestState.Succeeded, Instance = DomainFacts.IdOf(effect.Domain) } : null;
        }

        foreach (var facts in await parts.Domains.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            if (facts.Requests.Find(id) is not null)
                return new RequestLookup { State = await HasHappenedAsync(id, facts.Domain.Uuid, facts, cancellationToken).ConfigureAwait(false) ? RequestState.Succeeded : RequestState.Failed, Instance = facts.Id };
        }

        return null;
    }

    /// <summary>Of a snapshot that was begun, the snapshot itself tells.</summary>
    private async Task<bool> HasHappenedAsync(RequestId id, Guid domain, DomainFacts? facts, CancellationToken cancellationToken)
    {
        if (parts.Work.HasHappened(id, null, domain, facts))
            return true;
        return facts?.Requests.Find(id)?.Kind == WorkKinds.Snapshot && await SnapshotTree.HasAsync(await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false), facts, id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The first 48 bits of a UUID of version 7 are its time in milliseconds (RFC 9562). Another one may be of any age.</summary>
    private static DateTimeOffset TimeOf(RequestId id)
    {
        var value = id.ToGuid();
        return value.Version == 7 ? DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(value.ToString("N").AsSpan(0, 12), NumberStyles.HexNumber, CultureInfo.InvariantCulture)) : DateTimeOffset.MinValue;
    }
}
