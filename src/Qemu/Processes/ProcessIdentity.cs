using System.Globalization;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>A process for good: its number is used again, its number with the moment of its start and the boot of the host is not.</summary>
/// <param name="Pid">The number.</param>
/// <param name="StartTicks">When it was started, in clock ticks since the host's boot (field 22 of /proc/PID/stat).</param>
/// <param name="BootId">Which boot.</param>
[SupportedOSPlatform("linux")]
internal sealed record ProcessIdentity(int Pid, long StartTicks, string BootId)
{
    /// <summary>The boot that the host is in.</summary>
    public static string CurrentBootId { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>The process that has a number now; null when none has, or one that is dead and not yet reaped.</summary>
    public static ProcessIdentity? Of(int pid)
    {
        try
        {
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            // The second field is the program's name in parentheses and may contain anything, parentheses too.
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : new(pid, long.Parse(fields[19], CultureInfo.InvariantCulture), CurrentBootId);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>The processes that were started with an argument, by name: what a crash between the start of a process and the note of it has left.</summary>
    /// <param name="option">The option before it.</param>
    /// <param name="value">The argument.</param>
    public static IEnumerable<int> WithArgument(string option, string value)
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
                continue;
            if (HasArgument(pid, option, value))
                yield return pid;
        }
    }

    /// <summary>Whether a process was started with an argument.</summary>
    public static bool HasArgument(int pid, string option, string value)
    {
        try
        {
            string[] arguments = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline")).Split('\0');
            int index = Array.IndexOf(arguments, option);
            return index >= 0 && index + 1 < arguments.Length && arguments[index + 1] == value;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
