using System.Buffers.Text;
using System.Text;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>
/// Pages over the instances of several backends, one after the other in the order of their names. A backend that does not answer is named on the page and skipped. The continuation says where to go on: the backend,
/// its role, and the backend's own continuation.
/// </summary>
internal sealed class InstanceList(ApiServices services, BackendName? only, InstanceFilter filter)
{
    private readonly List<Located<Instance>> _items = [];
    private readonly List<HypervisorException> _unreachable = [];

    public async Task<InstancePage> ReadAsync(string? continuation, int limit, CancellationToken cancellationToken)
    {
        var at = continuation is null ? null : Place.Parse(continuation);
        foreach (var name in services.Registry.List().Select(backend => backend.Name).Where(name => only is null || name == only).OrderBy(name => name.ToString(), StringComparer.Ordinal))
        {
            if (at is not null && string.CompareOrdinal(name.ToString(), at.Backend) < 0)
                continue;
            var start = at?.Backend == name.ToString() ? at : null;
            if (_items.Count == limit)
                return Page(new Place(name.ToString(), 0, null));
            if (await ReadBackendAsync(name, start, limit, cancellationToken).ConfigureAwait(false) is { } rest)
                return Page(rest);
        }

        return Page(null);
    }

    private InstancePage Page(Place? rest) => new(_items, rest?.ToString(), _unreachable);

    /// <returns>Where the page is full; null when the backend has no more.</returns>
    private async Task<Place?> ReadBackendAsync(BackendName name, Place? start, int limit, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(services.Options.ListTimeout, services.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            var backend = await services.Registry.GetAsync(name, either.Token).ConfigureAwait(false);
            var roles = ComputeRoles.Of(backend);
            for (int role = start?.Role ?? 0; role < roles.Count; role++)
            {
                string? continuation = start?.Role == role ? start.Continuation : null;
                do
                {
                    if (_items.Count == limit)
                        return new(name.ToString(), role, continuation);
                    var page = await roles[role].List(filter).GetPageAsync(continuation, limit - _items.Count, either.Token).ConfigureAwait(false);
                    _items.AddRange(page.Items.Select(instance => new Located<Instance>(name, instance)));
                    _unreachable.AddRange(page.Unreachable.Select(failure => Unreachable.Backend(name, failure)));
                    continuation = page.Continuation;
                }
                while (continuation is not null);
            }
        }
        catch (HypervisorException failure) when (only is null)
        {
            _unreachable.Add(Unreachable.Backend(name, failure));
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            _unreachable.Add(Unreachable.Late(name, services.Options.ListTimeout));
        }

        return null;
    }

    private sealed record Place(string Backend, int Role, string? Continuation)
    {
        private const int MaxChars = 4096;

        public static Place Parse(string text)
        {
            if (text.Length <= MaxChars && Base64Url.IsValid(text))
            {
                var parts = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split('\n', 3);
                if (parts.Length == 3 && (parts[1] is "0" or "1") && BackendName.TryParse(parts[0], null, out _))
                    return new(parts[0], parts[1][0] - '0', parts[2].Length == 0 ? null : parts[2]);
            }

            throw RequestRefusedException.Field("continuation", "The query parameter 'continuation' is not one that this API has given out.");
        }

        public override string ToString() => Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{Backend}\n{Role}\n{Continuation}"));
    }
}
