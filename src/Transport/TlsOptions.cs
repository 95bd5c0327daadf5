using System.Security.Cryptography.X509Certificates;

namespace Hypervisor.Sdk.Transport;

/// <summary>Whom a TLS connection trusts and who it is. The default trusts what the system trusts and checks the server's name and the certificate's dates.</summary>
public sealed class TlsOptions
{
    /// <summary>The name that the server's certificate must carry, or null for the host that is connected to. Default: null.</summary>
    public string? ServerName { get; set; }

    /// <summary>The certificates of a private authority. When there are any, only they are trusted, and not what the system trusts.</summary>
    public X509Certificate2Collection TrustedRoots { get; } = [];

    /// <summary>
    /// SHA-256 digests in hexadecimal (colons and case do not matter) of certificates or of their public keys (SubjectPublicKeyInfo), one of which the server must show. Without
    /// <see cref="TrustedRoots"/> the pin is the whole trust: name, dates and issuer do not matter, as with the self-signed certificates of appliances. With them, both must hold.
    /// </summary>
    public IList<string> PinnedSha256 { get; } = [];

    /// <summary>Asked at each connection for this side's certificate with its private key, or null for none. The caller keeps owning it. Default: null.</summary>
    public Func<CancellationToken, ValueTask<X509Certificate2>>? ClientCertificate { get; set; }

    /// <summary>Protocols to offer by ALPN in order of preference, for example <c>http/1.1</c>. Default: none.</summary>
    public IList<string> ApplicationProtocols { get; } = [];

    /// <summary>Ask the issuer whether a certificate was revoked. Default: <see cref="X509RevocationMode.NoCheck"/>, because private authorities rarely answer.</summary>
    public X509RevocationMode RevocationMode { get; set; } = X509RevocationMode.NoCheck;
}
