using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hypervisor.Sdk.Transport;

/// <summary>Decides about a server's certificate, once per handshake, and says what was wrong.</summary>
internal sealed class CertificateCheck
{
    private readonly List<byte[]> _pins;
    private readonly X509Certificate2Collection _roots;
    private readonly X509RevocationMode _revocation;

    public CertificateCheck(TlsOptions options)
    {
        _pins = [.. options.PinnedSha256.Select(Pin)];
        _roots = [.. options.TrustedRoots];
        _revocation = options.RevocationMode;
    }

    /// <summary>What was wrong, or null.</summary>
    public string? Fault { get; private set; }

    public bool Accept(X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (shown is null)
            Fault = "the server showed no certificate";
        else if (_pins.Count > 0 && !IsPinned((X509Certificate2)shown))
            Fault = $"the certificate with SHA-256 {Convert.ToHexString(SHA256.HashData(shown.GetRawCertData()))} is not a pinned one";
        else if (_roots.Count > 0)
            Fault = FaultOfPrivateChain((X509Certificate2)shown, chain, errors);
        else if (_pins.Count == 0 && errors != SslPolicyErrors.None)
            Fault = Describe(errors, chain);
        return Fault is null;
    }

    private static byte[] Pin(string text)
    {
        string digits = text.Replace(":", "", StringComparison.Ordinal);
        if (digits.Length != SHA256.HashSizeInBytes * 2 || digits.Any(digit => !char.IsAsciiHexDigit(digit)))
            throw new ArgumentException($"'{text}' is not a SHA-256 digest: 64 hexadecimal digits are needed.");
        return Convert.FromHexString(digits);
    }

    private bool IsPinned(X509Certificate2 certificate)
    {
        byte[] whole = SHA256.HashData(certificate.RawDataMemory.Span);
        byte[] key = SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo());
        return _pins.Exists(pin => pin.AsSpan().SequenceEqual(whole) || pin.AsSpan().SequenceEqual(key));
    }

    /// <summary>Builds the chain again, to the private roots only; the framework's own answer still counts for the name.</summary>
    private string? FaultOfPrivateChain(X509Certificate2 certificate, X509Chain? shown, SslPolicyErrors errors)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return Describe(SslPolicyErrors.RemoteCertificateNameMismatch, null);

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_roots);
        chain.ChainPolicy.RevocationMode = _revocation;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1", "serverAuth"));
        chain.ChainPolicy.DisableCertificateDownloads = true;
        foreach (X509ChainElement element in shown?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(certificate) ? null : Describe(SslPolicyErrors.RemoteCertificateChainErrors, chain);
    }

    private static string Describe(SslPolicyErrors errors, X509Chain? chain)
    {
        var faults = new List<string>();
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            faults.Add("the certificate is for another name");
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
            faults.AddRange((chain?.ChainStatus ?? []).Select(status => $"{status.Status}: {status.StatusInformation.Trim()}"));
        return faults.Count > 0 ? string.Join("; ", faults) : errors.ToString();
    }
}
