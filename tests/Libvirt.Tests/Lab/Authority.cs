using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>A certificate authority that exists for one test, and writes certificates where libvirt looks for them.</summary>
internal sealed class Authority : IDisposable
{
    private const string ServerUsage = "1.3.6.1.5.5.7.3.1";
    private const string ClientUsage = "1.3.6.1.5.5.7.3.2";

    private readonly RSA _key = RSA.Create(2048);
    private readonly X509Certificate2 _certificate;

    public Authority()
    {
        var request = new CertificateRequest("CN=libvirt test authority", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-100), DateTimeOffset.UtcNow.AddDays(100));
    }

    /// <summary>cacert.pem.</summary>
    public void WriteAuthority(string directory)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "cacert.pem"), _certificate.ExportCertificatePem());
    }

    /// <summary>servercert.pem and serverkey.pem.</summary>
    public void WriteServer(string directory, string address, bool isExpired)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        Write(directory, "server", ServerUsage, names.Build(), DateTimeOffset.UtcNow.AddDays(isExpired ? -1 : 10));
    }

    /// <summary>clientcert.pem and clientkey.pem.</summary>
    public void WriteClient(string directory) => Write(directory, "client", ClientUsage, null, DateTimeOffset.UtcNow.AddDays(10));

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    private void Write(string directory, string name, string usage, X509Extension? names, DateTimeOffset until)
    {
        Directory.CreateDirectory(directory);
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        if (names is not null)
            request.CertificateExtensions.Add(names);
        using var issued = request.Create(_certificate, DateTimeOffset.UtcNow.AddDays(-50), until, RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(Path.Combine(directory, name + "cert.pem"), issued.ExportCertificatePem());
        File.WriteAllText(Path.Combine(directory, name + "key.pem"), key.ExportPkcs8PrivateKeyPem());
    }
}
