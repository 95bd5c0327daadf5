using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>
/// Files of containers, whether they run or not: the servers open them within the container's own root. Links are followed as the server says where they lead. What the server says of files comes from the guest in the end: each
/// name, kind, number and length is checked before it is believed.
/// </summary>
internal sealed class LxdFiles(LxdParts parts, ContainerWork work) : IGuestFiles
{
    private const int MaxNameCharacters = 255;
    private const int MaxEntries = 100_000;
    private const int MaxLinks = 40;
    private const int LooksAtOnce = 8;

    public async Task<Stream> OpenReadAsync(InstanceId id, string path, CancellationToken cancellationToken = default)
    {
        await RequireAsync(id, path, cancellationToken).ConfigureAwait(false);
        var (response, entry, _) = await OpenAsync(id, path, cancellationToken).ConfigureAwait(false);
        if (entry.Kind == ContainerFile.File)
            return new ResponseStream(response);
        await response.DisposeAsync().ConfigureAwait(false);
        throw Invalid($"'{path}' in '{id}' is a {entry.Kind}, and no file.");
    }

    public async Task WriteAsync(InstanceId id, string path, Stream content, GuestFileAttributes? attributes = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        var call = CallOf(attributes);
        await RequireAsync(id, path, cancellationToken).ConfigureAwait(false);
        string at = path;
        if (await LookAsync(id, path, cancellationToken).ConfigureAwait(false) is { } there)
        {
            if (there.Kind == ContainerFile.Link)
                (there, at) = await EndOfAsync(id, path, cancellationToken).ConfigureAwait(false);
            if (there?.Kind == ContainerFile.Directory)
                throw Invalid($"'{path}' in '{id}' is a directory, and cannot be written as a file.");

            // The servers give owner and mode to files only that they make.
            if (there is not null && attributes is { UserId: not null } or { GroupId: not null } or { Mode: not null })
                await parts.Client.InstanceFilesDeleteAsync(id.ToString(), new LxdCall { Path = at }, cancellationToken).ConfigureAwait(false);
        }

        await parts.Client.InstanceFilesPostAsync(id.ToString(), HttpRequestBody.FromStream(content, content.CanSeek ? content.Length - content.Position : null), call(at), cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<GuestFile> ListAsync(InstanceId id, string path, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await RequireAsync(id, path, cancellationToken).ConfigureAwait(false);
        var (names, at) = await NamesAsync(id, path, cancellationToken).ConfigureAwait(false);
        foreach (string[] some in names.Chunk(LooksAtOnce))
        {
            var looks = await Task.WhenAll(some.Select(name => LookAsync(id, $"{at.TrimEnd('/')}/{name}", cancellationToken))).ConfigureAwait(false);
            foreach (var (name, entry) in some.Zip(looks))
            {
                // One that is gone meanwhile is listed no more.
                if (entry is not null)
                    yield return new GuestFile { Name = name, Kind = entry.Kind, Size = entry.Size, Attributes = entry.Attributes };
            }
        }
    }

    public async Task DeleteAsync(InstanceId id, string path, CancellationToken cancellationToken = default)
    {
        await RequireAsync(id, path, cancellationToken).ConfigureAwait(false);
        if (path.TrimEnd('/').Length == 0)
            throw Invalid("The root of a container is not deleted.");
        try
        {
            await parts.Client.InstanceFilesDeleteAsync(id.ToString(), new LxdCall { Path = path }, cancellationToken).ConfigureAwait(false);
        }
        catch (LxdException error) when (error.Code == ErrorCode.Unspecified)
        {
            // The servers only say that it failed.
            if (await LookAsync(id, path, cancellationToken).ConfigureAwait(false) is { Kind: ContainerFile.Directory } && (await NamesAsync(id, path, cancellationToken).ConfigureAwait(false)).Names.Count > 0)
                throw new HypervisorException($"The directory '{path}' in '{id}' is not empty.", ErrorCode.InvalidState, RequestOutcome.Rejected, error) { Backend = parts.Name, Resource = path, BackendCode = error.BackendCode, BackendMessage = error.BackendMessage };
            throw;
        }
    }

    private async Task RequireAsync(InstanceId id, string path, CancellationToken cancellationToken)
    {
        GuestFileProblems.Refuse(path);
        await work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Opens what a path leads to.</summary>
    private async Task<(HttpResponse Response, ContainerFile Entry, string At)> OpenAsync(InstanceId id, string path, CancellationToken cancellationToken)
    {
        string at = path;
        for (int links = 0; links <= MaxLinks; links++)
        {
            var response = await parts.Client.InstanceFilesGetAsync(id.ToString(), new LxdCall { Path = at }, cancellationToken).ConfigureAwait(false);
            try
            {
                var entry = ContainerFile.Of(response, parts.Client.IsIncus);
                if (entry.Kind != ContainerFile.Link)
                    return (response, entry, at);
                at = await TargetAsync(response, at, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                await response.DisposeAsync().ConfigureAwait(false);
                throw;
            }

            await response.DisposeAsync().ConfigureAwait(false);
        }

        throw Invalid($"'{path}' in '{id}' leads through more than {MaxLinks} links.");
    }

    /// <summary>What is at the end of a link; nothing where it leads to what is not there yet.</summary>
    private async Task<(ContainerFile? Entry, string At)> EndOfAsync(InstanceId id, string path, CancellationToken cancellationToken)
    {
        string at = path;
        for (int links = 0; links <= MaxLinks; links++)
        {
            if (await LookAsync(id, at, cancellationToken).ConfigureAwait(false) is not { Kind: ContainerFile.Link } entry)
                return (await LookAsync(id, at, cancellationToken).ConfigureAwait(false), at);
            var response = await parts.Client.InstanceFilesGetAsync(id.ToString(), new LxdCall { Path = at }, cancellationToken).ConfigureAwait(false);
            await using (response.ConfigureAwait(false))
                at = await TargetAsync(response, at, cancellationToken).ConfigureAwait(false);
        }

        throw Invalid($"'{path}' in '{id}' leads through more than {MaxLinks} links.");
    }

    /// <summary>Where a link leads: an absolute path as the servers answer it.</summary>
    private static async Task<string> TargetAsync(HttpResponse response, string link, CancellationToken cancellationToken)
    {
        if (response.ContentLength is null or > GuestFileProblems.MaxPathBytes)
            throw LxdErrors.Unreadable($"the link '{link}'", $"its target is of {response.ContentLength?.ToString(CultureInfo.InvariantCulture) ?? "unknown"} bytes.");
        string target = Encoding.UTF8.GetString(await response.ReadSequenceAsync(cancellationToken).ConfigureAwait(false));
        return target.StartsWith('/') && !target.Contains('\0', StringComparison.Ordinal) ? target : throw LxdErrors.Unreadable($"the link '{link}'", "its target is no absolute path.");
    }

    /// <summary>What is there, links not followed; null when there is nothing.</summary>
    private async Task<ContainerFile?> LookAsync(InstanceId id, string path, CancellationToken cancellationToken)
    {
        try
        {
            var response = await parts.Client.InstanceFilesHeadAsync(id.ToString(), new LxdCall { Path = path }, cancellationToken).ConfigureAwait(false);
            await using (response.ConfigureAwait(false))
                return ContainerFile.Of(response, parts.Client.IsIncus);
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    private async Task<(IReadOnlyList<string> Names, string At)> NamesAsync(InstanceId id, string path, CancellationToken cancellationToken)
    {
        var (response, entry, at) = await OpenAsync(id, path, cancellationToken).ConfigureAwait(false);
        await using (response.ConfigureAwait(false))
        {
            if (entry.Kind != ContainerFile.Directory)
                throw Invalid($"'{path}' in '{id}' is a {entry.Kind}, and no directory.");
            var names = NamesOf(LxdEnvelope.Read(await response.ReadSequenceAsync(cancellationToken).ConfigureAwait(false), LxdJson.Default.ListOfString, $"the directory '{path}'").Value, path);
            return (names, at);
        }
    }

    /// <summary>The names of a directory, each of which can be one.</summary>
    internal static IReadOnlyList<string> NamesOf(IEnumerable<string?> said, string path)
    {
        var names = new List<string>();
        foreach (string? name in said)
        {
            if (name is null or "" or "." or ".." || name.Length > MaxNameCharacters || name.Contains('/', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal))
                throw LxdErrors.Unreadable($"the directory '{path}'", "an entry has a name that no file can have.");
            if (names.Count == MaxEntries)
                throw new HypervisorException($"The directory '{path}' has more than the {MaxEntries} entries that are listed.", ErrorCode.Exhausted, RequestOutcome.Rejected) { Resource = path };
            names.Add(name);
        }

        return names;
    }

    /// <summary>How a file is written, by its path.</summary>
    private static Func<string, LxdCall> CallOf(GuestFileAttributes? attributes)
    {
        GuestFileProblems.Refuse(attributes);
        return path => new LxdCall
        {
            Path = path, HeaderType = ContainerFile.File, HeaderWrite = "overwrite",
            HeaderUid = attributes?.UserId?.ToString(CultureInfo.InvariantCulture), HeaderGid = attributes?.GroupId?.ToString(CultureInfo.InvariantCulture),
            HeaderMode = attributes?.Mode is { } bits ? "0" + Convert.ToString((int)bits, 8) : null,
        };
    }

    private HypervisorException Invalid(string message) => new(message, ErrorCode.InvalidArgument, RequestOutcome.Rejected) { Backend = parts.Name };
}
