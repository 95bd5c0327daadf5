using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Storage.Directory.Tests;

[Peer("qemu")]
[SupportedOSPlatform("linux")]
public sealed class LeaseTests : StorageTests
{
    [Fact]
    public async Task A_writer_is_alone_and_keeps_the_volume_as_it_is()
    {
        await using var storage = await OpenAsync();
        var volume = await storage.CreateAsync(Spec("web1"), null, Cancellation).WaitForCompletionAsync(Cancellation);

        var lease = await storage.AttachAsync(volume.Id, Consumer("a"), VolumeAccess.SingleWriter, Cancellation);
        Assert.Equal(new VolumeAttachment.File(Path.Combine(PoolPath, "web1.qcow2"), "qcow2"), lease.Attachment);
        Assert.Equal(volume.Id, lease.Volume);

        // Another backend on the same directory knows of it, and so does the next process.
        await using var other = await OpenAsync();
        await RefusedAsync(ErrorCode.Locked, () => other.AttachAsync(volume.Id, Consumer("b"), VolumeAccess.SingleWriter, Cancellation));
        await RefusedAsync(ErrorCode.Locked, () => other.AttachAsync(volume.Id, Consumer("b"), VolumeAccess.ReadOnlyMany, Cancellation));
        await RefusedAsync(ErrorCode.Locked, () => other.DeleteAsync(volume.Id, null, Cancellation));
        await RefusedAsync(ErrorCode.Locked, () => other.ResizeAsync(volume.Id, ByteSize.FromMiB(16), null, Cancellation));
        await RefusedAsync(ErrorCode.Locked, () => other.FlattenAsync(volume.Id, null, Cancellation));
        await RefusedAsync(ErrorCode.Locked, () => other.DownloadAsync(volume.Id, null, Cancellation));
        foreach (var mode in Enum.GetValues<CloneMode>())
            await RefusedAsync(ErrorCode.Locked, () => other.CloneAsync(volume.Id, Spec("c", ByteSize.Zero), mode, null, Cancellation));
        Assert.Equal(lease.Id, (await other.AttachAsync(volume.Id, Consumer("a"), VolumeAccess.SingleWriter, Cancellation)).Id);

        await other.DetachAsync(lease.Id, Cancellation);
        await other.DetachAsync(lease.Id, Cancellation);
        await other.AttachAsync(volume.Id, Consumer("b"), VolumeAccess.SingleWriter, Cancellation);
    }

    [Fact]
    public async Task Many_read_and_none_of_them_lets_a_writer_in()
    {
        await using var storage = await OpenAsync();
        var volume = await storage.CreateAsync(Spec("web1"), null, Cancellation).WaitForCompletionAsync(Cancellation);

        var one = await storage.AttachAsync(volume.Id, Consumer("a"), VolumeAccess.ReadOnlyMany, Cancellation);
        var two = await storage.AttachAsync(volume.Id, Consumer("b"), VolumeAccess.ReadOnlyMany, Cancellation);
        Assert.NotEqual(one.Id, two.Id);
        await RefusedAsync(ErrorCode.Locked, () => storage.AttachAsync(volume.Id, Consumer("c"), VolumeAccess.SingleWriter, Cancellation));
        await RefusedAsync(ErrorCode.Locked, () => storage.AttachAsync(volume.Id, Consumer("c"), VolumeAccess.MigrationHandover, Cancellation));
        await RefusedAsync(ErrorCode.Locked, () => storage.DeleteAsync(volume.Id, null, Cancellation));
        await storage.CloneAsync(volume.Id, Spec("copy", ByteSize.Zero), CloneMode.Full, null, Cancellation).WaitForCompletionAsync(Cancellation);

        await storage.DetachAsync(one.Id, Cancellation);
        await storage.DetachAsync(two.Id, Cancellation);
        await storage.AttachAsync(volume.Id, Consumer("c"), VolumeAccess.SingleWriter, Cancellation);
    }

    [Fact]
    public async Task A_handover_writes_beside_one_writer_and_then_alone()
    {
        await using var storage = await OpenAsync(null, options => options.IsShared = true);
        var volume = await storage.CreateAsync(Spec("web1"), null, Cancellation).WaitForCompletionAsync(Cancellation);

        await RefusedAsync(ErrorCode.InvalidState, () => storage.AttachAsync(volume.Id, Consumer("a", "two"), VolumeAccess.MigrationHandover, Cancellation));
        var from = await storage.AttachAsync(volume.Id, Consumer("a", "one"), VolumeAccess.SingleWriter, Cancellation);
        var to = await storage.AttachAsync(volume.Id, Consumer("a", "two"), VolumeAccess.MigrationHandover, Cancellation);
        await RefusedAsync(ErrorCode.Locked, () => storage.AttachAsync(volume.Id, Consumer("a", "three"), VolumeAccess.MigrationHandover, Cancellation));
        await storage.DetachAsync(from.Id, Cancellation);
        await RefusedAsync(ErrorCode.Locked, () => storage.AttachAsync(volume.Id, Consumer("b", "one"), VolumeAccess.SingleWriter, Cancellation));
        await storage.AttachAsync(volume.Id, Consumer("a", "three"), VolumeAccess.MigrationHandover, Cancellation);
        await storage.DetachAsync(to.Id, Cancellation);
    }

    [Fact]
    public async Task A_consumer_that_cannot_reach_it_is_told_so()
    {
        await using var storage = await OpenAsync();
        var volume = await storage.CreateAsync(Spec("web1"), null, Cancellation).WaitForCompletionAsync(Cancellation);

        await RefusedAsync(ErrorCode.Unsupported, () => storage.AttachAsync(volume.Id, Consumer("a", "elsewhere"), VolumeAccess.SingleWriter, Cancellation));
        var blocks = new VolumeConsumer { Node = NodeName.Parse(Environment.MachineName), AcceptedKinds = ["block", "rbd"] };
        await RefusedAsync(ErrorCode.Unsupported, () => storage.AttachAsync(volume.Id, blocks, VolumeAccess.SingleWriter, Cancellation));
        await RefusedAsync(ErrorCode.NotFound, () => storage.AttachAsync(VolumeId.Parse("images/none.raw"), Consumer(), VolumeAccess.SingleWriter, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => storage.DetachAsync("../x", Cancellation));
    }

    [Fact]
    public async Task A_volume_that_is_being_read_cannot_be_attached_for_writing()
    {
        await using var storage = await OpenAsync();
        var volume = await UploadRawAsync(storage, "web1", Content());

        await using (await storage.DownloadAsync(volume.Id, null, Cancellation))
        {
            await RefusedAsync(ErrorCode.Locked, () => storage.AttachAsync(volume.Id, Consumer(), VolumeAccess.SingleWriter, Cancellation));
            await RefusedAsync(ErrorCode.Locked, () => storage.ResizeAsync(volume.Id, Size, null, Cancellation));
            await RefusedAsync(ErrorCode.Locked, () => storage.DeleteAsync(volume.Id, null, Cancellation));
            await storage.AttachAsync(volume.Id, Consumer("reader"), VolumeAccess.ReadOnlyMany, Cancellation);
        }
    }

    [Fact]
    public async Task Of_many_that_attach_at_once_one_writes()
    {
        await using var one = await OpenAsync();
        await using var two = await OpenAsync();
        var volume = await one.CreateAsync(Spec("web1"), null, Cancellation).WaitForCompletionAsync(Cancellation);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(async i =>
        {
            try
            {
                await (i % 2 == 0 ? one : two).AttachAsync(volume.Id, Consumer($"vm{i}"), VolumeAccess.SingleWriter, Cancellation);
                return true;
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Locked)
            {
                return false;
            }
        }));

        Assert.Single(outcomes, true);
    }
}
