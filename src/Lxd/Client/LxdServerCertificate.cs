using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hypervisor.Sdk.Lxd;

/// <summary>Looks at the certificate of a server that is not trusted yet. The handshake is given up once it has been shown: nothing is sent.</summary>
internal static class LxdServerCertificate
{
    public static async Task<string> FingerprintAsync(string host, int port, TimeSpan timeout, CancellationToken cancellationToken)
    {
        string? shown = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(host, port, limit.Token).ConfigureAwait(false);
            var stream = new SslStream(client.GetStream());
            await using (stream.ConfigureAwait(false))
            {
                await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = host, RemoteCertificateValidationCallback = Look }, limit.Token).ConfigureAwait(false);
            }
        }
        catch (AuthenticationException) when (shown is not null)
        {
            return shown;
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BackendConnectionException($"{host}:{port} showed no certificate within {timeout.TotalSeconds:0.###} s.", ErrorCode.Timeout, RequestOutcome.NotSent, error);
        }
        catch (Exception error) when (error is IOException or SocketException or AuthenticationException)
        {
            throw new BackendConnectionException($"{host}:{port} showed no certificate: {error.Message}", ErrorCode.Unavailable, RequestOutcome.NotSent, error);
        }

        throw new BackendConnectionException($"{host}:{port} showed no certificate.", ErrorCode.Protocol, RequestOutcome.NotSent);

        bool Look(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        {
            shown = certificate is null ? null : Convert.ToHexStringLower(SHA256.HashData(certificate.GetRawCertData()));
            return false;
        }
    }
}
