using System.Net;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>A certificate authority that writes what QEMU reads.</summary>
[SupportedOSPlatform("linux")]
internal sealed class TestAuthority
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public TestAuthority(string name)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(100));
    }

    public void Write(string directory)
    {
        // QEMU goes in there as another user when the tests are run by root.
        File.SetUnixFileMode(directory, (UnixFileMode)0b111_101_101);
        Write(directory, "ca-cert.pem", _certificate.ExportCertificatePem());
        Issue(directory, "server", "1.3.6.1.5.5.7.3.1");
        Issue(directory, "client", "1.3.6.1.5.5.7.3.2");
    }

    private void Issue(string directory, string name, string usage)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], true));
        using var issued = request.Create(_certificate, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30), RandomNumberGenerator.GetBytes(8));
        Write(directory, name + "-cert.pem", issued.ExportCertificatePem());
        Write(directory, name + "-key.pem", key.ExportPkcs8PrivateKeyPem());
    }

    private static void Write(string directory, string file, string content)
    {
        string path = Path.Combine(directory, file);
        File.WriteAllText(path, content);
        // QEMU runs as another user when the tests are run by root.
        File.SetUnixFileMode(path, (UnixFileMode)0b110_100_100);
    }
}
