using System.Runtime.Versioning;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>
/// An image and the images below it, all opened beneath one directory. A file that one of them names and that is elsewhere, or whose format is not stated, is refused: a header is what somebody wrote,
/// perhaps a guest.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class ImageChain : IDisposable
{
    /// <summary>How many images may lie upon each other.</summary>
    public const int MaxLayers = 64;

    private readonly List<ImageLayer> _layers = [];

    private ImageChain()
    {
    }

    /// <summary>The files, the uppermost first.</summary>
    public IReadOnlyList<ImageLayer> Layers => _layers;

    /// <summary>The uppermost file.</summary>
    public ImageLayer Top => _layers[0];

    /// <summary>The whole chain, stated for a program that runs while this is open.</summary>
    public DiskImage Image
    {
        get
        {
            DiskImage? image = null;
            foreach (var layer in Enumerable.Reverse(_layers))
                image = DiskImage.InFile(layer.File, layer.Format, image);
            return image!;
        }
    }

    /// <summary>Opens an image and all that is below it.</summary>
    /// <param name="directory">The directory that none of it may be outside of.</param>
    /// <param name="path">The uppermost image, beneath the directory.</param>
    /// <param name="format">Its format: <see cref="ImageFormat.Raw"/> or <see cref="ImageFormat.Qcow2"/>.</param>
    /// <param name="access">How the uppermost one is opened; those below are for reading.</param>
    /// <exception cref="HypervisorException">
    /// A file is missing (<see cref="ErrorCode.NotFound"/>), is not of the stated format (<see cref="ErrorCode.Corrupted"/>), is elsewhere or has its data elsewhere (<see cref="ErrorCode.Denied"/>),
    /// or is of a format that is not known here (<see cref="ErrorCode.Unsupported"/>).
    /// </exception>
    public static ImageChain Open(RootedDirectory directory, string path, string format, FileAccess access = FileAccess.Read)
    {
        ArgumentNullException.ThrowIfNull(directory);
        var chain = new ImageChain();
        try
        {
            chain.Add(directory, path, format, access);
            while (chain._layers[^1] is { Header.BackingFile: { } name } upper)
            {
                if (chain._layers.Count == MaxLayers)
                    throw new HypervisorException($"The image '{path}' in '{directory.Path}' has more than {MaxLayers} images below it, or goes round in a circle.", ErrorCode.Corrupted, RequestOutcome.Rejected);
                string backingFormat = upper.Header.BackingFormat
                    ?? throw new HypervisorException($"The image '{upper.Path}' in '{directory.Path}' does not state the format of its backing file, and formats are not guessed. Write it down with: qemu-img rebase -u -F FORMAT.", ErrorCode.Denied, RequestOutcome.Rejected);
                chain.Add(directory, BackingPath(directory, upper.Path, name), backingFormat, FileAccess.Read);
            }

            return chain;
        }
        catch
        {
            chain.Dispose();
            throw;
        }
    }

    /// <summary>Where an image says that the one below it is, as a path beneath the directory.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="path">The image, beneath the directory.</param>
    /// <param name="backingFile">What its header says.</param>
    /// <exception cref="HypervisorException">It is not a plain path beneath the directory (<see cref="ErrorCode.Denied"/>).</exception>
    public static string BackingPath(RootedDirectory directory, string path, string backingFile)
    {
        ArgumentNullException.ThrowIfNull(directory);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentException.ThrowIfNullOrEmpty(backingFile);
        string root = directory.Path.EndsWith('/') ? directory.Path : directory.Path + "/";
        string relative = backingFile.StartsWith(root, StringComparison.Ordinal) ? backingFile[root.Length..] : Beside(path, backingFile);
        // Before its first slash, a colon is how QEMU tells a protocol from a path (nbd:, json:, fat:).
        int colon = backingFile.AsSpan().IndexOfAny(':', '/');
        bool isProtocol = colon >= 0 && backingFile[colon] == ':';
        if (isProtocol || (backingFile[0] == '/' && !backingFile.StartsWith(root, StringComparison.Ordinal)) || relative.Split('/').Any(component => component is "" or "." or ".."))
            throw new HypervisorException($"The image '{path}' names a backing file outside '{directory.Path}'; it is refused.", ErrorCode.Denied, RequestOutcome.Rejected) { BackendMessage = backingFile };
        return relative;
    }

    /// <summary>Closes the files.</summary>
    public void Dispose() => _layers.ForEach(layer => layer.File.Dispose());

    private static string Beside(string path, string name)
    {
        if (name.StartsWith("./", StringComparison.Ordinal))
            name = name[2..];
        return path[..(path.LastIndexOf('/') + 1)] + name;
    }

    private void Add(RootedDirectory directory, string path, string format, FileAccess access)
    {
        if (!ImageFormat.IsKnown(format))
            throw new HypervisorException($"The image '{path}' in '{directory.Path}' is of the format '{format}'; '{ImageFormat.Raw}' and '{ImageFormat.Qcow2}' are known here.", ErrorCode.Unsupported, RequestOutcome.Rejected);
        var file = directory.OpenFile(path, access);
        try
        {
            var header = format == ImageFormat.Qcow2 ? Qcow2Header.Read(file) : null;
            if (header is { HasExternalData: true } or { ExternalDataFile: not null })
                throw new HypervisorException($"The image '{path}' in '{directory.Path}' keeps its data in another file; it is refused.", ErrorCode.Denied, RequestOutcome.Rejected) { BackendMessage = header.ExternalDataFile };
            _layers.Add(new ImageLayer { Path = path, Format = format, Header = header, File = file, Size = header?.Size ?? new ByteSize(RootedDirectory.FactsOf(file).Length) });
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Corrupted)
        {
            file.Dispose();
            throw new HypervisorException($"'{path}' in '{directory.Path}' is stated as {format}. {error.Message}", error.Code, error.Outcome, error);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
