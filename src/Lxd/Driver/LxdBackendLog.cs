using System.Globalization;
using Hypervisor.Sdk.Lxd.Storage;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>
/// Says what became of requests: by what this process knows, then by what stands at the containers and volumes and by what can be seen of them. A deletion leaves nothing at the server: of one that another process made it is said that it has
/// expired where it may be older than what is known here.
/// </summary>
internal sealed class LxdBackendLog(LxdParts parts, ContainerWork work, LxdStorage storage) : IRequestLog
{
    private readonly LxdRequestLog _server = new(parts.Client);

    public async Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default)
    {
        if (id.IsDefault)
            throw new ArgumentException("A request id is needed.", nameof(id));
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        var known = await work.Ledger.LookUpAsync(id, cancellationToken).ConfigureAwait(false);
        if (parts.Memory.EffectOf(id) is { Volume: { } volume } effect)
            return await OfVolumeAsync(id, known, effect.Kind, volume, cancellationToken).ConfigureAwait(false);
        // Of a pool nothing but the outcome is known.
        if (known.Instance is { IsDefault: true })
            return new RequestLookup { State = known.State, Error = known.Error };
        if (known.State is RequestState.Running or RequestState.Succeeded || known is { State: RequestState.Failed, Error.Outcome: RequestOutcome.Rejected or RequestOutcome.NotSent })
            return known;
        if (parts.Memory.EffectOf(id) is { Kind: WorkKinds.Delete } deletion)
        {
            var there = await parts.Containers.FindAsync(deletion.Id, cancellationToken).ConfigureAwait(false);
            return await work.HasHappenedAsync(id, WorkKinds.Delete, deletion.Id, there, cancellationToken).ConfigureAwait(false) ? new RequestLookup { State = RequestState.Succeeded, Instance = deletion.Id } : known;
        }

        // Going back takes away what the request has left, too.
        if (parts.Memory.EffectOf(id) is { Kind: WorkKinds.Revert } back
            && await work.HasHappenedAsync(id, WorkKinds.Revert, back.Id, await parts.Containers.FindAsync(back.Id, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false))
        {
            return new RequestLookup { State = RequestState.Succeeded, Instance = back.Id };
        }

        var left = await _server.LookUpAsync(id, cancellationToken).ConfigureAwait(false);
        if (left is { State: RequestState.Succeeded, Instance: { } container })
        {
            var facts = await parts.Containers.FindAsync(container, cancellationToken).ConfigureAwait(false);
            return await work.HasHappenedAsync(id, null, container, facts, cancellationToken).ConfigureAwait(false) ? left : new RequestLookup { State = RequestState.Failed, Instance = container, Error = known.Error };
        }

        if (left.State == RequestState.Running)
            return left;
        if (left.State == RequestState.NeverSeen && await storage.LookUpAsync(id, cancellationToken).ConfigureAwait(false) is { } made)
            return made;
        return known.State == RequestState.NeverSeen && TimeOf(id) < parts.Memory.KnownSince ? new RequestLookup { State = RequestState.Expired } : known;
    }

    private async Task<RequestLookup> OfVolumeAsync(RequestId id, RequestLookup known, string kind, VolumeId volume, CancellationToken cancellationToken)
    {
        bool isOpen = known is { State: RequestState.Failed, Error.Outcome: not (RequestOutcome.Rejected or RequestOutcome.NotSent) };
        return isOpen && await storage.HasHappenedAsync(id, kind, volume, cancellationToken).ConfigureAwait(false)
            ? new RequestLookup { State = RequestState.Succeeded, Volume = volume } : new RequestLookup { State = known.State, Volume = volume, Error = known.Error };
    }

    /// <summary>The first 48 bits of a UUID of version 7 are its time in milliseconds (RFC 9562). Another one may be of any age.</summary>
    private static DateTimeOffset TimeOf(RequestId id)
    {
        var value = id.ToGuid();
        return value.Version == 7 ? DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(value.ToString("N").AsSpan(0, 12), NumberStyles.HexNumber, CultureInfo.InvariantCulture)) : DateTimeOffset.MinValue;
    }
}
