using System.Text;
using Hypervisor.Sdk.Lxd.Driver;
using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>Files in containers of real servers; what all drivers keep is checked by the kit.</summary>
[Peer("lxd")]
public sealed class LxdFilesTests(LxdLab lab)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    [Feature("CON-05")]
    [Feature("CON-06")]
    public async Task Files_are_uploaded_with_owner_and_mode_listed_downloaded_and_deleted(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await lab.GetAsync(kind), "filed");
        var files = guest.Backend.Get<IGuestFiles>();
        var owned = new GuestFileAttributes { UserId = 1000, GroupId = 1001, Mode = OwnerOnly };
        await WriteAsync(files, guest.Id, "/var/a b&c=d?e#é", "first", owned);
        Assert.Equal("first", await ReadAsync(files, guest.Id, "/var/a b&c=d?e#é"));
        Assert.Equal("1000 1001 600", (await OutputAsync(guest, "stat", "-c", "%u %g %a", "/var/a b&c=d?e#é")).Trim());

        // It is replaced, keeps its owner where none is said, and takes another one where one is.
        await WriteAsync(files, guest.Id, "/var/a b&c=d?e#é", "2", null);
        Assert.Equal("2 1000 1001 600", await OutputAsync(guest, "cat", "/var/a b&c=d?e#é") + " " + (await OutputAsync(guest, "stat", "-c", "%u %g %a", "/var/a b&c=d?e#é")).Trim());
        await WriteAsync(files, guest.Id, "/var/a b&c=d?e#é", "third", new GuestFileAttributes { UserId = 0, GroupId = 0, Mode = OwnerOnly | UnixFileMode.OtherRead });
        Assert.Equal("0 0 604", (await OutputAsync(guest, "stat", "-c", "%u %g %a", "/var/a b&c=d?e#é")).Trim());

        // Links lead to what they stand for, also when it is written.
        await OutputAsync(guest, "sh", "-c", "mkdir /var/d; ln -s d /var/e; ln -s '../a b&c=d?e#é' /var/d/link; ln -s nowhere /var/d/broken");
        Assert.Equal("third", await ReadAsync(files, guest.Id, "/var/e/link"));
        await WriteAsync(files, guest.Id, "/var/d/link", "fourth", owned);
        Assert.Equal("fourth", await ReadAsync(files, guest.Id, "/var/a b&c=d?e#é"));
        var listed = (await files.ListAsync(guest.Id, "/var/", Token).ToListAsync(Token)).OrderBy(file => file.Name, StringComparer.Ordinal).ToList();
        Assert.Equal(["a b&c=d?e#é:file", "d:directory", "e:symlink"], listed.Where(file => !file.Name.StartsWith('.')).Select(file => $"{file.Name}:{file.Kind}"));
        var file = listed.Single(entry => entry.Kind == "file" && !entry.Name.StartsWith('.'));

        // LXD does not say the size of a file that it is only asked about.
        Assert.Equal((kind == ServerKind.Incus ? new ByteSize(6) : (ByteSize?)null, 1000, 1001, OwnerOnly), (file.Size, file.Attributes!.UserId, file.Attributes.GroupId, file.Attributes.Mode));
        Assert.Equal(["broken", "link"], (await files.ListAsync(guest.Id, "/var/e", Token).ToListAsync(Token)).Select(entry => entry.Name).Order(StringComparer.Ordinal));

        // A link is deleted, and not what it leads to; a directory when it is empty.
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => files.DeleteAsync(guest.Id, "/var/d", Token))).Code);
        foreach (string gone in new[] { "/var/d/link", "/var/d/broken", "/var/e", "/var/d" })
            await files.DeleteAsync(guest.Id, gone, Token);
        Assert.Equal("fourth", await ReadAsync(files, guest.Id, "/var/a b&c=d?e#é"));
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_is_no_path_or_not_what_it_should_be_is_refused(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await lab.GetAsync(kind), "misfiled");
        var files = guest.Backend.Get<IGuestFiles>();
        foreach (string path in new[] { "etc/passwd", "/etc/../etc/passwd", "/etc/pass\0wd", "/etc/pass\nwd", "/" + new string('a', 5000) })
            Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), await RefusedAsync(() => files.OpenReadAsync(guest.Id, path, Token)));
        Assert.Equal(ErrorCode.InvalidArgument, (await RefusedAsync(() => files.OpenReadAsync(guest.Id, "/etc", Token))).Code);
        Assert.Equal(ErrorCode.InvalidArgument, (await RefusedAsync(() => WriteAsync(files, guest.Id, "/etc", "", null))).Code);
        Assert.Equal(ErrorCode.InvalidArgument, (await RefusedAsync(() => WriteAsync(files, guest.Id, "/etc/a", "", new GuestFileAttributes { UserId = -1 }))).Code);
        Assert.Equal(ErrorCode.InvalidArgument, (await RefusedAsync(() => files.ListAsync(guest.Id, "/etc/passwd", Token).ToListAsync(Token).AsTask())).Code);
        Assert.Equal(ErrorCode.InvalidArgument, (await RefusedAsync(() => files.DeleteAsync(guest.Id, "//", Token))).Code);
        Assert.Equal(ErrorCode.NotFound, (await RefusedAsync(() => files.OpenReadAsync(guest.Id, "/etc/none", Token))).Code);
        Assert.Equal(ErrorCode.NotFound, (await RefusedAsync(() => files.DeleteAsync(guest.Id, "/etc/none", Token))).Code);
        Assert.Equal(ErrorCode.NotFound, (await RefusedAsync(() => files.OpenReadAsync(InstanceId.Parse("not-there"), "/etc/passwd", Token))).Code);
        Assert.Equal(ErrorCode.NotFound, (await RefusedAsync(() => WriteAsync(files, guest.Id, "/none/a", "", null))).Code);

        async Task<(ErrorCode Code, RequestOutcome Outcome)> RefusedAsync(Func<Task> call)
        {
            var error = await Assert.ThrowsAnyAsync<HypervisorException>(call);
            return (error.Code, error.Outcome);
        }
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("../../etc/shadow")]
    [InlineData("a\0b")]
    public void A_name_that_no_file_can_have_is_not_believed(string? name) => Assert.Throws<BackendProtocolException>(() => LxdFiles.NamesOf(["fine", name], "/d"));

    [Theory]
    [InlineData("fifo", "0", "0644")]
    [InlineData(null, "0", "0644")]
    [InlineData("file", "-1", "0644")]
    [InlineData("file", "99999999999", "0644")]
    [InlineData("file", "0", "0988")]
    [InlineData("file", "0", "17777777777777")]
    public void Headers_that_say_nonsense_of_a_file_are_not_believed(string? type, string user, string mode) =>
        Assert.Throws<BackendProtocolException>(() => ContainerFile.Of(name => name switch { "X-LXD-type" => type, "X-LXD-uid" => user, "X-LXD-mode" => mode, _ => null }, "X-LXD-"));

    private static Task WriteAsync(IGuestFiles files, InstanceId id, string path, string text, GuestFileAttributes? attributes) => files.WriteAsync(id, path, new MemoryStream(Encoding.UTF8.GetBytes(text)), attributes, Token);

    private static async Task<string> ReadAsync(IGuestFiles files, InstanceId id, string path)
    {
        await using var stream = await files.OpenReadAsync(id, path, Token);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(Token);
    }

    private static async Task<string> OutputAsync(RunningContainer guest, params string[] command)
    {
        var result = await guest.RunAsync(command);
        Assert.True(result.IsSuccess, Encoding.UTF8.GetString(result.Error.Span));
        return Encoding.UTF8.GetString(result.Output.Span);
    }
}
