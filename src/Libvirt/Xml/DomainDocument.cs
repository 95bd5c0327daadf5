using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace Hypervisor.Sdk.Libvirt.Xml;

/// <summary>A domain's XML: what the model knows of it is read and set here, and everything else is kept as it is.</summary>
/// <remarks>https://libvirt.org/formatdomain.html.</remarks>
internal sealed class DomainDocument
{
    private DomainDocument(XElement root) => Root = root;

    public XElement Root { get; }

    public string Name
    {
        get => TextOf("name") ?? "";
        set => SetText("name", value);
    }

    /// <summary>Null when there is none, or it is none.</summary>
    public Guid? Uuid => Guid.TryParseExact(TextOf("uuid")?.Trim(), "D", out var uuid) ? uuid : null;

    /// <summary>The kind of virtualization: kvm, qemu, test, lxc.</summary>
    public string Type => Root.Attribute("type")?.Value ?? "";

    /// <summary>Whether it is no machine.</summary>
    public bool IsContainer => Type == "lxc";

    public string? Description
    {
        get => TextOf("description");
        set => SetText("description", value);
    }

    public string? Architecture => Root.Element("os")?.Element("type")?.Attribute("arch")?.Value;

    /// <summary>Whether it boots by firmware whose variables lie in a file of their own.</summary>
    public bool HasNvram => Root.Element("os") is { } os && (os.Element("nvram") is not null || os.Attribute("firmware")?.Value == "efi" || os.Element("loader")?.Attribute("type")?.Value == "pflash");

    /// <summary>How many CPUs it boots with.</summary>
    public int Cpus => ReadInt(Root.Element("vcpu")?.Attribute("current")?.Value) ?? MaxCpus;

    /// <summary>Up to how many it can be given while it runs.</summary>
    public int MaxCpus => ReadInt(TextOf("vcpu")) ?? 1;

    /// <summary>How much memory it has, in bytes: what the balloon leaves it.</summary>
    public long MemoryBytes => ReadBytes(Root.Element("currentMemory")) ?? MaxMemoryBytes;

    /// <summary>How much memory it boots with, in bytes.</summary>
    public long MaxMemoryBytes => ReadBytes(Root.Element("memory")) ?? 0;

    /// <summary>Up to how much memory it can be given in modules while it runs, in bytes; null where there is no room for any.</summary>
    public long? MaxPluggedBytes => ReadBytes(Root.Element("maxMemory"));

    /// <summary>For how many modules there is room.</summary>
    public int MemorySlots => ReadInt(Root.Element("maxMemory")?.Attribute("slots")?.Value) ?? 0;

    /// <summary>Its modules of memory.</summary>
    public IReadOnlyList<XElement> MemoryModules => [.. Devices("memory").Where(element => element.Attribute("model")?.Value == "dimm")];

    /// <summary>The parts that its memory is split into; libvirt counts by them, where there are some.</summary>
    public IReadOnlyList<XElement> Cells => [.. Root.Element("cpu")?.Element("numa")?.Elements("cell") ?? []];

    /// <summary>Its CPUs of which a guest that runs can be asked to give them up.</summary>
    public int UnpluggableCpus => Root.Element("vcpus")?.Elements("vcpu").Count(cpu => cpu.Attribute("enabled")?.Value == "yes" && cpu.Attribute("hotpluggable")?.Value == "yes") ?? 0;

    public IReadOnlyList<DomainDisk> Disks => [.. Devices("disk").Select(element => new DomainDisk(element))];

    public IReadOnlyList<DomainNic> Nics
    {
        get
        {
            var nics = new List<DomainNic>();
            foreach (var element in Devices("interface"))
                nics.Add(new DomainNic(element, nics.Count));
            return nics;
        }
    }

    /// <summary>The version of the configuration: what we count, so that a change and its opposite are two, and a hash of everything, so that what others change is one too. What we keep about requests is not part of it.</summary>
    public Revision Revision
    {
        get
        {
            var copy = new XElement(Root);
            RequestRecords.Remove(copy);
            SnapshotNote.Remove(copy);
            // Where LXC's driver has put the control groups of a container, which it writes down at the first start.
            if (IsContainer)
                copy.Element("resource")?.Remove();
            byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(copy.ToString(SaveOptions.DisableFormatting)));
            return Revision.Parse(string.Create(CultureInfo.InvariantCulture, $"{InstanceRecord.Read(Root).Changes}-{Convert.ToHexStringLower(hash.AsSpan(0, 10))}"));
        }
    }

    /// <summary>Reads a document of the daemon's.</summary>
    /// <exception cref="HypervisorException">It cannot be read (<see cref="ErrorCode.Protocol"/>).</exception>
    public static DomainDocument Parse(string xml) => new(BoundedXml.Read(xml, "domain"));

    /// <summary>An empty one.</summary>
    public static DomainDocument New(string type, string name, Guid uuid) =>
        new(new XElement("domain", new XAttribute("type", type), new XElement("name", name), new XElement("uuid", uuid.ToString("D"))));

    public string ToXml() => BoundedXml.Write(Root);

    /// <summary>Sets CPUs; the bound is never lower than what there is.</summary>
    public void SetCpus(int cpus, int max)
    {
        var element = Child("vcpu");
        element.Value = max.ToString(CultureInfo.InvariantCulture);
        element.SetAttributeValue("current", cpus == max ? null : cpus.ToString(CultureInfo.InvariantCulture));
        if (Cells is [var cell])
            cell.SetAttributeValue("cpus", $"0-{max - 1}");
        // A list of single CPUs that are on and off says the same again, and would contradict.
        Root.Element("vcpus")?.Remove();
    }

    /// <summary>Sets the memory, in bytes.</summary>
    public void SetMemory(long bytes, long max)
    {
        if (Cells is [var cell])
        {
            foreach (var module in MemoryModules)
                module.Remove();
            cell.SetAttributeValue("unit", "b");
            cell.SetAttributeValue("memory", max.ToString(CultureInfo.InvariantCulture));
        }

        Set("memory", max);
        Set("currentMemory", bytes);

        void Set(string name, long value) => SetBytes(Child(name), value);
    }

    /// <summary>Makes room for modules of memory up to a size. libvirt wants the memory to be in a cell then, and all CPUs at it.</summary>
    public void MakeRoom(long maxBytes, int slots)
    {
        var most = Child("maxMemory");
        most.SetAttributeValue("slots", slots.ToString(CultureInfo.InvariantCulture));
        SetBytes(most, maxBytes);
        Child("cpu").Add(new XElement("numa", new XElement("cell", new XAttribute("id", "0"), new XAttribute("cpus", $"0-{MaxCpus - 1}"), new XAttribute("memory", MaxMemoryBytes.ToString(CultureInfo.InvariantCulture)), new XAttribute("unit", "b"))));
    }

    /// <summary>Adds a module of memory.</summary>
    /// <returns>The device.</returns>
    public XElement AddMemoryModule(long bytes)
    {
        var module = new XElement("memory", new XAttribute("model", "dimm"), new XElement("target", SetBytes(new XElement("size"), bytes), new XElement("node", "0")));
        AddDevice(module);
        var (current, most) = (MemoryBytes + bytes, MaxMemoryBytes + bytes);
        SetBytes(Child("memory"), most);
        SetBytes(Child("currentMemory"), current);
        return module;
    }

    internal static XElement SetBytes(XElement element, long value)
    {
        element.SetAttributeValue("unit", "b");
        element.Value = value.ToString(CultureInfo.InvariantCulture);
        return element;
    }

    /// <summary>Adds a device.</summary>
    public void AddDevice(XElement device) => Child("devices").Add(device);

    /// <summary>The element of a name, made where there is none.</summary>
    public XElement Child(string name)
    {
        if (Root.Element(name) is { } there)
            return there;
        var made = new XElement(name);
        Root.Add(made);
        return made;
    }

    /// <summary>Where what the first serial port prints is kept; null where it is not.</summary>
    public string? ConsoleLog => (Devices("serial").FirstOrDefault() ?? Devices("console").FirstOrDefault())?.Element("log")?.Attribute("file")?.Value;

    /// <summary>Its screens.</summary>
    public IEnumerable<XElement> Screens => Devices("graphics");

    /// <summary>The devices of a kind.</summary>
    public IEnumerable<XElement> Devices(string name) => Root.Element("devices")?.Elements(name) ?? [];

    private string? TextOf(string name) => Root.Element(name)?.Value;

    private void SetText(string name, string? value)
    {
        if (value is null)
            Root.Element(name)?.Remove();
        else
            Child(name).Value = value;
    }

    private static int? ReadInt(string? text) => int.TryParse(text?.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;

    /// <summary>A scaled integer, of KiB where no unit is said.</summary>
    internal static long? ReadBytes(XElement? element)
    {
        if (element is null || !long.TryParse(element.Value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long value))
            return null;
        long factor = element.Attribute("unit")?.Value switch
        {
            "b" or "bytes" => 1,
            "KB" => 1_000,
            "MB" => 1_000_000,
            "M" or "MiB" => 1L << 20,
            "GB" => 1_000_000_000,
            "G" or "GiB" => 1L << 30,
            "TB" => 1_000_000_000_000,
            "T" or "TiB" => 1L << 40,
            _ => 1L << 10,
        };
        return value <= long.MaxValue / factor ? value * factor : null;
    }
}
