using System.Globalization;
using System.Xml.Linq;

namespace Hypervisor.Sdk.Libvirt.Xml;

/// <summary>A disk of a domain, over its element.</summary>
internal sealed class DomainDisk(XElement element)
{
    /// <summary>What the device is called that cloud-init reads: libvirt keeps names that begin so.</summary>
    public const string SeedAlias = "ua-hvsdk-seed";

    public XElement Element => element;

    /// <summary>Whether it is what cloud-init reads, which is no disk of the machine's.</summary>
    public bool IsSeed => Alias == SeedAlias;

    /// <summary>What the guest's first guess of its name is, unique within the domain: vda, sdb, hdc.</summary>
    public string Target => element.Element("target")?.Attribute("dev")?.Value ?? "";

    public string? Bus => element.Element("target")?.Attribute("bus")?.Value;

    public bool IsCd => element.Attribute("device")?.Value == "cdrom";

    public bool IsFloppy => element.Attribute("device")?.Value == "floppy";

    public bool IsReadOnly => IsCd || element.Element("readonly") is not null;

    /// <summary>libvirt's name of the device, which what runs has.</summary>
    public string? Alias => element.Element("alias")?.Attribute("name")?.Value;

    /// <summary>The format of what it is on: qcow2, raw.</summary>
    public string? Format => element.Element("driver")?.Attribute("type")?.Value;

    public string? Serial => element.Element("serial")?.Value;

    /// <summary>Where its content is: a path, or the name that its kind of source has.</summary>
    public string? Source => element.Element("source") is { } source
        ? source.Attribute("file")?.Value ?? source.Attribute("dev")?.Value ?? source.Attribute("name")?.Value ?? source.Attribute("dir")?.Value
            ?? (source.Attribute("volume")?.Value is { } volume ? $"{source.Attribute("pool")?.Value}/{volume}" : null)
        : null;

    /// <summary>How many images one disk is believed to be made of.</summary>
    public const int MaxLayers = 64;

    /// <summary>The images of a disk that runs with their formats, the one that is written to first.</summary>
    public IReadOnlyList<(string Path, string Format)> Layers
    {
        get
        {
            var layers = new List<(string, string)>();
            string? format = Format;
            for (var at = element; at?.Element("source") is not null && layers.Count < MaxLayers; at = at.Element("backingStore"))
            {
                if (new DomainDisk(at).Source is not { } path)
                    break;
                layers.Add((path, (at == element ? format : at.Element("format")?.Attribute("type")?.Value) ?? "raw"));
            }

            return layers;
        }
    }

    /// <summary>What a disk is copied to, as virDomainBlockCopy takes it.</summary>
    public static string CopyTo(string path, string format, bool isBlock) => BoundedXml.Write(new XElement(
        "disk", new XAttribute("type", isBlock ? "block" : "file"), new XElement("source", new XAttribute(isBlock ? "dev" : "file", path)), new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", format))));

    public DiskLimits? Limits
    {
        get
        {
            if (element.Element("iotune") is not { } tune)
                return null;
            var limits = new DiskLimits { Total = Rate(tune, "total"), Read = Rate(tune, "read"), Write = Rate(tune, "write") };
            return limits == new DiskLimits() ? null : limits;
        }
    }

    /// <summary>Replaces the limits as a whole; null lifts them.</summary>
    public void SetLimits(DiskLimits? limits)
    {
        element.Element("iotune")?.Remove();
        if (limits is not null)
            element.Add(new XElement("iotune", LimitsOf(limits).Where(limit => limit.Value > 0).Select(limit => new XElement(limit.Name, limit.Value))));
    }

    /// <summary>Every number that libvirt has for limits; 0 is none.</summary>
    public static IEnumerable<(string Name, long Value)> LimitsOf(DiskLimits? limits)
    {
        foreach (var (name, rate) in new[] { ("total", limits?.Total), ("read", limits?.Read), ("write", limits?.Write) })
        {
            yield return ($"{name}_bytes_sec", rate?.BytesPerSecond?.Bytes ?? 0);
            yield return ($"{name}_iops_sec", rate?.OperationsPerSecond ?? 0);
            yield return ($"{name}_bytes_sec_max", rate?.BurstBytesPerSecond?.Bytes ?? 0);
            yield return ($"{name}_iops_sec_max", rate?.BurstOperationsPerSecond ?? 0);
            long seconds = (long)(rate?.BurstLength ?? TimeSpan.Zero).TotalSeconds;
            yield return ($"{name}_bytes_sec_max_length", rate?.BurstBytesPerSecond is null ? 0 : seconds);
            yield return ($"{name}_iops_sec_max_length", rate?.BurstOperationsPerSecond is null ? 0 : seconds);
        }
    }

    private static DiskRate? Rate(XElement tune, string name)
    {
        var rate = new DiskRate
        {
            BytesPerSecond = Number($"{name}_bytes_sec") is { } bytes ? new ByteSize(bytes) : null,
            OperationsPerSecond = Number($"{name}_iops_sec"),
            BurstBytesPerSecond = Number($"{name}_bytes_sec_max") is { } burst ? new ByteSize(burst) : null,
            BurstOperationsPerSecond = Number($"{name}_iops_sec_max"),
            BurstLength = (Number($"{name}_bytes_sec_max_length") ?? Number($"{name}_iops_sec_max_length")) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        };
        return rate == new DiskRate() ? null : rate;

        long? Number(string child) => long.TryParse(tune.Element(child)?.Value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value > 0 ? value : null;
    }
}
