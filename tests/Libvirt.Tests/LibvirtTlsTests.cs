using System.Diagnostics;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests;

[Peer("libvirt")]
public sealed class LibvirtTlsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_daemon_is_reached_over_tls_with_an_authority_and_a_certificate_of_ones_own()
    {
        await using var server = await TlsDaemon.StartAsync();
        await using var libvirt = await server.ConnectAsync(server.Pki);
        Assert.Equal("TEST", await libvirt.ConnectGetTypeAsync(Token));
        Assert.Equal(1, await libvirt.ConnectIsSecureAsync(Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_server_whose_authority_is_another_is_not_trusted()
    {
        await using var server = await TlsDaemon.StartAsync();
        using var stranger = new Authority();
        string pki = server.Directory["stranger"];
        stranger.WriteAuthority(pki);
        stranger.WriteClient(pki);
        await RefusedAsync(server, pki);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_client_without_a_certificate_is_told_that_the_daemon_did_not_accept_it()
    {
        await using var server = await TlsDaemon.StartAsync();
        string pki = server.Directory["bare"];
        server.Authority.WriteAuthority(pki);
        await RefusedAsync(server, pki);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_certificate_of_another_host_is_refused()
    {
        await using var server = await TlsDaemon.StartAsync(address: "127.0.0.9");
        await RefusedAsync(server, server.Pki);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_certificate_that_has_expired_is_refused()
    {
        await using var server = await TlsDaemon.StartAsync(isExpired: true);
        await RefusedAsync(server, server.Pki);
    }

    [Fact(Timeout = 120_000)]
    public async Task Certificates_that_cannot_be_read_are_named()
    {
        using var directory = new TempDirectory();
        var error = await Assert.ThrowsAsync<BackendConnectionException>(
            () => LibvirtConnection.ConnectAsync(new LibvirtUri($"test+tls://127.0.0.1/default?pkipath={directory["none"]}"), cancellationToken: Token));
        Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (error.Code, error.Outcome));
        Assert.Contains("cacert.pem", error.Message, StringComparison.Ordinal);
    }

    private static async Task RefusedAsync(TlsDaemon server, string pki)
    {
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => server.ConnectAsync(pki));
        Assert.Equal((ErrorCode.Unauthenticated, RequestOutcome.NotSent), (error.Code, error.Outcome));
    }

    /// <summary>A libvirtd that listens for TLS only, with certificates of an authority of its own.</summary>
    private sealed class TlsDaemon(TempDirectory directory, Process process, Authority authority, int port) : IAsyncDisposable
    {
        public TempDirectory Directory => directory;

        public Authority Authority => authority;

        public string Pki => directory["pki"];

        public static Task<TlsDaemon> StartAsync(string address = "127.0.0.1", bool isExpired = false)
        {
            LibvirtdProcess.Require(out string program);
            var directory = new TempDirectory();
            var authority = new Authority();
            authority.WriteAuthority(directory["pki"]);
            authority.WriteClient(directory["pki"]);
            authority.WriteServer(directory["pki"], address, isExpired);
            var process = LibvirtdProcess.Start(program, directory, $"""
                listen_tls = 1
                listen_tcp = 0
                tls_port = "0"
                auth_tls = "none"
                tls_no_sanity_certificate = 1
                ca_file = "{directory["pki/cacert.pem"]}"
                cert_file = "{directory["pki/servercert.pem"]}"
                key_file = "{directory["pki/serverkey.pem"]}"
                """);
            return Task.FromResult(new TlsDaemon(directory, process, authority, Libvirtd.PortOf(process.Id)));
        }

        public Task<LibvirtConnection> ConnectAsync(string pki) =>
            LibvirtConnection.ConnectAsync(new LibvirtUri($"test+tls://127.0.0.1:{port}/default?pkipath={Uri.EscapeDataString(pki)}"), cancellationToken: Token);

        public async ValueTask DisposeAsync()
        {
            await LibvirtdProcess.StopAsync(process);
            authority.Dispose();
            directory.Dispose();
        }
    }
}
