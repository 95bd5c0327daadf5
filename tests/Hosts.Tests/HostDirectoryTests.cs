using System.Text;
using Hypervisor.Sdk.Hosts.Tests.Lab;

namespace Hypervisor.Sdk.Hosts.Tests;

/// <summary>Files of a node: the same on this machine and on another one, whose /tmp is this one's.</summary>
[Peer("openssh")]
public sealed class HostDirectoryTests(SecondMachine second) : IDisposable
{
    private readonly TempDirectory _temp = new();

    public static TheoryData<string> Nodes => ["local", "ssh"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _temp.Dispose();

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task Files_with_the_worst_of_names_are_written_found_listed_read_renamed_and_removed(string node)
    {
        await using var session = await ConnectAsync(node);
        await using var directory = await session.OpenDirectoryAsync(_temp.Path, Token);
        foreach (string name in WorstNames.Files)
        {
            await directory.WriteAsync(name, new MemoryStream(Encoding.UTF8.GetBytes(name)), cancellationToken: Token);
            Assert.Equal(name, await File.ReadAllTextAsync(_temp[name], Token));
        }

        var listed = await directory.ListAsync(cancellationToken: Token).ToListAsync(Token);
        Assert.Equal(WorstNames.Files.Order(StringComparer.Ordinal), listed.Select(file => file.Name).Order(StringComparer.Ordinal));
        foreach (string name in WorstNames.Files)
        {
            var found = await directory.FindAsync(name, Token);
            Assert.Equal((name, HostFileKind.File, (long)Encoding.UTF8.GetByteCount(name)), (found!.Name, found.Kind, found.LengthBytes));
            await using (var stream = await directory.OpenReadAsync(name, Token))
                Assert.Equal(name, await new StreamReader(stream).ReadToEndAsync(Token));
            string other = name[..Math.Min(name.Length, 100)] + "2";
            await directory.RenameAsync(name, other, cancellationToken: Token);
            Assert.Null(await directory.FindAsync(name, Token));
            Assert.True(await directory.RemoveAsync(other, Token));
            Assert.False(await directory.RemoveAsync(other, Token));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_temp.Path));
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task A_large_file_goes_there_and_back(string node)
    {
        await using var session = await ConnectAsync(node);
        await using var directory = await session.OpenDirectoryAsync(_temp.Path, Token);
        byte[] content = new byte[5_000_003];
        new Random(7).NextBytes(content);
        await directory.WriteAsync("large", new MemoryStream(content), cancellationToken: Token);
        Assert.Equal(content, await File.ReadAllBytesAsync(_temp["large"], Token));
        await using var stream = await directory.OpenReadAsync("large", Token);
        var read = new MemoryStream();
        await stream.CopyToAsync(read, Token);
        Assert.True(content.AsSpan().SequenceEqual(read.ToArray()));
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task Modes_are_those_that_were_asked_for_whatever_the_umask(string node)
    {
        const UnixFileMode Open = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        await using var session = await ConnectAsync(node);
        await using var directory = await session.OpenDirectoryAsync(_temp.Path, Token);
        await directory.WriteAsync("private", Stream.Null, cancellationToken: Token);
        await directory.WriteAsync("open", Stream.Null, Open, Token);
        await directory.CreateDirectoryAsync("d", Open | UnixFileMode.OtherExecute, Token);
        await directory.CreateDirectoryAsync("d/e", cancellationToken: Token);
        await directory.CreateDirectoryAsync("d/e", Open, Token);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_temp["private"]));
        Assert.Equal(Open, File.GetUnixFileMode(_temp["open"]));
        Assert.Equal(Open | UnixFileMode.OtherExecute, File.GetUnixFileMode(_temp["d"]));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_temp["d/e"]));
        Assert.Equal((HostFileKind.Directory, Open | UnixFileMode.OtherExecute), await directory.FindAsync("d", Token) is { } found ? (found.Kind, found.Mode) : default);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task A_write_that_fails_in_the_middle_leaves_what_was_there(string node)
    {
        await using var session = await ConnectAsync(node);
        await using var directory = await session.OpenDirectoryAsync(_temp.Path, Token);
        await directory.WriteAsync("a", new MemoryStream("before"u8.ToArray()), cancellationToken: Token);
        await Assert.ThrowsAsync<InvalidDataException>(() => directory.WriteAsync("a", new BrokenStream(200_000), cancellationToken: Token));
        Assert.Equal("before", await File.ReadAllTextAsync(_temp["a"], Token));
        Assert.Equal([_temp["a"]], Directory.EnumerateFileSystemEntries(_temp.Path));
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task No_path_leads_outside(string node)
    {
        await using var session = await ConnectAsync(node);
        Directory.CreateDirectory(_temp["in"]);
        File.WriteAllText(_temp["secret"], "x");
        File.CreateSymbolicLink(_temp["in/link"], _temp["secret"]);
        File.CreateSymbolicLink(_temp["in/up"], _temp.Path);
        await using var directory = await session.OpenDirectoryAsync(_temp["in"], Token);
        foreach (string path in (string[])["../secret", "up/secret", "/etc/passwd", "a/../../secret", "link", "./a", "a//b"])
        {
            Assert.Equal(ErrorCode.Denied, (await Assert.ThrowsAsync<HypervisorException>(() => directory.OpenReadAsync(path, Token))).Code);
            if (path != "link")
                Assert.Equal(ErrorCode.Denied, (await Assert.ThrowsAsync<HypervisorException>(() => directory.WriteAsync(path, Stream.Null, cancellationToken: Token))).Code);
        }

        Assert.Equal(HostFileKind.Link, (await directory.FindAsync("link", Token))!.Kind);
        // It takes the place of the link, and not of what the link leads to.
        await directory.WriteAsync("link", new MemoryStream("y"u8.ToArray()), cancellationToken: Token);
        Assert.Equal("x", File.ReadAllText(_temp["secret"]));
        Assert.True(await directory.RemoveAsync("up", Token));
        Assert.True(File.Exists(_temp["secret"]));
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Nodes))]
    public async Task What_cannot_be_done_is_told_with_its_reason(string node)
    {
        await using var session = await ConnectAsync(node);
        await using var directory = await session.OpenDirectoryAsync(_temp.Path, Token);
        Directory.CreateDirectory(_temp["full/of"]);
        File.WriteAllText(_temp["a"], "a");
        File.WriteAllText(_temp["b"], "b");
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => session.OpenDirectoryAsync("/no/such/directory", Token))).Code);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => directory.OpenReadAsync("c", Token))).Code);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => directory.WriteAsync("c/d", Stream.Null, cancellationToken: Token))).Code);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => directory.RenameAsync("c", "d", cancellationToken: Token))).Code);
        Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => directory.RenameAsync("a", "b", cancellationToken: Token))).Code);
        Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => directory.CreateDirectoryAsync("a", cancellationToken: Token))).Code);
        await Assert.ThrowsAsync<HypervisorException>(() => directory.RemoveAsync("full", Token));
        await directory.RenameAsync("a", "b", replace: true, Token);
        Assert.Equal("a", File.ReadAllText(_temp["b"]));
    }

    [Fact(Timeout = 120_000)]
    public async Task Files_of_another_machine_are_not_those_of_this_one()
    {
        await using var session = await second.ConnectAsync(Token);
        await using var directory = await session.OpenDirectoryAsync("/srv", Token);
        string name = Guid.NewGuid().ToString("N");
        await directory.WriteAsync(name, Stream.Null, cancellationToken: Token);
        Assert.NotNull(await directory.FindAsync(name, Token));
        Assert.False(File.Exists($"/srv/{name}"));
    }

    private async Task<IHostSession> ConnectAsync(string node) => node == "local" ? new LocalHostSession() : await second.ConnectAsync(Token);

    /// <summary>Ends with an error after so many bytes.</summary>
    private sealed class BrokenStream(int bytes) : MemoryStream(new byte[bytes])
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => await base.ReadAsync(buffer, cancellationToken) is > 0 and int read ? read : throw new InvalidDataException();
    }
}
