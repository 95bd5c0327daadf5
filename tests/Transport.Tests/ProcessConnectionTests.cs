using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Transport.Tests;

public sealed class ProcessConnectionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task What_is_written_to_a_program_comes_back_from_it()
    {
        await using ProcessConnection cat = Start("cat");
        await cat.Output.WriteAsync("hello"u8.ToArray(), Cancel);
        ReadResult result = await cat.Input.ReadAsync(Cancel);
        Assert.Equal("hello", Encoding.ASCII.GetString(result.Buffer.ToArray()));
        cat.Input.AdvanceTo(result.Buffer.End);
        await cat.Output.CompleteAsync();
        Assert.True((await cat.Input.ReadAsync(Cancel)).IsCompleted);
        Assert.Equal(0, await cat.Exited);
    }

    [Fact(Timeout = 60_000)]
    public async Task Large_output_and_input_go_at_the_same_time()
    {
        await using ProcessConnection cat = Start("cat");
        byte[] sent = new byte[8 * 1024 * 1024];
        new Random(7).NextBytes(sent);
        Task writing = Task.Run(async () =>
        {
            await cat.Output.WriteAsync(sent, Cancel);
            await cat.Output.CompleteAsync();
        }, Cancel);
        Assert.Equal(sent, await ReadToEndAsync(cat.Input));
        await writing;
    }

    [Fact(Timeout = 60_000)]
    public async Task A_failed_program_ends_its_input_with_the_exit_code_and_its_own_words()
    {
        await using ProcessConnection ls = Start("ls", "/no/such/directory");
        var error = await Assert.ThrowsAsync<ConnectionClosedException>(() => ReadToEndAsync(ls.Input));
        Assert.Contains("exited with code 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("/no/such/directory", error.Message, StringComparison.Ordinal);
        Assert.Same(error, ls.CloseReason);
        Assert.Equal(2, await ls.Exited);
        Assert.Contains("/no/such/directory", ls.ErrorText, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_failure_may_be_an_ordinary_end_when_the_caller_says_so()
    {
        await using ProcessConnection program = ProcessConnection.Start(new ProcessOptions { Program = "false", NonZeroExitFails = false });
        Assert.Empty(await ReadToEndAsync(program.Input));
        Assert.Equal(1, await program.Exited);
    }

    [Fact(Timeout = 60_000)]
    public async Task Writing_to_a_program_that_has_failed_throws_why_it_failed_and_not_the_broken_pipe()
    {
        await using ProcessConnection ls = Start("ls", "/no/such/directory");
        var error = await Assert.ThrowsAsync<ConnectionClosedException>(async () =>
        {
            while (true)
                await ls.Output.WriteAsync(new byte[64 * 1024], Cancel);
        });
        Assert.Contains("/no/such/directory", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Ending_the_input_of_a_program_that_has_ended_well_already_is_no_failure()
    {
        await using var process = ProcessConnection.Start(new ProcessOptions { Program = "echo", Arguments = ["done"] });
        await process.Exited.WaitAsync(TestContext.Current.CancellationToken);
        var end = await process.Input.ReadAtLeastAsync(64, TestContext.Current.CancellationToken);
        Assert.True(end.IsCompleted);
        await process.Output.CompleteAsync();
        Assert.Equal("done\n", System.Text.Encoding.UTF8.GetString(end.Buffer));
    }

    [Fact(Timeout = 60_000)]
    public async Task Only_the_end_of_an_endless_standard_error_is_kept()
    {
        await using ProcessConnection program = ProcessConnection.Start(new ProcessOptions
        {
            Program = "dd",
            Arguments = ["if=/dev/zero", "of=/dev/stderr", "bs=65536", "count=32", "status=none"],
            ErrorTailBytes = 1000,
        });
        await ReadToEndAsync(program.Input);
        await program.Exited;
        Assert.Equal(new string('\0', 1000), program.ErrorText);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("abc", "abc")]
    [InlineData("abcde", "abcde")]
    [InlineData("abcdef", "bcdef")]
    [InlineData("abcdefghijk", "ghijk")]
    public void The_tail_is_the_last_bytes_however_they_come(string all, string expected)
    {
        for (int pieceBytes = 1; pieceBytes <= Math.Max(all.Length, 1); pieceBytes++)
        {
            var tail = new ErrorTail(5);
            foreach (byte[] piece in Encoding.ASCII.GetBytes(all).Chunk(pieceBytes))
                tail.Append(piece);
            Assert.Equal(expected, tail.ToString());
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Disposing_kills_a_program_that_does_not_exit_within_the_grace_and_leaves_no_zombie()
    {
        var clock = new ManualTimeProvider();
        ProcessConnection sleep = ProcessConnection.Start(new ProcessOptions { Program = "sleep", Arguments = ["1000"], TimeProvider = clock });
        Task<ReadResult> read = sleep.Input.ReadAsync(Cancel).AsTask();
        Task disposing = sleep.DisposeAsync().AsTask();
        await Assert.ThrowsAsync<ConnectionClosedException>(() => read);
        Assert.False(sleep.Exited.IsCompleted);
        Assert.False(disposing.IsCompleted);

        while (clock.ActiveTimers == 0)
        {
            Cancel.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        clock.Advance(TimeSpan.FromSeconds(5));
        await disposing;
        Assert.Equal(128 + 9, await sleep.Exited);
        if (OperatingSystem.IsLinux())
            Assert.False(Directory.Exists($"/proc/{sleep.ProcessId}"), "the process is still in the process table");
    }

    [Fact(Timeout = 60_000)]
    public async Task Disposing_lets_a_program_finish_that_exits_at_the_end_of_its_input()
    {
        ProcessConnection cat = Start("cat");
        await cat.DisposeAsync();
        Assert.Equal(0, await cat.Exited);
        await cat.DisposeAsync();
    }

    [Fact]
    public void A_missing_program_is_not_found_and_the_current_directory_is_not_searched()
    {
        var error = Assert.Throws<ConnectException>(() => Start("no-such-program-anywhere"));
        Assert.Equal(ConnectFailure.NotFound, error.Failure);
        Assert.Contains("no-such-program-anywhere", error.Message, StringComparison.Ordinal);
        Assert.Equal(ConnectFailure.NotFound, Assert.Throws<ConnectException>(() => Start("/no/such/program")).Failure);
        string here = Path.GetFileName(Environment.ProcessPath!);
        Assert.Equal(ConnectFailure.NotFound, Assert.Throws<ConnectException>(() => Start(here)).Failure);
    }

    [Fact]
    public void A_file_that_may_not_be_run_is_denied()
    {
        using var directory = new TempDirectory();
        File.WriteAllText(directory["plain"], "text");
        Assert.Equal(ConnectFailure.Denied, Assert.Throws<ConnectException>(() => Start(directory["plain"])).Failure);
    }

    [Fact]
    public void A_NUL_in_an_argument_is_refused_because_the_system_would_cut_it_off()
    {
        Assert.Throws<ArgumentException>(() => Start("cat", "a\0b"));
    }

    [Fact(Timeout = 60_000)]
    public async Task Arguments_environment_and_directory_reach_the_program_as_they_are()
    {
        using var directory = new TempDirectory();
        string[] arguments = ["-c", "import os,sys;print(repr((sys.argv[1:],dict(os.environ).get('A'),'HOME' in os.environ,os.getcwd())))", "$(id)", "a b", "", "'\"\\", "*"];
        var options = new ProcessOptions { Program = RealPeer.Program("python3"), Arguments = arguments, WorkingDirectory = directory.Path, ClearEnvironment = true };
        options.Environment["A"] = "x y";
        await using ProcessConnection program = ProcessConnection.Start(options);
        string text = Encoding.UTF8.GetString(await ReadToEndAsync(program.Input));
        Assert.Equal($"(['$(id)', 'a b', '', '\\'\"\\\\', '*'], 'x y', False, '{directory.Path}')\n", text);
    }

    private static ProcessConnection Start(string program, params string[] arguments) => ProcessConnection.Start(new ProcessOptions { Program = program, Arguments = arguments });

    private static async Task<byte[]> ReadToEndAsync(PipeReader input)
    {
        var all = new MemoryStream();
        while (true)
        {
            ReadResult result = await input.ReadAsync(Cancel);
            foreach (ReadOnlyMemory<byte> piece in result.Buffer)
                all.Write(piece.Span);
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
                return all.ToArray();
        }
    }
}
