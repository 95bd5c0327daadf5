using System.Buffers;
using System.Security.Cryptography;
using Hypervisor.Sdk.DiskImages;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Storage.Directory;

public sealed partial class DirectoryStorageBackend
{
    private const int ChunkBytes = 1 << 20;
    private const int HoleBytes = 64 << 10;

    /// <inheritdoc />
    /// <remarks>qcow2 content must stand alone and be sound: one that names a backing or a data file is refused (<see cref="ErrorCode.Denied"/>). Zeros of raw content take no space in a thin volume.</remarks>
    public async Task<Volume> UploadAsync(VolumeSpec spec, Stream content, VolumeUploadOptions options, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(options);
        CheckUpload(spec, options);
        request = WithId(request);
        var (work, known) = await PrepareUploadAsync(spec, options.Format, $"upload {options.Format}", request, null, cancellationToken).ConfigureAwait(false);
        if (work is null)
            return await ((Operation<Volume>)known!).WaitAsync(cancellationToken).ConfigureAwait(false);
        using var deadline = request.Deadline is { } within ? new CancellationTokenSource(within, _timeProvider) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await RunAsync(work, () => FillAsync(work, spec, content, options, either.Token), () => work.Pool.Describe(work.Target)!).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            throw new HypervisorException($"The upload was not done within {request.Deadline}; what it had begun is undone.", ErrorCode.Timeout, RequestOutcome.Rejected);
        }
    }

    /// <inheritdoc />
    /// <remarks>
    /// A linked clone is downloaded as a volume that stands alone: a copy without a name takes the space of it in the pool until the stream is disposed. The stream is a <see cref="VolumeContentStream"/>, which knows
    /// the length, and at its end the SHA-256. While it is open nobody can attach the volume for writing.
    /// </remarks>
    public async Task<Stream> DownloadAsync(VolumeId id, IProgress<TransferProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var (pool, file) = PlaceOf(id);
        var shared = await LockForReadingAsync(pool, file, default, null, cancellationToken).ConfigureAwait(false);
        try
        {
            using var chain = ImageChain.Open(pool.Directory, file, VolumeFile.FormatOf(file));
            var content = chain.Layers.Count == 1 ? pool.Directory.OpenFile(file) : await FlattenedAsync(pool, chain, cancellationToken).ConfigureAwait(false);
            return new VolumeContentStream(content, shared, progress);
        }
        catch
        {
            shared.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public async Task<Operation<Volume>> ImportAsync(VolumeSpec spec, VolumeImport source, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var options = new VolumeUploadOptions { Format = source.Format };
        CheckUpload(spec, options);
        request = WithId(request);
        if (source.IsInPool)
            return await AdoptAsync(spec, source, request, cancellationToken).ConfigureAwait(false);
        var (_, operation) = await PrepareUploadAsync(spec, source.Format, $"import {source.Format} '{source.Path}'", request, work => Start(work, request, async (progress, token) =>
        {
            var file = OpenLocal(source.Path);
            await using (file.ConfigureAwait(false))
            {
                var told = new VolumeUploadOptions { Format = source.Format, Length = file.Length, Progress = new Share(progress) };
                await FillAsync(work, spec, file, told, token).ConfigureAwait(false);
            }
        }), cancellationToken).ConfigureAwait(false);
        return (Operation<Volume>)operation!;
    }

    private static void CheckUpload(VolumeSpec spec, VolumeUploadOptions options)
    {
        ArgumentNullException.ThrowIfNull(spec);
        CheckSize(spec.Size, isZeroGood: true);
        if (!ImageFormat.IsKnown(options.Format))
            throw VolumeFile.Unacceptable(nameof(options.Format), $"'{options.Format}' is not a format of volumes here: '{ImageFormat.Qcow2}' or '{ImageFormat.Raw}'.");
        if (options.Sha256 is { Length: not SHA256.HashSizeInBytes } hash)
            throw new ArgumentException($"A SHA-256 is {SHA256.HashSizeInBytes} bytes long, not {hash.Length}.", nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.Length ?? 0, nameof(options));
    }

    private static FileStream OpenLocal(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read, BufferSize = 0, Options = FileOptions.SequentialScan });
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HypervisorException($"There is no file '{path}'.", ErrorCode.NotFound, RequestOutcome.Rejected, error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new HypervisorException($"The file '{path}' may not be read.", ErrorCode.Denied, RequestOutcome.Rejected, error);
        }
        catch (IOException error)
        {
            throw FileFailure.From(error, $"Opening '{path}'");
        }
    }

    private static HypervisorException BadContent(string problem, Exception? cause = null) => new(problem, ErrorCode.InvalidArgument, RequestOutcome.Rejected, cause);

    private Task<(VolumeWork? Work, Operation? Operation)> PrepareUploadAsync(VolumeSpec spec, string contentFormat, string asked, RequestOptions request, Func<VolumeWork, Operation>? start, CancellationToken cancellationToken)
    {
        var pool = PoolOf(spec.Pool);
        string format = spec.Format ?? contentFormat;
        string target = VolumeFile.ForNew(spec.Name, format, IdOf(request));
        var record = Record(request, RequestKind.Make, target, $"{asked} {spec.Size} {Thinness(spec)}") with { SizeBytes = spec.Size.Bytes, Owner = spec.Owner?.ToString() };
        return PrepareAsync(pool, record, format == contentFormat ? 1 : 2, () => CheckNew(pool, target), start, cancellationToken);
    }

    /// <summary>Takes the content in, looks at it, and brings it to the format and size that were asked for.</summary>
    private async Task FillAsync(VolumeWork work, VolumeSpec spec, Stream content, VolumeUploadOptions options, CancellationToken cancellationToken)
    {
        var directory = work.Pool.Directory;
        var received = work.Source ?? work.File!;
        await ReceiveAsync(directory, received, work.FileName, content, options, spec.Thin || work.Source is not null, cancellationToken).ConfigureAwait(false);
        var image = DiskImage.InFile(received, options.Format);
        var size = await InspectAsync(received, image, spec.Size, cancellationToken).ConfigureAwait(false);
        if (work.Source is not null)
        {
            image = DiskImage.InFile(work.File!, VolumeFile.FormatOf(work.Target));
            var from = DiskImage.InFile(received, options.Format);
            await directory.EffectAsync($"qemu-img convert {work.FileName}", () => _tool.ConvertAsync(from, image, Layout(spec), null, cancellationToken)).ConfigureAwait(false);
        }

        if (spec.Size > size)
            await GrowAsync(directory, image, work.File!, work.FileName, spec.Size, cancellationToken).ConfigureAwait(false);
        if (!spec.Thin && image.Format == ImageFormat.Raw)
            directory.Allocate(work.File!, Math.Max(size.Bytes, spec.Size.Bytes), work.FileName);
        directory.FlushFile(work.File!, work.FileName);
    }

    private static async Task ReceiveAsync(RootedDirectory directory, SafeFileHandle file, string name, Stream content, VolumeUploadOptions options, bool leavesHoles, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        long received = 0;
        try
        {
            int bytes;
            while ((bytes = await content.ReadAtLeastAsync(buffer.AsMemory(0, ChunkBytes), ChunkBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false)) > 0)
            {
                if (options.Length < received + bytes)
                    throw BadContent($"The content is longer than the {options.Length} bytes that were stated.");
                hash.AppendData(buffer, 0, bytes);
                await WriteAsync(directory, file, name, buffer.AsMemory(0, bytes), received, leavesHoles && options.Format == ImageFormat.Raw, cancellationToken).ConfigureAwait(false);
                received += bytes;
                options.Progress?.Report(new TransferProgress(received, options.Length));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (options.Length > received)
            throw BadContent($"The content ended after {received} of the {options.Length} bytes that were stated.");
        if (options.Sha256 is { } expected && !hash.GetHashAndReset().AsSpan().SequenceEqual(expected.Span))
            throw BadContent("The content does not have the SHA-256 that was stated.");
        if (options.Format == ImageFormat.Raw)
            directory.SetLength(file, (received + SectorBytes - 1) / SectorBytes * SectorBytes, name);
    }

    private static async Task WriteAsync(RootedDirectory directory, SafeFileHandle file, string name, ReadOnlyMemory<byte> chunk, long offset, bool leavesHoles, CancellationToken cancellationToken)
    {
        if (!leavesHoles)
        {
            await directory.WriteAsync(file, chunk, offset, name, cancellationToken).ConfigureAwait(false);
            return;
        }

        // Neighbours that hold something are written together; what holds zeros is left out.
        int start = 0;
        for (int at = 0; at <= chunk.Length; at += HoleBytes)
        {
            bool isEnd = at >= chunk.Length;
            if (!isEnd && chunk.Span[at..Math.Min(at + HoleBytes, chunk.Length)].ContainsAnyExcept((byte)0))
                continue;
            if (at > start)
                await directory.WriteAsync(file, chunk[start..Math.Min(at, chunk.Length)], offset + start, name, cancellationToken).ConfigureAwait(false);
            start = at + HoleBytes;
        }

        if (start < chunk.Length)
            await directory.WriteAsync(file, chunk[start..], offset + start, name, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Refuses content that is not what was stated, or that would reach for other files.</summary>
    /// <returns>How large a disk it is.</returns>
    private async Task<ByteSize> InspectAsync(SafeFileHandle file, DiskImage image, ByteSize atMost, CancellationToken cancellationToken)
    {
        ByteSize size;
        if (image.Format == ImageFormat.Raw)
        {
            size = new ByteSize(RootedDirectory.FactsOf(file).Length);
            if (size.Bytes == 0)
                throw BadContent("The content is empty.");
        }
        else
        {
            var header = ReadUploaded(file);
            if (header.BackingFile is not null || header.HasExternalData || header.ExternalDataFile is not null)
                throw new HypervisorException("The content names a backing or a data file; it must stand alone.", ErrorCode.Denied, RequestOutcome.Rejected) { BackendMessage = header.BackingFile ?? header.ExternalDataFile };
            size = header.Size;
            if (!header.IsEncrypted && (header.IsCorrupt || !(await _tool.CheckAsync(image, ImageRepair.None, cancellationToken).ConfigureAwait(false)).IsSound))
                throw BadContent("The content is a damaged qcow2 image.");
        }

        return atMost.Bytes == 0 || size <= atMost ? size : throw BadContent($"The content is a disk of {size}, larger than the {atMost} that were asked for.");
    }

    private static Qcow2Header ReadUploaded(SafeFileHandle file)
    {
        try
        {
            return Qcow2Header.Read(file);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Corrupted)
        {
            throw BadContent($"The content is stated as qcow2. {error.Message}", error);
        }
    }

    /// <summary>A copy of a chain that stands alone, in a file that has no name any more.</summary>
    private async Task<SafeFileHandle> FlattenedAsync(DirectoryPool pool, ImageChain chain, CancellationToken cancellationToken)
    {
        SafeFileHandle copy;
        using (await pool.EnterAsync(cancellationToken).ConfigureAwait(false))
        {
            var id = Guid.CreateVersion7(_timeProvider.GetUtcNow());
            copy = pool.Directory.CreateFile(DirectoryPool.WorkPath(id));
            pool.RemoveWork(id);
        }

        try
        {
            await _tool.ConvertAsync(chain.Image, DiskImage.InFile(copy, chain.Top.Format), null, null, cancellationToken).ConfigureAwait(false);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    /// <summary>A file in the pool becomes a volume by its name alone.</summary>
    private async Task<Operation<Volume>> AdoptAsync(VolumeSpec spec, VolumeImport source, RequestOptions request, CancellationToken cancellationToken)
    {
        var pool = PoolOf(spec.Pool);
        string from = source.Path;
        if (from.Contains('/') || from[0] == '.' || from.Contains('\0'))
            throw VolumeFile.Unacceptable(nameof(source), "The name of a file in the pool is a plain one, and does not begin with a dot.");
        if ((spec.Format ?? source.Format) != source.Format)
            throw VolumeFile.Unacceptable(nameof(spec.Format), $"The file stays what it is: {source.Format}.");
        string target = VolumeFile.ForNew(spec.Name, source.Format, IdOf(request));
        var record = Record(request, RequestKind.Make, target, $"adopt '{from}' {spec.Size}") with
        {
            From = from,
            Inode = pool.Directory.Find(from)?.Inode ?? 0,
            SizeBytes = spec.Size.Bytes,
            Owner = spec.Owner?.ToString(),
        };
        FileLock? Check()
        {
            using var chain = ImageChain.Open(pool.Directory, from, source.Format);
            if (spec.Size.Bytes != 0 && spec.Size < chain.Top.Size)
                throw BadContent($"The file is a disk of {chain.Top.Size}, larger than the {spec.Size} that were asked for.");
            return from == target ? null : CheckNew(pool, target);
        }

        var (_, operation) = await PrepareAsync(pool, record, 0, Check, work => Start(work, request, async (_, token) =>
        {
            if (spec.Size.Bytes == 0)
                return;
            using var chain = ImageChain.Open(pool.Directory, from, source.Format, FileAccess.ReadWrite);
            if (spec.Size > chain.Top.Size)
                await GrowAsync(pool.Directory, chain.Image, chain.Top.File, from, spec.Size, token).ConfigureAwait(false);
        }), cancellationToken).ConfigureAwait(false);
        return (Operation<Volume>)operation!;
    }

    /// <summary>The bytes of a transfer as the share that is done.</summary>
    private sealed class Share(IProgress<double> progress) : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value)
        {
            if (value.TotalBytes is > 0 and { } total)
                progress.Report((double)value.Bytes / total);
        }
    }
}
