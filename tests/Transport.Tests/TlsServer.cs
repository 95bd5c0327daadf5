using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Hypervisor.Sdk.Transport.Tests;

/// <summary>A server that echoes over TLS, one connection after the other.</summary>
internal sealed class TlsServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _certificate;
    private readonly bool _demandsClientCertificate;

    public TlsServer(X509Certificate2 certificate, bool demandsClientCertificate = false)
    {
        _certificate = certificate;
        _demandsClientCertificate = demandsClientCertificate;
        _listener.Start();
        _ = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string? ClientSubject { get; private set; }

    public void Dispose() => _listener.Dispose();

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync();
                await EchoAsync(client);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task EchoAsync(TcpClient client)
    {
        try
        {
            await using var stream = new SslStream(client.GetStream());
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = _certificate,
                ClientCertificateRequired = _demandsClientCertificate,
                RemoteCertificateValidationCallback = (_, shown, _, _) =>
                {
                    ClientSubject = shown?.Subject;
                    return shown is not null || !_demandsClientCertificate;
                },
            });
            byte[] buffer = new byte[4096];
            int bytes;
            while ((bytes = await stream.ReadAsync(buffer)) > 0)
                await stream.WriteAsync(buffer.AsMemory(0, bytes));
        }
        catch (Exception error) when (error is IOException or AuthenticationException)
        {
            // The client refused the server or went away, or was refused.
        }
    }
}
