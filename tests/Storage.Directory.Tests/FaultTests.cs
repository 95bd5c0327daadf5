using System.Diagnostics;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Storage.Directory.Tests;

[Peer("qemu")]
[SupportedOSPlatform("linux")]
public sealed class FaultTests : StorageTests
{
    [Fact(Timeout = 60_000)]
    public async Task A_full_disk_leaves_the_old_state()
    {
        using var disk = Mount("-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs");
        await using var storage = await OpenAsync();
        byte[] content = Content(2 << 20);
        var source = await storage.UploadAsync(Spec("source", ByteSize.Zero), new MemoryStream(content), new VolumeUploadOptions { Format = "raw" }, null, Cancellation);
        var linked = await storage.CloneAsync(source.Id, Spec("linked", ByteSize.Zero), CloneMode.Linked, null, Cancellation).WaitForCompletionAsync(Cancellation);
        await storage.CreateAsync(Spec("filler", ByteSize.FromMiB(3), "raw", thin: false), null, Cancellation).WaitForCompletionAsync(Cancellation);
        string[] before = [.. Files];
        var available = (await storage.ListPoolsAsync(Cancellation).FirstAsync(Cancellation)).Available;

        byte[] solid = new byte[4 << 20];
        new Random(1).NextBytes(solid);
        var failed = RequestId.New();
        Func<Task>[] attempts =
        [
            () => storage.CreateAsync(Spec("thick", Size, "raw", thin: false), null, Cancellation).WaitForCompletionAsync(Cancellation),
            () => storage.CreateAsync(Spec("thick", Size, "qcow2", thin: false), null, Cancellation).WaitForCompletionAsync(Cancellation),
            () => storage.UploadAsync(Spec("upload", ByteSize.Zero), new MemoryStream(solid), new VolumeUploadOptions { Format = "raw" }, Request(failed), Cancellation),
            () => storage.CloneAsync(source.Id, Spec("full", ByteSize.Zero, "raw", thin: false), CloneMode.Full, null, Cancellation).WaitForCompletionAsync(Cancellation),
            () => storage.CloneAsync(source.Id, Spec("full", ByteSize.Zero, "qcow2"), CloneMode.Full, null, Cancellation).WaitForCompletionAsync(Cancellation),
            () => storage.FlattenAsync(linked.Id, null, Cancellation).WaitForCompletionAsync(Cancellation),
        ];
        foreach (var attempt in attempts)
        {
            await RefusedAsync(ErrorCode.Exhausted, attempt);
            Assert.Equal(before, Files);
            Assert.Empty(Leftovers);
        }

        Assert.Equal(RequestState.Failed, (await storage.LookUpAsync(failed, Cancellation)).State);
        Assert.Equal(source.Id, (await storage.FindAsync(linked.Id, Cancellation))!.ClonedFrom);
        Assert.Equal(content, await ReadAsync(storage, source.Id));
        var after = (await storage.ListPoolsAsync(Cancellation).FirstAsync(Cancellation)).Available;
        Assert.InRange(available!.Value.Bytes - after!.Value.Bytes, 0, 128 << 10);
    }

    [Fact(Timeout = 60_000)]
    public async Task With_not_one_byte_left_every_change_says_so_but_deleting_which_makes_room()
    {
        using var disk = Mount("-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs");
        await using var storage = await OpenAsync();
        var volume = await storage.CreateAsync(Spec("web1", ByteSize.FromMiB(1), "raw", thin: false), null, Cancellation).WaitForCompletionAsync(Cancellation);
        using (var filler = File.OpenHandle(Path.Combine(PoolPath, "filler"), FileMode.CreateNew, FileAccess.Write))
        {
            for (long offset = 0; ; offset += 4096)
            {
                try
                {
                    RandomAccess.Write(filler, new byte[4096], offset);
                }
                catch (IOException)
                {
                    break;
                }
            }
        }

        await RefusedAsync(ErrorCode.Exhausted, () => storage.CreateAsync(Spec("web2"), null, Cancellation).WaitForCompletionAsync(Cancellation));
        await RefusedAsync(ErrorCode.Exhausted, () => storage.AttachAsync(volume.Id, Consumer(), VolumeAccess.SingleWriter, Cancellation));
        Assert.Equal(["filler", "web1.raw"], Files);
        Assert.Empty(Leftovers);
        await storage.DeleteAsync(volume.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
        Assert.Equal(["filler"], Files);
        Assert.Empty(Leftovers);
        await storage.CreateAsync(Spec("web2"), null, Cancellation).WaitForCompletionAsync(Cancellation);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_read_only_directory_is_read_and_says_why_it_cannot_be_changed()
    {
        using var disk = Mount("-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs");
        Volume volume;
        await using (var writing = await OpenAsync())
            volume = await UploadRawAsync(writing, "web1", Content(1 << 20));
        Run("mount", "-o", "remount,ro", PoolPath);

        await using var storage = await OpenAsync();
        Assert.Equal(volume.Id, Assert.Single(await storage.ListVolumes(Pool).ToListAsync(Cancellation)).Id);
        var error = await RefusedAsync(ErrorCode.Denied, () => storage.CreateAsync(Spec("web2"), null, Cancellation));
        Assert.Contains("read-only", error.Message, StringComparison.Ordinal);
        Assert.Contains(PoolPath, error.Message, StringComparison.Ordinal);
        await RefusedAsync(ErrorCode.Denied, () => storage.DeleteAsync(volume.Id, null, Cancellation));
        Assert.Equal(["web1.raw"], Files);
    }

    [Fact]
    public async Task A_missing_directory_or_program_is_said_at_once()
    {
        var error = await RefusedAsync(ErrorCode.NotFound, () => OpenAsync(null, options => options.Pools["gone"] = Temp["gone"]));
        Assert.Contains(Temp["gone"], error.Message, StringComparison.Ordinal);
        await RefusedAsync(ErrorCode.Unavailable, () => OpenAsync(null, options => options.QemuImg = "/nowhere/qemu-img"));
        await Assert.ThrowsAsync<ArgumentException>(() => OpenAsync(null, options => options.Pools["../x"] = PoolPath));
    }

    [Fact]
    public async Task A_record_that_cannot_be_read_is_named_and_nothing_is_guessed()
    {
        await using var storage = await OpenAsync();
        var volume = await storage.CreateAsync(Spec("web1"), null, Cancellation).WaitForCompletionAsync(Cancellation);
        await storage.AttachAsync(volume.Id, Consumer(), VolumeAccess.SingleWriter, Cancellation);
        string lease = System.IO.Directory.EnumerateFiles(Path.Combine(PoolPath, ".hypervisor", "leases")).Single();
        await File.WriteAllTextAsync(lease, "{", Cancellation);

        await RefusedAsync(ErrorCode.Corrupted, () => storage.DeleteAsync(volume.Id, null, Cancellation));
        Assert.Equal(["web1.qcow2"], Files);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(RealPeer.Program(program), arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>Mounts something upon the pool until the test ends.</summary>
    private Mounted Mount(params string[] arguments)
    {
        if (!Environment.IsPrivilegedProcess)
            RealPeer.Absent("mounting a small file system takes root");
        Run("mount", [.. arguments, PoolPath]);
        return new Mounted(PoolPath);
    }

    private sealed class Mounted(string path) : IDisposable
    {
        public void Dispose() => Run("umount", "-l", path);
    }
}
