using System.Globalization;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>What the headers of an answer say of a file of a container.</summary>
/// <param name="Kind">One of the three words below.</param>
/// <param name="Size">Of a file, where the answer says so.</param>
/// <param name="Attributes">Owner and mode.</param>
internal sealed record ContainerFile(string Kind, ByteSize? Size, GuestFileAttributes Attributes)
{
    public const string File = "file";
    public const string Directory = "directory";
    public const string Link = "symlink";

    /// <exception cref="BackendProtocolException">A header is missing, or is not what it should be.</exception>
    public static ContainerFile Of(HttpResponse response, bool isIncus) => Of(response.GetHeader, isIncus ? "X-Incus-" : "X-LXD-");

    internal static ContainerFile Of(Func<string, string?> header, string prefix)
    {
        string kind = Header("type") is File or Directory or Link ? Header("type")! : throw Unreadable("type");
        long? size = kind == File && long.TryParse(header("Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? bytes : null;
        return new ContainerFile(kind, size is { } known ? new ByteSize(known) : null, new GuestFileAttributes { UserId = Number("uid"), GroupId = Number("gid"), Mode = Mode() });

        string? Header(string name) => header(prefix + name);

        int? Number(string name) => int.TryParse(Header(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : Header(name) is null ? null : throw Unreadable(name);

        UnixFileMode? Mode()
        {
            if (Header("mode") is not { } text)
                return null;
            int mode = 0;
            foreach (char digit in text)
                mode = digit is >= '0' and <= '7' && mode < 1 << 12 ? (mode << 3) | (digit - '0') : throw Unreadable("mode");
            return mode < 1 << 12 ? (UnixFileMode)mode : throw Unreadable("mode");
        }

        BackendProtocolException Unreadable(string name) => LxdErrors.Unreadable("the request for a file", $"its header '{prefix}{name}' is '{Header(name)}'.");
    }
}
