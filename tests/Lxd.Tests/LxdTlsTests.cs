using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>Trust between a client and a real server over TLS.</summary>
[Peer("lxd")]
public sealed class LxdTlsTests(LxdLab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 120_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_token_makes_a_client_trusted_and_its_fingerprint_is_the_pin(ServerKind kind)
    {
        await using var server = await ListeningAsync(kind);
        using var certificate = NewCertificate();
        var token = await server.Local.CreateTrustTokenAsync("a client", Token);
        await using var client = await LxdClient.ConnectAsync(Options(server.Address, certificate, token.Fingerprint), Token);
        Assert.False(client.IsTrusted);
        await client.TrustAsync("a client", token.Secret, Token);
        Assert.True(client.IsTrusted);
        Assert.Contains("default", (await client.ProjectsGetRecursion1Async(cancellationToken: Token)).Value.Select(project => project.Name));

        // A token is good for one client.
        using var another = NewCertificate();
        await using var late = await LxdClient.ConnectAsync(Options(server.Address, another, token.Fingerprint), Token);
        await Assert.ThrowsAnyAsync<HypervisorException>(() => late.TrustAsync("another", token.Secret, Token));
        Assert.False(late.IsTrusted);
    }

    [Theory(Timeout = 120_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task An_unknown_server_is_pinned_by_consent_and_by_nothing_else(ServerKind kind)
    {
        await using var server = await ListeningAsync(kind);
        var refused = await Assert.ThrowsAsync<BackendConnectionException>(() => LxdClient.ConnectAsync(new LxdOptions { Server = server.Address }, Token));
        Assert.Equal(ErrorCode.Unauthenticated, refused.Code);

        string? shown = null;
        var no = new LxdOptions { Server = server.Address, ConsentToCertificate = (fingerprint, _) => new(fingerprint.Length == 0) };
        Assert.Equal(ErrorCode.Unauthenticated, (await Assert.ThrowsAsync<BackendConnectionException>(() => LxdClient.ConnectAsync(no, Token))).Code);

        var yes = new LxdOptions { Server = server.Address, ConsentToCertificate = (fingerprint, _) => new((shown = fingerprint).Length > 0) };
        await using var client = await LxdClient.ConnectAsync(yes, Token);
        Assert.Equal(server.Local.Server.Environment!.CertificateFingerprint, shown);
    }

    [Theory(Timeout = 240_000)]
    [Feature("CTR-07")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task The_driver_runs_containers_over_TLS_and_is_told_of_them(ServerKind kind)
    {
        await using var server = await ListeningAsync(kind);
        using var certificate = NewCertificate();
        var token = await server.Local.CreateTrustTokenAsync("a driver", Token);
        await using (var client = await LxdClient.ConnectAsync(Options(server.Address, certificate, token.Fingerprint), Token))
            await client.TrustAsync("a driver", token.Secret, Token);
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = Options(server.Address, certificate, token.Fingerprint) }, Token);
        var containers = backend.Get<IContainerRuntime>();
        await using var subscription = await containers.WatchAsync(null, Token);
        var made = await containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse("remote"), Image = "busybox" }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Running, (await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token)).State);
        Assert.Equal(PowerState.Running, (await containers.List().ToListAsync(Token)).Single(instance => instance.Id == made.Id).State);
        await containers.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        var told = new List<string>();
        await foreach (var news in subscription.WithCancellation(Token))
        {
            told.Add(news is InstanceStateChanged changed ? $"{changed.Id} {changed.To}" : news is InstanceCreated created ? $"{created.Id} created" : news is InstanceDeleted deleted ? $"{deleted.Id} deleted" : "");
            if (told[^1] == "remote deleted")
                break;
        }

        Assert.Equal(["remote created", "remote running", "remote stopped", "remote deleted"], told.Where(text => text.StartsWith("remote ", StringComparison.Ordinal)).Distinct());
    }

    [Fact(Timeout = 120_000)]
    public async Task A_server_with_another_certificate_than_the_pinned_is_refused()
    {
        await using var server = await ListeningAsync(ServerKind.Incus);
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => LxdClient.ConnectAsync(new LxdOptions { Server = server.Address, PinnedSha256 = { new string('a', 64) } }, Token));
        Assert.Equal(ErrorCode.Unauthenticated, error.Code);
        Assert.Equal(RequestOutcome.NotSent, error.Outcome);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_wrong_password_is_refused_and_the_right_one_trusts()
    {
        await using var server = await ListeningAsync(ServerKind.Lxd);
        await server.Local.ServerPatchAsync(new LxdServerPut { Config = new Dictionary<string, System.Text.Json.JsonElement> { ["core.trust_password"] = Text("sesame") } }, cancellationToken: Token);
        using var certificate = NewCertificate();
        await using var client = await LxdClient.ConnectAsync(Options(server.Address, certificate, server.Local.Server.Environment!.CertificateFingerprint!), Token);
        Assert.Equal(ErrorCode.Denied, (await Assert.ThrowsAsync<LxdException>(() => client.TrustAsync("me", Secret.FromText("open"), Token))).Code);
        await client.TrustAsync("me", Secret.FromText("sesame"), Token);
        Assert.True(client.IsTrusted);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not base64!")]
    [InlineData("e30=")]
    [InlineData("eyJmaW5nZXJwcmludCI6ImFiIiwic2VjcmV0IjoiczNjcjN0In0=")]
    public void A_malformed_token_is_refused_without_being_repeated(string text)
    {
        var error = Assert.Throws<FormatException>(() => LxdTrustToken.Parse(text));
        Assert.DoesNotContain("s3cr3t", error.ToString(), StringComparison.Ordinal);
    }

    private static LxdOptions Options(string address, X509Certificate2 certificate, string pin) =>
        new() { Server = address, PinnedSha256 = { pin }, ClientCertificate = _ => new(certificate) };

    private async Task<Listening> ListeningAsync(ServerKind kind)
    {
        var local = await (await lab.GetAsync(kind, hasOwnNetwork: false)).ConnectAsync();
        if ((local.Server.Config?.TryGetValue("core.https_address", out var address) ?? false) && address.GetString() is { Length: > 0 } known)
            return new Listening(local, $"https://{known}");
        for (int attempt = 0; ; attempt++)
        {
            // Between asking for a free port and taking it, somebody else may.
            int port = FreePort();
            try
            {
                await local.ServerPatchAsync(new LxdServerPut { Config = new Dictionary<string, System.Text.Json.JsonElement> { ["core.https_address"] = Text($"127.0.0.1:{port}") } }, cancellationToken: Token);
                return new Listening(local, $"https://127.0.0.1:{port}");
            }
            catch (LxdException) when (attempt < 5)
            {
                // Another port, then.
            }
        }
    }

    private static System.Text.Json.JsonElement Text(string text) => System.Text.Json.JsonSerializer.SerializeToElement(text);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=client", key, HashAlgorithmName.SHA256);
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    private sealed record Listening(LxdClient Local, string Address) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Local.DisposeAsync();
    }
}
