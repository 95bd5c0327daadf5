namespace Hypervisor.Sdk.DiskImages;

public sealed partial class QemuImg
{
    private const int CheckFoundCorruptions = 2;
    private const int CheckFoundLeaks = 3;

    /// <summary>Asks for the facts of an image. Those below it are not opened.</summary>
    /// <param name="image">The image.</param>
    /// <param name="inUse">Whether somebody may be writing to it: then the answer is of a moment. Default false.</param>
    /// <param name="cancellationToken">Kills the program.</param>
    /// <exception cref="HypervisorException">It is not of the stated format (<see cref="ErrorCode.Corrupted"/>), or cannot be read.</exception>
    public async Task<ImageInfo> GetInfoAsync(DiskImage image, bool inUse = false, CancellationToken cancellationToken = default)
    {
        List<string> arguments = ["info", "--output=json"];
        if (inUse)
            arguments.Add("-U");
        var run = await RunAsync(Alone(image), arguments, [], null, cancellationToken).ConfigureAwait(false);
        var answer = Parse(run, QemuImgJson.Default.InfoAnswer);
        return new ImageInfo
        {
            Format = answer.Format,
            VirtualSize = new ByteSize(answer.VirtualSize),
            ActualSize = new ByteSize(answer.ActualSize),
            ClusterBytes = answer.ClusterSize,
            BackingFile = answer.BackingFilename,
            BackingFormat = answer.BackingFilenameFormat,
            IsDirty = answer.DirtyFlag,
            IsCorrupt = answer.FormatSpecific?.Data?.Corrupt ?? false,
            IsEncrypted = answer.Encrypted,
            Bitmaps = [.. (answer.FormatSpecific?.Data?.Bitmaps ?? []).Select(bitmap => bitmap.Name)],
            Snapshots = [.. (answer.Snapshots ?? []).Select(snapshot => new ImageSnapshot
            {
                Id = snapshot.Id,
                Name = snapshot.Name,
                MachineStateSize = new ByteSize(snapshot.VmStateSize),
                CreatedAt = DateTimeOffset.FromUnixTimeSeconds(snapshot.DateSec).AddTicks(snapshot.DateNsec / 100),
            })],
        };
    }

    /// <summary>Checks a qcow2 image, and repairs it where asked. What is wrong with it is an answer, not an exception.</summary>
    /// <param name="image">The image, which nobody may be using.</param>
    /// <param name="repair">What to repair. Default: nothing.</param>
    /// <param name="cancellationToken">Kills the program.</param>
    /// <exception cref="HypervisorException">It cannot be checked: it is in use, raw, or not of the stated format.</exception>
    public async Task<ImageCheck> CheckAsync(DiskImage image, ImageRepair repair = ImageRepair.None, CancellationToken cancellationToken = default)
    {
        List<string> arguments = ["check", "--output=json"];
        if (repair != ImageRepair.None)
            arguments.AddRange(["-r", repair == ImageRepair.All ? "all" : "leaks"]);
        var run = await RunAsync(Alone(image), arguments, [], null, cancellationToken, CheckFoundCorruptions, CheckFoundLeaks).ConfigureAwait(false);
        var answer = Parse(run, QemuImgJson.Default.CheckAnswer);
        return new ImageCheck
        {
            Corruptions = answer.Corruptions,
            Leaks = answer.Leaks,
            CheckErrors = answer.CheckErrors,
            CorruptionsFixed = answer.CorruptionsFixed,
            LeaksFixed = answer.LeaksFixed,
        };
    }

    /// <summary>Says where every stretch of an image comes from.</summary>
    /// <param name="image">The image, with its chain.</param>
    /// <param name="inUse">Whether somebody may be writing to it: then the answer is of a moment. Default false.</param>
    /// <param name="cancellationToken">Kills the program.</param>
    public async Task<IReadOnlyList<ImageExtent>> MapAsync(DiskImage image, bool inUse = false, CancellationToken cancellationToken = default)
    {
        List<string> arguments = ["map", "--output=json"];
        if (inUse)
            arguments.Add("-U");
        var run = await RunAsync(image, arguments, [], null, cancellationToken).ConfigureAwait(false);
        return [.. Parse(run, QemuImgJson.Default.MapAnswerArray).Select(extent => new ImageExtent(extent.Start, extent.Length, extent.Depth, extent.Data, extent.Zero, extent.Offset))];
    }

    /// <summary>Makes a snapshot within a qcow2 image that nobody uses.</summary>
    /// <param name="image">The image.</param>
    /// <param name="name">The name; any text without NUL, at most 255 bytes.</param>
    /// <param name="cancellationToken">Kills the program.</param>
    public Task CreateSnapshotAsync(DiskImage image, string name, CancellationToken cancellationToken = default) => SnapshotAsync(image, "-c", name, cancellationToken);

    /// <summary>Goes back to a snapshot. What was written since is gone.</summary>
    /// <inheritdoc cref="CreateSnapshotAsync"/>
    /// <exception cref="HypervisorException">There is no such snapshot, or somebody uses the image (<see cref="ErrorCode.Locked"/>).</exception>
    public Task ApplySnapshotAsync(DiskImage image, string name, CancellationToken cancellationToken = default) => SnapshotAsync(image, "-a", name, cancellationToken);

    /// <summary>Deletes a snapshot.</summary>
    /// <inheritdoc cref="ApplySnapshotAsync"/>
    public Task DeleteSnapshotAsync(DiskImage image, string name, CancellationToken cancellationToken = default) => SnapshotAsync(image, "-d", name, cancellationToken);

    /// <summary>Removes a dirty bitmap that is kept within a qcow2 image, also one that was not written out.</summary>
    /// <param name="image">The image, which nobody may be using.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Kills the program.</param>
    /// <exception cref="HypervisorException">There is no such bitmap, or somebody uses the image (<see cref="ErrorCode.Locked"/>).</exception>
    public async Task RemoveBitmapAsync(DiskImage image, string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        await RunAsync(Alone(image), ["bitmap", "--remove"], [name], null, cancellationToken).ConfigureAwait(false);
    }

    private async Task SnapshotAsync(DiskImage image, string what, string name, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        // The image keeps 255 bytes and would cut the rest off without a word.
        ArgumentOutOfRangeException.ThrowIfGreaterThan(System.Text.Encoding.UTF8.GetByteCount(name), 255, nameof(name));
        await RunAsync(image, ["snapshot", "-q", what, name], [], null, cancellationToken).ConfigureAwait(false);
    }
}
