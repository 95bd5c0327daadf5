using System.Text;
using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>Commands in containers of real servers; what all drivers keep is checked by the kit.</summary>
[Peer("lxd")]
public sealed class LxdExecTests(LxdLab lab)
{
    /// <summary>The end of what busybox's shell asks its user, root, with.</summary>
    private const string Prompt = "# ";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_command_gives_both_outputs_and_its_exit_code_and_a_missing_one_is_told_from_one_that_says_127(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await lab.GetAsync(kind), "commanded");
        var both = await guest.RunAsync("sh", "-c", "echo out; echo \"$1\" >&2; exit 3", "-", "a  b'\"$c");
        Assert.Equal((3, "out\n", "a  b'\"$c\n"), (both.ExitCode, Text(both.Output), Text(both.Error)));
        Assert.Equal(127, (await guest.RunAsync("sh", "-c", "exit 127")).ExitCode);
        foreach (string missing in new[] { "no-such-program", "/bin/no-such-program" })
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(() => guest.RunAsync(missing));
            Assert.Equal((ErrorCode.NotFound, RequestOutcome.Rejected), (error.Code, error.Outcome));
            Assert.Contains(missing, error.Message, StringComparison.Ordinal);
        }

        // It ends without its input, of which more is left than the streams between hold.
        var hasty = await guest.Commands.RunAsync(guest.Id, new CommandSpec { Command = ["sh", "-c", "exec <&-; echo done"] }, new byte[8 << 20], Token);
        Assert.Equal((0, "done\n"), (hasty.ExitCode, Text(hasty.Output)));

        // Both outputs flow, and only as much is kept as is asked for.
        var much = await guest.Commands.RunAsync(guest.Id, new CommandSpec { Command = ["sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"], MaxOutputBytes = 1000 }, default, Token);
        Assert.Equal((true, 1000, 1000, 0), (much.IsTruncated, much.Output.Length, much.Error.Length, much.ExitCode));
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_command_runs_as_a_user_in_a_directory_with_variables(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await lab.GetAsync(kind), "used");
        async Task<string> RunAsync(string? user, string? directory, params (string Name, SecretOrText Value)[] variables)
        {
            var result = await guest.Commands.RunAsync(guest.Id, new CommandSpec
            {
                Command = ["sh", "-c", "echo $(id -u):$(id -g) $PWD $HOME $A"], User = user, WorkingDirectory = directory, Environment = variables.ToDictionary(variable => variable.Name, variable => variable.Value),
            }, default, Token);
            Assert.True(result.IsSuccess, Text(result.Error));
            return Text(result.Output).Trim();
        }

        Assert.Equal("0:0 /etc /root one two", await RunAsync(null, "/etc", ("A", "one two")));
        Assert.Equal("1000:1000 /tmp /tmp", await RunAsync("user", "/tmp"));
        Assert.StartsWith("1000:0 /tmp", await RunAsync("1000:0", "/tmp"), StringComparison.Ordinal);
        Assert.Equal("1000:1000 /tmp /else", await RunAsync("user", "/tmp", ("HOME", "/else")));

        async Task RefusedAsync(string field, CommandSpec spec)
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(() => guest.Exec.StartAsync(guest.Id, spec, Token));
            Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (error.Code, error.Outcome));
            Assert.Contains(field, error.FieldErrors!.Keys);
        }

        await RefusedAsync("user", new CommandSpec { Command = ["true"], User = "nobody-of-that-name" });
        await RefusedAsync("user", new CommandSpec { Command = ["true"], User = "" });
        await RefusedAsync("workingDirectory", new CommandSpec { Command = ["true"], WorkingDirectory = "etc" });
        await RefusedAsync("command", new CommandSpec { Command = [] });
        await RefusedAsync("environment", new CommandSpec { Command = ["true"], Environment = new Dictionary<string, SecretOrText> { ["A"] = new SecretReference("a") } });
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => guest.Exec.StartAsync(InstanceId.Parse("not-there"), new CommandSpec { Command = ["true"] }, Token))).Code);
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_shell_on_a_terminal_as_root_is_typed_to_and_resized(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await lab.GetAsync(kind), "shelled");
        await using var session = await guest.Exec.StartAsync(guest.Id, new CommandSpec { Command = ["sh"], Terminal = true }, Token);
        var reader = new Screen(session);
        Assert.True(session.CanResize);

        // A shell that waits at its prompt has the terminal as it wants it: what is typed before may be lost when it sets it.
        await reader.ReadToAsync(Prompt);
        await session.WriteAsync("echo I am $(id -u) at $(stty size)\n"u8.ToArray(), Token);
        await reader.ReadToAsync("I am 0 at 24 80");
        await reader.ReadToAsync(Prompt);
        await session.ResizeAsync(132, 50, Token);

        // The size is sent on another stream than what is typed.
        await session.WriteAsync("until [ \"$(stty size)\" = '50 132' ]; do :; done; echo si''zed\n"u8.ToArray(), Token);
        await reader.ReadToAsync("sized");
        await reader.ReadToAsync(Prompt);
        await session.CompleteInputAsync(Token);
        await reader.ReadToEndAsync();
        Assert.Equal(0, session.ExitCode);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(async () => await session.WriteAsync("more"u8.ToArray(), Token))).Code);

        await using var looping = await guest.Exec.StartAsync(guest.Id, new CommandSpec { Command = ["sh", "-c", "trap 'echo interrupted; hit=1' INT; echo ready; until [ \"$hit\" ]; do sleep 1; done; read line; exit 5"], Terminal = true }, Token);
        reader = new Screen(looping);
        await reader.ReadToAsync("ready");
        await looping.WriteAsync(new byte[] { 3 }, Token);
        await reader.ReadToAsync("interrupted");

        // What is printed on a terminal just before the end, a server may lose.
        await looping.WriteAsync("\n"u8.ToArray(), Token);
        await reader.ReadToEndAsync();
        Assert.Equal(5, looping.ExitCode);
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_signal_reaches_a_command_and_a_cancelled_read_loses_nothing(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await lab.GetAsync(kind), "signalled");
        await using var session = await guest.Exec.StartAsync(guest.Id, new CommandSpec { Command = ["sh", "-c", "trap 'echo caught; exit 7' USR1; echo ready; read line; echo \"$line\"; while :; do sleep 1; done"] }, Token);
        var reader = new Screen(session);
        await reader.ReadToAsync("ready");
        using (var impatient = new CancellationTokenSource())
        {
            var read = session.ReadAsync(new byte[100], impatient.Token).AsTask();
            await impatient.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        }

        await session.WriteAsync("not lost\n"u8.ToArray(), Token);
        await reader.ReadToAsync("not lost\n");
        Assert.False(session.CanResize);
        Assert.Equal(ErrorCode.Unsupported, (await Assert.ThrowsAsync<HypervisorException>(async () => await session.ResizeAsync(1, 1, Token))).Code);
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(async () => await session.SignalAsync(SignalName.Parse("SIGNONE"), Token))).Code);
        await session.SignalAsync(SignalName.Parse("SIGUSR1"), Token);
        await reader.ReadToAsync("caught");
        await reader.ReadToEndAsync();
        Assert.Equal(7, session.ExitCode);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(async () => await session.SignalAsync(SignalName.Terminate, Token))).Code);
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task More_commands_run_at_once_than_there_are_connections_for_calls(ServerKind kind)
    {
        const int Count = 6;
        await using var guest = await RunningContainer.StartAsync(await lab.GetAsync(kind), "crowded", maxConnections: 4);
        var sessions = await Task.WhenAll(Enumerable.Range(0, Count).Select(number => guest.Exec.StartAsync(guest.Id, new CommandSpec { Command = ["sh", "-c", $"read line; exit {number}"] }, Token)));
        Assert.Equal(PowerState.Running, (await guest.Backend.Get<IContainerRuntime>().FindAsync(guest.Id, Token))!.State);
        await Task.WhenAll(sessions.Select(async (session, number) =>
        {
            await session.WriteAsync("go\n"u8.ToArray(), Token);
            Assert.Equal(new ExecRead(ExecChannel.End, 0), await session.ReadAsync(new byte[10], Token));
            Assert.Equal(number, session.ExitCode);
            await session.DisposeAsync();
        }));
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Of_a_command_whose_server_went_away_it_is_said_that_its_end_is_not_known(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var guest = await RunningContainer.StartAsync(server, "orphaned");
        var relay = new HttpRelay(server.PathOf("relay-exec"), server.Socket);
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = relay.Path } }, Token);
        await using var session = await backend.Get<IExec>().StartAsync(guest.Id, new CommandSpec { Command = ["sh", "-c", "echo here; sleep 1000"] }, Token);
        await new Screen(session).ReadToAsync("here");
        await relay.DisposeAsync();
        var error = await Assert.ThrowsAsync<BackendConnectionException>(async () => await session.ReadAsync(new byte[10], Token));
        Assert.Equal((ErrorCode.Unavailable, RequestOutcome.Unknown), (error.Code, error.Outcome));
        await Assert.ThrowsAsync<BackendConnectionException>(async () => await session.SignalAsync(SignalName.Kill, Token));
        Assert.Null(session.ExitCode);
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Of_a_command_whose_outputs_were_cut_off_it_is_said_that_some_is_missing(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var guest = await RunningContainer.StartAsync(server, "severed");
        await using var relay = new HttpRelay(server.PathOf("relay-severed"), server.Socket);
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = relay.Path } }, Token);
        await using var session = await backend.Get<IExec>().StartAsync(guest.Id, new CommandSpec { Command = ["sh", "-c", "echo here; sleep 1000"] }, Token);
        await new Screen(session).ReadToAsync("here");

        // Without the stream for signals the server kills it: how it ended is known, and what it printed is not.
        relay.BreakStreams();
        var error = await Assert.ThrowsAsync<BackendConnectionException>(async () => await session.ReadAsync(new byte[10], Token));
        Assert.Equal((ErrorCode.Unavailable, RequestOutcome.FailedMidway), (error.Code, error.Outcome));
        Assert.Contains("missing", error.Message, StringComparison.Ordinal);
        Assert.Null(session.ExitCode);
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    /// <summary>What a command has printed.</summary>
    private sealed class Screen(ExecSession session)
    {
        private readonly StringBuilder _text = new();
        private readonly byte[] _buffer = new byte[4096];
        private int _at;

        public string Text => _text.ToString();

        public async Task<bool> ReadSomeAsync()
        {
            var read = await session.ReadAsync(_buffer, Token);
            _text.Append(Encoding.UTF8.GetString(_buffer, 0, read.Count));
            return read.Channel != ExecChannel.End;
        }

        /// <summary>Reads until the words have come, behind those that were read to before.</summary>
        public async Task ReadToAsync(string words)
        {
            int found;
            while ((found = Text.IndexOf(words, _at, StringComparison.Ordinal)) < 0)
                Assert.True(await ReadSomeAsync(), $"It ended without '{words}': {Text}");
            _at = found + words.Length;
        }

        public async Task ReadToEndAsync()
        {
            while (await ReadSomeAsync())
                continue;
        }
    }
}
