using System.Buffers.Text;
using System.Text;

namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// What the guest's shell is asked about files, and how its answers are read. The scripts are constants of the POSIX shell; a path is an argument of theirs, never a part. Each prints one word, in a line of its own.
/// </summary>
internal static class GuestAgentScripts
{
    public const string Shell = "sh";

    public const string File = "file";
    public const string Directory = "directory";
    public const string Other = "other";
    public const string None = "none";
    public const string Nowhere = "nowhere";
    public const string Denied = "denied";
    public const string Incapable = "incapable";
    public const string Full = "full";
    public const string Done = "done";

    private const string Begin = "export LC_ALL=C\n";

    /// <summary>What is at the path, at the end of its links. A pipe or a device is not even opened: the agent could wait at it for ever.</summary>
    public const string Look = Begin + """
        if [ -d "$1" ]; then echo directory
        elif [ -f "$1" ]; then echo file
        elif [ -e "$1" ]; then echo other
        else echo none; fi
        """;

    /// <summary>Whether a file can be at the path; with an owner ($2) or a mode ($3) it is made where it is not there, for nobody else to read until it has them.</summary>
    public const string Prepare = Begin + """
        if [ -d "$1" ]; then echo directory; exit 0; fi
        if [ -e "$1" ] && [ ! -f "$1" ]; then echo other; exit 0; fi
        directory=${1%/*}
        if [ ! -e "$1" ] && [ ! -d "${directory:-/}" ]; then echo nowhere; exit 0; fi
        if [ -n "$2$3" ]; then
            umask 077
            made=
            if [ ! -e "$1" ]; then made=1; fi
            true >> "$1" || exit 1
            if [ -n "$2" ] && ! chown "$2" "$1"; then [ -z "$made" ] || rm -f -- "$1"; exit 1; fi
            if [ -n "$3" ] && ! chmod "$3" "$1"; then [ -z "$made" ] || rm -f -- "$1"; exit 1; fi
        fi
        echo file
        """;

    /// <summary>The entries of a directory, at most $2 bytes of them: type and mode in hexadecimal digits, size, owner, group, name, and a slash, which is in no name. What is gone meanwhile is left out.</summary>
    public const string List = Begin + """
        if [ ! -d "$1" ]; then if [ -e "$1" ]; then echo file; else echo none; fi; exit 0; fi
        cd "$1" || exit 1
        if [ ! -r . ]; then echo denied; exit 0; fi
        if [ "$(printf '.\0' | xargs -0 stat -c %n -- 2> /dev/null | head -c 1 2> /dev/null)" != . ]; then echo incapable; exit 0; fi
        echo directory
        printf '%s\0' * .[!.]* ..?* | xargs -0 stat -c '%f %s %u %g %n/' -- 2> /dev/null | head -c "$2"
        exit 0
        """;

    /// <summary>Deletes a file, a link itself, or an empty directory.</summary>
    public const string Delete = Begin + """
        if [ -d "$1" ] && [ ! -L "$1" ]; then
            said=$(rmdir -- "$1" 2>&1) && { echo done; exit 0; }
            if [ -n "$(ls -A -- "$1")" ]; then echo full; exit 0; fi
            printf '%s\n' "$said" >&2
            exit 1
        fi
        if [ ! -e "$1" ] && [ ! -L "$1" ]; then echo none; exit 0; fi
        rm -f -- "$1" && echo done
        """;

    /// <summary>Reads what <see cref="List"/> prints.</summary>
    /// <exception cref="BackendProtocolException">It is something else.</exception>
    public static IReadOnlyList<GuestFile> EntriesOf(ReadOnlyMemory<byte> list, string path)
    {
        var files = new List<GuestFile>();
        var rest = list.Span;
        while (!rest.IsEmpty)
        {
            if (!Utf8Parser.TryParse(rest, out uint mode, out int hex, 'x') || !TryNext(ref rest, hex)
                || !TryNumber(ref rest, out ulong size) || !TryNumber(ref rest, out ulong user) || !TryNumber(ref rest, out ulong group))
                throw Unreadable(path);
            int end = rest.IndexOf((byte)'/');
            if (end <= 0 || end + 1 == rest.Length || rest[end + 1] != '\n' || rest[..end] is [(byte)'.'] or [(byte)'.', (byte)'.'] || rest[..end].Contains((byte)0))
                throw Unreadable(path);
            files.Add(new GuestFile
            {
                Name = Encoding.UTF8.GetString(rest[..end]), Kind = KindOf(mode), Size = (mode & 0xF000) == 0x8000 && size <= long.MaxValue ? new ByteSize((long)size) : null,
                Attributes = new GuestFileAttributes { UserId = user <= int.MaxValue ? (int)user : null, GroupId = group <= int.MaxValue ? (int)group : null, Mode = (UnixFileMode)(mode & 0xFFF) },
            });
            rest = rest[(end + 2)..];
        }

        return files;
    }

    /// <summary>The type of a file as st_mode has it: inode(7).</summary>
    private static string KindOf(uint mode) => (mode & 0xF000) switch
    {
        0x8000 => "file",
        0x4000 => "directory",
        0xA000 => "symlink",
        0x1000 => "pipe",
        0xC000 => "socket",
        0x2000 or 0x6000 => "device",
        _ => "other",
    };

    private static bool TryNumber(ref ReadOnlySpan<byte> rest, out ulong number) => Utf8Parser.TryParse(rest, out number, out int digits) && TryNext(ref rest, digits);

    private static bool TryNext(ref ReadOnlySpan<byte> rest, int digits)
    {
        if (digits == 0 || digits >= rest.Length || rest[digits] != ' ')
            return false;
        rest = rest[(digits + 1)..];
        return true;
    }

    private static BackendProtocolException Unreadable(string path) => new($"The guest's list of '{path}' is none.", ErrorCode.Protocol, RequestOutcome.Unknown) { Resource = path };
}
