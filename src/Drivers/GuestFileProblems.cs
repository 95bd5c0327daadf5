using System.Text;

namespace Hypervisor.Sdk.Drivers;

/// <summary>What is wrong with a path or with attributes of a file for any guest like Unix: refused before anything is sent.</summary>
public static class GuestFileProblems
{
    /// <summary>The longest path, in bytes of UTF-8: PATH_MAX of Linux (limits.h).</summary>
    public const int MaxPathBytes = 4096;

    private const int MaxShownCharacters = 200;

    /// <summary>Refuses what is no path of a file.</summary>
    /// <param name="path">The path: absolute, of at most <see cref="MaxPathBytes"/>, without control characters and <c>..</c>.</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    /// <exception cref="HypervisorException">It is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public static void Refuse(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!path.StartsWith('/') || path.Any(char.IsControl) || Encoding.UTF8.GetByteCount(path) > MaxPathBytes || path.Split('/').Contains(".."))
            throw Refusal.Invalid("path", $"'{string.Concat(path.Take(MaxShownCharacters).Select(one => char.IsControl(one) ? '?' : one))}': a path is absolute, of at most {MaxPathBytes} bytes, without control characters and '..'.");
    }

    /// <summary>Refuses attributes that no file can have.</summary>
    /// <param name="attributes">The attributes: numbers from 0, and a mode of twelve bits.</param>
    /// <exception cref="HypervisorException">One is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public static void Refuse(GuestFileAttributes? attributes)
    {
        if (attributes is { UserId: < 0 } or { GroupId: < 0 })
            throw Refusal.Invalid("attributes", "an owner and a group are numbers from 0.");
        if (attributes is { Mode: { } mode } && ((int)mode & ~0xFFF) != 0)
            throw Refusal.Invalid("attributes", "a mode has twelve bits.");
    }
}
