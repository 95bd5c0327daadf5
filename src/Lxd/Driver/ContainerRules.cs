using System.Globalization;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>What stands where in a container's configuration, and what is acceptable there.</summary>
internal static class ContainerRules
{
    public const string UserPrefix = "user.";
    public const string OwnPrefix = "user.hvsdk.";
    public const string Memory = "limits.memory";
    public const string Variable = "environment.";
    public const string Boot = "boot.autostart";

    public const string CpuShare = "limits.cpu.allowance";

    private const string CpuCount = "limits.cpu";
    private const int PeriodMs = 100;

    /// <summary>Keys that cloud-init in the guest reads.</summary>
    private static readonly string[] s_cloudInit = [CloudInitKeys.MetaData, .. CloudInitKeys.Documents.Select(document => UserPrefix + document)];

    private static readonly (string Suffix, long Bytes)[] s_units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ];

    /// <summary>A name is a host name (<c>validate.IsHostname</c> of both servers).</summary>
    public static NamingRules Naming { get; } = new() { MaxLength = 63, AllowedCharacters = "a-zA-Z0-9-", AllowedFirstCharacters = "a-zA-Z", CaseSensitive = true };

    public static Dictionary<string, string> LabelsOf(IDictionary<string, string>? config) => (config ?? new Dictionary<string, string>())
        .Where(entry => entry.Key.StartsWith(UserPrefix, StringComparison.Ordinal) && !entry.Key.StartsWith(OwnPrefix, StringComparison.Ordinal) && !s_cloudInit.Contains(entry.Key))
        .ToDictionary(entry => entry.Key[UserPrefix.Length..], entry => entry.Value, StringComparer.Ordinal);

    public static void RefuseName(string name)
    {
        if (name.EndsWith('-'))
            throw Refusal.Invalid("name", $"The name '{name}' ends with a hyphen.");
    }

    /// <summary>An empty value of a key is the same as no key, at both servers.</summary>
    public static void RefuseLabel(string key, string? value)
    {
        if (key.Length == 0 || key.Any(char.IsControl) || s_cloudInit.Contains(UserPrefix + key))
            throw Refusal.Invalid($"labels.{key}", "it is a key of user.*, and those of cloud-init are no labels.");
        if (value is { Length: 0 } || value?.Contains('\0', StringComparison.Ordinal) is true)
            throw Refusal.Invalid($"labels.{key}", "a value is at least one character; nothing removes a label.");
    }

    public static void RefuseVariable(string key, SecretOrText value)
    {
        if (key.Length == 0 || key.Contains('=', StringComparison.Ordinal) || key.Any(char.IsControl))
            throw Refusal.Invalid("environment", $"'{key}' is no name of a variable.");
        if (!value.TryGetText(out string? text))
            throw Refusal.Unsupported("environment", $"'{key}' is a secret, and the server would show it to all who may look at the container.");
        if (text.Length == 0 || text.Contains('\0', StringComparison.Ordinal) || text.Contains('\n', StringComparison.Ordinal))
            throw Refusal.Invalid("environment", $"the value of '{key}' is empty or of several lines.");
    }

    public static void RefuseLimits(double? cpus, ByteSize? memory)
    {
        if (cpus is { } number && (!double.IsFinite(number) || number < 1.0 / PeriodMs || number > 4096))
            throw Refusal.Invalid("cpuLimit", $"{number} is no CPU time: 0.01 to 4096 CPUs.");
        if (memory is { Bytes: < 1 << 20 } bytes)
            throw Refusal.Invalid("memoryLimit", $"{bytes} is too little for a container: at least 1 MiB.");
    }

    /// <summary>CPU time as the servers write it: so many milliseconds of each 100.</summary>
    public static string ShareOf(double cpus) => string.Create(CultureInfo.InvariantCulture, $"{Math.Round(cpus * PeriodMs)}ms/{PeriodMs}ms");

    public static string BytesText(ByteSize size) => size.Bytes.ToString(CultureInfo.InvariantCulture);

    /// <summary>How many CPUs' worth of time it may use: a share of time, or so many CPUs, or which ones (<c>0-2,5</c>).</summary>
    public static double? CpusOf(IDictionary<string, string> config)
    {
        if (config.TryGetValue(CpuShare, out string? share) && share.Split('/') is [var part, var whole] && Milliseconds(part) is { } used && Milliseconds(whole) is > 0 and var period)
            return used / period;
        if (!config.TryGetValue(CpuCount, out string? count) || count.Length == 0)
            return null;
        if (int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return number;
        int sum = 0;
        foreach (string range in count.Split(','))
        {
            string[] ends = range.Split('-');
            if (ends.Length > 2 || !int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first) || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last) || last < first)
                return null;
            sum += last - first + 1;
        }

        return sum;

        static double? Milliseconds(string text) => text.EndsWith("ms", StringComparison.Ordinal) && double.TryParse(text.AsSpan(0, text.Length - 2), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) ? value : null;
    }

    /// <summary>A size as the servers write it: <c>512MiB</c>, <c>1GB</c>, <c>1048576</c>. Null for a share of the host's, or what is none.</summary>
    public static ByteSize? BytesOf(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        var (suffix, bytes) = Array.Find(s_units, unit => text.EndsWith(unit.Suffix, StringComparison.Ordinal));
        return long.TryParse(text.AsSpan(0, text.Length - (suffix?.Length ?? 0)), NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= long.MaxValue / Math.Max(bytes, 1)
            ? new ByteSize(number * Math.Max(bytes, 1)) : null;
    }
}
