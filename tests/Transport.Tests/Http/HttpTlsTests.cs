using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>HTTP over TCP and over TLS: the same requests, and who the other side is.</summary>
public sealed class HttpTlsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Requests_over_tls_offer_http_1_1_and_show_the_client_certificate()
    {
        using X509Certificate2 own = Authority.Shared.Issue("client", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), Authority.ClientUsage);
        var tls = new TlsOptions { ClientCertificate = _ => ValueTask.FromResult(own) };
        tls.TrustedRoots.Add(Authority.Shared.Certificate);
        (string answer, int connections) = await AskTwiceAsync(tls);
        Assert.Equal("200 http/1.1 CN=client", answer);
        Assert.Equal(1, connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_pin_is_the_whole_trust()
    {
        var tls = new TlsOptions();
        tls.PinnedSha256.Add(Convert.ToHexString(SHA256.HashData(Authority.Localhost.RawData)));
        Assert.Equal("200 http/1.1 ", (await AskTwiceAsync(tls)).Answer);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_that_is_not_trusted_is_sent_nothing() =>
        Assert.Equal(ConnectFailure.Untrusted, (await Assert.ThrowsAsync<ConnectException>(() => AskTwiceAsync(new TlsOptions()))).Failure);

    [Fact(Timeout = 60_000)]
    public async Task Requests_over_tcp_name_their_host_and_port()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Task<string?> serving = ServeTcpAsync(listener);
        await using var pool = new HttpConnectionPool(HttpEndpoint.Tcp("127.0.0.1", port));
        Assert.Equal("200 ok", await pool.AskAsync());
        Assert.Contains($"Host: 127.0.0.1:{port}\r\n", await serving);
    }

    private static async Task<string?> ServeTcpAsync(TcpListener listener)
    {
        var peer = new RawPeer(await listener.AcceptSocketAsync(Cancel), 0);
        string? head = await peer.ReadHeadAsync();
        await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        return head;
    }

    private static async Task<(string Answer, int Connections)> AskTwiceAsync(TlsOptions tls)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int connections = 0;
        Task serving = ServeAsync();
        string answer;
        await using (var pool = new HttpConnectionPool(HttpEndpoint.Tls("localhost", ((IPEndPoint)listener.LocalEndpoint).Port, tls), new HttpPoolOptions { MaxConnections = 1 }))
        {
            answer = await pool.AskAsync();
            Assert.Equal(answer, await pool.AskAsync());
        }

        await serving;
        return (answer, connections);

        async Task ServeAsync()
        {
            using TcpClient client = await listener.AcceptTcpClientAsync(Cancel);
            connections++;
            await using var stream = new SslStream(client.GetStream());
            try
            {
                await stream.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions
                    {
                        ServerCertificate = Authority.Localhost,
                        ClientCertificateRequired = true,
                        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                        RemoteCertificateValidationCallback = (_, shown, _, _) => shown is null || shown.Issuer == Authority.Shared.Certificate.Subject,
                    },
                    Cancel);
                byte[] buffer = new byte[4096];
                while (await stream.ReadAsync(buffer, Cancel) > 0)
                {
                    string body = $"{stream.NegotiatedApplicationProtocol} {stream.RemoteCertificate?.Subject}";
                    await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}"), Cancel);
                }
            }
            catch (Exception error) when (error is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The client went away, or did not trust the server.
            }
        }
    }
}
