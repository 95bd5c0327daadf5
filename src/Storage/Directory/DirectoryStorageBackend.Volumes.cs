using Hypervisor.Sdk.DiskImages;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Storage.Directory;

public sealed partial class DirectoryStorageBackend
{
    private const int SectorBytes = 512;

    /// <inheritdoc />
    public PagedList<Volume> ListVolumes(PoolName pool) => new VolumeList(this, PoolOf(pool));

    /// <inheritdoc />
    /// <exception cref="HypervisorException">The file is not what its name says (<see cref="ErrorCode.Corrupted"/>), or its backing or data file is elsewhere (<see cref="ErrorCode.Denied"/>).</exception>
    public Task<Volume?> FindAsync(VolumeId id, CancellationToken cancellationToken = default) => Task.Run(
        () => VolumeFile.TryParse(id, out var pool, out string? file) && FindPool(pool) is { } found ? found.Describe(file) : null, cancellationToken);

    /// <inheritdoc />
    public async Task<Operation<Volume>> CreateAsync(VolumeSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var pool = PoolOf(spec.Pool);
        CheckSize(spec.Size, isZeroGood: false);
        string format = spec.Format ?? ImageFormat.Qcow2;
        request = WithId(request);
        string target = VolumeFile.ForNew(spec.Name, format, IdOf(request));
        var record = Record(request, RequestKind.Make, target, $"create {spec.Size} {Thinness(spec)}") with { SizeBytes = spec.Size.Bytes, Owner = spec.Owner?.ToString() };
        var (_, operation) = await PrepareAsync(pool, record, 1, () => CheckNew(pool, target), work => Start(work, request, (_, token) => MakeEmptyAsync(work, format, spec, token)), cancellationToken).ConfigureAwait(false);
        return (Operation<Volume>)operation!;
    }

    /// <inheritdoc />
    /// <remarks>For a volume that nobody has attached; one that is in use is made larger by the hypervisor that uses it.</remarks>
    public async Task<Operation<Volume>> ResizeAsync(VolumeId id, ByteSize size, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        var (pool, file) = PlaceOf(id);
        CheckSize(size, isZeroGood: false);
        request = WithId(request);
        var record = Record(request, RequestKind.Resize, file, $"resize to {size}") with { SizeBytes = size.Bytes };
        FileLock Check()
        {
            var volume = Existing(pool, file, request);
            if (size < volume.Size)
                throw VolumeFile.Unacceptable(nameof(size), $"The volume '{id}' is of {volume.Size}; making it {size} would cut off data.");
            return LockAlone(pool, file, "made larger");
        }

        var (_, operation) = await PrepareAsync(pool, record, 0, Check, work => Start(work, request, (_, token) => ResizeAsync(work, size, token)), cancellationToken).ConfigureAwait(false);
        return (Operation<Volume>)operation!;
    }

    /// <inheritdoc />
    /// <remarks>A linked clone is a qcow2 volume in the pool of its source. Snapshots within the source are not copied.</remarks>
    public async Task<Operation<Volume>> CloneAsync(VolumeId source, VolumeSpec target, CloneMode mode, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        var (sourcePool, sourceFile) = PlaceOf(source);
        var pool = PoolOf(target.Pool);
        CheckSize(target.Size, isZeroGood: true);
        string format = target.Format ?? (mode == CloneMode.Linked ? ImageFormat.Qcow2 : VolumeFile.FormatOf(sourceFile));
        if (mode == CloneMode.Linked)
            CheckLinked(sourcePool, pool, format, target);
        request = WithId(request);
        string file = VolumeFile.ForNew(target.Name, format, IdOf(request));
        var record = Record(request, RequestKind.Make, file, $"clone {mode} '{source}' {target.Size} {Thinness(target)}") with { SizeBytes = target.Size.Bytes, Owner = target.Owner?.ToString() };
        if (await FindKnownAsync(pool, record, cancellationToken).ConfigureAwait(false) is Operation<Volume> known)
            return known;

        var shared = await LockForReadingAsync(sourcePool, sourceFile, target.Size, request, cancellationToken).ConfigureAwait(false);
        Operation? operation = null;
        try
        {
            (_, operation) = await PrepareAsync(pool, record, 1, () => CheckNew(pool, file), work => Start(work, request, async (progress, token) =>
            {
                using (shared)
                    await CloneAsync(work, sourcePool, sourceFile, format, mode, target, progress, token).ConfigureAwait(false);
            }), cancellationToken).ConfigureAwait(false);
            return (Operation<Volume>)operation!;
        }
        finally
        {
            // The work gives it back when it has begun.
            if (operation is null)
                shared.Dispose();
        }
    }

    /// <inheritdoc />
    /// <remarks>For a volume that nobody has attached, and without snapshots within. It is made anew beside the old one and takes its place: needs the space of both for a while, and can be cancelled at any moment.</remarks>
    public async Task<Operation<Volume>> FlattenAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        var (pool, file) = PlaceOf(id);
        request = WithId(request);
        var record = Record(request, RequestKind.Replace, file, "flatten");
        FileLock Check()
        {
            Existing(pool, file, request);
            return LockAlone(pool, file, "flattened");
        }

        var (_, operation) = await PrepareAsync(pool, record, 1, Check, work => Start(work, request, (progress, token) => FlattenAsync(work, progress, token)), cancellationToken).ConfigureAwait(false);
        return (Operation<Volume>)operation!;
    }

    /// <inheritdoc />
    public async Task<Operation> DeleteAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        var (pool, file) = PlaceOf(id);
        request = WithId(request);
        var record = Record(request, RequestKind.Delete, file, "delete") with { Inode = pool.Directory.Find(file)?.Inode ?? 0 };
        FileLock Check()
        {
            if (pool.Directory.Find(file) is not { IsRegularFile: true } facts || facts.Inode != record.Inode)
                throw NoVolume(id);
            if (request!.IfRevision is not null)
                Existing(pool, file, request);
            if (pool.Dependents(file) is [var first, ..] dependents)
                throw new HypervisorException($"The volume '{id}' cannot be deleted: {dependents.Count} linked clones depend on it, '{VolumeFile.IdOf(pool.Name, first)}' for one. Flatten or delete them first.", ErrorCode.InvalidState, RequestOutcome.Rejected);
            return LockAlone(pool, file, "deleted");
        }

        var (_, operation) = await PrepareAsync(
            pool, record, 0, Check, work => LocalOperation<bool>.Start(work.RequestId, null, _timeProvider, (_, _) => RunAsync(work, () => Task.CompletedTask, () => true)), cancellationToken).ConfigureAwait(false);
        return operation!;
    }

    private static void CheckSize(ByteSize size, bool isZeroGood)
    {
        if (size.Bytes % SectorBytes != 0 || (size.Bytes == 0 && !isZeroGood))
            throw VolumeFile.Unacceptable(nameof(VolumeSpec.Size), $"A volume is a multiple of {SectorBytes} bytes large, and larger than nothing; {size.Bytes} is not.");
    }

    private static void CheckLinked(DirectoryPool sourcePool, DirectoryPool pool, string format, VolumeSpec target)
    {
        if (sourcePool.Name != pool.Name)
            throw new HypervisorException($"A linked clone is in the pool of its source, '{sourcePool.Name}', and not in '{pool.Name}'.", ErrorCode.Unsupported, RequestOutcome.Rejected);
        if (format != ImageFormat.Qcow2)
            throw VolumeFile.Unacceptable(nameof(VolumeSpec.Format), "A linked clone is qcow2: raw cannot share anything.");
        if (!target.Thin)
            throw VolumeFile.Unacceptable(nameof(VolumeSpec.Thin), "A linked clone is thin.");
    }

    private static string Thinness(VolumeSpec spec) => spec.Thin ? "thin" : "thick";

    private static ImageCreateOptions Layout(VolumeSpec spec) => new() { Preallocation = spec.Thin ? ImagePreallocation.Off : ImagePreallocation.Falloc };

    private static HypervisorException NoVolume(VolumeId id) => new($"There is no volume '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected);

    /// <summary>Refuses a name that is taken: by a volume of either format, or by one that is being made.</summary>
    private static FileLock? CheckNew(DirectoryPool pool, string file)
    {
        string name = VolumeFile.NameOf(file);
        bool isTaken = pool.Directory.Find(VolumeFile.Of(name, ImageFormat.Qcow2)) is not null || pool.Directory.Find(VolumeFile.Of(name, ImageFormat.Raw)) is not null
            || pool.Journal.Running.Any(id => pool.Journal.Find(RequestId.FromGuid(id)).Record is { Kind: RequestKind.Make } other && VolumeFile.NameOf(other.Target) == name);
        return isTaken ? throw new HypervisorException($"There is a volume '{name}' in the pool '{pool.Name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) : null;
    }

    /// <summary>Takes a volume for work that excludes every other use. For whoever holds the pool.</summary>
    private static FileLock LockAlone(DirectoryPool pool, string file, string what)
    {
        if (pool.Leases.Of(file) is [var lease, ..])
            throw Locked($"The volume '{VolumeFile.IdOf(pool.Name, file)}' cannot be {what}: it is attached on node '{lease.Node}'{(lease.Instance is null ? "" : $" to {lease.Instance}")}.");
        return pool.TryLockVolume(file, exclusive: true) ?? throw Locked($"The volume '{VolumeFile.IdOf(pool.Name, file)}' cannot be {what}: it is being copied or changed.");
    }

    private static Volume Existing(DirectoryPool pool, string file, RequestOptions? request)
    {
        var volume = pool.Describe(file) ?? throw NoVolume(VolumeFile.IdOf(pool.Name, file));
        if (request?.IfRevision is { } revision && revision != volume.Revision)
            throw new HypervisorException($"The volume '{volume.Id}' is not at revision {revision} any more but at {volume.Revision}.", ErrorCode.Conflict, RequestOutcome.Rejected);
        return volume;
    }

    /// <summary>One id for the whole call, so that a name that is made up of it and the record agree.</summary>
    private RequestOptions WithId(RequestOptions? request) => request?.RequestId is { IsDefault: false }
        ? request
        : new RequestOptions { RequestId = RequestId.New(_timeProvider), IfRevision = request?.IfRevision, Deadline = request?.Deadline };

    private DirectoryPool? FindPool(PoolName name)
    {
        FindNewPools();
        lock (_poolsGate)
            return _pools.GetValueOrDefault(name.ToString());
    }

    private (DirectoryPool Pool, string File) PlaceOf(VolumeId id)
    {
        if (id.IsDefault)
            throw new ArgumentException("A volume id is needed.", nameof(id));
        return VolumeFile.TryParse(id, out var name, out string? file) && FindPool(name) is { } pool ? (pool, file) : throw NoVolume(id);
    }

    /// <summary>Keeps a volume as it is while it is read: nobody may be writing to it, and nobody will.</summary>
    private async Task<FileLock> LockForReadingAsync(DirectoryPool pool, string file, ByteSize atLeast, RequestOptions? request, CancellationToken cancellationToken)
    {
        using var hold = await pool.EnterAsync(cancellationToken).ConfigureAwait(false);
        await UndoDeadAsync(pool, cancellationToken).ConfigureAwait(false);
        var volume = Existing(pool, file, request);
        if (atLeast.Bytes != 0 && atLeast < volume.Size)
            throw VolumeFile.Unacceptable(nameof(VolumeSpec.Size), $"The volume '{volume.Id}' is of {volume.Size}; a copy of {atLeast} would cut off data.");
        if (pool.Leases.Of(file).FirstOrDefault(lease => lease.Access != VolumeAccess.ReadOnlyMany) is { } writer)
            throw Locked($"The volume '{volume.Id}' cannot be copied: node '{writer.Node}'{(writer.Instance is null ? "" : $", {writer.Instance},")} may be writing to it.");
        return pool.TryLockVolume(file, exclusive: false) ?? throw Locked($"The volume '{volume.Id}' is being changed.");
    }

    private async Task MakeEmptyAsync(VolumeWork work, string format, VolumeSpec spec, CancellationToken cancellationToken)
    {
        var directory = work.Pool.Directory;
        if (format == ImageFormat.Qcow2)
            await directory.EffectAsync($"qemu-img create {work.FileName}", () => _tool.CreateAsync(DiskImage.InFile(work.File!, format), spec.Size, Layout(spec), cancellationToken)).ConfigureAwait(false);
        else if (spec.Thin)
            directory.SetLength(work.File!, spec.Size.Bytes, work.FileName);
        else
            directory.Allocate(work.File!, spec.Size.Bytes, work.FileName);
        directory.FlushFile(work.File!, work.FileName);
    }

    private async Task ResizeAsync(VolumeWork work, ByteSize size, CancellationToken cancellationToken)
    {
        using var chain = ImageChain.Open(work.Pool.Directory, work.Target, VolumeFile.FormatOf(work.Target), FileAccess.ReadWrite);
        await GrowAsync(work.Pool.Directory, chain.Image, chain.Top.File, work.Target, size, cancellationToken).ConfigureAwait(false);
        work.Pool.Directory.FlushFile(chain.Top.File, work.Target);
    }

    private async Task GrowAsync(RootedDirectory directory, DiskImage image, Microsoft.Win32.SafeHandles.SafeFileHandle file, string name, ByteSize size, CancellationToken cancellationToken)
    {
        if (image.Format == ImageFormat.Raw)
            directory.SetLength(file, size.Bytes, name);
        else
            await directory.EffectAsync($"qemu-img resize {name}", () => _tool.ResizeAsync(image, size, cancellationToken)).ConfigureAwait(false);
    }

    private async Task CloneAsync(VolumeWork work, DirectoryPool sourcePool, string sourceFile, string format, CloneMode mode, VolumeSpec target, IProgress<double> progress, CancellationToken cancellationToken)
    {
        using var chain = ImageChain.Open(sourcePool.Directory, sourceFile, VolumeFile.FormatOf(sourceFile));
        // A raw file may end within a sector, and a volume does not.
        var size = new ByteSize(Math.Max(target.Size.Bytes, (chain.Top.Size.Bytes + SectorBytes - 1) / SectorBytes * SectorBytes));
        var image = DiskImage.InFile(work.File!, format);
        if (mode == CloneMode.Linked)
        {
            if (chain.Layers.Count >= ImageChain.MaxLayers)
                throw new HypervisorException($"The volume '{sourceFile}' has {chain.Layers.Count - 1} others below it already. Flatten it first.", ErrorCode.InvalidState, RequestOutcome.Rejected);
            var link = new ImageCreateOptions { BackingFile = sourceFile, BackingFormat = chain.Top.Format };
            await work.Pool.Directory.EffectAsync($"qemu-img create {work.FileName}", () => _tool.CreateAsync(image, size, link, cancellationToken)).ConfigureAwait(false);
        }
        else
        {
            await work.Pool.Directory.EffectAsync($"qemu-img convert {work.FileName}", () => _tool.ConvertAsync(chain.Image, image, Layout(target), progress, cancellationToken)).ConfigureAwait(false);
            if (size > chain.Top.Size)
                await GrowAsync(work.Pool.Directory, image, work.File!, work.FileName, size, cancellationToken).ConfigureAwait(false);
        }

        work.Pool.Directory.FlushFile(work.File!, work.FileName);
    }

    private async Task FlattenAsync(VolumeWork work, IProgress<double> progress, CancellationToken cancellationToken)
    {
        string format = VolumeFile.FormatOf(work.Target);
        using var chain = ImageChain.Open(work.Pool.Directory, work.Target, format);
        if (chain.Top.Header is { SnapshotCount: > 0 } header)
            throw new HypervisorException($"The volume '{VolumeFile.IdOf(work.Pool.Name, work.Target)}' has {header.SnapshotCount} snapshots within, which would be lost. Delete them first.", ErrorCode.InvalidState, RequestOutcome.Rejected);
        await work.Pool.Directory.EffectAsync($"qemu-img convert {work.FileName}", () => _tool.ConvertAsync(chain.Image, DiskImage.InFile(work.File!, format), null, progress, cancellationToken)).ConfigureAwait(false);
        work.Pool.Directory.FlushFile(work.File!, work.FileName);
    }

    /// <summary>The volumes of a pool by their names; a page begins after the last name of the one before.</summary>
    private sealed class VolumeList(DirectoryStorageBackend backend, DirectoryPool pool) : PagedList<Volume>
    {
        public override Task<Page<Volume>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
            if (continuation is not null && !VolumeFile.IsOne(continuation))
                throw new ArgumentException("The continuation is not one of this list.", nameof(continuation));
            return Task.Run(() => GetPage(continuation, maxItems, cancellationToken), cancellationToken);
        }

        private Page<Volume> GetPage(string? continuation, int maxItems, CancellationToken cancellationToken)
        {
            var files = pool.Files().Where(file => continuation is null || string.CompareOrdinal(file, continuation) > 0).Take(maxItems + 1).ToList();
            var volumes = new List<Volume>();
            foreach (string file in files.Take(maxItems))
            {
                cancellationToken.ThrowIfCancellationRequested();
                try
                {
                    if (pool.Describe(file) is { } volume)
                        volumes.Add(volume);
                }
                catch (HypervisorException error) when (error.Code == ErrorCode.Corrupted || error.Code == ErrorCode.Denied || error.Code == ErrorCode.Unsupported)
                {
                    // One bad file does not hide the others; asking for it by its id says what is wrong.
                    backend._logger.LogWarning(error, "The file {File} in pool {Pool} is not a volume.", file, pool.Name);
                }
            }

            return new Page<Volume> { Items = volumes, Continuation = files.Count > maxItems ? files[maxItems - 1] : null };
        }
    }
}
