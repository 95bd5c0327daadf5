using System.Globalization;
using System.Xml.Linq;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>What a container may use, in its domain's XML. CPUs are a share of time: how many there are (<c>vcpu</c>) holds nobody back in LXC's driver. Memory is the bound of the control group, else what the domain has.</summary>
/// <remarks>https://libvirt.org/formatdomain.html, "CPU Tuning" and "Memory Tuning".</remarks>
internal static class ContainerLimits
{
    /// <summary>Of how long a part of it is the share, in microseconds.</summary>
    public const long PeriodMicroseconds = 100_000;

    /// <summary>The least that libvirt takes, in microseconds.</summary>
    private const long LeastQuota = 1_000;

    private const long LeastMemory = 1 << 20;

    /// <summary>Refuses limits that are none.</summary>
    public static void Refuse(double? cpus, ByteSize? memory)
    {
        if (cpus is { } number && (!double.IsFinite(number) || number * PeriodMicroseconds < LeastQuota || number > 4096))
            throw Refusal.Invalid("cpuLimit", $"{number} is no CPU time: 0.01 to 4096 CPUs.");
        if (memory is { Bytes: < LeastMemory } bytes)
            throw Refusal.Invalid("memoryLimit", $"{bytes} is too little for a container: at least 1 MiB.");
    }

    /// <summary>How many microseconds of each period; -1 without a limit.</summary>
    public static long QuotaOf(double? cpus) => cpus is { } number ? (long)Math.Round(number * PeriodMicroseconds) : -1;

    /// <summary>How many CPUs' worth of time it may use; null without a limit.</summary>
    public static double? CpusOf(DomainDocument domain) => domain.Root.Element("cputune") is { } tune && Number(tune.Element("quota")) is > 0 and var quota && (Number(tune.Element("period")) ?? PeriodMicroseconds) is > 0 and var period
        ? (double)quota / period : null;

    /// <summary>Sets it; null lifts it.</summary>
    public static void SetCpus(DomainDocument domain, double? cpus)
    {
        var tune = domain.Root.Element("cputune");
        tune?.Element("period")?.Remove();
        tune?.Element("quota")?.Remove();
        if (cpus is not null)
            domain.Child("cputune").Add(new XElement("period", PeriodMicroseconds), new XElement("quota", QuotaOf(cpus)));
        else if (tune is { HasElements: false })
            tune.Remove();
    }

    /// <summary>How much memory it may use, in bytes.</summary>
    public static long MemoryOf(DomainDocument domain) => DomainDocument.ReadBytes(domain.Root.Element("memtune")?.Element("hard_limit")) ?? domain.MaxMemoryBytes;

    /// <summary>Sets it, in bytes.</summary>
    public static void SetMemory(DomainDocument domain, long bytes)
    {
        domain.SetMemory(bytes, bytes);
        var tune = domain.Child("memtune");
        tune.Element("hard_limit")?.Remove();
        tune.Add(DomainDocument.SetBytes(new XElement("hard_limit"), bytes));
    }

    /// <summary>What there is where nothing is limited: the host's memory, in bytes.</summary>
    public static async Task<long> MostMemoryAsync(LibvirtConnection libvirt, CancellationToken cancellationToken) => (long)(await libvirt.NodeGetInfoAsync(cancellationToken).ConfigureAwait(false)).Memory * 1024;

    private static long? Number(XElement? element) => long.TryParse(element?.Value.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : null;
}
