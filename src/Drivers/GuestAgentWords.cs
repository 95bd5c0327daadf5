using System.Text;

namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// What a guest says when a file cannot be had. The agent has no codes for it (GenericError), and its last words are those of strerror(3): it sets no locale, and our scripts set that of C, whose words glibc and musl share. Words that are not
/// known leave it unspecified.
/// </summary>
internal static class GuestAgentWords
{
    private const int MaxShownCharacters = 500;

    private static readonly (string Words, ErrorCode Code)[] s_known =
    [
        ("No such file or directory", ErrorCode.NotFound),
        ("Permission denied", ErrorCode.Denied),
        ("Operation not permitted", ErrorCode.Denied),
        ("Read-only file system", ErrorCode.Denied),
        ("Is a directory", ErrorCode.InvalidArgument),
        ("Not a directory", ErrorCode.InvalidArgument),
        ("File name too long", ErrorCode.InvalidArgument),
        ("Filename too long", ErrorCode.InvalidArgument),
        ("Too many levels of symbolic links", ErrorCode.InvalidArgument),
        ("Symbolic link loop", ErrorCode.InvalidArgument),
        ("Directory not empty", ErrorCode.InvalidState),
        ("Text file busy", ErrorCode.InvalidState),
        ("Device or resource busy", ErrorCode.InvalidState),
        ("Resource busy", ErrorCode.InvalidState),
        ("No space left on device", ErrorCode.Exhausted),
        ("Disk quota exceeded", ErrorCode.Exhausted),
        ("Quota exceeded", ErrorCode.Exhausted),
        ("Too many open files", ErrorCode.Exhausted),
    ];

    public static ErrorCode CodeOf(string? said) => s_known.FirstOrDefault(known => said?.EndsWith(known.Words, StringComparison.Ordinal) == true) is { Words: not null } found ? found.Code : ErrorCode.Unspecified;

    /// <summary>What a guest has printed, bounded and without control characters.</summary>
    public static string Shown(ReadOnlySpan<byte> printed)
    {
        string text = Encoding.UTF8.GetString(printed).Trim();
        return string.Concat(text.TakeLast(MaxShownCharacters).Select(one => char.IsControl(one) ? ' ' : one));
    }
}
