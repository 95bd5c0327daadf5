using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Hypervisor.Sdk.Hosts.Tests.Lab;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts.Tests;

/// <summary>What only another machine can do: refuse, be somebody else, be lost.</summary>
[Peer("openssh")]
public sealed class SshHostSessionTests(SecondMachine second)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_host_whose_key_is_not_known_is_refused()
    {
        var options = second.Options();
        options.ConfigFile = second[second.Configure("unknown", "")];
        await RefusedAsync(SshFailure.HostKeyUnknown, ErrorCode.Denied, SecondMachine.Address, options, "known_hosts");
        Assert.Equal("", File.ReadAllText(second["unknown.known"]));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_host_that_has_another_key_than_the_known_one_is_refused()
    {
        var options = second.Options();
        options.ConfigFile = second[second.Configure("changed", second.KnownHost("other_key"))];
        await RefusedAsync(SshFailure.HostKeyChanged, ErrorCode.Denied, SecondMachine.Address, options, "another key");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_user_whom_the_host_does_not_accept_is_told_so()
    {
        var options = second.Options();
        options.ConfigFile = second[second.Configure("denied", second.KnownHost("host_key"), "other_key")];
        await RefusedAsync(SshFailure.PermissionDenied, ErrorCode.Unauthenticated, SecondMachine.Address, options, "authorized_keys");
    }

    [Theory(Timeout = 120_000)]
    [InlineData("ssh://root@127.0.0.1:1")]
    [InlineData("ssh://root@192.0.2.1")]
    public async Task A_host_that_is_not_reached_is_told_so(string address) =>
        await RefusedAsync(SshFailure.Unreachable, ErrorCode.Unavailable, SshAddress.Parse(address), second.Options(), "does not answer");

    [Fact(Timeout = 120_000)]
    public async Task A_name_that_nobody_knows_is_told_so() =>
        await RefusedAsync(SshFailure.NameNotResolved, ErrorCode.Unavailable, SshAddress.Parse("ssh://no-such-host.invalid"), second.Options(), "name is not known");

    [Fact(Timeout = 120_000)]
    public async Task A_missing_ssh_is_told_so() =>
        await RefusedAsync(SshFailure.NotInstalled, ErrorCode.Unsupported, SecondMachine.Address, new SshOptions { Program = "/no/such/ssh" }, "not installed");

    [Fact(Timeout = 120_000)]
    public async Task A_shell_that_reads_otherwise_than_POSIX_says_is_refused()
    {
        await using var session = await second.ConnectAsync(Token);
        await using var sshd = await session.StartAsync(new HostCommand("/usr/sbin/sshd", "-D", "-e", "-f", second["sshd_config"], "-o", "ForceCommand=printf 'some other shell'", "-o", "Port=2222"), Token);
        while (!sshd.ErrorText.Contains("port 2222", StringComparison.Ordinal))
            await Task.Yield();
        var options = second.Options();
        options.ConfigFile = second[second.Configure("otherwise", $"[127.0.0.1]:2222 {File.ReadAllText(second["host_key.pub"])}")];
        await RefusedAsync(SshFailure.ShellNotPosix, ErrorCode.Unsupported, SshAddress.Parse("ssh://root@127.0.0.1:2222"), options, "POSIX");
        await sshd.KillAsync(Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_a_shell_prints_at_its_start_is_not_taken_for_a_programs()
    {
        await using var session = await second.ConnectAsync(Token);
        await using var home = await session.OpenDirectoryAsync("/root", Token);
        await home.WriteAsync(".bashrc", new MemoryStream("echo Welcome\necho Careful >&2\n"u8.ToArray()), cancellationToken: Token);
        try
        {
            await using var again = await second.ConnectAsync(Token);
            var result = await again.RunAsync(new HostCommand("sh", "-c", "echo out; echo error >&2"), Token);
            Assert.Equal(("out\n", "error\n"), (Encoding.UTF8.GetString(result.Output.Span), Encoding.UTF8.GetString(result.Error.Span)));
        }
        finally
        {
            await home.RemoveAsync(".bashrc", Token);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_connection_that_is_lost_in_the_middle_leaves_the_outcome_open_and_is_made_again()
    {
        await using var session = await second.ConnectAsync(Token);
        await using var stream = await session.StartAsync(new HostCommand("cat"), Token);
        // The parent of the program is the script's shell, and the parent of that is the sshd of this connection.
        var error = await Assert.ThrowsAsync<SshException>(() => session.RunAsync(new HostCommand("sh", "-c", "kill -9 $(cut -d' ' -f4 /proc/$PPID/stat); sleep 20"), Token));
        Assert.Equal((SshFailure.ConnectionLost, RequestOutcome.Unknown, ErrorCode.Unavailable), (error.Failure, error.Outcome, error.Code));
        // It ends, and not regularly.
        await Assert.ThrowsAsync<ConnectionClosedException>(async () => await stream.Connection.Input.ReadAsync(Token));
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<SshException>(() => stream.Exited.WaitAsync(Token))).Outcome);
        Assert.True((await session.RunAsync(new HostCommand("true"), Token)).IsSuccess);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_dead_master_is_replaced_and_files_opened_before_go_on()
    {
        using var temp = new TempDirectory();
        await using var session = await second.ConnectAsync(Token);
        await using var directory = await session.OpenDirectoryAsync(temp.Path, Token);
        await directory.WriteAsync("a", Stream.Null, cancellationToken: Token);
        for (int i = 0; i < 3; i++)
        {
            using (var master = Process.GetProcessById(session.MasterProcessId))
                master.Kill();
            // At once, so that the death may not be noticed yet: nothing of the call was sent then.
            Assert.True((await session.RunAsync(new HostCommand("true"), Token)).IsSuccess);
            Assert.NotNull(await directory.FindAsync("a", Token));
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Nothing_is_left_when_a_session_ends()
    {
        string? directory = null;
        await using (var session = await second.ConnectAsync(Token))
        {
            using var master = Process.GetProcessById(session.MasterProcessId);
            string[] arguments = File.ReadAllText($"/proc/{master.Id}/cmdline").Split('\0');
            directory = Path.GetDirectoryName(Path.GetDirectoryName(arguments.First(argument => argument.StartsWith("ControlPath=", StringComparison.Ordinal))["ControlPath=".Length..].Trim('"')));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory!));
            Assert.Contains("BatchMode=yes", arguments);
            Assert.DoesNotContain(arguments, argument => argument.Contains("StrictHostKeyChecking", StringComparison.OrdinalIgnoreCase));
        }

        Assert.False(Directory.Exists(directory));
    }

    [Fact(Timeout = 120_000)]
    public async Task Ports_and_unix_sockets_of_the_node_are_connections()
    {
        using var temp = new TempDirectory();
        await using var session = await second.ConnectAsync(Token);
        for (int i = 0; i < 3; i++)
        {
            await using var banner = await session.ConnectAsync(new IPEndPoint(IPAddress.Loopback, 22), Token);
            var read = await banner.Input.ReadAsync(Token);
            Assert.StartsWith("SSH-2.0-", Encoding.ASCII.GetString(read.Buffer));
        }

        foreach (string name in (string[])["plain", "it's a:b%h[${HOME}]\\$(id)\n"])
        {
            using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            server.Bind(new UnixDomainSocketEndPoint(temp[name]));
            server.Listen();
            var connecting = session.ConnectAsync(new UnixDomainSocketEndPoint(temp[name]), Token);
            using var accepted = await server.AcceptAsync(Token);
            await using var connection = await connecting;
            Assert.Contains("on second", connection.Endpoint);
            await connection.Output.WriteAsync("ping"u8.ToArray(), Token);
            byte[] buffer = new byte[4];
            Assert.Equal(4, await accepted.ReceiveAsync(buffer, Token));
            await accepted.SendAsync("pong"u8.ToArray(), Token);
            var answer = await connection.Input.ReadAsync(Token);
            Assert.Equal("pong", Encoding.ASCII.GetString(answer.Buffer));
            connection.Input.AdvanceTo(answer.Buffer.End);
            // The end of either direction is told.
            accepted.Shutdown(SocketShutdown.Send);
            Assert.True((await connection.Input.ReadAsync(Token)).IsCompleted);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_socket_that_nobody_serves_is_told_so()
    {
        await using var session = await second.ConnectAsync(Token);
        var error = await Assert.ThrowsAsync<ConnectException>(() => session.ConnectAsync(new UnixDomainSocketEndPoint("/no/such.sock"), Token));
        Assert.Equal(ConnectFailure.Refused, error.Failure);
        Assert.Contains("on second", error.Message);
        foreach (var remote in (EndPoint[])[new IPEndPoint(IPAddress.Loopback, 1), new DnsEndPoint("localhost", 2)])
        {
            try
            {
                // sshd need not know at once that a port is closed; then the connection ends before it began.
                await using var connection = await session.ConnectAsync(remote, Token);
                Assert.True((await connection.Input.ReadAsync(Token)) is { IsCompleted: true, Buffer.IsEmpty: true });
            }
            catch (ConnectException refused)
            {
                Assert.Equal(ConnectFailure.Refused, refused.Failure);
            }
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Arguments_that_no_system_takes_are_refused_by_their_length()
    {
        await using var session = await second.ConnectAsync(Token);
        var error = await Assert.ThrowsAsync<HypervisorException>(() => session.RunAsync(new HostCommand("true", new string('\'', 60_000)), Token));
        Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (error.Code, error.Outcome));
    }

    private static async Task RefusedAsync(SshFailure failure, ErrorCode code, SshAddress address, SshOptions options, string hint)
    {
        var error = await Assert.ThrowsAsync<SshException>(() => SshHostSession.ConnectAsync(address, options, Token));
        Assert.Equal((failure, code, RequestOutcome.NotSent), (error.Failure, error.Code, error.Outcome));
        Assert.Contains(hint, error.Message);
        Assert.Contains(address.ToString(), error.Message);
    }
}
