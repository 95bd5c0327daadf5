using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Text;
using Hypervisor.Sdk.Hosts.Tests.Lab;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts.Tests;

/// <summary>Commands on a node: the same on this machine and on another one.</summary>
[Peer("openssh")]
public sealed class HostSessionTests(SecondMachine second)
{
    public static TheoryData<string> Nodes => ["local", "ssh"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task Arguments_reach_a_program_as_they_are(string node)
    {
        await using var session = await ConnectAsync(node);
        var result = await session.RunAsync(new HostCommand("printf", ["%s\\0", .. WorstNames.Arguments]), Token);
        Assert.True(result.IsSuccess, Encoding.UTF8.GetString(result.Error.Span));
        string[] printed = Encoding.UTF8.GetString(result.Output.Span).Split('\0')[..^1];
        Assert.Equal(WorstNames.Arguments, printed);
        Assert.False(File.Exists("/tmp/owned"));
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task Variables_and_the_directory_reach_a_program_as_they_are(string node)
    {
        await using var session = await ConnectAsync(node);
        using var directory = new TempDirectory();
        string inside = directory["it's $(id)\n-x"];
        Directory.CreateDirectory(inside);
        string value = string.Join("\n", WorstNames.Arguments.Take(40));
        var result = await session.RunAsync(new HostCommand("sh", "-c", "printf '%s|%s|%s' \"$HVSDK_A\" \"$B\" \"$PWD\"") { Environment = new Dictionary<string, string> { ["HVSDK_A"] = value, ["B"] = "" }, WorkingDirectory = inside }, Token);
        Assert.Equal($"{value}||{inside}", Encoding.UTF8.GetString(result.Output.Span));
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task A_program_with_the_worst_of_names_runs_by_its_path(string node)
    {
        await using var session = await ConnectAsync(node);
        using var directory = new TempDirectory();
        string program = directory["it's $(id) a=b\n-x"];
        File.WriteAllText(program, "#!/bin/sh\nprintf %s \"$0\"\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var result = await session.RunAsync(new HostCommand(program), Token);
        Assert.Equal(program, Encoding.UTF8.GetString(result.Output.Span));
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task An_exit_code_is_told_whatever_it_is_and_a_signal_as_shells_tell_it(string node)
    {
        await using var session = await ConnectAsync(node);
        foreach (int code in (int[])[0, 1, 3, 127, 255])
            Assert.Equal(code, (await session.RunAsync(new HostCommand("sh", "-c", $"exit {code}"), Token)).ExitCode);
        var killed = await session.RunAsync(new HostCommand("sh", "-c", "kill -9 $$"), Token);
        Assert.Equal(137, killed.ExitCode);
        Assert.Equal("", Encoding.UTF8.GetString(killed.Error.Span));
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task Input_and_both_outputs_are_apart_and_whole(string node)
    {
        await using var session = await ConnectAsync(node);
        byte[] input = new byte[3_000_001];
        new Random(1).NextBytes(input);
        var command = new HostCommand("sh", "-c", "printf before >&2; cat; printf after >&2") { Input = input, MaxOutputBytes = 4 << 20 };
        var result = await session.RunAsync(command, Token);
        Assert.Equal(0, result.ExitCode);
        Assert.True(input.AsSpan().SequenceEqual(result.Output.Span));
        Assert.Equal("beforeafter", Encoding.UTF8.GetString(result.Error.Span));
        Assert.False(result.IsTruncated);
        // A program need not read it.
        Assert.Equal(4, (await session.RunAsync(new HostCommand("sh", "-c", "exit 4") { Input = input }, Token)).ExitCode);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task No_more_of_an_output_is_kept_than_was_asked_for(string node)
    {
        await using var session = await ConnectAsync(node);
        var result = await session.RunAsync(new HostCommand("sh", "-c", "head -c 5000000 /dev/zero; printf 1234567890 >&2") { MaxOutputBytes = 5 }, Token);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(5, result.Output.Length);
        Assert.Equal("12345", Encoding.UTF8.GetString(result.Error.Span));
        Assert.True(result.IsTruncated);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task A_missing_program_or_directory_is_told_by_name(string node)
    {
        await using var session = await ConnectAsync(node);
        foreach (var command in (HostCommand[])[new("hvsdk-no-such-program"), new("/no/such/program"), new("true") { WorkingDirectory = "/no/such/directory" }])
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(() => session.RunAsync(command, Token));
            Assert.Equal((ErrorCode.NotFound, RequestOutcome.NotSent), (error.Code, error.Outcome));
            Assert.Contains(command.WorkingDirectory ?? command.Program, error.Message);
        }

        Assert.True((await session.RunAsync(new HostCommand("true"), Token)).IsSuccess);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task Cancelling_ends_the_program_and_what_it_has_started(string node)
    {
        await using var session = await ConnectAsync(node);
        string seconds = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Random.Shared.Next(100_000, 999_999)}");
        using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var running = session.RunAsync(new HostCommand("sh", "-c", $"sleep {seconds} & sleep {seconds}; wait"), cancelling.Token);
        while (await CountAsync(session, seconds) != 2)
            await Task.Yield();
        await cancelling.CancelAsync();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(cancelling.Token, error.CancellationToken);
        // Killed, and as soon as the kernel has done it, gone.
        while (await CountAsync(session, seconds) != 0)
            await Task.Yield();
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task A_program_that_takes_too_long_is_ended(string node)
    {
        await using var session = await ConnectAsync(node);
        string seconds = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Random.Shared.Next(100_000, 999_999)}");
        var error = await Assert.ThrowsAsync<HypervisorException>(() => session.RunAsync(new HostCommand("sleep", seconds) { Timeout = TimeSpan.FromMilliseconds(1500) }, Token));
        Assert.Equal(ErrorCode.Timeout, error.Code);
        while (await CountAsync(session, seconds) != 0)
            await Task.Yield();
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task A_started_program_is_a_connection(string node)
    {
        await using var session = await ConnectAsync(node);
        var errors = new Pipe();
        await using var process = await session.StartAsync(new HostCommand("sh", "-c", "echo oops >&2; while read -r line; do echo \"<$line>\"; done; exit 9") { StandardError = errors.Writer }, Token);
        var lines = FrameReader.Lines(process.Connection.Input, 1024);
        foreach (string text in (string[])["one", "two"])
        {
            await process.Connection.Output.WriteAsync(Encoding.UTF8.GetBytes(text + "\n"), Token);
            Assert.True(await lines.WaitAsync(Token));
            Assert.True(lines.TryRead(out var line));
            Assert.Equal($"<{text}>", Encoding.UTF8.GetString(line));
        }

        await process.Connection.Output.CompleteAsync();
        Assert.False(await lines.WaitAsync(Token));
        Assert.Equal(9, await process.Exited.WaitAsync(Token));
        var said = await errors.Reader.ReadAtLeastAsync(1024, Token);
        Assert.Equal("oops\n", Encoding.UTF8.GetString(said.Buffer));
        Assert.Equal("oops", process.ErrorText.Trim());
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task A_started_program_is_ended_on_demand(string node)
    {
        await using var session = await ConnectAsync(node);
        await using var process = await session.StartAsync(new HostCommand("sleep", "100000"), Token);
        Assert.False(process.Exited.IsCompleted);
        await process.KillAsync(Token);
        Assert.Equal(137, await process.Exited.WaitAsync(Token));
        await process.KillAsync(Token);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task Many_programs_run_at_once(string node)
    {
        await using var session = await ConnectAsync(node);
        var results = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => session.RunAsync(new HostCommand("echo", $"{i}"), Token)));
        Assert.Equal(Enumerable.Range(0, 24).Select(i => $"{i}\n"), results.Select(result => Encoding.UTF8.GetString(result.Output.Span)));
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task A_node_says_what_it_is(string node)
    {
        await using var session = await ConnectAsync(node);
        Assert.Equal("Linux", session.Facts.SystemName);
        Assert.Equal(node == "ssh" ? "second" : Environment.MachineName, session.Facts.HostName);
        Assert.Equal(File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), session.Facts.BootId);
        Assert.Equal(Environment.UserName, session.Facts.UserName);
        foreach (var (option, fact) in (KeyValuePair<string, string>[])[new("-r", session.Facts.KernelRelease), new("-m", session.Facts.MachineName), new("-n", session.Facts.HostName)])
            Assert.Equal(fact, Encoding.UTF8.GetString((await session.RunAsync(new HostCommand("uname", option), Token)).Output.Span).Trim());
    }

    [Theory]
    [InlineData("")]
    [InlineData("-x")]
    [InlineData("a=b")]
    [InlineData("bin/sh")]
    [InlineData("./sh")]
    public async Task What_is_no_program_is_refused_before_anything_is_done(string program)
    {
        await using var session = new LocalHostSession();
        await Assert.ThrowsAnyAsync<ArgumentException>(() => session.RunAsync(new HostCommand(program), Token));
    }

    [Fact]
    public async Task Half_a_character_and_NUL_are_refused_before_anything_is_done()
    {
        await using var session = new LocalHostSession();
        foreach (string text in (string[])["\ud800", "a\udc00b", "a\0b"])
            await Assert.ThrowsAsync<ArgumentException>(() => session.RunAsync(new HostCommand("true", text), Token));
    }

    private async Task<IHostSession> ConnectAsync(string node) => node == "local" ? new LocalHostSession() : await second.ConnectAsync(Token);

    /// <summary>How many programs sleep so long.</summary>
    private static async Task<int> CountAsync(IHostSession session, string seconds)
    {
        // A process that ends while it is read is not there.
        var result = await session.RunAsync(new HostCommand("sh", "-c", "for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <\"$file\"; echo; done 2>/dev/null") { MaxOutputBytes = 16 << 20 }, Token);
        return Encoding.UTF8.GetString(result.Output.Span).Split('\n').Count(line => line.Trim() == $"sleep {seconds}");
    }
}
