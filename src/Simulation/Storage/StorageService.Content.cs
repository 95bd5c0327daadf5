using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Hypervisor.Sdk.Simulation.Backup;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Storage;

/// <content>Uploads and downloads. The bytes are read outside the loop; what is decided by them is decided within it.</content>
internal sealed partial class StorageService : IVolumeContent
{
    /// <summary>What an upload may hold: what the bytes of a simulation are good for is small.</summary>
    private const long MaxContentBytes = 4L << 30;

    private const int ChunkBytes = 256 << 10;

    public async Task<Volume> UploadAsync(VolumeSpec spec, Stream content, VolumeUploadOptions options, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(options);
        var kept = Copy(spec);
        using var received = new VolumeContent();
        var facts = await ReceiveAsync(received, content, options, cancellationToken).ConfigureAwait(false);
        var operation = await UploadAsync(kept, facts, received, request).ConfigureAwait(false);
        try
        {
            return await operation.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await operation.TryCancelAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    public async Task<Stream> DownloadAsync(VolumeId id, IProgress<TransferProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await EnterAsync<Stream>("download-volume", id, null, null, () =>
        {
            var volume = Require(id);
            RefuseWritten(volume, "downloaded");
            var (history, writes) = HistoryOf(volume);
            return Task.FromResult<Stream>(new VolumeReader(ContentOf(volume)?.Share(), history, writes, volume.SizeBytes, progress));
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The upload of a trace again: what the bytes were is known by what was noted of them.</summary>
    /// <param name="spec">What was asked for.</param>
    /// <param name="noted">What <see cref="UploadFacts.ToString"/> has written.</param>
    /// <param name="request">The request.</param>
    public async Task UploadAgainAsync(VolumeSpec spec, string noted, RequestOptions request)
    {
        var operation = await UploadAsync(spec, UploadFacts.Parse(noted), null, request).ConfigureAwait(false);
        await operation.WaitAsync().ConfigureAwait(false);
    }

    private Task<Operation<Volume>> UploadAsync(VolumeSpec spec, UploadFacts facts, VolumeContent? content, RequestOptions? request) =>
        World.Calls.EnterAsync(client, WorkKinds.UploadVolume, spec.Pool.ToString(), () => Calls.CallText.Of(World, request, $"{facts} {Json(spec)}"), () =>
        {
            var requestId = request?.RequestId ?? World.Works.NewRequestId();
            if (World.Works.Repeated<Volume>(requestId, WorkKinds.UploadVolume) is { } again)
                return Task.FromResult(again);
            if (facts.Problem is { } problem)
                throw World.Invalid("content", problem);
            if (facts.Format != "raw")
                throw World.Unsupported("format", "volumes are raw here; convert the content");
            long bytes = spec.Size == ByteSize.Zero ? (facts.Length + 511) / 512 * 512 : spec.Size.Bytes;
            if (bytes < facts.Length)
                throw World.Invalid("size", $"the content has {facts.Length} bytes, more than {bytes}");
            var (pool, name) = Check(spec, bytes);
            var volume = World.MakeVolume(pool, name, bytes, spec.Thin, facts.Length, null, null);
            volume.Content = content?.Share();
            return Task.FromResult(Make(WorkKinds.UploadVolume, request, requestId, volume, pool.TimeFor(facts.Length)));
        });

    private static async Task<UploadFacts> ReceiveAsync(VolumeContent received, Stream content, VolumeUploadOptions options, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            byte[] magic = new byte[4];
            string? problem = null;
            int count;
            while (problem is null && (count = await content.ReadAsync(buffer.AsMemory(0, ChunkBytes), cancellationToken).ConfigureAwait(false)) > 0)
            {
                if (received.Length < magic.Length)
                    buffer.AsSpan(0, (int)Math.Min(count, magic.Length - received.Length)).CopyTo(magic.AsSpan((int)received.Length));
                if (received.Length + count > (options.Length ?? MaxContentBytes))
                    problem = options.Length is { } stated ? $"it is longer than the {stated} bytes that were stated" : $"a simulation keeps {new ByteSize(MaxContentBytes)} of content at most";
                await RandomAccess.WriteAsync(received.File, buffer.AsMemory(0, count), received.Length, cancellationToken).ConfigureAwait(false);
                hash.AppendData(buffer.AsSpan(0, count));
                received.Length += count;
                options.Progress?.Report(new TransferProgress(received.Length, options.Length));
            }

            byte[] sha256 = hash.GetHashAndReset();
            if (options.Length > received.Length)
                problem ??= $"it ended after {received.Length} of {options.Length} bytes";
            if (options.Sha256 is { } expected && !expected.Span.SequenceEqual(sha256))
                problem ??= "its SHA-256 is not the one that was stated";
            if (options.Format is not ("raw" or "qcow2") || (options.Format == "qcow2" && BinaryPrimitives.ReadUInt32BigEndian(magic) != 0x514649fb))
                problem ??= "it is not of the format that was stated";
            return new UploadFacts(options.Format is "qcow2" ? "qcow2" : "raw", received.Length, Convert.ToHexStringLower(sha256), problem);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>What was uploaded into a volume, or into the one that it was cloned from.</summary>
    private static VolumeContent? ContentOf(SimVolume volume) => volume.Content ?? (volume.ClonedFrom is { } source ? ContentOf(source) : null);

    /// <summary>What a guest has written to the disk that a volume is.</summary>
    private (DiskHistory? History, long Writes) HistoryOf(SimVolume volume)
    {
        if (volume.Owner is not { } owner || owner.Config.Disks.FirstOrDefault(disk => disk.Volume == volume) is not { } disk)
            return (null, 0);
        var guest = World.GuestOf(owner).Get<GuestDisks>();
        return (guest.HistoryOf(disk), guest.Writes);
    }

    /// <summary>What is known of an upload once its last byte is there, in one word of a trace.</summary>
    private sealed record UploadFacts(string Format, long Length, string Sha256, string? Problem)
    {
        public static UploadFacts Parse(string word)
        {
            string[] parts = word.Split(':', 4);
            return new UploadFacts(parts[0], long.Parse(parts[1], CultureInfo.InvariantCulture), parts[2], parts[3].Length == 0 ? null : parts[3].Replace('_', ' '));
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Format}:{Length}:{Sha256}:{Problem?.Replace(' ', '_')}");
    }
}
