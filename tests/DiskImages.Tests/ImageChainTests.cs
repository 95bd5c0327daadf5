using System.Runtime.Versioning;

namespace Hypervisor.Sdk.DiskImages.Tests;

[Peer("qemu")]
[SupportedOSPlatform("linux")]
public sealed class ImageChainTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly QemuImg _tool = new(new QemuImgOptions { Program = RealPeer.Program("qemu-img") });

    public ImageChainTests()
    {
        Directory.CreateDirectory(_temp["pool/sub"]);
        File.WriteAllBytes(_temp["pool/base.raw"], new byte[1 << 20]);
        File.WriteAllBytes(_temp["outside.raw"], new byte[1 << 20]);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_chain_is_opened_beneath_the_directory_and_read_through_it()
    {
        await MakeAsync("middle", "base.raw", "raw");
        await MakeAsync("sub/top", "sub/../middle", "qcow2");
        await MakeAsync("top", _temp["pool/middle"], "qcow2");
        using var root = RootedDirectory.Open(_temp["pool"]);

        using var chain = ImageChain.Open(root, "top", "qcow2");
        Assert.Equal(["top", "middle", "base.raw"], chain.Layers.Select(layer => layer.Path));
        Assert.Equal(["qcow2", "qcow2", "raw"], chain.Layers.Select(layer => layer.Format));
        Assert.Equal(3, (await _tool.MapAsync(chain.Image, cancellationToken: Cancellation)).Max(extent => extent.Depth) + 1);
        Assert.Equal(ErrorCode.Denied, Assert.Throws<HypervisorException>(() => ImageChain.Open(root, "sub/top", "qcow2")).Code);
    }

    [Theory]
    [InlineData("../outside.raw")]
    [InlineData("sub/../../outside.raw")]
    [InlineData("{temp}/outside.raw")]
    [InlineData("/etc/passwd")]
    [InlineData("link")]
    [InlineData("subl/base.raw")]
    [InlineData("json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}}", true)]
    [InlineData("nbd:localhost:10809", true)]
    [InlineData("file:base.raw", true)]
    [InlineData("{temp}/pool/../outside.raw")]
    public async Task A_backing_file_outside_the_directory_is_refused(string backingFile, bool verbatim = false)
    {
        File.CreateSymbolicLink(_temp["pool/link"], _temp["outside.raw"]);
        Directory.CreateSymbolicLink(_temp["pool/subl"], _temp.Path);
        await MakeAsync("top", backingFile.Replace("{temp}", _temp.Path, StringComparison.Ordinal), "raw");
        if (verbatim)
            await RemoveDotSlashAsync("top", backingFile);
        using var root = RootedDirectory.Open(_temp["pool"]);

        var error = Assert.Throws<HypervisorException>(() => ImageChain.Open(root, "top", "qcow2"));
        Assert.Equal(ErrorCode.Denied, error.Code);
    }

    [Fact]
    public async Task A_backing_file_without_a_stated_format_is_refused()
    {
        await MakeAsync("top", "base.raw", "raw");
        byte[] bytes = File.ReadAllBytes(_temp["pool/top"]);
        // The type of the extension that states the format becomes one that nobody knows.
        int at = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xE2, 0x79, 0x2A, 0xCA]);
        bytes[at] = 0x11;
        File.WriteAllBytes(_temp["pool/top"], bytes);
        using var root = RootedDirectory.Open(_temp["pool"]);

        var error = Assert.Throws<HypervisorException>(() => ImageChain.Open(root, "top", "qcow2"));
        Assert.Equal(ErrorCode.Denied, error.Code);
        Assert.Contains("format", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_file_and_a_circle_and_a_wrong_format_are_refused()
    {
        await MakeAsync("a", "b", "qcow2");
        await MakeAsync("b", "a", "qcow2");
        using var external = System.Diagnostics.Process.Start(RealPeer.Program("qemu-img"), ["create", "-q", "-f", "qcow2", "-o", $"data_file={_temp["pool/data.raw"]}", _temp["pool/data"], "1M"]);
        await external.WaitForExitAsync(Cancellation);
        using var root = RootedDirectory.Open(_temp["pool"]);

        Assert.Equal(ErrorCode.Corrupted, Assert.Throws<HypervisorException>(() => ImageChain.Open(root, "a", "qcow2")).Code);
        Assert.Equal(ErrorCode.Denied, Assert.Throws<HypervisorException>(() => ImageChain.Open(root, "data", "qcow2")).Code);
        Assert.Equal(ErrorCode.Corrupted, Assert.Throws<HypervisorException>(() => ImageChain.Open(root, "base.raw", "qcow2")).Code);
        Assert.Equal(ErrorCode.Unsupported, Assert.Throws<HypervisorException>(() => ImageChain.Open(root, "base.raw", "vmdk")).Code);
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<HypervisorException>(() => ImageChain.Open(root, "nothing", "raw")).Code);
    }

    public void Dispose() => _temp.Dispose();

    private Task MakeAsync(string path, string backingFile, string backingFormat) =>
        _tool.CreateAsync(DiskImage.At(_temp["pool/" + path], ImageFormat.Qcow2), ByteSize.FromMiB(1), new ImageCreateOptions { BackingFile = backingFile, BackingFormat = backingFormat }, Cancellation);

    /// <summary>Writes the name into the header as somebody who means harm would: without the "./" that makes it a path.</summary>
    private async Task RemoveDotSlashAsync(string path, string name)
    {
        byte[] bytes = await File.ReadAllBytesAsync(_temp["pool/" + path], Cancellation);
        int offset = (int)System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(8));
        System.Text.Encoding.UTF8.GetBytes(name).CopyTo(bytes, offset);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(16), name.Length);
        await File.WriteAllBytesAsync(_temp["pool/" + path], bytes, Cancellation);
    }
}
