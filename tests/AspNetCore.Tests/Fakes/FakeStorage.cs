using System.Security.Cryptography;

namespace Hypervisor.Sdk.AspNetCore.Tests;

/// <summary>Volumes in memory.</summary>
internal sealed class FakeStorage : IStorageBackend, IStoragePools, IVolumeContent, IVolumeFlattening
{
    public Dictionary<string, (Volume Volume, byte[] Content)> Volumes { get; } = [];

    public long Uploaded { get; private set; }

    public async IAsyncEnumerable<StoragePool> ListPoolsAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        yield return new StoragePool { Name = PoolName.Parse("main"), Kind = "fake", Capacity = ByteSize.FromGiB(10), Used = ByteSize.FromGiB(1), Available = ByteSize.FromGiB(9) };
    }

    public PagedList<Volume> ListVolumes(PoolName pool) => new VolumeList(this);

    public Task<Volume?> FindAsync(VolumeId id, CancellationToken cancellationToken = default) => Task.FromResult<Volume?>(Volumes.GetValueOrDefault(id.ToString()).Volume);

    public Task<Operation<Volume>> CreateAsync(VolumeSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) => Done(request, Put(spec, spec.Size, []));

    public Task<Operation<Volume>> ResizeAsync(VolumeId id, ByteSize size, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        var old = Volumes[id.ToString()].Volume;
        return Done(request, Put(new VolumeSpec { Pool = old.Pool, Name = old.Name, Size = size }, size, []));
    }

    public Task<Operation<Volume>> CloneAsync(VolumeId source, VolumeSpec target, CloneMode mode, RequestOptions? request = null, CancellationToken cancellationToken = default) => Done(request, Put(target, target.Size, []));

    public Task<Operation> DeleteAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (!Volumes.Remove(id.ToString(), out var old))
            throw new HypervisorException($"There is no volume '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected);
        var operation = new FakeOperation<Volume>(request);
        operation.Succeed(old.Volume);
        return Task.FromResult<Operation>(operation);
    }

    public Task<VolumeLease> AttachAsync(VolumeId id, VolumeConsumer consumer, VolumeAccess access, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task DetachAsync(string leaseId, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<Operation<StoragePool>> CreatePoolAsync(StoragePoolSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        var operation = new FakeOperation<StoragePool>(request);
        operation.Succeed(new StoragePool { Name = spec.Name, Kind = "fake" });
        return Task.FromResult<Operation<StoragePool>>(operation);
    }

    public Task<Operation> DeletePoolAsync(PoolName name, RequestOptions? request = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public async Task<Volume> UploadAsync(VolumeSpec spec, Stream content, VolumeUploadOptions options, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[64 << 10];
        for (int length; (length = await content.ReadAsync(buffer, cancellationToken)) > 0; Uploaded += length)
            digest.AppendData(buffer, 0, length);
        if (options.Sha256 is { } expected && !expected.Span.SequenceEqual(digest.GetHashAndReset()))
            throw new HypervisorException("The content has another digest.", ErrorCode.Corrupted, RequestOutcome.Rejected);
        return Put(spec, spec.Size, []);
    }

    public Task<Stream> DownloadAsync(VolumeId id, IProgress<TransferProgress>? progress = null, CancellationToken cancellationToken = default) => Task.FromResult<Stream>(new MemoryStream([1, 2, 3]));

    public Task<Operation<Volume>> FlattenAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => Done(request, Volumes[id.ToString()].Volume);

    private Volume Put(VolumeSpec spec, ByteSize size, byte[] content)
    {
        var volume = new Volume { Id = VolumeId.Parse($"{spec.Pool}/{spec.Name}"), Pool = spec.Pool, Name = spec.Name!, Size = size, Format = spec.Format ?? "raw", Revision = Revision.Parse("1") };
        Volumes[volume.Id.ToString()] = (volume, content);
        return volume;
    }

    private static Task<Operation<Volume>> Done(RequestOptions? request, Volume volume)
    {
        var operation = new FakeOperation<Volume>(request);
        operation.Succeed(volume);
        return Task.FromResult<Operation<Volume>>(operation);
    }

    private sealed class VolumeList(FakeStorage storage) : PagedList<Volume>
    {
        public override Task<Page<Volume>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default) =>
            Task.FromResult(new Page<Volume> { Items = [.. storage.Volumes.Values.Select(entry => entry.Volume).Take(maxItems)] });
    }
}
