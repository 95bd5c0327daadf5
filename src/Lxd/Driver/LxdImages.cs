using System.Runtime.CompilerServices;
using System.Text.Json;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>The images of the server. Nothing that the server says is taken for a name of a file, and fingerprints are compared on this side too.</summary>
internal sealed class LxdImages(LxdParts parts, ContainerWork work) : ILxdImages, IImages
{
    private const int FingerprintDigits = 64;
    private const int LongestAlias = 255;
    private const string Container = "container";
    private const string Split = "multipart/form-data";
    private const string AliasTaken = "Alias already exists: ";

    public async Task<IReadOnlyList<LxdImage>> ListAsync(CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        return [.. (await parts.Client.ImagesGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? []];
    }

    /// <summary>Those that containers are made from, each once: by the first of its aliases, or by its fingerprint where it has none.</summary>
    async IAsyncEnumerable<Image> IImages.ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var image in await ListAsync(cancellationToken).ConfigureAwait(false))
        {
            if (IsFingerprint(image.Fingerprint) && image.Type is null or Container)
                yield return ViewOf(image);
        }
    }

    public async Task<LxdImage?> FindAsync(string image, CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        string? fingerprint = image;
        if (!IsFingerprint(image))
        {
            RefuseAlias("image", image);
            fingerprint = (await ServerCalls.AnyAsync(() => parts.Client.ImageAliasGetAsync(image, cancellationToken: cancellationToken)).ConfigureAwait(false))?.Value.Target;
        }

        return IsFingerprint(fingerprint) ? (await ServerCalls.AnyAsync(() => parts.Client.ImageGetAsync(fingerprint!, cancellationToken: cancellationToken)).ConfigureAwait(false))?.Value : null;
    }

    public async Task<LxdImage> ImportAsync(Stream archive, LxdImageSpec? spec = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(archive);
        Begin(cancellationToken);
        Refuse(spec);
        if (spec?.Fingerprint is { } expected && await FindAsync(expected.ToLowerInvariant(), cancellationToken).ConfigureAwait(false) is not null)
            throw Taken(expected);
        var sent = new FingerprintStream(archive, null, leaveOpen: true);
        await using (sent.ConfigureAwait(false))
        {
            var call = new LxdCall { HeaderFingerprint = spec?.Fingerprint?.ToLowerInvariant(), HeaderPublic = spec?.IsPublic is true ? "true" : null, HeaderProperties = PropertiesOf(spec) };
            var begun = await parts.Client.SendImageAsync(HttpRequestBody.FromStream(sent), call, cancellationToken).ConfigureAwait(false);

            // From here on the server goes on by itself.
            var image = await TakenInAsync(begun, "Taking an image in", CancellationToken.None).ConfigureAwait(false);
            if (sent.Fingerprint is { } own && image.Fingerprint != own)
            {
                await DeleteAsync(image.Fingerprint!, CancellationToken.None).ConfigureAwait(false);
                throw new HypervisorException($"The server has kept an image '{image.Fingerprint}' of what has the SHA-256 {own}; it was deleted again.", ErrorCode.Corrupted, RequestOutcome.FailedMidway);
            }

            return await NamedAsync(image, spec, cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<Stream> ExportAsync(string image, CancellationToken cancellationToken = default)
    {
        string fingerprint = (await RequireAsync(image, cancellationToken).ConfigureAwait(false)).Fingerprint!;
        var response = await parts.Client.ImageExportGetAsync(fingerprint, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (response.GetHeader("Content-Type")?.StartsWith(Split, StringComparison.OrdinalIgnoreCase) is not true)
            return new FingerprintStream(new ResponseStream(response), fingerprint, leaveOpen: false);
        await response.DisposeAsync().ConfigureAwait(false);
        throw Refusal.Unsupported("image", $"The server keeps '{image}' as two files, which are no archive: LxdClient.ImageExportGetAsync gives both.");
    }

    public async Task<LxdImage> CopyAsync(Uri server, string image, LxdImageSpec? spec = null, string? certificate = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        Begin(cancellationToken);
        Refuse(spec);
        if (!server.IsAbsoluteUri || (server.Scheme != Uri.UriSchemeHttp && server.Scheme != Uri.UriSchemeHttps) || server.UserInfo.Length > 0 || server.Query.Length > 0)
            throw Refusal.Invalid("server", "it is an address with http or https, without a user and a query.");
        if (!IsFingerprint(image))
            RefuseAlias("image", image);
        var post = new LxdImagesPost
        {
            Public = spec?.IsPublic is true, Properties = spec is { Properties.Count: > 0 } ? new Dictionary<string, string>(spec.Properties) : null,
            Source = new LxdImagesPostSource { Type = "image", Mode = "pull", Protocol = "simplestreams", Server = server.AbsoluteUri.TrimEnd('/'), Alias = image, Certificate = certificate, ImageType = "container" },
        };
        var before = (await ListAsync(cancellationToken).ConfigureAwait(false)).Select(there => there.Fingerprint).ToHashSet(StringComparer.Ordinal);
        LxdImage copied;
        try
        {
            copied = await TakenInAsync(await parts.Client.ImagesPostAsync(post, cancellationToken: cancellationToken).ConfigureAwait(false), $"Copying '{image}' from {server.Host}", cancellationToken).ConfigureAwait(false);
        }
        catch (LxdException error) when (error.Code == ErrorCode.AlreadyExists && error.Message.Contains(AliasTaken, StringComparison.Ordinal))
        {
            // No alias was asked for: Incus gives an image that it has already its own aliases a second time, fails at that, and has named one.
            string alias = error.Message.Split(AliasTaken)[^1].Trim();
            if (!IsAlias(alias) || await FindAsync(alias, cancellationToken).ConfigureAwait(false) is not { } there || !before.Contains(there.Fingerprint))
                throw;
            copied = there;
        }

        if (spec?.Fingerprint is { } expected && !expected.Equals(copied.Fingerprint, StringComparison.OrdinalIgnoreCase))
        {
            bool isNew = !before.Contains(copied.Fingerprint);
            if (isNew)
                await DeleteAsync(copied.Fingerprint!, CancellationToken.None).ConfigureAwait(false);
            throw Refusal.Invalid("fingerprint", $"'{image}' has the fingerprint {copied.Fingerprint} at {server.Host}{(isNew ? "; it was deleted again" : ", and this server had it before")}.");
        }

        return await NamedAsync(copied, spec, cancellationToken).ConfigureAwait(false);
    }

    public async Task<LxdImage> PublishAsync(InstanceId id, SnapshotName? snapshot = null, LxdImageSpec? spec = null, CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        Refuse(spec);
        if (spec?.Fingerprint is not null)
            throw Refusal.Invalid("fingerprint", "Nobody knows the fingerprint of an image that is yet to be made.");
        var facts = await work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        string source = id.ToString();
        if (snapshot is { IsDefault: false } name)
        {
            if (await ServerCalls.AnyAsync(() => parts.Client.InstanceSnapshotGetAsync(id.ToString(), name.ToString(), cancellationToken: cancellationToken)).ConfigureAwait(false) is null)
                throw new HypervisorException($"'{id}' has no snapshot '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = parts.Name, Resource = $"snapshot {id}/{name}" };
            source = $"{id}/{name}";
        }
        else if (facts.IsActive)
        {
            throw Refusal.InvalidState(id, $"'{id}' is {facts.State}: an image is made of a container that is stopped, or of a snapshot.");
        }

        var post = new LxdImagesPost
        {
            Public = spec?.IsPublic is true, Properties = spec is { Properties.Count: > 0 } ? new Dictionary<string, string>(spec.Properties) : null,
            Source = new LxdImagesPostSource { Type = source.Contains('/', StringComparison.Ordinal) ? "snapshot" : "instance", Name = source },
        };
        var made = await TakenInAsync(await parts.Client.ImagesPostAsync(post, cancellationToken: cancellationToken).ConfigureAwait(false), $"Making an image of '{source}'", cancellationToken).ConfigureAwait(false);
        return await NamedAsync(made, spec, cancellationToken).ConfigureAwait(false);
    }

    public async Task SetAliasAsync(string alias, string image, string? description = null, CancellationToken cancellationToken = default)
    {
        RefuseAlias("alias", alias);
        string fingerprint = (await RequireAsync(image, cancellationToken).ConfigureAwait(false)).Fingerprint!;
        while (true)
        {
            Begin(cancellationToken);
            var there = await ServerCalls.AnyAsync(() => parts.Client.ImageAliasGetAsync(alias, cancellationToken: cancellationToken)).ConfigureAwait(false);
            try
            {
                if (there is null)
                    await parts.Client.ImagesAliasesPostAsync(new LxdImageAliasesPost { Name = alias, Target = fingerprint, Description = description }, cancellationToken: cancellationToken).ConfigureAwait(false);
                else
                    await parts.Client.ImagesAliasesPutAsync(alias, new LxdImageAliasesEntryPut { Target = fingerprint, Description = description ?? there.Value.Description }, new LxdCall { IfMatch = there.Revision }, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (LxdException error) when (error.Status is 409 or 412)
            {
                // Somebody was faster.
                await Task.Yield();
            }
        }
    }

    public Task RemoveAliasAsync(string alias, CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        RefuseAlias("alias", alias);
        return parts.Client.ImageAliasDeleteAsync(alias, cancellationToken: cancellationToken);
    }

    public async Task DeleteAsync(string image, CancellationToken cancellationToken = default)
    {
        string fingerprint = (await RequireAsync(image, cancellationToken).ConfigureAwait(false)).Fingerprint!;
        await parts.Client.EndAsync(await parts.Client.ImageDeleteAsync(fingerprint, cancellationToken: cancellationToken).ConfigureAwait(false), $"Deleting the image '{image}'", cancellationToken).ConfigureAwait(false);
    }

    private static Image ViewOf(LxdImage image)
    {
        string? alias = image.Aliases?.Select(alias => alias.Name).Where(name => name is { Length: > 0 }).Order(StringComparer.Ordinal).FirstOrDefault();
        string? description = image.Properties is { } properties && properties.TryGetValue("description", out string? words) && words.Length > 0 ? words : null;
        return new Image
        {
            Id = alias ?? image.Fingerprint!, Name = alias ?? description ?? image.Fingerprint!, Kind = Container, Size = image.Size is { } bytes and >= 0 ? new ByteSize(bytes) : null,
            Architecture = Architecture.TryParse(image.Architecture, null, out var architecture) ? architecture : null,
        };
    }

    /// <summary>Waits until the server has an image, and looks at it.</summary>
    private async Task<LxdImage> TakenInAsync(LxdOperation begun, string what, CancellationToken cancellationToken)
    {
        var ended = await parts.Client.WaitAsync(begun.Id!, what, cancellationToken).ConfigureAwait(false);
        return ended.Metadata is { } metadata && metadata.TryGetValue("fingerprint", out var value) && value.ValueKind == JsonValueKind.String && IsFingerprint(value.GetString())
            ? (await parts.Client.ImageGetAsync(value.GetString()!, cancellationToken: cancellationToken).ConfigureAwait(false)).Value
            : throw LxdErrors.Unreadable(what, "it names no fingerprint.");
    }

    private async Task<LxdImage> NamedAsync(LxdImage image, LxdImageSpec? spec, CancellationToken cancellationToken)
    {
        if (spec is not { Aliases.Count: > 0 })
            return image;
        foreach (string alias in spec.Aliases)
            await SetAliasAsync(alias, image.Fingerprint!, null, cancellationToken).ConfigureAwait(false);
        return (await parts.Client.ImageGetAsync(image.Fingerprint!, cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
    }

    private async Task<LxdImage> RequireAsync(string image, CancellationToken cancellationToken) =>
        await FindAsync(image, cancellationToken).ConfigureAwait(false) is { Fingerprint: { } fingerprint } found && IsFingerprint(fingerprint) ? found
            : throw new HypervisorException($"There is no image '{image}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = parts.Name, Resource = $"image {image}" };

    private void Begin(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
    }

    private static string? PropertiesOf(LxdImageSpec? spec) =>
        spec is { Properties.Count: > 0 } ? string.Join('&', spec.Properties.Select(property => $"{Uri.EscapeDataString(property.Key)}={Uri.EscapeDataString(property.Value)}")) : null;

    private static void Refuse(LxdImageSpec? spec)
    {
        if (spec?.Fingerprint is { } fingerprint && !IsFingerprint(fingerprint))
            throw Refusal.Invalid("fingerprint", $"a fingerprint is {FingerprintDigits} hexadecimal digits.");
        foreach (string alias in spec?.Aliases ?? [])
            RefuseAlias("aliases", alias);
        if (spec?.Properties.Any(property => property.Key.Length == 0 || property.Key.Any(char.IsControl) || property.Value is null || property.Value.Any(char.IsControl)) is true)
            throw Refusal.Invalid("properties", "a property has a name and is one line.");
    }

    private static void RefuseAlias(string field, string? alias)
    {
        if (!IsAlias(alias))
            throw Refusal.Invalid(field, $"'{alias}' is no alias of an image: 1 to {LongestAlias} letters, digits and '-', '_', '.', '/', ':', without empty parts between slashes.");
    }

    private static bool IsAlias(string? text) =>
        text is { Length: > 0 and <= LongestAlias } && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' or '/' or ':') && !text.Split('/').Any(part => part is "" or "." or "..");

    private static HypervisorException Taken(string fingerprint) => new($"There is an image '{fingerprint}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"image {fingerprint}" };

    private static bool IsFingerprint(string? text) => text is { Length: FingerprintDigits } && text.All(char.IsAsciiHexDigit);
}
