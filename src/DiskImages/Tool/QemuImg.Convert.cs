namespace Hypervisor.Sdk.DiskImages;

public sealed partial class QemuImg
{
    /// <summary>Copies what a guest sees in an image into a new one that stands alone.</summary>
    /// <param name="source">The image, with its chain, which nobody may be writing to.</param>
    /// <param name="target">
    /// The new image. At a path (<see cref="DiskImage.At"/>) there may be no file yet, and none is left when this fails or is cancelled; in an open file (<see cref="DiskImage.InFile"/>) it is overwritten, and what
    /// is left is its owner's.
    /// </param>
    /// <param name="options">How the new image is made. Default: thin.</param>
    /// <param name="progress">Is told the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Kills the program and removes what it has made.</param>
    /// <exception cref="HypervisorException">The disk is full (<see cref="ErrorCode.Exhausted"/>), somebody writes to the source (<see cref="ErrorCode.Locked"/>), or the target is there already (<see cref="ErrorCode.AlreadyExists"/>).</exception>
    public Task ConvertAsync(DiskImage source, DiskImage target, ImageCreateOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        ConvertAsync(source, null, target, options, progress, cancellationToken);

    /// <summary>Copies what a guest sees in an image into one that is there, which keeps its own form and must not be smaller.</summary>
    /// <param name="source">The image, with its chain, which nobody may be writing to.</param>
    /// <param name="target">The image that is overwritten. When this fails or is cancelled, what is in it is of no worth.</param>
    /// <param name="progress">Is told the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Kills the program.</param>
    /// <exception cref="HypervisorException">The target is smaller or its disk is full, or somebody uses one of them (<see cref="ErrorCode.Locked"/>).</exception>
    public async Task CopyIntoAsync(DiskImage source, DiskImage target, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        using var keys = new KeyFiles();
        await RunAsync(["convert", "-p", "-n", "-O", target.Driver, source.ToFileName(keys.IdOf), target.ToFileName(keys.IdOf)], keys, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Copies what a guest saw when a snapshot within a qcow2 image was made into a new image that stands alone.</summary>
    /// <param name="source">The image, with its chain, which nobody may be writing to.</param>
    /// <param name="snapshot">The snapshot's name: letters, digits, '-', '_' and '.'.</param>
    /// <param name="target">The new image; see the other method.</param>
    /// <param name="progress">Is told the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Kills the program and removes what it has made.</param>
    /// <exception cref="ArgumentException">The name is not of that form: the program would read it as more than a name.</exception>
    /// <exception cref="HypervisorException">There is no such snapshot, or what the other method throws.</exception>
    public Task ConvertSnapshotAsync(DiskImage source, string snapshot, DiskImage target, IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        ConvertSnapshotAsync(source, snapshot, target, null, progress, cancellationToken);

    /// <summary>The same, with a say in how the new image is made.</summary>
    /// <inheritdoc cref="ConvertSnapshotAsync(DiskImage, string, DiskImage, IProgress{double}?, CancellationToken)"/>
    /// <param name="source">The image, with its chain, which nobody may be writing to.</param>
    /// <param name="snapshot">The snapshot's name.</param>
    /// <param name="target">The new image.</param>
    /// <param name="options">How it is made; null for thin.</param>
    /// <param name="progress">Is told the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Kills the program and removes what it has made.</param>
    public Task ConvertSnapshotAsync(DiskImage source, string snapshot, DiskImage target, ImageCreateOptions? options, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(snapshot);
        if (snapshot.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')))
            throw new ArgumentException($"'{snapshot}' contains a character other than letters, digits, '-', '_' and '.'.", nameof(snapshot));
        return ConvertAsync(source, snapshot, target, options, progress, cancellationToken);
    }

    private async Task ConvertAsync(DiskImage source, string? snapshot, DiskImage target, ImageCreateOptions? options, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        options ??= new ImageCreateOptions();
        if (options.BackingFile is not null)
            throw new ArgumentException("A copy stands alone; it has no backing file.", nameof(options));
        using var keys = new KeyFiles();
        List<string> arguments = ["convert", "-p", "-O", target.Format];
        if (snapshot is not null)
            arguments.AddRange(["-l", $"snapshot.name={snapshot}"]);
        var settings = Settings(target, options, keys);
        if (settings.Count > 0)
            arguments.AddRange(["-o", string.Join(',', settings)]);
        arguments.AddRange([source.ToFileName(keys.IdOf), target.Path]);
        if (target.IsInOpenFile)
        {
            await RunAsync(arguments, keys, progress, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (Path.Exists(target.Path))
            throw FileFailure.From(FileFailure.EEXIST, $"Making the image '{target.Path}'");
        try
        {
            await RunAsync(arguments, keys, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is HypervisorException or OperationCanceledException)
        {
            File.Delete(target.Path);
            throw;
        }
    }

    /// <summary>Says how large a file would become if an image were converted.</summary>
    /// <param name="source">The image, with its chain.</param>
    /// <param name="format">The format of the new file.</param>
    /// <param name="inUse">Whether somebody may be writing to it: then the answer is of a moment. Default false.</param>
    /// <param name="cancellationToken">Kills the program.</param>
    public async Task<ImageMeasure> MeasureAsync(DiskImage source, string format, bool inUse = false, CancellationToken cancellationToken = default)
    {
        List<string> arguments = ["measure", "--output=json", "-O", KnownFormat(format)];
        if (inUse)
            arguments.Add("-U");
        var run = await RunAsync(source, arguments, [], null, cancellationToken).ConfigureAwait(false);
        var answer = Parse(run, QemuImgJson.Default.MeasureAnswer);
        return new ImageMeasure(new ByteSize(answer.Required), new ByteSize(answer.FullyAllocated));
    }
}
