using System.Globalization;
using System.Xml.Linq;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Makes domains of LXC's driver out of specs. The root of a container is a directory that is there, or a copy of a volume with a file system.</summary>
internal sealed class ContainerMaker(LibvirtParts parts)
{
    /// <summary>What is started where the spec does not say.</summary>
    private const string Init = "/sbin/init";

    /// <summary>For how many users and groups of a container there are some of the host's.</summary>
    private const int MappedIds = 65_536;

    /// <summary>Refuses what cannot be, before anything is sent.</summary>
    public void Refuse(ContainerSpec spec)
    {
        DomainMaker.RefuseCommon(parts, spec);
        ContainerLimits.Refuse(spec.CpuLimit, spec.MemoryLimit);
        if (string.IsNullOrWhiteSpace(spec.Image) || spec.Image.Any(char.IsControl))
            throw Refusal.Invalid("image", "a directory of the daemon's host that is a root file system, or a volume with one: its path, or the pool's name, '/' and its own.");
        DomainMaker.RefuseText("image", spec.Image);
        if (spec.Flavor == ContainerFlavor.Application && spec.Entrypoint.Count == 0)
            throw Refusal.Invalid("entrypoint", "an application is a program, and a root file system does not say which.");
        foreach (string word in spec.Entrypoint.Concat(spec.Command))
        {
            if (word.Length == 0 || !BoundedXml.CanHold(word))
                throw Refusal.Invalid("entrypoint", "libvirt passes no empty words to a program, and none with characters that no XML document can hold.");
        }

        if (spec.Entrypoint is [var program, ..] && !program.StartsWith('/'))
            throw Refusal.Invalid("entrypoint", $"'{program}' is not the whole path of a program in the container.");
        foreach (var (name, value) in spec.Environment)
            RefuseVariable(name, value);
        for (int i = 0; i < spec.Networks.Count; i++)
        {
            if (spec.Networks[i].Network == DomainMaker.UserNetwork)
                throw Refusal.Unsupported(FormattableString.Invariant($"networks[{i}].network"), LibvirtCapabilities.NoUserNetwork);
        }

        foreach (var (field, isAsked, why) in new[]
        {
            ("cloudInit", spec.CloudInit is not null, LibvirtCapabilities.NoContainerCloudInit), ("mounts", spec.Mounts.Count > 0, LibvirtCapabilities.NoMounts), ("ports", spec.Ports.Count > 0, LibvirtCapabilities.NoPorts),
            ("ephemeral", spec.Ephemeral, LibvirtCapabilities.NoEphemeral),
        })
        {
            if (isAsked)
                throw Refusal.Unsupported(field, why);
        }
    }

    private static void RefuseVariable(string name, SecretOrText value)
    {
        if (name.Length == 0 || name.Contains('=', StringComparison.Ordinal) || name.Any(char.IsControl) || !IsLeftAlone(name))
            throw Refusal.Invalid("environment", $"'{name}' is no name of a variable.");
        if (!value.TryGetText(out string? text))
            throw Refusal.Unsupported("environment", $"'{name}' is a secret, and the daemon shows a container's variables to all who may look at it.");
        if (text.Length == 0 || !IsLeftAlone(text))
            throw Refusal.Invalid("environment", $"the value of '{name}' is empty, or has one of < > & ' \", which the daemon itself cannot keep: it writes variables into its documents as they are.");
    }

    /// <summary>libvirt (9.0) does not escape variables in the documents that it writes, and reads them again when it starts: what is one there can be no markup.</summary>
    private static bool IsLeftAlone(string text) => text.AsSpan().IndexOfAny("<>&'\"") < 0 && BoundedXml.CanHold(text);

    /// <summary>The configuration, with its root made.</summary>
    public async Task<DomainDocument> MakeAsync(DomainChangeScope scope, ContainerSpec spec, Guid uuid, CancellationToken cancellationToken)
    {
        var config = DomainDocument.New("lxc", spec.Name.ToString(), uuid);
        var record = DomainMaker.NewRecord(parts, spec);
        config.Description = spec.Description;
        ContainerLimits.SetMemory(config, spec.MemoryLimit is { } memory ? ChangePlanner.Kept(memory) : await ContainerLimits.MostMemoryAsync(scope.Libvirt, cancellationToken).ConfigureAwait(false));
        config.SetCpus(1, 1);
        ContainerLimits.SetCpus(config, spec.CpuLimit);
        // Without a network of its own a container has its host's.
        config.Root.Add(OsOf(spec), new XElement("features", new XElement("privnet")), spec.Privileged ? null : IdsOf(), new XElement("devices"));
        config.AddDevice(await RootAsync(scope, record, uuid, spec, cancellationToken).ConfigureAwait(false));
        foreach (var network in spec.Networks)
            config.AddDevice(await DomainMaker.NicAsync(scope.Libvirt, network, null, cancellationToken).ConfigureAwait(false));
        config.AddDevice(new XElement("console", new XAttribute("type", "pty")));
        record.Write(config);
        return config;
    }

    private XElement OsOf(ContainerSpec spec) => new(
        "os",
        new XElement("type", new XAttribute("arch", parts.Host.Architecture), "exe"),
        new XElement("init", spec.Entrypoint.Count > 0 ? spec.Entrypoint[0] : Init),
        spec.Entrypoint.Skip(1).Concat(spec.Command).Select(word => new XElement("initarg", word)),
        spec.Environment.OrderBy(variable => variable.Key, StringComparer.Ordinal).Select(variable => new XElement("initenv", new XAttribute("name", variable.Key), variable.Value.ToString())));

    /// <summary>A container whose root is not the host's: its users and groups are others of the host's.</summary>
    private XElement IdsOf()
    {
        return new XElement("idmap", One("uid"), One("gid"));

        XElement One(string name) => new(
            name, new XAttribute("start", "0"), new XAttribute("target", parts.Options.FirstContainerId.ToString(CultureInfo.InvariantCulture)), new XAttribute("count", MappedIds.ToString(CultureInfo.InvariantCulture)));
    }

    private async Task<XElement> RootAsync(DomainChangeScope scope, InstanceRecord record, Guid uuid, ContainerSpec spec, CancellationToken cancellationToken)
    {
        var root = new XElement("target", new XAttribute("dir", "/"));
        if (await FindAsync(scope.Libvirt, spec.Image, cancellationToken).ConfigureAwait(false) is not { } volume)
            return Directory(spec.Image, root);
        var type = (VirStorageVolType)(await scope.Libvirt.StorageVolGetInfoAsync(volume, cancellationToken).ConfigureAwait(false)).Type;
        if (type == VirStorageVolType.Dir)
            return Directory(await scope.Libvirt.StorageVolGetPathAsync(volume, cancellationToken).ConfigureAwait(false), root);
        if (type != VirStorageVolType.File)
            throw Refusal.Unsupported("image", $"a volume of the type {type} is not copied to the root of a container; files are.");
        if (!spec.Privileged)
            throw Refusal.Unsupported("privileged", "libvirt mounts a volume only as the root of a privileged container; of one that is not, a directory that belongs to its ids (LibvirtBackendOptions.FirstContainerId) is.");
        string path = await parts.Disks.MakeRootAsync(scope, record, uuid, volume, cancellationToken).ConfigureAwait(false);
        return new XElement("filesystem", new XAttribute("type", "file"), new XElement("driver", new XAttribute("type", "loop"), new XAttribute("format", "raw")), new XElement("source", new XAttribute("file", path)), root);
    }

    private static XElement Directory(string path, XElement root) => new("filesystem", new XAttribute("type", "mount"), new XElement("source", new XAttribute("dir", path)), root);

    /// <summary>The volume of an image; null for a path that is none.</summary>
    private static async Task<VirStorageVol?> FindAsync(LibvirtConnection libvirt, string image, CancellationToken cancellationToken)
    {
        if (!image.StartsWith('/'))
            return await LibvirtDisks.FindVolumeAsync(libvirt, "image", image, cancellationToken).ConfigureAwait(false);
        try
        {
            return await libvirt.StorageVolLookupByPathAsync(image, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoStorageVol)
        {
            return null;
        }
    }
}
