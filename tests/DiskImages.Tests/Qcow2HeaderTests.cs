using System.Buffers.Binary;
using System.Text;

namespace Hypervisor.Sdk.DiskImages.Tests;

[Peer("qemu")]
public sealed class Qcow2HeaderTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly QemuImg _tool = new(new QemuImgOptions { Program = RealPeer.Program("qemu-img") });

    [Fact]
    public async Task A_header_says_what_qemu_img_wrote()
    {
        var header = Qcow2Header.Parse(await MakeAsync(new ImageCreateOptions { BackingFile = "base image,1:2.raw", BackingFormat = "raw", ClusterBytes = 2 << 20, LazyRefcounts = true }));

        Assert.Equal(3, header.Version);
        Assert.Equal(ByteSize.FromMiB(10), header.Size);
        Assert.Equal(2 << 20, header.ClusterBytes);
        Assert.Equal("./base image,1:2.raw", header.BackingFile);
        Assert.Equal("raw", header.BackingFormat);
        Assert.False(header.HasExternalData || header.IsEncrypted || header.IsDirty || header.IsCorrupt);
        Assert.Null(header.ExternalDataFile);
        Assert.Equal(0, header.SnapshotCount);
    }

    [Fact]
    public async Task Version_2_snapshots_data_files_and_encryption_are_seen()
    {
        await Qemu("create", "-q", "-f", "qcow2", "-o", "compat=0.10", "v2.qcow2", "1M");
        await Qemu("snapshot", "-c", "one", "v2.qcow2");
        await Qemu("create", "-q", "-f", "qcow2", "-o", "data_file=data.raw", "data.qcow2", "1M");
        await Qemu("create", "-q", "-f", "qcow2", "--object", "secret,id=key,data=geheim", "-o", "encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10", "luks.qcow2", "1M");

        var version2 = Qcow2Header.Parse(Bytes("v2.qcow2"));
        Assert.Equal((2, 1), (version2.Version, version2.SnapshotCount));
        var data = Qcow2Header.Parse(Bytes("data.qcow2"));
        Assert.True(data.HasExternalData);
        Assert.Equal("data.raw", data.ExternalDataFile);
        Assert.True(Qcow2Header.Parse(Bytes("luks.qcow2")).IsEncrypted);
    }

    [Fact]
    public async Task What_is_impossible_is_refused()
    {
        byte[] good = await MakeAsync(new ImageCreateOptions { BackingFile = "base.raw", BackingFormat = "raw" });
        int backing = (int)BinaryPrimitives.ReadInt64BigEndian(good.AsSpan(8));

        Refused(good, ErrorCode.Corrupted, bytes => bytes[0] = 0);
        Refused(good, ErrorCode.Unsupported, bytes => bytes[7] = 4);
        Refused(good, ErrorCode.Corrupted, bytes => bytes[23] = 8);
        Refused(good, ErrorCode.Corrupted, bytes => bytes[23] = 22);
        Refused(good, ErrorCode.Corrupted, bytes => bytes[24] = 0x80);
        Refused(good, ErrorCode.Corrupted, bytes => bytes[24] = 0x7f);
        Refused(good, ErrorCode.Unsupported, bytes => bytes[35] = 3);
        Refused(good, ErrorCode.Corrupted, bytes => bytes[36] = 1);
        Refused(good, ErrorCode.Corrupted, bytes => bytes[60] = 1);
        Refused(good, ErrorCode.Unsupported, bytes => bytes[79] = 32);
        Refused(good, ErrorCode.Corrupted, bytes => bytes[103] = 96);
        Refused(good, ErrorCode.Corrupted, bytes => bytes[101] = 1);
        Refused(good, ErrorCode.Corrupted, bytes => bytes[8] = 0x80);
        Refused(good, ErrorCode.Corrupted, bytes => BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(8), 65536));
        Refused(good, ErrorCode.Corrupted, bytes => BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(16), 1024));
        Refused(good, ErrorCode.Corrupted, bytes => BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(16), 0));
        Refused(good, ErrorCode.Corrupted, bytes => BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(16), -1));
        Refused(good, ErrorCode.Corrupted, bytes => bytes[backing] = 0);
        Refused(good, ErrorCode.Corrupted, bytes => bytes[backing] = 0xff);
        int extensions = BinaryPrimitives.ReadInt32BigEndian(good.AsSpan(100));
        Refused(good, ErrorCode.Corrupted, bytes => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(extensions + 4), uint.MaxValue));
        Refused(good, ErrorCode.Corrupted, bytes => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(extensions + 4), 65));
    }

    [Fact]
    public async Task Every_truncation_and_every_changed_byte_ends_in_a_header_or_a_refusal()
    {
        byte[] good = await MakeAsync(new ImageCreateOptions { BackingFile = "base.raw", BackingFormat = "raw" });
        for (int length = 0; length < 1024; length++)
            Try(good.AsSpan(0, length));
        foreach (byte value in (ReadOnlySpan<byte>)[0, 1, 0x7f, 0x80, 0xff])
        {
            for (int at = 0; at < 600; at++)
            {
                byte[] changed = good[..1024];
                changed[at] = value;
                Try(changed);
            }
        }
    }

    [Fact]
    public void The_corpus_and_what_grows_from_it_ends_in_a_header_or_a_refusal()
    {
        string[] corpus = Directory.GetFiles(Repository.PathOf("tests", "DiskImages.Tests", "testdata", "qcow2"));
        Assert.NotEmpty(corpus);
        var random = new Random(20260101);
        foreach (string path in corpus)
        {
            byte[] seed = File.ReadAllBytes(path);
            Try(seed);
            for (int round = 0; round < 20_000; round++)
            {
                byte[] changed = [.. seed];
                for (int change = random.Next(1, 6); change > 0; change--)
                    changed[random.Next(changed.Length)] = (byte)random.Next(256);
                Try(changed.AsSpan(0, random.Next(4) == 0 ? random.Next(changed.Length) : changed.Length));
            }
        }
    }

    public void Dispose() => _temp.Dispose();

    private static void Try(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var header = Qcow2Header.Parse(bytes);
            Assert.InRange(header.BackingFile?.Length ?? 0, 0, 1023);
        }
        catch (HypervisorException error)
        {
            Assert.True(error.Code == ErrorCode.Corrupted || error.Code == ErrorCode.Unsupported);
        }
    }

    private static void Refused(byte[] good, ErrorCode code, Action<byte[]> change)
    {
        byte[] changed = [.. good];
        change(changed);
        Assert.Equal(code, Assert.Throws<HypervisorException>(() => Qcow2Header.Parse(changed)).Code);
    }

    private async Task<byte[]> MakeAsync(ImageCreateOptions options)
    {
        await _tool.CreateAsync(DiskImage.At(_temp["a.qcow2"], ImageFormat.Qcow2), ByteSize.FromMiB(10), options, TestContext.Current.CancellationToken);
        return Bytes("a.qcow2");
    }

    private byte[] Bytes(string name)
    {
        byte[] bytes = File.ReadAllBytes(_temp[name]);
        Assert.InRange(bytes.Length, 1024, 8 << 20);
        // Reading by the handle gives what reading all of it gives.
        using var file = File.OpenHandle(_temp[name]);
        Assert.Equal(Qcow2Header.Parse(bytes).Size, Qcow2Header.Read(file).Size);
        return bytes;
    }

    private Task Qemu(params string[] arguments) => PlainQemuImg.RunAsync(_temp.Path, arguments);
}
