using System.Globalization;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Observation;

/// <summary>What Linux says in /proc and /sys: proc(5), Documentation/admin-guide/iostats.rst.</summary>
[SupportedOSPlatform("linux")]
internal static class ProcFiles
{
    /// <summary>USER_HZ, which Linux has fixed for what it shows to programs.</summary>
    private const long TicksPerSecond = 100;

    private const int SectorBytes = 512;

    /// <summary>The CPU time of a process in user and kernel mode; null when it has ended.</summary>
    public static TimeSpan? CpuTimeOf(int pid)
    {
        if (TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat")) is not { } stat)
            return null;
        // The name of the program stands in parentheses and may contain anything, also more of them.
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return Ticks(Number(fields[11]) + Number(fields[12]));
    }

    /// <summary>The memory of a process that is in RAM; null when it has ended.</summary>
    public static ByteSize? ResidentOf(int pid)
    {
        if (TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/statm")) is not { } statm)
            return null;
        return new ByteSize(Number(statm.Split(' ')[1]) * Environment.SystemPageSize);
    }

    /// <summary>The CPU time of all processors since the host was booted, idle and waiting excepted.</summary>
    public static TimeSpan? HostCpuTime()
    {
        string[]? fields = TryRead("/proc/stat")?.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user already.
        return fields is null ? null : Ticks(Number(fields[1]) + Number(fields[2]) + Number(fields[3]) + Number(fields[6]) + Number(fields[7]) + Number(fields[8]));
    }

    /// <summary>The load averages over 1, 5 and 15 minutes.</summary>
    public static (double One, double Five, double Fifteen)? LoadAverages()
    {
        string[]? fields = TryRead("/proc/loadavg")?.Split(' ');
        return fields is null ? null : (Fraction(fields[0]), Fraction(fields[1]), Fraction(fields[2]));
    }

    /// <summary>MemTotal and MemAvailable.</summary>
    public static (ByteSize? Total, ByteSize? Available) Memory()
    {
        ByteSize? total = null;
        ByteSize? available = null;
        foreach (string line in (TryRead("/proc/meminfo") ?? "").Split('\n'))
        {
            if (line.StartsWith("MemTotal:", StringComparison.Ordinal))
                total = Kibibytes(line);
            else if (line.StartsWith("MemAvailable:", StringComparison.Ordinal))
                available = Kibibytes(line);
        }

        return (total, available);
    }

    /// <summary>Reads, bytes read, writes and bytes written of all whole disks together.</summary>
    public static (long Reads, long ReadBytes, long Writes, long WriteBytes)? Disks()
    {
        if (TryRead("/proc/diskstats") is not { } text)
            return null;
        var sum = (Reads: 0L, ReadBytes: 0L, Writes: 0L, WriteBytes: 0L);
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            // Partitions are counted with their disk, and what loops and RAM disks move is moved by the disk below them.
            if (!Directory.Exists($"/sys/block/{fields[2].Replace('/', '!')}") || fields[2].StartsWith("loop", StringComparison.Ordinal) || fields[2].StartsWith("ram", StringComparison.Ordinal))
                continue;
            sum.Reads += Number(fields[3]);
            sum.ReadBytes += Number(fields[5]) * SectorBytes;
            sum.Writes += Number(fields[7]);
            sum.WriteBytes += Number(fields[9]) * SectorBytes;
        }

        return sum;
    }

    /// <summary>Bytes received and sent by all network devices together, loopback excepted.</summary>
    public static (long Received, long Sent)? Networks()
    {
        if (TryRead("/proc/net/dev") is not { } text)
            return null;
        var sum = (Received: 0L, Sent: 0L);
        foreach (string line in text.Split('\n').Skip(2).Where(line => line.Contains(':')))
        {
            string[] halves = line.Split(':');
            if (halves[0].Trim() == "lo")
                continue;
            string[] fields = halves[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            sum.Received += Number(fields[0]);
            sum.Sent += Number(fields[8]);
        }

        return sum;
    }

    /// <summary>A counter of a network device; null when there is no such device.</summary>
    public static long? NetworkCounter(string device, string counter) => TryRead($"/sys/class/net/{device}/statistics/{counter}") is { } text ? Number(text.Trim()) : null;

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static ByteSize Kibibytes(string line) => ByteSize.FromKiB(Number(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]));

    private static TimeSpan Ticks(long ticks) => TimeSpan.FromTicks(ticks * (TimeSpan.TicksPerSecond / TicksPerSecond));

    private static long Number(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static double Fraction(string text) => double.Parse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
}
