using System.Buffers;
using System.Security.Cryptography;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Storage;

/// <content>Content: each transfer has a connection of its own, so that a slow one holds up nobody.</content>
internal sealed partial class LibvirtStorage : IVolumeContent
{
    private const int ChunkBytes = 1 << 20;
    private const int HoleBytes = 64 << 10;

    private static readonly TimeSpan s_letGo = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromMilliseconds(20);

    public async Task<Volume> UploadAsync(VolumeSpec spec, Stream content, VolumeUploadOptions options, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(options);
        request = Checked(spec, request, isZeroGood: true, out var id);
        var copy = Copy(spec);
        copy.Format ??= options.Format;
        if (options.Sha256 is { Length: not SHA256.HashSizeInBytes } hash)
            throw new ArgumentException($"A SHA-256 is {SHA256.HashSizeInBytes} bytes long, not {hash.Length}.", nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.Length ?? 0, nameof(options));
        if (copy.Format != options.Format)
            throw Refusal.Unsupported("format", $"the daemon stores what it is sent: upload the volume as '{options.Format}', and clone it into one of the format '{copy.Format}'.");
        var operation = await BeginAsync(
            VolumeKinds.Upload, id, request, token => RequireFreeAsync(copy, id, token),
            async (libvirt, again, token) =>
            {
                if (again)
                    await RemoveAsync(id, token).ConfigureAwait(false);
                return await FillAsync(libvirt, copy, id, content, options, token).ConfigureAwait(false);
            },
            cancellationToken, Timeout.InfiniteTimeSpan).ConfigureAwait(false);
        try
        {
            return await operation.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await operation.TryCancelAsync(CancellationToken.None).ConfigureAwait(false);
            await ((Task)operation.WaitAsync(CancellationToken.None)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new OperationCanceledException(cancellationToken);
        }
    }

    public async Task<Stream> DownloadAsync(VolumeId id, IProgress<TransferProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        RefuseDefault(id);
        cancellationToken.ThrowIfCancellationRequested();
        var facts = await _volumes.RequireAsync(id, null, cancellationToken).ConfigureAwait(false);
        if (facts.Backing is not null)
            throw new HypervisorException($"The volume '{id}' is a linked clone and does not stand alone: download a full clone of it.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"volume {id}" };
        await _volumes.RefuseUsedAsync(facts, evenByThoseThatAreOff: false, cancellationToken).ConfigureAwait(false);
        string lease = parts.Server.Leases.Take(facts.Id, VolumeAccess.ReadOnlyMany, "a download");
        LibvirtConnection? libvirt = null;
        try
        {
            libvirt = await ConnectAsync(cancellationToken).ConfigureAwait(false);
            var stream = await libvirt.StorageVolDownloadAsync(facts.Native, 0, 0, (uint)VirStorageVolDownloadFlags.SparseStream, cancellationToken).ConfigureAwait(false);
            return new VolumeDownload(libvirt, stream, facts.Format == "raw" ? facts.CapacityBytes : null, progress, () => parts.Server.Leases.End(lease));
        }
        catch
        {
            parts.Server.Leases.End(lease);
            if (libvirt is not null)
                await libvirt.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private Task<LibvirtConnection> ConnectAsync(CancellationToken cancellationToken) => LibvirtConnection.ConnectAsync(parts.Uri, parts.Options.Connection, cancellationToken);

    /// <summary>Makes the volume, sends the content, and takes the volume away again when it is not what was stated.</summary>
    private async Task<VirStorageVol> FillAsync(LibvirtConnection libvirt, VolumeSpec spec, VolumeId id, Stream content, VolumeUploadOptions options, CancellationToken cancellationToken)
    {
        var (pool, kind) = await PoolOfAsync(libvirt, spec.Pool, cancellationToken).ConfigureAwait(false);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            int first = await content.ReadAtLeastAsync(buffer.AsMemory(0, ChunkBytes), ChunkBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            long? disk = DiskBytes(buffer.AsSpan(0, first), first < ChunkBytes, options);
            if (spec.Size.Bytes != 0 && disk > spec.Size.Bytes)
                throw UploadedContent.Bad($"The content is a disk of {new ByteSize(disk.Value)}, larger than the {spec.Size} that were asked for.");
            if (disk is null && spec.Size.Bytes == 0 && !LibvirtVolumes.IsFiles(kind))
                throw UploadedContent.Bad($"A volume in a pool of the kind '{kind}' has its size from the beginning: state the size or the length.");
            // A file takes the size of what is written to it.
            long size = spec.Size.Bytes != 0 ? spec.Size.Bytes : disk ?? 0;
            var made = await libvirt.StorageVolCreateXmlAsync(pool, Describe(id, size, options.Format, spec.Thin, null), 0, cancellationToken).ConfigureAwait(false);
            try
            {
                long sent = await SendAsync(made, content, buffer, first, spec, options, cancellationToken).ConfigureAwait(false);
                await FitAsync(libvirt, made, spec, options.Format == "raw" ? UploadedContent.RoundUp(sent) : disk!.Value, cancellationToken).ConfigureAwait(false);
                return made;
            }
            catch
            {
                await DeleteAsSoonAsItIsLetGoAsync(made).ConfigureAwait(false);
                throw;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>How large a disk the content is, where that is known before all of it has come.</summary>
    private static long? DiskBytes(ReadOnlySpan<byte> first, bool isWhole, VolumeUploadOptions options)
    {
        if (first.IsEmpty)
            throw UploadedContent.Bad("The content is empty.");
        if (options.Format == "qcow2")
            return UploadedContent.SizeOfQcow2(first[..Math.Min(first.Length, UploadedContent.HeaderBytes)]);
        return isWhole ? UploadedContent.RoundUp(first.Length) : options.Length is { } length ? UploadedContent.RoundUp(length) : null;
    }

    private async Task<long> SendAsync(VirStorageVol volume, Stream content, byte[] buffer, int first, VolumeSpec spec, VolumeUploadOptions options, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var libvirt = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        await using (libvirt.ConfigureAwait(false))
        {
            // The zeros of a thin raw volume are left out; those of an image are its own affair.
            bool leavesHoles = spec.Thin && options.Format == "raw";
            var stream = await libvirt.StorageVolUploadAsync(volume, 0, 0, leavesHoles ? (uint)VirStorageVolUploadFlags.SparseStream : 0, cancellationToken).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                long sent = 0;
                for (int bytes = first; bytes > 0; bytes = await content.ReadAtLeastAsync(buffer.AsMemory(0, ChunkBytes), ChunkBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false))
                {
                    sent += bytes;
                    if (sent > options.Length)
                        throw UploadedContent.Bad($"The content is longer than the {options.Length} bytes that were stated.");
                    if (options.Format == "raw" && spec.Size.Bytes != 0 && sent > spec.Size.Bytes)
                        throw UploadedContent.Bad($"The content is larger than the {spec.Size} that were asked for.");
                    hash.AppendData(buffer, 0, bytes);
                    await SendAsync(stream, buffer.AsMemory(0, bytes), leavesHoles, cancellationToken).ConfigureAwait(false);
                    options.Progress?.Report(new TransferProgress(sent, options.Length));
                }

                if (sent < options.Length)
                    throw UploadedContent.Bad($"The content ended after {sent} of the {options.Length} bytes that were stated.");
                if (options.Sha256 is { } expected && !hash.GetHashAndReset().AsSpan().SequenceEqual(expected.Span))
                    throw UploadedContent.Bad("The content does not have the SHA-256 that was stated.");
                await stream.FinishAsync(cancellationToken).ConfigureAwait(false);
                return sent;
            }
        }
    }

    /// <summary>Sends neighbours that hold something together, and zeros as a hole.</summary>
    private static async Task SendAsync(LibvirtStream stream, ReadOnlyMemory<byte> chunk, bool leavesHoles, CancellationToken cancellationToken)
    {
        while (!chunk.IsEmpty)
        {
            int at = 0;
            bool? isHole = null;
            while (at < chunk.Length)
            {
                int piece = Math.Min(HoleBytes, chunk.Length - at);
                bool isZero = leavesHoles && !chunk.Span.Slice(at, piece).ContainsAnyExcept((byte)0);
                if (isHole is not null && isHole != isZero)
                    break;
                isHole = isZero;
                at += piece;
            }

            if (isHole == true)
                await stream.WriteHoleAsync(at, cancellationToken).ConfigureAwait(false);
            else
                await stream.WriteAsync(chunk[..at], cancellationToken).ConfigureAwait(false);
            chunk = chunk[at..];
        }
    }

    /// <summary>Brings the volume to the size that was asked for: what was sent may be a smaller disk, or end within a sector.</summary>
    private async Task FitAsync(LibvirtConnection libvirt, VirStorageVol volume, VolumeSpec spec, long bytes, CancellationToken cancellationToken)
    {
        long size = Math.Max(spec.Size.Bytes, bytes);
        await WhenLetGoAsync(
            async () =>
            {
                if ((long)(await libvirt.StorageVolGetInfoAsync(volume, cancellationToken).ConfigureAwait(false)).Capacity < size)
                    await libvirt.StorageVolResizeAsync(volume, (ulong)size, 0, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async Task DeleteAsSoonAsItIsLetGoAsync(VirStorageVol volume)
    {
        using var deadline = new CancellationTokenSource(s_letGo, parts.Time);
        try
        {
            var libvirt = await parts.Link.GetAsync(deadline.Token).ConfigureAwait(false);
            await WhenLetGoAsync(() => libvirt.StorageVolDeleteAsync(volume, 0, deadline.Token).AsTask(), deadline.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException or ObjectDisposedException)
        {
            // The daemon is gone, or does not let go: what failed first is what the caller is told.
        }
    }

    /// <summary>The daemon lets go of a volume a moment after the end of its stream.</summary>
    private async Task WhenLetGoAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await work().ConfigureAwait(false);
                return;
            }
            catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrOperationInvalid)
            {
                await Task.Delay(s_lookAgain, parts.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
