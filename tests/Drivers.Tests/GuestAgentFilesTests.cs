using System.Diagnostics;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Drivers.Tests;

/// <summary>Files by the guest agent, whatever carries its messages. The guest is this machine's shell and files.</summary>
[SupportedOSPlatform("linux")]
public sealed class GuestAgentFilesTests : IDisposable
{
    private static readonly InstanceId s_id = InstanceId.Parse("guest");

    private readonly LocalGuest _guest = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private GuestAgentFiles Files => _guest.Files;

    public void Dispose() => _guest.Dispose();

    [Theory(Timeout = 60_000)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(GuestAgentFiles.MaxPartBytes)]
    [InlineData((3 * GuestAgentFiles.MaxPartBytes) + 17)]
    public async Task A_file_is_written_in_place_of_the_one_that_is_there_and_read_byte_for_byte(int bytes)
    {
        byte[] content = RandomBytes(bytes);
        string path = PathOf("a file; 'x' $(id) ü");
        await File.WriteAllTextAsync(path, "longer than what comes" + new string('x', 100), Token);
        _guest.MaxWrittenBytes = 50_000;
        await Files.WriteAsync(s_id, path, new MemoryStream(content), null, Token);
        Assert.Equal(content, await File.ReadAllBytesAsync(path, Token));
        Assert.Equal(content, await ReadAsync(path));
        Assert.Equal((2, 2), (_guest.Opened, _guest.Closed));
    }

    [Fact(Timeout = 60_000)]
    public async Task Directories_are_listed_whatever_their_names_with_kinds_sizes_owners_and_modes()
    {
        Assert.Empty(await ListAsync(_guest.Root));
        string[] names = ["plain", ".hidden", "..two", "-rf", "*", "two\nlines 1 2 3", "ü and \"quotes\"", "a  b", "$(id)"];
        foreach (string name in names)
            await File.WriteAllTextAsync(PathOf(name), name, Token);
        Directory.CreateDirectory(PathOf("inner"));
        File.CreateSymbolicLink(PathOf("link"), "nowhere");
        await RunAsync("mkfifo", PathOf("pipe"));
        File.SetUnixFileMode(PathOf("plain"), (UnixFileMode)0xF4D);
        var listed = await ListAsync(_guest.Root + "/");
        Assert.Equal([.. names.Concat(["inner", "link", "pipe"]).Order(StringComparer.Ordinal)], listed.Select(file => file.Name).Order(StringComparer.Ordinal));
        Assert.Equal(["directory", "file", "pipe", "symlink"], listed.Select(file => file.Kind).Distinct().Order(StringComparer.Ordinal));
        var plain = listed.Single(file => file.Name == "plain");
        Assert.Equal((new ByteSize(5), (UnixFileMode)0xF4D), (plain.Size!.Value, plain.Attributes!.Mode!.Value));
        Assert.Equal(await RunAsync("id", "-u"), $"{plain.Attributes.UserId}");
        Assert.Null(listed.Single(file => file.Name == "inner").Size);
    }

    [Fact(Timeout = 60_000)]
    public async Task Owner_and_mode_hold_before_the_first_byte_is_there_and_stay_where_none_are_asked_for()
    {
        var attributes = new GuestFileAttributes { UserId = int.Parse(await RunAsync("id", "-u"), null), GroupId = int.Parse(await RunAsync("id", "-g"), null), Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        UnixFileMode? before = null;
        _guest.Before = call =>
        {
            if (call == "open")
                before = File.GetUnixFileMode(PathOf("secret"));
            return Task.CompletedTask;
        };
        await Files.WriteAsync(s_id, PathOf("secret"), new MemoryStream("one"u8.ToArray()), attributes, Token);
        Assert.Equal(attributes.Mode, before);
        File.CreateSymbolicLink(PathOf("link"), "secret");
        await Files.WriteAsync(s_id, PathOf("link"), new MemoryStream("two"u8.ToArray()), null, Token);
        Assert.Equal(("two", attributes.Mode), (await File.ReadAllTextAsync(PathOf("secret"), Token), File.GetUnixFileMode(PathOf("secret"))));
        Assert.Equal("secret", new FileInfo(PathOf("link")).LinkTarget);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_file_a_link_and_an_empty_directory_are_deleted_and_nothing_else()
    {
        Directory.CreateDirectory(PathOf("inner"));
        await File.WriteAllTextAsync(PathOf("inner/-file"), "x", Token);
        File.CreateSymbolicLink(PathOf("link"), "inner");
        await RefusedAsync(ErrorCode.InvalidState, RequestOutcome.Rejected, () => Files.DeleteAsync(s_id, PathOf("inner"), Token));
        await Files.DeleteAsync(s_id, PathOf("link/"), Token);
        await Files.DeleteAsync(s_id, PathOf("inner/-file"), Token);
        await Files.DeleteAsync(s_id, PathOf("inner/"), Token);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_guest.Root));
        await RefusedAsync(ErrorCode.NotFound, RequestOutcome.Rejected, () => Files.DeleteAsync(s_id, PathOf("inner"), Token));
        await RefusedAsync(ErrorCode.InvalidArgument, RequestOutcome.NotSent, () => Files.DeleteAsync(s_id, "//", Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task What_is_no_file_is_refused_before_it_is_opened()
    {
        Directory.CreateDirectory(PathOf("inner"));
        await RunAsync("mkfifo", PathOf("pipe"));
        foreach (var (path, code) in new[] { ("none", ErrorCode.NotFound), ("inner", ErrorCode.InvalidArgument), ("pipe", ErrorCode.InvalidArgument) })
            await RefusedAsync(code, RequestOutcome.Rejected, () => Files.OpenReadAsync(s_id, PathOf(path), Token));
        foreach (var (path, code) in new[] { ("none/file", ErrorCode.NotFound), ("inner", ErrorCode.InvalidArgument), ("pipe", ErrorCode.InvalidArgument) })
            await RefusedAsync(code, RequestOutcome.Rejected, () => Files.WriteAsync(s_id, PathOf(path), Stream.Null, null, Token));
        await RefusedAsync(ErrorCode.NotFound, RequestOutcome.Rejected, () => ListAsync(PathOf("none")));
        await RefusedAsync(ErrorCode.InvalidArgument, RequestOutcome.Rejected, () => ListAsync(PathOf("pipe")));
        foreach (string path in (string[])["relative", "/a/../b", "/a\nb", "/a\0b", "/" + new string('x', 4096)])
        {
            await RefusedAsync(ErrorCode.InvalidArgument, RequestOutcome.NotSent, () => Files.OpenReadAsync(s_id, path, Token));
            await RefusedAsync(ErrorCode.InvalidArgument, RequestOutcome.NotSent, () => Files.WriteAsync(s_id, path, Stream.Null, null, Token));
            await RefusedAsync(ErrorCode.InvalidArgument, RequestOutcome.NotSent, () => ListAsync(path));
            await RefusedAsync(ErrorCode.InvalidArgument, RequestOutcome.NotSent, () => Files.DeleteAsync(s_id, path, Token));
        }

        await RefusedAsync(ErrorCode.InvalidArgument, RequestOutcome.NotSent, () => Files.WriteAsync(s_id, "/x", Stream.Null, new GuestFileAttributes { UserId = -1 }, Token));
        await RefusedAsync(ErrorCode.InvalidArgument, RequestOutcome.NotSent, () => Files.WriteAsync(s_id, "/x", Stream.Null, new GuestFileAttributes { Mode = (UnixFileMode)0x1000 }, Token));
        Assert.Equal(0, _guest.Opened);
    }

    [Fact(Timeout = 60_000)]
    public async Task Who_gives_up_while_a_file_is_opened_leaves_none_open()
    {
        await File.WriteAllTextAsync(PathOf("file"), "x", Token);
        var (held, reached) = Hold("open");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var reading = Files.OpenReadAsync(s_id, PathOf("file"), patience.Token);
        await reached.WaitAsync(Token);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal(0, _guest.Opened);
        held.SetResult();
        await ClosedAsync(1);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_read_that_is_given_up_loses_nothing()
    {
        byte[] content = RandomBytes(2 * GuestAgentFiles.MaxPartBytes);
        await File.WriteAllBytesAsync(PathOf("file"), content, Token);
        await using var read = await Files.OpenReadAsync(s_id, PathOf("file"), Token);
        byte[] half = new byte[GuestAgentFiles.MaxPartBytes];
        await read.ReadExactlyAsync(half, Token);
        var (held, reached) = Hold("read");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var reading = read.ReadAsync(new byte[10], patience.Token).AsTask();
        await reached.WaitAsync(Token);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        held.SetResult();
        using var rest = new MemoryStream();
        await read.CopyToAsync(rest, Token);
        Assert.Equal(content, half.Concat(rest.ToArray()).ToArray());
        await read.DisposeAsync();
        await read.DisposeAsync();
        Assert.Equal((1, 1), (_guest.Opened, _guest.Closed));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await read.ReadExactlyAsync(half, Token));
    }

    [Theory(Timeout = 60_000)]
    [InlineData("write")]
    [InlineData("flush")]
    public async Task Who_gives_up_a_write_does_not_wait_for_the_guest_and_the_file_is_closed_after_it(string call)
    {
        var (held, reached) = Hold(call);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var writing = Files.WriteAsync(s_id, PathOf("file"), new MemoryStream(new byte[100]), null, patience.Token);
        await reached.WaitAsync(Token);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        Assert.Equal(0, _guest.Closed);
        held.SetResult();
        await ClosedAsync(1);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("Permission denied", "denied")]
    [InlineData("Read-only file system", "denied")]
    [InlineData("No space left on device", "exhausted")]
    [InlineData("No such file or directory", "not-found")]
    [InlineData("Etwas anderes", "unspecified")]
    public async Task An_error_of_the_agent_gets_a_code_from_its_last_words_and_the_file_is_closed(string words, string code)
    {
        await File.WriteAllBytesAsync(PathOf("file"), new byte[10], Token);
        foreach (string failing in (string[])["open", "read", "write", "flush"])
        {
            _guest.Before = call => call == failing ? Task.FromException(new HypervisorException("No.", ErrorCode.Unspecified, RequestOutcome.Rejected) { BackendMessage = $"failed to {failing}: {words}" }) : Task.CompletedTask;
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => failing == "read" ? ReadAsync(PathOf("file")) : Files.WriteAsync(s_id, PathOf("file"), new MemoryStream(new byte[10]), null, Token));
            Assert.Equal((code, failing is "write" or "flush" ? RequestOutcome.FailedMidway : RequestOutcome.Rejected), (refused.Code.ToString(), refused.Outcome));
            Assert.EndsWith(words, refused.BackendMessage, StringComparison.Ordinal);
            Assert.Equal(_guest.Opened, _guest.Closed);
        }

        Assert.Equal("opened 3", $"opened {_guest.Opened}");
    }

    [Fact(Timeout = 60_000)]
    public async Task What_the_guest_refuses_its_shell_says_in_words_that_have_codes()
    {
        var refused = await RefusedAsync(ErrorCode.InvalidArgument, RequestOutcome.Rejected, () => Files.WriteAsync(s_id, PathOf(new string('x', 300)), Stream.Null, new GuestFileAttributes { Mode = UnixFileMode.UserRead }, Token));
        Assert.EndsWith("File name too long", refused.BackendMessage, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_guest_that_lies_is_not_believed()
    {
        await File.WriteAllTextAsync(PathOf("file"), "x", Token);
        foreach (var lie in new[] { new GuestAgentPart(new byte[GuestAgentFiles.MaxPartBytes + 1], true), new GuestAgentPart(default, false) })
        {
            _guest.Lie = () => lie;
            var error = await Assert.ThrowsAsync<BackendProtocolException>(() => ReadAsync(PathOf("file")));
            Assert.Equal(ErrorCode.Protocol, error.Code);
        }

        foreach (string list in (string[])["81a4 1 0 0 name", "81a4 1 0 0 /\n", "81a4 1 0 0 ../\n", "81a4 1 0 0 a/b/\n", "81a4 1 0 0 a\0/\n", "81a4 1 0 name/\n", "zz 1 0 0 name/\n", "81a4 -1 0 0 name/\n"])
        {
            _guest.Said = "directory\n" + list;
            Assert.Equal(ErrorCode.Protocol, (await Assert.ThrowsAsync<BackendProtocolException>(() => ListAsync("/x"))).Code);
        }

        _guest.Said = "nonsense\n";
        await Assert.ThrowsAsync<BackendProtocolException>(() => Files.OpenReadAsync(s_id, "/x", Token));
        await Assert.ThrowsAsync<BackendProtocolException>(() => Files.DeleteAsync(s_id, "/x", Token));
        _guest.Said = "directory\n" + string.Concat(Enumerable.Repeat("81a4 1 0 0 name/\n", (2 << 20) / 17)) + "81a4 1 0 0 a-name-that-is-cut-off";
        await RefusedAsync(ErrorCode.Exhausted, RequestOutcome.Rejected, () => ListAsync("/x"));
        Assert.Equal(_guest.Opened, _guest.Closed);
    }

    private string PathOf(string name) => $"{_guest.Root}/{name}";

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(7).NextBytes(bytes);
        return bytes;
    }

    /// <summary>The next calls of that kind wait until they are let go.</summary>
    private (TaskCompletionSource Held, Task Reached) Hold(string kind)
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _guest.Before = call =>
        {
            if (call != kind)
                return Task.CompletedTask;
            reached.TrySetResult();
            return held.Task;
        };
        return (held, reached.Task);
    }

    private async Task ClosedAsync(int count)
    {
        while (_guest.Closed < count)
            await Task.Delay(10, Token);
        Assert.Equal((count, count), (_guest.Opened, _guest.Closed));
    }

    private async Task<byte[]> ReadAsync(string path)
    {
        await using var read = await Files.OpenReadAsync(s_id, path, Token);
        using var content = new MemoryStream();
        await read.CopyToAsync(content, Token);
        return content.ToArray();
    }

    private async Task<List<GuestFile>> ListAsync(string path)
    {
        var files = new List<GuestFile>();
        await foreach (var file in Files.ListAsync(s_id, path, Token))
            files.Add(file);
        return files;
    }

    private static async Task<HypervisorException> RefusedAsync(ErrorCode code, RequestOutcome outcome, Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<HypervisorException>(call);
        Assert.Equal((code, outcome), (refused.Code, refused.Outcome));
        return refused;
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }
}
