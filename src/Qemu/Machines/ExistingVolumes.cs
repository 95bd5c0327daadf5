using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Images that are there and become a machine's own: what a deleted machine has left in <c>kept/</c>, and files beneath the directories of <see cref="QemuOptions.AttachDirectories"/>. They move: in the machine's directory they get
/// a second name, then the configuration is written, then the first name goes. So a crash leaves each image where it was or with the machine, and whole in either case.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class ExistingVolumes(QemuServices services, DiskMaker disks)
{
    private const string Kept = "kept";
    private const string Ending = ".qcow2";

    /// <summary>What a disk will be, checked: nothing is moved yet.</summary>
    /// <param name="disk">What is known of it.</param>
    /// <param name="volume">The image: <c>ID/FILE</c>, as the disk of the deleted machine was called, or an absolute path.</param>
    /// <param name="disposal">What is to become of it; it can only be kept.</param>
    /// <param name="field">The field of the request, for messages.</param>
    public DiskConfig Plan(DiskConfig disk, VolumeId volume, DiskDisposal? disposal, string field)
    {
        if (disposal == DiskDisposal.DeletedWithInstance)
            throw SpecProblem.Invalid($"{field}.disposal", "what was not made with the machine is not deleted with it");
        string where = $"{field}.content.volume";
        using var directory = Open(volume.ToString(), where, out string path);
        bool isKept = !Path.IsPathFullyQualified(volume.ToString());
        if (!path.EndsWith(Ending, StringComparison.OrdinalIgnoreCase))
            throw SpecProblem.Invalid(where, $"its name does not end in '{Ending}', so nothing says its format, and formats are not guessed: attach it (DiskContent.Attached states the format) or copy it (DiskContent.FromImage)");
        var below = new List<BackingConfig>();
        var top = Read(directory, path, where);
        if (top.IsEncrypted != disk.Passphrase is not null)
            throw SpecProblem.Invalid($"{field}.passphrase", top.IsEncrypted ? "the image is encrypted: say which secret opens it" : "the image is not encrypted");
        var upper = top;
        for (string at = path; upper.BackingFile is { } name;)
        {
            if (below.Count == ImageChain.MaxLayers)
                throw SpecProblem.Invalid(where, $"more than {ImageChain.MaxLayers} images lie below it, or they go round in a circle");
            string format = upper.BackingFormat ?? throw Denied(where, $"'{at}' does not state the format of what lies below it, and formats are not guessed. Write it down with: qemu-img rebase -u -F FORMAT");
            if (name[0] == '/')
            {
                below.AddRange(Elsewhere(name, format, where));
                break;
            }

            if (!isKept)
                throw Denied(where, $"it names what lies below it by the relative path '{DiskMaker.Echo(name)}', which would be another where it goes. Write down the whole one with: qemu-img rebase -u");
            at = ImageChain.BackingPath(directory, at, name);
            if (format != ImageFormat.Qcow2)
                throw SpecProblem.Unsupported(where, $"'{at}', which lies below it, is of the format '{DiskMaker.Echo(format)}'; a machine's own images are '{ImageFormat.Qcow2}'");
            upper = Read(directory, at, where);
            below.Add(new BackingConfig { Format = format, File = Path.GetFileName(at), IsEncrypted = upper.IsEncrypted, Node = string.Create(CultureInfo.InvariantCulture, $"hv-below-{disk.Id}-{below.Count}") });
        }

        return disk with
        {
            // What lies upon images of its own names them, and so keeps its name too.
            File = below.Exists(layer => layer.File is not null) ? Path.GetFileName(path) : disk.Id + Ending,
            SizeBytes = top.Size.Bytes,
            Backing = below,
            TakenFrom = directory.PathOf(path),
        };
    }

    /// <summary>Gives the images of a disk their names in the machine's directory.</summary>
    /// <exception cref="HypervisorException">Somebody uses one of them (<see cref="ErrorCode.Locked"/>), or they are on another file system than the state directory.</exception>
    public async Task TakeAsync(MachineChange change, DiskConfig disk, CancellationToken cancellationToken)
    {
        foreach (var (own, original) in FilesOf(disk))
        {
            using var directory = RootedDirectory.Open(Path.GetDirectoryName(original)!, services.State.Seam);
            string name = Path.GetFileName(original), path = StateDirectory.Disk(change.Id, own);
            using var file = directory.OpenFile(name, FileAccess.ReadWrite);
            var facts = RootedDirectory.FactsOf(file);
            if (!facts.IsRegularFile || facts.LinkCount != 1)
                throw Used(original, "it is no file of one name: another machine takes it over, or it is linked to from elsewhere");
            if (UserOf(change.Id, original) is { } user)
                throw Used(original, $"the machine '{user}' has it");
            // Whoever writes to it has locked it.
            await services.Images.GetInfoAsync(DiskImage.InFile(file, ImageFormat.Qcow2), inUse: false, cancellationToken).ConfigureAwait(false);
            change.Root.Link(directory, name, path);
            if (change.Root.Find(path) is not { LinkCount: 2 } linked || linked.Inode != facts.Inode)
                throw Used(original, "somebody else takes it over in this moment");
        }

        change.Root.FlushDirectory(StateDirectory.Disks(change.Id));
    }

    /// <summary>Takes the first names from images that a machine has, once that is written down. Can be done again.</summary>
    public static void Release(MachineChange change, IEnumerable<DiskConfig> disks)
    {
        foreach (var (own, original) in disks.SelectMany(FilesOf))
        {
            string directory = Path.GetDirectoryName(original)!;
            if (!Directory.Exists(directory) || change.Root.Find(StateDirectory.Disk(change.Id, own)) is not { } taken)
                continue;
            using var opened = RootedDirectory.Open(directory, change.Services.State.Seam);
            if (opened.Find(Path.GetFileName(original)) is { } there && there.Inode == taken.Inode && taken.LinkCount == 2)
                opened.Delete(Path.GetFileName(original));
        }
    }

    /// <summary>The files of a disk that was taken over, and where they were.</summary>
    private static IEnumerable<(string Own, string Original)> FilesOf(DiskConfig disk)
    {
        if (disk is not { TakenFrom: { } from, File: { } file })
            yield break;
        yield return (file, from);
        foreach (string below in disk.Backing.Select(layer => layer.File).OfType<string>())
            yield return (below, Path.Combine(Path.GetDirectoryName(from)!, below));
    }

    private RootedDirectory Open(string volume, string where, out string path)
    {
        if (!Path.IsPathFullyQualified(volume))
        {
            path = volume;
            if (volume.Any(char.IsControl) || services.State.Root.Find(Kept) is null || volume.Split('/').Any(part => part is "" or "." or "..") || services.State.Root.Find($"{Kept}/{volume}") is not { IsRegularFile: true })
                throw NotFound(volume, where, "among what deleted machines have left here (ID/FILE, as the disk was called)");
            return services.State.Root.OpenDirectory(Kept);
        }

        string full = Path.GetFullPath(volume);
        if (services.Options.AttachDirectories is not { } allowed)
            throw SpecProblem.Unsupported(where, $"what a machine takes over is taken from where it was, so this backend must be told from where ({nameof(QemuOptions)}.{nameof(QemuOptions.AttachDirectories)})");
        string directory = allowed.Select(allowed => Path.TrimEndingDirectorySeparator(Path.GetFullPath(allowed))).FirstOrDefault(allowed => full.StartsWith(allowed + "/", StringComparison.Ordinal) && Directory.Exists(allowed))
            ?? throw Denied(where, $"'{DiskMaker.Echo(volume)}' is outside the directories from which this backend attaches");
        path = full[(directory.Length + 1)..];
        var root = RootedDirectory.Open(directory, services.State.Seam);
        if (root.Find(path) is { IsRegularFile: true })
            return root;
        root.Dispose();
        throw NotFound(volume, where, "as a regular file");
    }

    private static Qcow2Header Read(RootedDirectory directory, string path, string where)
    {
        using var file = directory.OpenFile(path);
        var header = Qcow2Header.Read(file);
        if (header.HasExternalData || header.ExternalDataFile is not null)
            throw Denied(where, $"'{path}' keeps its data in another file");
        return header.IsCorrupt ? throw new HypervisorException($"'{path}' is marked as damaged. Repair it first: qemu-img check -r all.", ErrorCode.Corrupted, RequestOutcome.Rejected) : header;
    }

    /// <summary>What lies below and is not the machine's own is an image as others are: beneath the directories for those, each format stated.</summary>
    private List<BackingConfig> Elsewhere(string name, string format, string where)
    {
        var (directory, path, _) = disks.FindImage(name, where);
        using (directory)
        using (var chain = ImageChain.Open(directory, path, format))
            return [.. chain.Layers.Select(layer => new BackingConfig { Format = layer.Format, ExternalPath = Path.Combine(directory.Path, layer.Path) })];
    }

    /// <summary>The name of a machine that uses a file of somebody else's.</summary>
    private string? UserOf(string id, string path) => services.State.List("vms").Where(other => other != id).Select(services.State.ReadConfig).OfType<MachineConfig>()
        .FirstOrDefault(config => config.Disks.Any(disk => disk.ExternalPath == path || disk.Backing.Any(below => below.ExternalPath == path)))?.Name;

    private static HypervisorException Used(string path, string why) => new($"The image '{path}' is not taken over: {why}.", ErrorCode.Locked, RequestOutcome.Rejected) { Resource = $"volume {path}" };

    private static HypervisorException Denied(string where, string why) => new($"The image is not taken over: {why}.", ErrorCode.Denied, RequestOutcome.Rejected) { FieldErrors = new Dictionary<string, string> { [where] = why } };

    private static HypervisorException NotFound(string volume, string where, string among) =>
        new($"There is no image '{DiskMaker.Echo(volume)}' {among}.", ErrorCode.NotFound, RequestOutcome.Rejected) { FieldErrors = new Dictionary<string, string> { [where] = "no such image" } };
}
