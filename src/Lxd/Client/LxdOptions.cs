using System.Security.Cryptography.X509Certificates;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd;

/// <summary>Where an LXD or Incus server is, and how it is talked to. Read once, when the client connects.</summary>
public sealed class LxdOptions
{
    /// <summary>Where LXD of Debian's package listens.</summary>
    public const string LxdSocket = "/var/lib/lxd/unix.socket";

    /// <summary>Where LXD of the snap listens.</summary>
    public const string LxdSnapSocket = "/var/snap/lxd/common/lxd/unix.socket";

    /// <summary>Where Incus listens.</summary>
    public const string IncusSocket = "/var/lib/incus/unix.socket";

    /// <summary>
    /// The server: a socket's path (<c>/var/lib/incus/unix.socket</c>), or <c>https://host:8443</c>. Default: null, the first of the sockets of Incus, LXD, and LXD's snap that is there.
    /// </summary>
    public string? Server { get; set; }

    /// <summary>The project that calls are for which name none. Default: null, the server's <c>default</c>.</summary>
    public string? Project { get; set; }

    /// <summary>Asked at each connection for the client's certificate with its private key. Only for <c>https</c>. Default: null.</summary>
    public Func<CancellationToken, ValueTask<X509Certificate2>>? ClientCertificate { get; set; }

    /// <summary>
    /// SHA-256 digests in hexadecimal of certificates, one of which the server must show: what the servers print as their fingerprint, and what a token carries. Default: none; then the
    /// certificate is checked as the system checks it.
    /// </summary>
    public IList<string> PinnedSha256 { get; } = [];

    /// <summary>The certificates of a private authority (PKI mode). When there are any, only they are trusted. Default: none.</summary>
    public X509Certificate2Collection TrustedRoots { get; } = [];

    /// <summary>
    /// Consent to a server that nothing is known of: called with the SHA-256 of the certificate that it shows, once, when the client connects by <c>https</c> and there is neither a pin nor an
    /// authority. True pins that certificate for the life of this client; store it for the next. Default: null, nobody consents.
    /// </summary>
    public Func<string, CancellationToken, ValueTask<bool>>? ConsentToCertificate { get; set; }

    /// <summary>Asked before each request for a bearer token (OIDC), or null for none. Must return at once: keep the token, renew it elsewhere. Default: null.</summary>
    public Func<string?>? BearerToken { get; set; }

    /// <summary>How long a call waits for the head of its answer. Waiting for operations has no such limit. Default: 2 minutes.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>The connections that there may be at once: 1 to 4096. Default: 32.</summary>
    public int MaxConnections { get; set; } = 32;

    internal LxdOptions Validated()
    {
        if (Timeout <= TimeSpan.Zero)
            throw new ArgumentException($"{nameof(Timeout)} is {Timeout}; it must be positive.");
        if (Server is not null && Server.Length > 0 && Server[0] != '/' && AddressOf(Server) is null)
            throw new ArgumentException($"'{Server}' is neither the path of a socket nor https://host:port.", nameof(Server));
        if (Server is { Length: 0 })
            throw new ArgumentException("An empty text is no server.", nameof(Server));
        return this;
    }

    internal HttpPoolOptions PoolOptions()
    {
        var token = BearerToken;
        return new HttpPoolOptions
        {
            MaxConnections = MaxConnections,
            Timeouts = new HttpTimeouts { Head = Timeout },
            Credentials = token is null ? null : () => token() is { Length: > 0 } text ? new HttpHeader("Authorization", $"Bearer {text}") : null,
        };
    }

    internal string ServerOrDefault() => Server ?? Array.Find([IncusSocket, LxdSocket, LxdSnapSocket], File.Exists) ?? IncusSocket;

    internal static Uri? AddressOf(string server) =>
        Uri.TryCreate(server, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps && address.AbsolutePath == "/" && address.Query.Length == 0 && address.UserInfo.Length == 0 ? address : null;
}
