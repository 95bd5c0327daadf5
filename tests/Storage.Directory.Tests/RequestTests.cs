using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Storage.Directory.Tests;

[Peer("qemu")]
[SupportedOSPlatform("linux")]
public sealed class RequestTests : StorageTests
{
    [Fact]
    public async Task A_request_that_is_repeated_happens_once()
    {
        await using var storage = await OpenAsync();
        var id = RequestId.New();

        var volumes = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => storage.CreateAsync(Spec(null), Request(id), Cancellation).WaitForCompletionAsync(Cancellation)));
        await using var other = await OpenAsync();
        var again = await other.CreateAsync(Spec(null), Request(id), Cancellation).WaitForCompletionAsync(Cancellation);

        Assert.Single(Files);
        Assert.All(volumes, volume => Assert.Equal((again.Id, again.Revision), (volume.Id, volume.Revision)));
        await RefusedAsync(ErrorCode.Conflict, () => other.CreateAsync(Spec(null, ByteSize.FromMiB(9)), Request(id), Cancellation));
        await RefusedAsync(ErrorCode.Conflict, () => other.DeleteAsync(again.Id, Request(id), Cancellation));
    }

    [Fact]
    public async Task Every_kind_of_request_is_repeated_without_an_effect()
    {
        await using var storage = await OpenAsync();
        byte[] content = Content(1 << 20);
        File.WriteAllBytes(Temp["file"], content);
        var upload = Request(RequestId.New());
        var clone = Request(RequestId.New());
        var resize = Request(RequestId.New());
        var flatten = Request(RequestId.New());
        var import = Request(RequestId.New());
        var delete = Request(RequestId.New());
        for (int round = 0; round < 2; round++)
        {
            var source = await UploadRawAsync(storage, "source", content, upload);
            var copy = await storage.CloneAsync(source.Id, Spec("clone", ByteSize.Zero), CloneMode.Linked, clone, Cancellation).WaitForCompletionAsync(Cancellation);
            await storage.ResizeAsync(copy.Id, Size, resize, Cancellation).WaitForCompletionAsync(Cancellation);
            await storage.FlattenAsync(copy.Id, flatten, Cancellation).WaitForCompletionAsync(Cancellation);
            var imported = await storage.ImportAsync(Spec("imported", ByteSize.Zero), VolumeImport.LocalFile(Temp["file"], "raw"), import, Cancellation).WaitForCompletionAsync(Cancellation);
            Assert.Equal(new ByteSize(content.Length), imported.Size);
        }

        for (int round = 0; round < 2; round++)
            await storage.DeleteAsync(VolumeId.Parse("images/clone.qcow2"), delete, Cancellation).WaitForCompletionAsync(Cancellation);
        Assert.Equal(["imported.raw", "source.raw"], Files);
        await RefusedAsync(ErrorCode.NotFound, () => storage.CloneAsync(VolumeId.Parse("images/source.raw"), Spec("clone", ByteSize.Zero), CloneMode.Linked, clone, Cancellation));
    }

    [Fact]
    public async Task The_log_says_what_became_of_a_request()
    {
        await using var storage = await OpenAsync();
        var made = RequestId.New();
        var failed = RequestId.New();
        var volume = await storage.CreateAsync(Spec("web1"), Request(made), Cancellation).WaitForCompletionAsync(Cancellation);
        await Assert.ThrowsAsync<HypervisorException>(() => storage.UploadAsync(Spec("web2", ByteSize.Zero), new MemoryStream(new byte[512]), new VolumeUploadOptions { Format = "qcow2" }, Request(failed), Cancellation));

        await using var other = await OpenAsync();
        var succeeded = await other.LookUpAsync(made, Cancellation);
        Assert.Equal((RequestState.Succeeded, volume.Id), (succeeded.State, succeeded.Volume));
        var lookup = await other.LookUpAsync(failed, Cancellation);
        Assert.Equal((RequestState.Failed, ErrorCode.InvalidArgument), (lookup.State, lookup.Error!.Code));
        Assert.Equal(RequestState.NeverSeen, (await other.LookUpAsync(RequestId.New(), Cancellation)).State);

        // What failed may be tried again under the same id.
        await other.UploadAsync(Spec("web2", ByteSize.Zero), new MemoryStream(new byte[512]), new VolumeUploadOptions { Format = "raw" }, Request(failed), Cancellation);
        Assert.Equal(RequestState.Succeeded, (await storage.LookUpAsync(failed, Cancellation)).State);
    }

    [Fact]
    public async Task A_request_under_way_is_running_and_not_begun_twice()
    {
        await using var storage = await OpenAsync();
        await using var other = await OpenAsync();
        var id = RequestId.New();
        var gate = new TaskCompletionSource();
        var content = new GatedStream(gate.Task);

        var upload = storage.UploadAsync(Spec("web1", ByteSize.Zero), content, new VolumeUploadOptions { Format = "raw" }, Request(id), Cancellation);
        await content.Reached.WaitAsync(Cancellation);
        Assert.Equal(RequestState.Running, (await other.LookUpAsync(id, Cancellation)).State);
        await RefusedAsync(ErrorCode.Locked, () => other.UploadAsync(Spec("web1", ByteSize.Zero), new MemoryStream(), new VolumeUploadOptions { Format = "raw" }, Request(id), Cancellation));
        await RefusedAsync(ErrorCode.AlreadyExists, () => other.CreateAsync(Spec("web1"), null, Cancellation));
        Assert.Empty(await other.ListVolumes(Pool).ToListAsync(Cancellation));
        gate.SetResult();
        await upload;
        Assert.Equal(RequestState.Succeeded, (await other.LookUpAsync(id, Cancellation)).State);
    }

    [Fact]
    public async Task What_is_too_long_ago_is_forgotten_and_said_to_be()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        var options = new DirectoryStorageOptions { QemuImg = RealPeer.Program("qemu-img"), RequestRetention = TimeSpan.FromDays(1) };
        options.Pools["images"] = PoolPath;
        var id = RequestId.New(clock);
        await using (var storage = await DirectoryStorageBackend.OpenAsync(BackendName.Parse("store"), options, clock, null, Cancellation))
            await storage.CreateAsync(Spec("web1"), Request(id), Cancellation).WaitForCompletionAsync(Cancellation);

        clock.Advance(TimeSpan.FromDays(2));
        await using var later = await DirectoryStorageBackend.OpenAsync(BackendName.Parse("store"), options, clock, null, Cancellation);
        Assert.Equal(RequestState.Expired, (await later.LookUpAsync(id, Cancellation)).State);
        Assert.Equal(RequestState.NeverSeen, (await later.LookUpAsync(RequestId.New(clock), Cancellation)).State);
    }

    private sealed class GatedStream(Task gate) : MemoryStream(new byte[4096])
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => _reached.Task;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _reached.TrySetResult();
            await gate.WaitAsync(cancellationToken);
            return await base.ReadAsync(buffer, cancellationToken);
        }
    }
}
