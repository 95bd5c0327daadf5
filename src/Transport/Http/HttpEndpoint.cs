using System.Buffers;
using System.Globalization;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>Where a server is: a unix socket, a TCP port, or a TCP port with TLS. TLS offers <c>http/1.1</c> by ALPN and verifies the server unless a pin alone says whom to trust.</summary>
public sealed class HttpEndpoint
{
    private static readonly SearchValues<char> s_notInAuthority = SearchValues.Create(" /?#@\\");

    private readonly Func<ConnectionOptions, CancellationToken, Task<Connection>> _connect;

    private HttpEndpoint(string name, string scheme, string authority, string address, int? port, Func<ConnectionOptions, CancellationToken, Task<Connection>> connect)
    {
        Name = name;
        Scheme = scheme;
        Authority = new HttpHeader("Host", authority, isOwn: true).Value;
        Address = address;
        Port = port;
        _connect = connect;
    }

    /// <summary>For messages: <c>unix:/run/x.sock</c>, <c>tcp:host:80</c>, <c>tls:host:443</c>.</summary>
    public string Name { get; }

    /// <summary>What requests name as their host: <c>Host</c> of RFC 9110, 7.2.</summary>
    public string Authority { get; }

    internal string Scheme { get; }

    internal string Address { get; }

    internal int? Port { get; }

    /// <summary>A server on a unix socket.</summary>
    /// <param name="path">The socket file; at most 107 bytes on Linux, 103 on macOS.</param>
    /// <param name="authority">What requests name as their host.</param>
    public static HttpEndpoint Unix(string path, string authority = "localhost")
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        CheckAuthority(authority);
        return new HttpEndpoint($"unix:{path}", "http", authority, path, null, (options, cancellationToken) => Connection.ConnectUnixAsync(path, options, cancellationToken));
    }

    /// <summary>A server on a TCP port, without encryption.</summary>
    /// <param name="host">A host name or an IP address.</param>
    /// <param name="port">1 to 65535.</param>
    public static HttpEndpoint Tcp(string host, int port)
    {
        CheckPort(host, port);
        return new HttpEndpoint($"tcp:{host}:{port}", "http", AuthorityOf(host, port, 80), host, port, (options, cancellationToken) => Connection.ConnectTcpAsync(host, port, options, cancellationToken));
    }

    /// <summary>A server on a TCP port with TLS.</summary>
    /// <param name="host">A host name or an IP address.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="tls">Whom to trust and who to be; null for what the system trusts. Protocols to offer, where it names none, are <c>http/1.1</c>.</param>
    public static HttpEndpoint Tls(string host, int port, TlsOptions? tls = null)
    {
        CheckPort(host, port);
        var own = new TlsOptions { ServerName = tls?.ServerName, ClientCertificate = tls?.ClientCertificate };
        if (tls is not null)
        {
            own.RevocationMode = tls.RevocationMode;
            own.TrustedRoots.AddRange(tls.TrustedRoots);
            foreach (string pin in tls.PinnedSha256)
                own.PinnedSha256.Add(pin);
            foreach (string protocol in tls.ApplicationProtocols)
                own.ApplicationProtocols.Add(protocol);
        }

        if (own.ApplicationProtocols.Count == 0)
            own.ApplicationProtocols.Add("http/1.1");
        return new HttpEndpoint(
            $"tls:{host}:{port}", "https", AuthorityOf(host, port, 443), host, port, (options, cancellationToken) => Connection.ConnectTlsAsync(host, port, own, options, cancellationToken));
    }

    /// <summary>A server that is reached some other way.</summary>
    internal static HttpEndpoint Over(string name, Func<CancellationToken, Task<Connection>> connect) =>
        new(name, "http", "localhost", name, null, (_, cancellationToken) => connect(cancellationToken));

    /// <inheritdoc />
    public override string ToString() => Name;

    internal Task<Connection> ConnectAsync(ConnectionOptions options, CancellationToken cancellationToken) => _connect(options, cancellationToken);

    private static string AuthorityOf(string host, int port, int usual)
    {
        string name = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;
        CheckAuthority(name);
        return port == usual ? name : string.Create(CultureInfo.InvariantCulture, $"{name}:{port}");
    }

    private static void CheckPort(string host, int port)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        if (port is < 1 or > 65535)
            throw new ArgumentOutOfRangeException(nameof(port), port, "A TCP port is 1 to 65535.");
    }

    private static void CheckAuthority(string authority)
    {
        ArgumentException.ThrowIfNullOrEmpty(authority);
        if (authority.AsSpan().ContainsAny(s_notInAuthority))
            throw new ArgumentException($"'{authority}' is not a host as requests name it.", nameof(authority));
    }
}
