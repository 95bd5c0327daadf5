using System.Diagnostics;
using System.Text;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Rpc;
using Hypervisor.Sdk.Libvirt.Tests.Lab;
using Hypervisor.Sdk.Libvirt.Tests.Rpc;

namespace Hypervisor.Sdk.Libvirt.Tests;

/// <summary>Logging in to a real daemon with its own SASL library, and to one that lies.</summary>
public sealed class LibvirtSaslTests
{
    private const string Mechanism = ScramClient.Mechanism;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void The_messages_are_those_of_RFC_7677()
    {
        var scram = new ScramClient("user", "rOprNGfwEbeRWgbNEkqO");
        Assert.Equal("n,,n=user,r=rOprNGfwEbeRWgbNEkqO", Encoding.ASCII.GetString(scram.First()));
        byte[] final = scram.Final("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"u8, Secret.FromText("pencil"));
        Assert.Equal("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", Encoding.ASCII.GetString(final));
        Assert.Throws<FormatException>(() => scram.Verify("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="u8));
        Assert.False(scram.IsVerified);
        scram.Verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="u8);
        Assert.True(scram.IsVerified);
        Assert.Equal("n,,n=a=2Cb=3Dc,r=x", Encoding.ASCII.GetString(new ScramClient("a,b=c", "x").First()));
    }

    [Fact(Timeout = 120_000)]
    [Peer("libvirt")]
    public async Task A_daemon_is_logged_in_to_by_scram_and_whoever_does_not_know_the_password_is_refused()
    {
        await using var daemon = await SaslDaemon.StartAsync("SCRAM-SHA-256 PLAIN");
        await using (var libvirt = await daemon.ConnectAsync("fred", "pässword,=1"))
            Assert.Equal("TEST", await libvirt.ConnectGetTypeAsync(Token));
        var wrong = await Assert.ThrowsAsync<LibvirtException>(() => daemon.ConnectAsync("fred", "something else"));
        Assert.Equal((ErrorCode.Unauthenticated, RequestOutcome.Rejected), (wrong.Code, wrong.Outcome));
        Assert.DoesNotContain("something else", wrong.ToString(), StringComparison.Ordinal);
        Assert.Equal(ErrorCode.Unauthenticated, (await Assert.ThrowsAsync<LibvirtException>(() => daemon.ConnectAsync("nobody", "pässword,=1"))).Code);
        var without = await Assert.ThrowsAsync<BackendConnectionException>(() => LibvirtConnection.ConnectAsync(daemon.Uri, cancellationToken: Token));
        Assert.Equal((ErrorCode.Unauthenticated, RequestOutcome.NotSent), (without.Code, without.Outcome));
        Assert.Contains("LibvirtOptions.Sasl", without.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    [Peer("libvirt")]
    public async Task A_password_itself_is_sent_within_tls_only()
    {
        await using var daemon = await SaslDaemon.StartAsync("PLAIN");
        bool isAsked = false;
        var options = new LibvirtOptions
        {
            Sasl = new LibvirtSaslOptions
            {
                User = "fred",
                Password = _ =>
                {
                    isAsked = true;
                    return new(Secret.FromText("pässword,=1"));
                },
            },
        };
        var refused = await Assert.ThrowsAsync<BackendConnectionException>(() => LibvirtConnection.ConnectAsync(daemon.Uri, options, Token));
        Assert.Equal((ErrorCode.Unauthenticated, RequestOutcome.NotSent, false), (refused.Code, refused.Outcome, isAsked));
        await using var libvirt = await LibvirtConnection.ConnectAsync(daemon.TlsUri, options, Token);
        Assert.True(isAsked);
        Assert.Equal("TEST", await libvirt.ConnectGetTypeAsync(Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_daemon_that_asks_for_nothing_is_not_the_one_that_the_user_is_of()
    {
        var error = await RefusedAsync(async daemon => await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.I32s([(int)RemoteAuthType.None], 1)));
        Assert.Contains("does not ask for SASL", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_daemon_that_offers_only_the_password_itself_does_not_get_it()
    {
        var error = await RefusedAsync(daemon => OfferAsync(daemon, "PLAIN,LOGIN,ANONYMOUS"));
        Assert.Contains("PLAIN, LOGIN, ANONYMOUS", error.Message, StringComparison.Ordinal);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("early", "before this side has proved anything")]
    [InlineData("nonce", "does not go on")]
    [InlineData("iterations", "4096")]
    [InlineData("work", "10000000")]
    [InlineData("salt", "base64")]
    [InlineData("text", "no text")]
    [InlineData("signature", "knows the password")]
    [InlineData("silent", "knows the password")]
    public async Task A_daemon_that_does_not_know_the_password_is_not_believed(string lie, string why)
    {
        var error = await RefusedAsync(async daemon =>
        {
            await OfferAsync(daemon, Mechanism);
            var start = await daemon.ReadAsync();
            if (lie == "early")
            {
                await daemon.ReplyAsync(start, (ref XdrWriter w) => w.One(new AuthSaslStartRet { Complete = 1, Nil = 1, Data = [] }));
                return;
            }

            string nonce = NonceOf(start.Payload);
            byte[] first = lie == "text" ? [0xFF, 0xFE] : Encoding.UTF8.GetBytes(string.Create(null, $"r={(lie == "nonce" ? "other" : nonce)}server,s={(lie == "salt" ? "#" : "W22ZaJ0SNY7soEsUEjb6gQ==")},i={lie switch
            {
                "iterations" => 1,
                "work" => int.MaxValue,
                _ => 4096,
            }}"));
            await daemon.ReplyAsync(start, (ref XdrWriter w) => w.One(new AuthSaslStartRet { Complete = 0, Nil = 0, Data = first }));
            if (lie is not ("signature" or "silent"))
                return;
            var step = await daemon.ReadAsync();
            await daemon.ReplyAsync(step, (ref XdrWriter w) => w.One(new AuthSaslStepRet { Complete = 1, Nil = lie == "silent" ? 1 : 0, Data = lie == "silent" ? [] : [.. "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="u8] }));
        });
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Nobody_logs_in_over_plain_tcp()
    {
        await using var daemon = new FakeDaemon();
        var connecting = LibvirtConnection.ConnectAsync(await OverAsync(daemon), new LibvirtUri("test+tcp://127.0.0.1/default"), Options(), Token);
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.I32s([(int)RemoteAuthType.Sasl], 1));
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => connecting);
        Assert.Equal((ErrorCode.Unauthenticated, RequestOutcome.NotSent), (error.Code, error.Outcome));
    }

    private static LibvirtOptions Options() => new() { KeepAliveInterval = Timeout.InfiniteTimeSpan, Sasl = new LibvirtSaslOptions { User = "fred", Password = _ => new(Secret.FromText("geheim")) } };

    private static async Task<Hypervisor.Sdk.Transport.Connection> OverAsync(FakeDaemon daemon)
    {
        var connecting = Hypervisor.Sdk.Transport.Connection.ConnectUnixAsync(daemon.Uri.Socket!, cancellationToken: Token);
        await daemon.AcceptAsync();
        return await connecting;
    }

    private static async Task<BackendConnectionException> RefusedAsync(Func<FakeDaemon, Task> answer)
    {
        await using var daemon = new FakeDaemon();
        var connecting = LibvirtConnection.ConnectAsync(daemon.Uri, Options(), Token);
        await daemon.AcceptAsync();
        await answer(daemon);
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => connecting);
        Assert.Equal((ErrorCode.Unauthenticated, RequestOutcome.NotSent), (error.Code, error.Outcome));
        Assert.DoesNotContain("geheim", error.ToString(), StringComparison.Ordinal);
        return error;
    }

    private static async Task OfferAsync(FakeDaemon daemon, string mechanisms)
    {
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.I32s([(int)RemoteAuthType.Sasl], 1));
        await daemon.ReplyAsync(await daemon.ReadAsync(), (ref XdrWriter w) => w.Str(mechanisms));
    }

    private static string NonceOf(byte[] payload)
    {
        var r = new XdrReader(payload);
        string first = Encoding.UTF8.GetString(r.One<AuthSaslStartArgs>().Data);
        return first[(first.IndexOf(",r=", StringComparison.Ordinal) + 3)..];
    }

    /// <summary>A libvirtd whose users are in a database of this test's own.</summary>
    private sealed class SaslDaemon(TempDirectory directory, Process process, Authority authority) : IAsyncDisposable
    {
        public LibvirtUri Uri => new($"test+unix:///default?socket={directory["s/libvirt-sock"]}");

        public LibvirtUri TlsUri => new($"test+tls://127.0.0.1:{Libvirtd.PortOf(process.Id)}/default?pkipath={System.Uri.EscapeDataString(directory["pki"])}");

        public static async Task<SaslDaemon> StartAsync(string mechanisms)
        {
            LibvirtdProcess.Require(out string program);
            var directory = new TempDirectory();
            string users = directory["users.db"];
            var start = new ProcessStartInfo(RealPeer.Program("saslpasswd2"), ["-p", "-c", "-a", "libvirt", "-f", users, "fred"]) { RedirectStandardInput = true };
            using (var made = Process.Start(start)!)
            {
                await made.StandardInput.BaseStream.WriteAsync("pässword,=1"u8.ToArray(), Token);
                made.StandardInput.Close();
                await made.WaitForExitAsync(Token);
                Assert.Equal(0, made.ExitCode);
            }

            Directory.CreateDirectory(directory["sasl"]);
            await File.WriteAllTextAsync(directory["sasl/libvirt.conf"], $"mech_list: {mechanisms}\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {users}\n", Token);
            var authority = new Authority();
            authority.WriteAuthority(directory["pki"]);
            authority.WriteClient(directory["pki"]);
            authority.WriteServer(directory["pki"], "127.0.0.1", false);
            var process = LibvirtdProcess.Start(program, directory, $"""
                listen_tls = 1
                listen_tcp = 0
                tls_port = "0"
                auth_tls = "sasl"
                tls_no_sanity_certificate = 1
                ca_file = "{directory["pki/cacert.pem"]}"
                cert_file = "{directory["pki/servercert.pem"]}"
                key_file = "{directory["pki/serverkey.pem"]}"
                """, saslDirectory: directory["sasl"]);
            return new SaslDaemon(directory, process, authority);
        }

        public Task<LibvirtConnection> ConnectAsync(string user, string password) =>
            LibvirtConnection.ConnectAsync(Uri, new LibvirtOptions { Sasl = new LibvirtSaslOptions { User = user, Password = _ => new(Secret.FromText(password)) } }, Token);

        public async ValueTask DisposeAsync()
        {
            await LibvirtdProcess.StopAsync(process);
            authority.Dispose();
            directory.Dispose();
        }
    }
}
