using System.Runtime.Versioning;
using System.Security.Cryptography;

namespace Hypervisor.Sdk.Storage.Directory.Tests;

[Peer("qemu")]
[SupportedOSPlatform("linux")]
public sealed class ContentTests : StorageTests
{
    [Fact]
    public async Task What_was_uploaded_is_what_is_downloaded()
    {
        await using var storage = await OpenAsync();
        byte[] content = Content();
        var told = new List<TransferProgress>();
        var options = new VolumeUploadOptions { Format = "raw", Length = content.Length, Sha256 = SHA256.HashData(content), Progress = new Progress(told.Add) };

        var volume = await storage.UploadAsync(Spec("web1", Size), new SlowStream(content), options, null, Cancellation);

        Assert.Equal((Size, "raw"), (volume.Size, volume.Format));
        Assert.True(volume.Allocated < new ByteSize(content.Length), "Zeros take no space.");
        Assert.Equal(new TransferProgress(content.Length, content.Length), told[^1]);
        told.Clear();
        await using var stream = await storage.DownloadAsync(volume.Id, new Progress(told.Add), Cancellation);
        var read = new MemoryStream();
        await stream.CopyToAsync(read, Cancellation);
        Assert.Equal(Size.Bytes, stream.Length);
        Assert.Equal(content, read.ToArray()[..content.Length]);
        Assert.False(read.ToArray().AsSpan(content.Length).ContainsAnyExcept((byte)0));
        Assert.Equal(new TransferProgress(Size.Bytes, Size.Bytes), told[^1]);
        Assert.Equal(SHA256.HashData(read.ToArray()), ((VolumeContentStream)stream).Sha256!.Value.ToArray());
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task A_qcow2_image_is_taken_in_grown_and_converted()
    {
        await using var storage = await OpenAsync();
        byte[] content = Content();
        File.WriteAllBytes(Temp["raw"], content);
        await QemuImgAsync("convert", "-f", "raw", "-O", "qcow2", "../raw", "../image");
        byte[] image = File.ReadAllBytes(Temp["image"]);

        var same = await storage.UploadAsync(Spec("same", ByteSize.Zero), new MemoryStream(image), new VolumeUploadOptions { Format = "qcow2" }, null, Cancellation);
        var larger = await storage.UploadAsync(Spec("larger", Size), new MemoryStream(image), new VolumeUploadOptions { Format = "qcow2" }, null, Cancellation);
        var raw = await storage.UploadAsync(Spec("raw", ByteSize.Zero, "raw"), new MemoryStream(image), new VolumeUploadOptions { Format = "qcow2" }, null, Cancellation);
        var thick = await storage.UploadAsync(Spec("thick", Size, "raw", thin: false), new MemoryStream(content), new VolumeUploadOptions { Format = "raw" }, null, Cancellation);

        Assert.Equal((new ByteSize(content.Length), "qcow2"), (same.Size, same.Format));
        Assert.Equal(image, await ReadAsync(storage, same.Id));
        Assert.Equal(Size, larger.Size);
        Assert.Equal("raw", raw.Format);
        Assert.Equal(content, await ReadAsync(storage, raw.Id));
        Assert.True(thick.Allocated >= Size);
        await RefusedAsync(ErrorCode.InvalidArgument, () => storage.UploadAsync(Spec("small", ByteSize.FromMiB(1)), new MemoryStream(image), new VolumeUploadOptions { Format = "qcow2" }, null, Cancellation));
        Assert.Equal(["larger.qcow2", "raw.raw", "same.qcow2", "thick.raw"], Files);
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task A_linked_clone_is_downloaded_whole()
    {
        await using var storage = await OpenAsync();
        byte[] content = Content();
        var source = await UploadRawAsync(storage, "source", content);
        var clone = await storage.CloneAsync(source.Id, Spec("clone", ByteSize.Zero), CloneMode.Linked, null, Cancellation).WaitForCompletionAsync(Cancellation);

        File.WriteAllBytes(Temp["downloaded"], await ReadAsync(storage, clone.Id));
        await QemuImgAsync("convert", "-f", "qcow2", "-O", "raw", "../downloaded", "../raw");
        Assert.Equal(content, File.ReadAllBytes(Temp["raw"]));
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task Content_that_is_not_what_was_stated_leaves_nothing()
    {
        await using var storage = await OpenAsync();
        byte[] content = Content(1 << 20);
        Task Upload(VolumeUploadOptions options, byte[]? bytes = null) => storage.UploadAsync(Spec("web1", ByteSize.Zero), new MemoryStream(bytes ?? content), options, null, Cancellation);

        await RefusedAsync(ErrorCode.InvalidArgument, () => Upload(new VolumeUploadOptions { Format = "raw", Sha256 = new byte[32] }));
        await RefusedAsync(ErrorCode.InvalidArgument, () => Upload(new VolumeUploadOptions { Format = "raw", Length = content.Length + 1 }));
        await RefusedAsync(ErrorCode.InvalidArgument, () => Upload(new VolumeUploadOptions { Format = "raw", Length = content.Length - 1 }));
        await RefusedAsync(ErrorCode.InvalidArgument, () => Upload(new VolumeUploadOptions { Format = "qcow2" }));
        await RefusedAsync(ErrorCode.InvalidArgument, () => Upload(new VolumeUploadOptions { Format = "vmdk" }));
        await RefusedAsync(ErrorCode.InvalidArgument, () => Upload(new VolumeUploadOptions { Format = "raw" }, []));
        await Assert.ThrowsAsync<ArgumentException>(() => Upload(new VolumeUploadOptions { Format = "raw", Sha256 = new byte[31] }));
        Assert.Empty(Files);
        Assert.Empty(Leftovers);

        // The same bytes stated as raw are raw, whatever they look like.
        await QemuImgAsync("create", "-q", "-f", "qcow2", "../image", "1G");
        var raw = await UploadRawAsync(storage, "web1", File.ReadAllBytes(Temp["image"]));
        Assert.True(raw.Size < ByteSize.FromMiB(1));
    }

    [Theory]
    [InlineData("-b", "/etc/passwd", "-F", "raw", "-u")]
    [InlineData("-b", "other.raw", "-F", "raw", "-u")]
    [InlineData("-o", "data_file=../data")]
    public async Task An_image_that_reaches_for_another_file_is_refused_and_leaves_nothing(params string[] how)
    {
        await using var storage = await OpenAsync();
        await UploadRawAsync(storage, "other", Content(1 << 20));
        await QemuImgAsync(["create", "-q", "-f", "qcow2", .. how, "../image", "1M"]);

        await RefusedAsync(ErrorCode.Denied, () => storage.UploadAsync(Spec("web1", ByteSize.Zero), File.OpenRead(Temp["image"]), new VolumeUploadOptions { Format = "qcow2" }, null, Cancellation));
        await RefusedAsync(ErrorCode.Denied, () => storage.ImportAsync(Spec("web1", ByteSize.Zero), VolumeImport.LocalFile(Temp["image"], "qcow2"), null, Cancellation).WaitForCompletionAsync(Cancellation));
        Assert.Equal(["other.raw"], Files);
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task An_image_in_the_pool_that_reaches_outside_is_refused_everywhere()
    {
        await using var storage = await OpenAsync();
        File.WriteAllBytes(Temp["secret.raw"], Content(1 << 20));
        await QemuImgAsync("create", "-q", "-f", "qcow2", "-b", "../secret.raw", "-F", "raw", "evil.qcow2");
        await QemuImgAsync("create", "-q", "-f", "qcow2", "-b", Temp["secret.raw"], "-F", "raw", "evil2.qcow2");
        await QemuImgAsync("create", "-q", "-f", "qcow2", "-b", "evil.qcow2", "-F", "qcow2", "upon.qcow2");
        File.CreateSymbolicLink(Path.Combine(PoolPath, "link.raw"), Temp["secret.raw"]);

        foreach (string file in (string[])["evil.qcow2", "evil2.qcow2", "link.raw"])
            await RefusedAsync(ErrorCode.Denied, () => storage.FindAsync(VolumeId.Parse($"images/{file}"), Cancellation));
        foreach (string file in (string[])["evil.qcow2", "upon.qcow2", "link.raw"])
        {
            var id = VolumeId.Parse($"images/{file}");
            await RefusedAsync(ErrorCode.Denied, () => storage.DownloadAsync(id, null, Cancellation));
            await RefusedAsync(ErrorCode.Denied, () => storage.AttachAsync(id, Consumer(), VolumeAccess.ReadOnlyMany, Cancellation));
            await RefusedAsync(ErrorCode.Denied, () => storage.CloneAsync(id, Spec("copy", ByteSize.Zero), CloneMode.Full, null, Cancellation).WaitForCompletionAsync(Cancellation));
            await RefusedAsync(ErrorCode.Denied, () => storage.FlattenAsync(id, null, Cancellation).WaitForCompletionAsync(Cancellation));
        }

        await RefusedAsync(ErrorCode.Denied, () => storage.ImportAsync(Spec("adopted", ByteSize.Zero), VolumeImport.FileInPool("upon.qcow2", "qcow2"), null, Cancellation));
        Assert.Equal(["evil.qcow2", "evil2.qcow2", "link.raw", "upon.qcow2"], Files);
        Assert.Empty(Leftovers);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_upload_that_is_cancelled_or_breaks_off_leaves_nothing()
    {
        await using var storage = await OpenAsync();
        using var cancel = new CancellationTokenSource();
        var options = new VolumeUploadOptions { Format = "raw", Progress = new Progress(told => { if (told.Bytes > 2 << 20) cancel.Cancel(); }) };

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => storage.UploadAsync(Spec("web1", ByteSize.Zero), new MemoryStream(Content(8 << 20)), options, null, cancel.Token));
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
        await Assert.ThrowsAsync<IOException>(() => storage.UploadAsync(Spec("web1", ByteSize.Zero), new BrokenStream(), new VolumeUploadOptions { Format = "raw" }, null, Cancellation));
        Assert.Empty(Files);
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task A_file_in_the_pool_becomes_a_volume_and_one_elsewhere_is_copied()
    {
        await using var storage = await OpenAsync();
        byte[] content = Content(1 << 20);
        File.WriteAllBytes(Path.Combine(PoolPath, "debian-12.img"), content);
        File.WriteAllBytes(Temp["elsewhere"], content);

        var adopted = await storage.ImportAsync(Spec("debian", Size), VolumeImport.FileInPool("debian-12.img", "raw"), null, Cancellation).WaitForCompletionAsync(Cancellation);
        var copied = await storage.ImportAsync(Spec("copy", ByteSize.Zero, "qcow2"), VolumeImport.LocalFile(Temp["elsewhere"], "raw"), null, Cancellation).WaitForCompletionAsync(Cancellation);

        Assert.Equal(("images/debian.raw", Size), (adopted.Id.ToString(), adopted.Size));
        Assert.Equal(content, (await ReadAsync(storage, adopted.Id))[..content.Length]);
        Assert.Equal(("qcow2", new ByteSize(content.Length)), (copied.Format, copied.Size));
        Assert.Equal(["copy.qcow2", "debian.raw"], Files);
        Assert.True(File.Exists(Temp["elsewhere"]));
        await RefusedAsync(ErrorCode.NotFound, () => storage.ImportAsync(Spec("x", ByteSize.Zero), VolumeImport.FileInPool("nothing", "raw"), null, Cancellation));
        await RefusedAsync(ErrorCode.InvalidArgument, () => storage.ImportAsync(Spec("x", ByteSize.Zero), VolumeImport.FileInPool("../elsewhere", "raw"), null, Cancellation));
        await RefusedAsync(ErrorCode.NotFound, () => storage.ImportAsync(Spec("x", ByteSize.Zero), VolumeImport.LocalFile(Temp["nothing"], "raw"), null, Cancellation).WaitForCompletionAsync(Cancellation));
        await RefusedAsync(ErrorCode.Corrupted, () => storage.ImportAsync(Spec("x", ByteSize.Zero), VolumeImport.FileInPool("debian.raw", "qcow2"), null, Cancellation));
        Assert.Empty(Leftovers);
    }

    private sealed class Progress(Action<TransferProgress> report) : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value) => report(value);
    }

    /// <summary>Gives a few bytes at a time, as a network does.</summary>
    private sealed class SlowStream(byte[] content) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(buffer.Length, 70_001)], cancellationToken);
    }

    private sealed class BrokenStream() : MemoryStream(new byte[3 << 20])
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position < 2 << 20 ? base.ReadAsync(buffer, cancellationToken) : throw new IOException("The network is gone.");
    }
}
