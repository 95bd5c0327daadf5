using System.Globalization;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>
/// qemu-img as a typed tool. Images are stated (<see cref="DiskImage"/>): nothing is probed, and no name is ever taken for an option or a protocol. Safe to use from several threads; every call is a process
/// of its own. Cancelling a call kills it and waits until it is gone.
/// </summary>
/// <remarks>Tried with QEMU 7.2 and later. Failures are <see cref="HypervisorException"/>s with the last line of what the program printed as the backend's message.</remarks>
public sealed partial class QemuImg
{
    private readonly string _program;
    private readonly int _maxOutputBytes;

    /// <summary>Uses a program; it is first started when something is asked of it.</summary>
    /// <param name="options">Which one. Default: the one in PATH.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public QemuImg(QemuImgOptions? options = null)
    {
        options ??= new QemuImgOptions();
        ArgumentException.ThrowIfNullOrEmpty(options.Program);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxOutputBytes, 4096);
        _program = options.Program;
        _maxOutputBytes = options.MaxOutputBytes;
    }

    /// <summary>Asks the program for its version.</summary>
    /// <returns>What it says: <c>7.2.22</c>.</returns>
    /// <exception cref="HypervisorException">There is no such program (<see cref="ErrorCode.Unavailable"/>), or it is another one.</exception>
    public async Task<string> GetVersionAsync(CancellationToken cancellationToken = default)
    {
        string output = (await RunAsync(["--version"], null, null, cancellationToken).ConfigureAwait(false)).Text;
        const string Introduction = "qemu-img version ";
        int end = output.IndexOfAny([' ', '\n', '('], Math.Min(Introduction.Length, output.Length));
        return output.StartsWith(Introduction, StringComparison.Ordinal) && end > 0
            ? output[Introduction.Length..end]
            : throw new HypervisorException($"'{_program}' does not answer like qemu-img.", ErrorCode.Unavailable, RequestOutcome.Rejected) { BackendMessage = LastLine(output) };
    }

    /// <summary>Makes an image of zeros, or one upon another. A file that is there already is overwritten: open it exclusively before, where that matters.</summary>
    /// <param name="image">Where, and in which format. Its <see cref="DiskImage.Backing"/> is not looked at: see <see cref="ImageCreateOptions.BackingFile"/>.</param>
    /// <param name="size">What a guest will see; a multiple of 512 bytes.</param>
    /// <param name="options">How. Default: thin, nothing below.</param>
    /// <param name="cancellationToken">Kills the program; what it has made is left to the caller.</param>
    /// <exception cref="HypervisorException">The disk is full (<see cref="ErrorCode.Exhausted"/>), somebody uses the file (<see cref="ErrorCode.Locked"/>), or it may not be written.</exception>
    public async Task CreateAsync(DiskImage image, ByteSize size, ImageCreateOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        options ??= new ImageCreateOptions();
        ArgumentOutOfRangeException.ThrowIfNotEqual(size.Bytes % 512, 0, nameof(size));
        using var keys = new KeyFiles();
        List<string> arguments = ["create", "-q", "-f", image.Format];
        AddBacking(arguments, image, options);
        var settings = Settings(image, options, keys);
        if (settings.Count > 0)
            arguments.AddRange(["-o", string.Join(',', settings)]);
        arguments.AddRange([image.Path, size.Bytes.ToString(CultureInfo.InvariantCulture)]);
        await RunAsync(arguments, keys, null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes an image that nobody uses larger.</summary>
    /// <param name="image">The image.</param>
    /// <param name="size">What a guest will see; a multiple of 512 bytes, not less than now.</param>
    /// <param name="cancellationToken">Kills the program: the image is then of the old size or the new.</param>
    /// <exception cref="HypervisorException">It would become smaller (<see cref="ErrorCode.InvalidArgument"/>), somebody uses it (<see cref="ErrorCode.Locked"/>), or the disk is full.</exception>
    public async Task ResizeAsync(DiskImage image, ByteSize size, CancellationToken cancellationToken = default)
    {
        var info = await GetInfoAsync(image, inUse: false, cancellationToken).ConfigureAwait(false);
        ArgumentOutOfRangeException.ThrowIfNotEqual(size.Bytes % 512, 0, nameof(size));
        if (size < info.VirtualSize)
            throw new HypervisorException($"The image is of {info.VirtualSize}; making it {size} would cut off data.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
        await RunAsync(image, ["resize", "-q", "--preallocation=off"], [size.Bytes.ToString(CultureInfo.InvariantCulture)], null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Copies what an image shares with those below into it, so that it stands alone. At every moment, a kill included, it reads the same.</summary>
    /// <param name="image">The image, with its chain.</param>
    /// <param name="progress">Is told the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Kills the program: the image then still needs what is below.</param>
    /// <exception cref="HypervisorException">The disk is full (<see cref="ErrorCode.Exhausted"/>) or somebody uses the image (<see cref="ErrorCode.Locked"/>); the image then reads as before.</exception>
    /// <remarks>Snapshots within the image are not looked at by qemu-img: what they share with the image below would be lost. An image that has any is refused.</remarks>
    public async Task FlattenAsync(DiskImage image, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        await RefuseSnapshotsAsync(image, cancellationToken).ConfigureAwait(false);
        await RunAsync(image, ["rebase", "-p", "-b", ""], [], progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Puts an image upon another one and keeps what a guest sees: what differs is copied into it.</summary>
    /// <param name="image">The image, with the chain that it has now.</param>
    /// <param name="backing">The image that will be below it, at a path; what is below that was looked at (<see cref="ImageChain"/>) by the caller.</param>
    /// <param name="backingFile">How the header will name it; see <see cref="ImageCreateOptions.BackingFile"/>.</param>
    /// <param name="progress">Is told the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Kills the program: the image then reads as before, upon either the old one or the new.</param>
    /// <exception cref="HypervisorException">The disk is full (<see cref="ErrorCode.Exhausted"/>) or somebody uses the image (<see cref="ErrorCode.Locked"/>); the image then reads as before.</exception>
    public async Task RebaseAsync(DiskImage image, DiskImage backing, string backingFile, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(backing);
        await RefuseSnapshotsAsync(image, cancellationToken).ConfigureAwait(false);
        await RunAsync(image, ["rebase", "-p", "-b", backing.Path, "-F", backing.Format], [], progress, cancellationToken).ConfigureAwait(false);
        await SetBackingAsync(image, backingFile, backing.Format, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes another name of the image below into the header, and nothing else. Only for one who knows that both read the same (qemu-img's "unsafe" rebase).</summary>
    /// <param name="image">The image.</param>
    /// <param name="backingFile">The name; see <see cref="ImageCreateOptions.BackingFile"/>. Null: nothing is below any more.</param>
    /// <param name="backingFormat">Its format; null when the name is.</param>
    /// <param name="cancellationToken">Kills the program: the header then names the old one or the new.</param>
    /// <exception cref="HypervisorException">Somebody uses the image (<see cref="ErrorCode.Locked"/>), or it cannot be written.</exception>
    public async Task SetBackingAsync(DiskImage image, string? backingFile, string? backingFormat, CancellationToken cancellationToken = default)
    {
        List<string> arguments = ["rebase", "-u", "-b", backingFile is null ? "" : RecordedName(backingFile)];
        if (backingFile is not null)
            arguments.AddRange(["-F", KnownFormat(backingFormat)]);
        await RunAsync(Alone(image), arguments, [], null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes what an image has into the one below it, which everything else upon that one then sees too. The image itself is left as it is.</summary>
    /// <param name="image">The image, with its chain.</param>
    /// <param name="progress">Is told the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Kills the program: the image reads as before, the one below is in between.</param>
    /// <exception cref="HypervisorException">The disk is full (<see cref="ErrorCode.Exhausted"/>), or somebody uses one of them (<see cref="ErrorCode.Locked"/>).</exception>
    /// <exception cref="ArgumentException">Nothing is below.</exception>
    public Task CommitAsync(DiskImage image, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Backing is null)
            throw new ArgumentException("The image is stated with nothing below it.", nameof(image));
        return RunAsync(image, ["commit", "-p", "-d"], [], progress, cancellationToken);
    }

    private static DiskImage Alone(DiskImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return image.WithBacking(null);
    }

    private static string KnownFormat(string? format) =>
        ImageFormat.IsKnown(format) ? format! : throw new ArgumentException($"'{format}' is not a format of images here: state '{ImageFormat.Raw}' or '{ImageFormat.Qcow2}'.", nameof(format));

    private static string RecordedName(string backingFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(backingFile);
        if (backingFile.Contains('\0'))
            throw new ArgumentException("The name of a backing file contains NUL.", nameof(backingFile));
        return backingFile[0] != '/' && backingFile.Contains(':') && !backingFile.StartsWith("./", StringComparison.Ordinal) ? "./" + backingFile : backingFile;
    }

    private static void AddBacking(List<string> arguments, DiskImage image, ImageCreateOptions options)
    {
        if (options.BackingFile is null)
            return;
        if (image.Format != ImageFormat.Qcow2)
            throw new ArgumentException($"An image of the format '{image.Format}' has none below.", nameof(options));
        arguments.AddRange(["-u", "-b", RecordedName(options.BackingFile), "-F", KnownFormat(options.BackingFormat)]);
    }

    private static List<string> Settings(DiskImage image, ImageCreateOptions options, KeyFiles keys)
    {
        var settings = new List<string>();
        if (options.Preallocation != ImagePreallocation.Off)
            settings.Add($"preallocation={Word(options.Preallocation)}");
        if (options.ClusterBytes is { } clusterBytes)
            settings.Add(string.Create(CultureInfo.InvariantCulture, $"cluster_size={clusterBytes}"));
        if (options.LazyRefcounts)
            settings.Add("lazy_refcounts=on");
        if (image.Passphrase is { } passphrase)
        {
            if (image.Format != ImageFormat.Qcow2)
                throw new ArgumentException($"An encrypted image that is made is of the format '{ImageFormat.Qcow2}'.", nameof(image));
            settings.AddRange(["encrypt.format=luks", $"encrypt.key-secret={keys.IdOf(passphrase)}"]);
            if (options.KeyDerivationTime is { } time)
                settings.Add(string.Create(CultureInfo.InvariantCulture, $"encrypt.iter-time={Math.Max(1, (long)time.TotalMilliseconds)}"));
        }

        return settings;
    }

    private static string Word(ImagePreallocation preallocation) => preallocation switch
    {
        ImagePreallocation.Off => "off",
        ImagePreallocation.Metadata => "metadata",
        ImagePreallocation.Falloc => "falloc",
        ImagePreallocation.Full => "full",
        _ => throw new ArgumentOutOfRangeException(nameof(preallocation), preallocation, "Not a way of taking space."),
    };

    private async Task RefuseSnapshotsAsync(DiskImage image, CancellationToken cancellationToken)
    {
        var info = await GetInfoAsync(image, inUse: false, cancellationToken).ConfigureAwait(false);
        if (info.Snapshots.Count > 0)
            throw new HypervisorException($"The image has {info.Snapshots.Count} snapshots within, which would lose what they share with the image below. Delete them first.", ErrorCode.InvalidState, RequestOutcome.Rejected);
    }
}
