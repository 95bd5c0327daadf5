using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd;

/// <summary>
/// A client of an LXD or Incus server: one method for each operation of its API, over its unix socket or TLS. Thread-safe; one for each server. What the server does not offer, by its list of
/// API extensions, fails with <see cref="ErrorCode.Unsupported"/> and is not sent.
/// </summary>
/// <remarks>The API is that of LXD 5.0.2 and Incus 6.0.4 (<c>doc/rest-api.yaml</c> of both). Fields and words of newer servers are kept.</remarks>
public sealed partial class LxdClient : IAsyncDisposable
{
    private const int DefaultPort = 8443;

    private readonly HttpConnectionPool _pool;
    private readonly string? _project;
    private HashSet<string> _extensions = [];

    private LxdClient(HttpConnectionPool pool, string? project)
    {
        _pool = pool;
        _project = project;
    }

    /// <summary>What the server said of itself when the client connected, or at the last <see cref="RefreshAsync"/>.</summary>
    public LxdServer Server { get; private set; } = new();

    /// <summary>It is Incus, and not LXD. To a client that it does not trust, a server does not say: then this is false.</summary>
    public bool IsIncus { get; private set; }

    /// <summary>The server trusts this client. Others may only ask for trust, see <see cref="TrustAsync"/>, and read what is public.</summary>
    public bool IsTrusted => Server.Auth == "trusted";

    /// <summary>The API extensions of the server.</summary>
    public IReadOnlySet<string> ApiExtensions => _extensions;

    /// <summary>For messages: <c>unix:/var/lib/lxd/unix.socket</c>.</summary>
    public string Endpoint => _pool.Endpoint.Name;

    /// <summary>Connects and asks the server what it is.</summary>
    /// <param name="options">Where it is; null for a server on this machine.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="BackendConnectionException">
    /// Nobody answers (<see cref="ErrorCode.Unavailable"/>); this user may not use the socket (<see cref="ErrorCode.Denied"/>); the server's certificate is not trusted (<see cref="ErrorCode.Unauthenticated"/>).
    /// </exception>
    public static async Task<LxdClient> ConnectAsync(LxdOptions? options = null, CancellationToken cancellationToken = default)
    {
        options = (options ?? new LxdOptions()).Validated();
        var endpoint = await EndpointAsync(options, cancellationToken).ConfigureAwait(false);
        var client = new LxdClient(new HttpConnectionPool(endpoint, options.PoolOptions()), options.Project);
        try
        {
            await client.RefreshAsync(cancellationToken).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Asks the server again what it is and what it offers.</summary>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public async Task RefreshAsync(CancellationToken cancellationToken = default)
    {
        var answer = await ServerGetAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        _extensions = [.. answer.Value.ApiExtensions ?? []];
        IsIncus = string.Equals(answer.Value.Environment?.Server, "incus", StringComparison.Ordinal);
        Server = answer.Value;
    }

    /// <summary>The server has an API extension.</summary>
    public bool Offers(string extension) => _extensions.Contains(extension);

    /// <summary>Asks the server to trust the certificate that this client connects with.</summary>
    /// <param name="name">What the server calls the client.</param>
    /// <param name="secret">A token that the server's administrator has made, or, with LXD, its trust password.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">The token or password is wrong, used or expired (<see cref="ErrorCode.Denied"/> or <see cref="ErrorCode.InvalidArgument"/>).</exception>
    public async Task TrustAsync(string name, Secret secret, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(secret);

        // LXD reads one name, Incus the other, each ignores what it does not know.
        await CertificatesPostUntrustedAsync(new LxdCertificatesPost { Name = name, Type = "client", Password = secret.RevealText(), TrustToken = secret.RevealText() }, cancellationToken: cancellationToken).ConfigureAwait(false);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes a token by which one further client becomes trusted.</summary>
    /// <param name="name">What the server calls that client.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public async Task<LxdTrustToken> CreateTrustTokenAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var operation = await CertificatesPostAsync(new LxdCertificatesPost { Name = name, Type = "client", Token = true }, cancellationToken: cancellationToken).ConfigureAwait(false);
        return operation?.Metadata is { } parts ? LxdTrustToken.From(name, parts) : throw LxdErrors.Unreadable("POST /1.0/certificates", "it has no token.");
    }

    /// <summary>Closes the connections.</summary>
    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private static async Task<HttpEndpoint> EndpointAsync(LxdOptions options, CancellationToken cancellationToken)
    {
        string server = options.ServerOrDefault();
        if (server[0] == '/')
            return HttpEndpoint.Unix(server);
        var address = LxdOptions.AddressOf(server)!;
        int port = address.IsDefaultPort ? DefaultPort : address.Port;
        var tls = new TlsOptions { ClientCertificate = options.ClientCertificate };
        tls.TrustedRoots.AddRange(options.TrustedRoots);
        foreach (string pin in options.PinnedSha256)
            tls.PinnedSha256.Add(pin);
        if (tls.PinnedSha256.Count == 0 && tls.TrustedRoots.Count == 0 && options.ConsentToCertificate is { } consent)
        {
            string shown = await LxdServerCertificate.FingerprintAsync(address.IdnHost, port, options.Timeout, cancellationToken).ConfigureAwait(false);
            if (!await consent(shown, cancellationToken).ConfigureAwait(false))
                throw new BackendConnectionException($"The certificate {shown} of {server} was not consented to.", ErrorCode.Unauthenticated, RequestOutcome.NotSent);
            tls.PinnedSha256.Add(shown);
        }

        return HttpEndpoint.Tls(address.IdnHost, port, tls);
    }
}
