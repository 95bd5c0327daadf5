using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Transport.Tests;

public sealed class TlsTests
{
    private static readonly Authority s_authority = Authority.Shared;
    private static readonly X509Certificate2 s_server = Authority.Localhost;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_server_of_the_private_authority_is_trusted_and_bytes_go_both_ways()
    {
        using var server = new TlsServer(s_server);
        await using Connection connection = await ConnectAsync(server, TrustingCa());
        Assert.Equal($"tls:localhost:{server.Port}", connection.Endpoint);
        await AssertEchoesAsync(connection);
        await connection.Output.CompleteAsync();
        Assert.True((await connection.Input.ReadAsync(Cancel)).IsCompleted);
        await connection.Closed;
    }

    [Fact(Timeout = 60_000)]
    public async Task An_authority_that_nobody_named_is_refused()
    {
        using var server = new TlsServer(s_server);
        await AssertUntrustedAsync(server, new TlsOptions(), "PartialChain");
        var other = new TlsOptions();
        other.TrustedRoots.Add(new Authority("Other CA").Certificate);
        await AssertUntrustedAsync(server, other, "Chain");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_certificate_for_another_host_is_refused_and_the_name_to_expect_can_be_given()
    {
        using var server = new TlsServer(s_authority.Issue("elsewhere.example", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30)));
        await AssertUntrustedAsync(server, TrustingCa(), "another name");
        TlsOptions named = TrustingCa();
        named.ServerName = "elsewhere.example";
        await using Connection connection = await ConnectAsync(server, named);
        await AssertEchoesAsync(connection);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_expired_certificate_is_refused()
    {
        using var server = new TlsServer(s_authority.Issue("localhost", DateTimeOffset.UtcNow.AddDays(-20), DateTimeOffset.UtcNow.AddDays(-10)));
        await AssertUntrustedAsync(server, TrustingCa(), "NotTimeValid");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_certificate_that_is_not_for_servers_is_refused()
    {
        using var server = new TlsServer(s_authority.Issue("localhost", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30), Authority.ClientUsage));
        await AssertUntrustedAsync(server, TrustingCa(), "NotValidForUsage");
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pin_of_the_certificate_or_of_its_key_is_the_whole_trust(bool key)
    {
        using var server = new TlsServer(s_server);
        byte[] digest = SHA256.HashData(key ? s_server.PublicKey.ExportSubjectPublicKeyInfo() : s_server.RawData);
        var pinned = new TlsOptions { ServerName = "not.the.name" };
        pinned.PinnedSha256.Add(string.Join(':', digest.Select(b => b.ToString("x2", null))));
        await using Connection connection = await ConnectAsync(server, pinned);
        await AssertEchoesAsync(connection);
    }

    [Fact(Timeout = 60_000)]
    public async Task Another_certificate_than_the_pinned_one_is_refused_even_when_its_authority_is_trusted()
    {
        using var server = new TlsServer(s_server);
        TlsOptions pinned = TrustingCa();
        pinned.PinnedSha256.Add(new string('0', 64));
        ConnectException error = await AssertUntrustedAsync(server, pinned, "not a pinned one");
        Assert.Contains(Convert.ToHexString(SHA256.HashData(s_server.RawData)), error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_pin_beside_an_authority_does_not_replace_it()
    {
        using var server = new TlsServer(s_server);
        var both = new TlsOptions();
        both.TrustedRoots.Add(new Authority("Other CA").Certificate);
        both.PinnedSha256.Add(Convert.ToHexString(SHA256.HashData(s_server.RawData)));
        await AssertUntrustedAsync(server, both, "Chain");
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("zz00000000000000000000000000000000000000000000000000000000000000")]
    public async Task A_pin_that_is_no_digest_is_refused_at_once(string pin)
    {
        var options = new TlsOptions();
        options.PinnedSha256.Add(pin);
        await Assert.ThrowsAsync<ArgumentException>(() => Connection.ConnectTlsAsync("localhost", 1, options, cancellationToken: Cancel));
    }

    [Fact(Timeout = 60_000)]
    public async Task The_client_certificate_is_shown_to_a_server_that_demands_one()
    {
        using X509Certificate2 own = s_authority.Issue("operator", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30), Authority.ClientUsage);
        using var server = new TlsServer(s_server, demandsClientCertificate: true);
        TlsOptions options = TrustingCa();
        options.ClientCertificate = _ => ValueTask.FromResult(own);
        await using Connection connection = await ConnectAsync(server, options);
        await AssertEchoesAsync(connection);
        Assert.Equal("CN=operator", server.ClientSubject);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_that_demands_a_certificate_closes_on_a_client_without_one()
    {
        using var server = new TlsServer(s_server, demandsClientCertificate: true);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            // With TLS 1.3 the refusal comes after the handshake, with TLS 1.2 in it.
            await using Connection connection = await ConnectAsync(server, TrustingCa());
            ReadResult result = await connection.Input.ReadAsync(Cancel);
            throw new IOException($"ended: {result.IsCompleted}");
        });
        Assert.Null(server.ClientSubject);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_that_never_answers_the_handshake_is_given_up_after_the_connect_time_out()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var clock = new ManualTimeProvider();
        var options = new ConnectionOptions { ConnectTimeout = TimeSpan.FromSeconds(3), TimeProvider = clock };
        Task<Connection> connecting = Connection.ConnectTlsAsync("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, null, options, Cancel);
        using Socket accepted = await listener.AcceptSocketAsync(Cancel);
        Assert.True(await accepted.ReceiveAsync(new byte[1], Cancel) > 0, "the client has begun the handshake");
        clock.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(connecting.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.2));
        var error = await Assert.ThrowsAsync<ConnectException>(() => connecting);
        Assert.Equal(ConnectFailure.TimedOut, error.Failure);
        Assert.Contains("3 s", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_that_does_not_speak_TLS_is_not_connected_to()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task<Connection> connecting = Connection.ConnectTlsAsync("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, cancellationToken: Cancel);
        using Socket accepted = await listener.AcceptSocketAsync(Cancel);
        await accepted.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), Cancel);
        var error = await Assert.ThrowsAsync<ConnectException>(() => connecting);
        Assert.Equal(ConnectFailure.Untrusted, error.Failure);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_abort_ends_a_pending_read_over_TLS_with_the_reason()
    {
        using var server = new TlsServer(s_server);
        await using Connection connection = await ConnectAsync(server, TrustingCa());
        await AssertEchoesAsync(connection);
        Task<ReadResult> read = connection.Input.ReadAsync(Cancel).AsTask();
        var reason = new InvalidDataException("enough");
        connection.Abort(reason);
        Assert.Same(reason, (await Assert.ThrowsAsync<ConnectionClosedException>(() => read)).InnerException);
    }

    private static TlsOptions TrustingCa()
    {
        var options = new TlsOptions();
        options.TrustedRoots.Add(s_authority.Certificate);
        return options;
    }

    private static Task<Connection> ConnectAsync(TlsServer server, TlsOptions options) => Connection.ConnectTlsAsync("localhost", server.Port, options, cancellationToken: Cancel);

    private static async Task<ConnectException> AssertUntrustedAsync(TlsServer server, TlsOptions options, string words)
    {
        var error = await Assert.ThrowsAsync<ConnectException>(() => ConnectAsync(server, options));
        Assert.Equal(ConnectFailure.Untrusted, error.Failure);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        return error;
    }

    private static async Task AssertEchoesAsync(Connection connection)
    {
        await connection.Output.WriteAsync("over TLS"u8.ToArray(), Cancel);
        ReadResult result = await connection.Input.ReadAtLeastAsync(8, Cancel);
        Assert.Equal("over TLS", Encoding.ASCII.GetString(result.Buffer.ToArray()));
        connection.Input.AdvanceTo(result.Buffer.End);
    }
}
