using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.DiskImages.Tests;

[Peer("qemu")]
[SupportedOSPlatform("linux")]
public sealed class QemuImgTests : IDisposable
{
    private static readonly ByteSize s_size = ByteSize.FromMiB(10);

    private readonly TempDirectory _temp = new();
    private readonly QemuImg _tool = new(new QemuImgOptions { Program = RealPeer.Program("qemu-img") });

    /// <summary>What an option parser, a key=value list, a protocol prefix, a JSON reader, a shell or a terminal would take for something else.</summary>
    public static TheoryData<string> WorstNames =>
    [
        "nbd:localhost:10809", "json:{\"driver\":\"null-co\"}", "-rf", "--help", "a,b=c,,d", "file:x", "fat:rw:x", "a b", "$(id)", "`id`", "a\nb", "a\"b\\c", "%s%n", "ü🖥\u202Ec", "driver=qcow2", "http:x", "'", "*", "host_device:x",
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(WorstNames))]
    public async Task A_name_is_a_name_and_nothing_else(string name)
    {
        Directory.CreateDirectory(_temp["d"]);
        var lower = DiskImage.At(_temp["d/" + name], ImageFormat.Qcow2);
        var upper = DiskImage.At(_temp["d/upper" + name], ImageFormat.Qcow2).WithBacking(lower);

        await _tool.CreateAsync(lower, s_size, cancellationToken: Cancellation);
        await _tool.CreateAsync(upper, s_size, new ImageCreateOptions { BackingFile = name, BackingFormat = "qcow2" }, Cancellation);
        await _tool.CreateSnapshotAsync(lower, name, Cancellation);
        Assert.Equal(name, Assert.Single((await _tool.GetInfoAsync(lower, cancellationToken: Cancellation)).Snapshots).Name);
        await _tool.ApplySnapshotAsync(lower, name, Cancellation);
        await _tool.DeleteSnapshotAsync(lower, name, Cancellation);
        await _tool.ResizeAsync(upper, ByteSize.FromMiB(20), Cancellation);
        Assert.Equal(ByteSize.FromMiB(20), (await _tool.GetInfoAsync(upper, cancellationToken: Cancellation)).VirtualSize);
        Assert.True((await _tool.CheckAsync(upper, cancellationToken: Cancellation)).IsSound);
        await _tool.ConvertAsync(upper, DiskImage.At(_temp["d/copy" + name], ImageFormat.Raw), cancellationToken: Cancellation);
        Assert.NotEmpty(await _tool.MapAsync(upper, cancellationToken: Cancellation));
        await _tool.CommitAsync(upper, cancellationToken: Cancellation);

        using var root = RootedDirectory.Open(_temp["d"]);
        using (var chain = ImageChain.Open(root, "upper" + name, "qcow2"))
            Assert.Equal(["upper" + name, name], chain.Layers.Select(layer => layer.Path));
        await _tool.FlattenAsync(upper, cancellationToken: Cancellation);
        Assert.Null((await _tool.GetInfoAsync(upper, cancellationToken: Cancellation)).BackingFile);
        Assert.Equal(new[] { name, "upper" + name, "copy" + name }.Order(StringComparer.Ordinal), root.List().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_image_in_an_open_file_is_that_file_whatever_happens_to_its_name()
    {
        using var root = RootedDirectory.Open(_temp.Path);
        using var file = root.CreateFile("a");
        root.Rename("a", "b");
        File.WriteAllText(_temp["a"], "somebody else's");

        var image = DiskImage.InFile(file, ImageFormat.Qcow2);
        await _tool.CreateAsync(image, s_size, cancellationToken: Cancellation);

        Assert.Equal(s_size, (await _tool.GetInfoAsync(image, cancellationToken: Cancellation)).VirtualSize);
        Assert.Equal(s_size, Qcow2Header.Parse(File.ReadAllBytes(_temp["b"])).Size);
        Assert.Equal("somebody else's", File.ReadAllText(_temp["a"]));
    }

    [Fact]
    public async Task A_file_stated_as_raw_is_raw_whatever_it_holds()
    {
        var image = DiskImage.At(_temp["a"], ImageFormat.Qcow2);
        await _tool.CreateAsync(image, s_size, cancellationToken: Cancellation);

        var info = await _tool.GetInfoAsync(DiskImage.At(_temp["a"], ImageFormat.Raw), cancellationToken: Cancellation);
        Assert.Equal("raw", info.Format);
        Assert.True(info.VirtualSize < s_size);

        File.WriteAllBytes(_temp["raw"], new byte[1 << 20]);
        var error = await Assert.ThrowsAsync<HypervisorException>(() => _tool.GetInfoAsync(DiskImage.At(_temp["raw"], ImageFormat.Qcow2), cancellationToken: Cancellation));
        Assert.Equal(ErrorCode.Corrupted, error.Code);
    }

    [Fact]
    public async Task Preallocation_takes_the_space_at_once()
    {
        var thin = DiskImage.At(_temp["thin"], ImageFormat.Qcow2);
        var thick = DiskImage.At(_temp["thick"], ImageFormat.Qcow2);
        var raw = DiskImage.At(_temp["raw"], ImageFormat.Raw);
        await _tool.CreateAsync(thin, s_size, cancellationToken: Cancellation);
        await _tool.CreateAsync(thick, s_size, new ImageCreateOptions { Preallocation = ImagePreallocation.Falloc }, Cancellation);
        await _tool.CreateAsync(raw, s_size, new ImageCreateOptions { Preallocation = ImagePreallocation.Full }, Cancellation);

        Assert.True((await _tool.GetInfoAsync(thin, cancellationToken: Cancellation)).ActualSize < ByteSize.FromMiB(1));
        Assert.True((await _tool.GetInfoAsync(thick, cancellationToken: Cancellation)).ActualSize >= s_size);
        Assert.True((await _tool.GetInfoAsync(raw, cancellationToken: Cancellation)).ActualSize >= s_size);
        var measure = await _tool.MeasureAsync(thin, ImageFormat.Qcow2, cancellationToken: Cancellation);
        Assert.True(measure.Required < measure.FullyAllocated && measure.FullyAllocated > s_size);
    }

    [Fact]
    public async Task Rebasing_keeps_what_a_guest_sees()
    {
        File.WriteAllBytes(_temp["one"], [.. Enumerable.Repeat((byte)1, 1 << 20)]);
        File.WriteAllBytes(_temp["two"], [.. Enumerable.Repeat((byte)2, 1 << 20)]);
        var one = DiskImage.At(_temp["one"], ImageFormat.Raw);
        var two = DiskImage.At(_temp["two"], ImageFormat.Raw);
        var upper = DiskImage.At(_temp["upper"], ImageFormat.Qcow2);
        await _tool.CreateAsync(upper, ByteSize.FromMiB(1), new ImageCreateOptions { BackingFile = "one", BackingFormat = "raw" }, Cancellation);

        await _tool.RebaseAsync(upper.WithBacking(one), two, "two", cancellationToken: Cancellation);
        var info = await _tool.GetInfoAsync(upper, cancellationToken: Cancellation);
        Assert.Equal(("two", "raw"), (info.BackingFile, info.BackingFormat));
        await _tool.ConvertAsync(upper.WithBacking(two), DiskImage.At(_temp["copy"], ImageFormat.Raw), cancellationToken: Cancellation);
        Assert.Equal(File.ReadAllBytes(_temp["one"]), File.ReadAllBytes(_temp["copy"]));

        await _tool.SetBackingAsync(upper, "./one", "raw", Cancellation);
        Assert.Equal("./one", (await _tool.GetInfoAsync(upper, cancellationToken: Cancellation)).BackingFile);
        await _tool.CommitAsync(upper.WithBacking(two), cancellationToken: Cancellation);
        Assert.Equal(File.ReadAllBytes(_temp["one"]), File.ReadAllBytes(_temp["two"]));
    }

    [Fact]
    public async Task Progress_runs_to_the_end_and_cancelling_leaves_nothing()
    {
        using (var source = File.OpenHandle(_temp["source"], FileMode.CreateNew, FileAccess.Write))
            RandomAccess.Write(source, [.. Enumerable.Repeat((byte)7, 48 << 20)], 0);
        var image = DiskImage.At(_temp["source"], ImageFormat.Raw);
        var copy = DiskImage.At(_temp["copy"], ImageFormat.Qcow2);
        var seen = new List<double>();
        await _tool.ConvertAsync(image, copy, null, new Progress(seen.Add), Cancellation);
        Assert.Equal(1, seen[^1]);
        Assert.Equal(seen.Order(), seen);
        Assert.True(seen.Count > 1);
        File.Delete(copy.Path);

        using var cancel = new CancellationTokenSource();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _tool.ConvertAsync(image, copy, null, new Progress(_ => cancel.Cancel()), cancel.Token));
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
        Assert.False(File.Exists(copy.Path));
    }

    [Fact]
    public async Task A_target_that_is_there_is_not_overwritten()
    {
        File.WriteAllText(_temp["there"], "there");
        File.WriteAllBytes(_temp["source"], new byte[1 << 20]);

        var error = await Assert.ThrowsAsync<HypervisorException>(() => _tool.ConvertAsync(DiskImage.At(_temp["source"], ImageFormat.Raw), DiskImage.At(_temp["there"], ImageFormat.Raw), cancellationToken: Cancellation));
        Assert.Equal(ErrorCode.AlreadyExists, error.Code);
        Assert.Equal("there", File.ReadAllText(_temp["there"]));
    }

    [Fact]
    public async Task An_image_in_use_is_locked()
    {
        var image = DiskImage.At(_temp["used"], ImageFormat.Qcow2);
        await _tool.CreateAsync(image, s_size, cancellationToken: Cancellation);
        using var user = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(RealPeer.Program("qemu-io"), ["-f", "qcow2", image.Path]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await user.StandardInput.WriteLineAsync("write 0 4k\n");
        await user.StandardInput.FlushAsync(Cancellation);
        Assert.Contains("wrote 4096/4096 bytes", await user.StandardOutput.ReadLineAsync(Cancellation) ?? "", StringComparison.Ordinal);

        var error = await Assert.ThrowsAsync<HypervisorException>(() => _tool.ResizeAsync(image, ByteSize.FromMiB(20), Cancellation));
        Assert.Equal((ErrorCode.Locked, RequestOutcome.Rejected, true), (error.Code, error.Outcome, error.IsTransient));
        Assert.Contains("lock", error.BackendMessage, StringComparison.Ordinal);
        Assert.Equal(s_size, (await _tool.GetInfoAsync(image, inUse: true, Cancellation)).VirtualSize);

        user.StandardInput.Close();
        await user.WaitForExitAsync(Cancellation);
        await _tool.ResizeAsync(image, ByteSize.FromMiB(20), Cancellation);
        var smaller = await Assert.ThrowsAsync<HypervisorException>(() => _tool.ResizeAsync(image, s_size, Cancellation));
        Assert.Equal(ErrorCode.InvalidArgument, smaller.Code);
    }

    [Fact]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_passphrase_opens_an_encrypted_image_and_is_no_argument()
    {
        var key = new Secret("correct horse"u8.ToArray());
        var image = DiskImage.At(_temp["luks"], ImageFormat.Qcow2).WithPassphrase(key);
        await _tool.CreateAsync(image, ByteSize.FromMiB(2), cancellationToken: Cancellation);
        await _tool.ConvertAsync(image, DiskImage.At(_temp["plain"], ImageFormat.Raw), cancellationToken: Cancellation);
        Assert.Equal(2 << 20, new FileInfo(_temp["plain"]).Length);

        var wrong = image.WithPassphrase(new Secret("wrong"u8.ToArray()));
        var error = await Assert.ThrowsAsync<HypervisorException>(() => _tool.ConvertAsync(wrong, DiskImage.At(_temp["other"], ImageFormat.Raw), cancellationToken: Cancellation));
        Assert.DoesNotContain("wrong", error.ToString(), StringComparison.Ordinal);

        // A program that prints its arguments stands in for qemu-img.
        File.WriteAllText(_temp["spy"], "#!/bin/sh\nprintf '%s\\n' \"$@\" >&2\nexit 1\n");
        File.SetUnixFileMode(_temp["spy"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var spied = await Assert.ThrowsAsync<HypervisorException>(() => new QemuImg(new QemuImgOptions { Program = _temp["spy"] }).GetInfoAsync(image, cancellationToken: Cancellation));
        Assert.DoesNotContain("horse", spied.ToString() + spied.BackendMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaks_are_found_and_repaired()
    {
        var image = DiskImage.At(_temp["leaky"], ImageFormat.Qcow2);
        await _tool.CreateAsync(image, s_size, cancellationToken: Cancellation);
        byte[] bytes = File.ReadAllBytes(image.Path);
        // The third cluster holds the reference counts, two bytes each: the first cluster is counted twice.
        bytes[131072 + 1] = 2;
        File.WriteAllBytes(image.Path, bytes);

        Assert.Equal(1, (await _tool.CheckAsync(image, cancellationToken: Cancellation)).Leaks);
        Assert.Equal(1, (await _tool.CheckAsync(image, ImageRepair.Leaks, Cancellation)).LeaksFixed);
        Assert.Equal(0, (await _tool.CheckAsync(image, cancellationToken: Cancellation)).Leaks);
    }

    [Fact]
    public async Task A_program_that_is_missing_or_another_one_is_said_so()
    {
        var missing = await Assert.ThrowsAsync<HypervisorException>(() => new QemuImg(new QemuImgOptions { Program = _temp["nowhere"] }).GetVersionAsync(Cancellation));
        Assert.Equal((ErrorCode.Unavailable, RequestOutcome.NotSent), (missing.Code, missing.Outcome));
        var other = await Assert.ThrowsAsync<HypervisorException>(() => new QemuImg(new QemuImgOptions { Program = "/bin/echo" }).GetVersionAsync(Cancellation));
        Assert.Equal(ErrorCode.Unavailable, other.Code);
        Assert.True(Version.Parse(await _tool.GetVersionAsync(Cancellation)) >= new Version(7, 2));
    }

    [Fact]
    public async Task A_program_that_prints_without_end_is_stopped()
    {
        File.WriteAllText(_temp["endless"], "#!/bin/sh\nexec yes\n");
        File.SetUnixFileMode(_temp["endless"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var endless = new QemuImg(new QemuImgOptions { Program = _temp["endless"], MaxOutputBytes = 1 << 20 });

        var error = await Assert.ThrowsAsync<HypervisorException>(() => endless.GetInfoAsync(DiskImage.At("/nowhere", ImageFormat.Raw), cancellationToken: Cancellation));
        Assert.Equal(ErrorCode.Protocol, error.Code);
    }

    public void Dispose() => _temp.Dispose();

    private sealed class Progress(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
