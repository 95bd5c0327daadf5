using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>The programs that every simulated guest has: a small part of what busybox has, with the options that scripts use most. An option that is not built is refused, never ignored.</summary>
internal static partial class GuestPrograms
{
    private static readonly Dictionary<string, GuestProgram> s_all = new(StringComparer.Ordinal)
    {
        ["true"] = static (_, _) => new(0), ["false"] = static (_, _) => new(1), ["sync"] = static (_, _) => new(0),
        ["echo"] = Echo, ["printf"] = PrintFormatted, ["test"] = Test, ["["] = Test, ["sleep"] = SleepAsync, ["seq"] = Sequence, ["env"] = Env, ["basename"] = BaseName, ["dirname"] = DirName,
        ["cat"] = CatAsync, ["ls"] = List, ["mkdir"] = MakeDirectories, ["rmdir"] = RemoveDirectories, ["rm"] = Remove, ["cp"] = Copy, ["mv"] = Move, ["ln"] = MakeLink, ["touch"] = Touch, ["chmod"] = ChangeMode,
        ["readlink"] = ReadLink, ["stat"] = Stat, ["dd"] = CopyBlocks, ["find"] = FindFiles, ["du"] = DiskUsage,
        ["head"] = HeadAsync, ["tail"] = TailAsync, ["wc"] = CountAsync, ["grep"] = GrepAsync, ["sort"] = SortAsync, ["uniq"] = UniqueAsync, ["cut"] = CutAsync, ["tr"] = TranslateAsync, ["sed"] = SubstituteAsync,
        ["tee"] = TeeAsync, ["sha256sum"] = HashAsync, ["md5sum"] = HashAsync,
        ["uname"] = SystemName, ["hostname"] = HostName, ["nproc"] = Processors, ["uptime"] = Uptime, ["free"] = Memory, ["df"] = DiskFree, ["date"] = Date, ["id"] = Identity, ["whoami"] = WhoAmI, ["ps"] = Processes,
        ["ip"] = Addresses, ["poweroff"] = PowerOff, ["halt"] = PowerOff, ["reboot"] = PowerOff,
    };

    /// <summary>The names of all of them.</summary>
    public static IEnumerable<string> Names => s_all.Keys;

    public static GuestProgram? Find(string name) => s_all.GetValueOrDefault(name);

    /// <summary>Splits options of one letter from what follows; an option that is not in <paramref name="known"/> is refused and null is the answer.</summary>
    private static ReadWords? Read(GuestCall call, string known)
    {
        var options = new HashSet<char>();
        var rest = new List<string>();
        bool isOver = false;
        foreach (string word in call.Arguments.Skip(1))
        {
            if (isOver || word.Length < 2 || word[0] != '-')
            {
                rest.Add(word);
                continue;
            }

            if (word == "--")
            {
                isOver = true;
                continue;
            }

            foreach (char option in word[1..])
            {
                if (!known.Contains(option, StringComparison.Ordinal))
                {
                    call.Fail($"unrecognized option '-{option}' (this simulated guest knows: {(known.Length == 0 ? "none" : "-" + known)})");
                    return null;
                }

                options.Add(option);
            }
        }

        return new ReadWords(options, rest);
    }

    /// <summary>Takes <c>-n 5</c> or <c>-n5</c> out of the arguments.</summary>
    private static string? TakeValue(List<string> words, string option)
    {
        int at = words.FindIndex(word => word.StartsWith(option, StringComparison.Ordinal));
        if (at < 0)
            return null;
        string attached = words[at][option.Length..];
        words.RemoveAt(at);
        if (attached.Length > 0)
            return attached;
        if (at == words.Count)
            return "";
        string value = words[at];
        words.RemoveAt(at);
        return value;
    }

    private static ValueTask<int> Echo(GuestCall call, CancellationToken cancellationToken)
    {
        var words = call.Arguments.Skip(1).ToList();
        bool noNewLine = words is ["-n", ..];
        call.Print(string.Join(' ', noNewLine ? words.Skip(1) : words) + (noNewLine ? "" : "\n"));
        return new(0);
    }

    private static ValueTask<int> PrintFormatted(GuestCall call, CancellationToken cancellationToken)
    {
        if (call.Arguments.Count < 2)
            return new(call.Fail("usage: printf FORMAT [ARG]..."));
        string format = call.Arguments[1];
        int next = 2;
        do
        {
            int before = next;
            call.Print(Format(call, format, ref next));
            if (next == before)
                break;
        }
        while (next < call.Arguments.Count);
        return new(0);
    }

    private static string Format(GuestCall call, string format, ref int next)
    {
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] == '\\' && i + 1 < format.Length)
            {
                i++;
                text.Append(format[i] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', '0' => '\0', var other => other });
            }
            else if (format[i] == '%' && i + 1 < format.Length && format[i + 1] == '%')
                text.Append(format[++i]);
            else if (format[i] == '%')
            {
                int begin = i;
                while (++i < format.Length && (char.IsAsciiDigit(format[i]) || format[i] is '-' or '.'))
                {
                }

                string width = format[(begin + 1)..Math.Min(i, format.Length)];
                string argument = next < call.Arguments.Count ? call.Arguments[next++] : "";
                string value = i < format.Length && format[i] == 'd' ? (long.TryParse(argument, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : 0).ToString(CultureInfo.InvariantCulture) : argument;
                int length = int.TryParse(width.TrimStart('-', '0'), NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) ? Math.Min(parsed, 1000) : 0;
                text.Append(width.StartsWith('-') ? value.PadRight(length) : value.PadLeft(length, width.StartsWith('0') ? '0' : ' '));
            }
            else
                text.Append(format[i]);
        }

        return text.ToString();
    }

    private static ValueTask<int> Test(GuestCall call, CancellationToken cancellationToken)
    {
        var words = call.Arguments.Skip(1).ToList();
        if (call.Name == "[" && (words.Count == 0 || words[^1] != "]"))
            return new(call.Fail("missing ]", 2));
        if (call.Name == "[")
            words.RemoveAt(words.Count - 1);
        bool isNegated = words.Count > 1 && words[0] == "!";
        if (isNegated)
            words.RemoveAt(0);
        bool? holds = Holds(call, words);
        return new(holds is null ? call.Fail($"{string.Join(' ', words)}: not a test of this simulated guest", 2) : holds != isNegated ? 0 : 1);
    }

    private static bool? Holds(GuestCall call, List<string> words) => words switch
    {
        [] => false,
        [var text] => text.Length > 0,
        ["-n", var text] => text.Length > 0,
        ["-z", var text] => text.Length == 0,
        ["-e", var path] => call.System.Files.Find(call.Resolve(path)) is not null,
        ["-f", var path] => call.System.Files.Find(call.Resolve(path)) is { Kind: GuestNodeKind.File },
        ["-d", var path] => call.System.Files.Find(call.Resolve(path)) is { IsDirectory: true },
        ["-L" or "-h", var path] => call.System.Files.Find(call.Resolve(path), follow: false) is { Kind: GuestNodeKind.Link },
        ["-s", var path] => call.System.Files.Find(call.Resolve(path)) is { Size: > 0 },
        ["-r" or "-w", var path] => call.System.Files.Find(call.Resolve(path)) is not null,
        ["-x", var path] => call.System.Files.Find(call.Resolve(path)) is { } node && (node.IsDirectory || node.Mode.HasFlag(UnixFileMode.UserExecute)),
        [var left, "=" or "==", var right] => left == right,
        [var left, "!=", var right] => left != right,
        [var left, "-eq" or "-ne" or "-lt" or "-le" or "-gt" or "-ge", var right] when long.TryParse(left, CultureInfo.InvariantCulture, out long a) && long.TryParse(right, CultureInfo.InvariantCulture, out long b) => words[1] switch
        {
            "-eq" => a == b, "-ne" => a != b, "-lt" => a < b, "-le" => a <= b, "-gt" => a > b, _ => a >= b,
        },
        _ => null,
    };

    private static async ValueTask<int> SleepAsync(GuestCall call, CancellationToken cancellationToken)
    {
        double seconds = 0;
        foreach (string word in call.Arguments.Skip(1))
        {
            double unit = word.Length > 1 ? word[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 } : 0;
            if (!double.TryParse(unit > 0 ? word[..^1] : word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) || number * Math.Max(unit, 1) > 1e9)
                return call.Fail($"invalid number '{word}'");
            seconds += number * Math.Max(unit, 1);
        }

        await call.System.DelayAsync(TimeSpan.FromSeconds(seconds), cancellationToken).ConfigureAwait(false);
        return 0;
    }

    private static ValueTask<int> Sequence(GuestCall call, CancellationToken cancellationToken)
    {
        var numbers = call.Arguments.Skip(1).Select(word => long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : (long?)null).ToList();
        if (numbers.Count is < 1 or > 3 || numbers.Contains(null))
            return new(call.Fail("usage: seq [FIRST [INC]] LAST"));
        long first = numbers.Count > 1 ? numbers[0]!.Value : 1, step = numbers.Count > 2 ? numbers[1]!.Value : 1, last = numbers[^1]!.Value;
        if (step == 0 || Math.Abs((last - first) / step) > 1_000_000)
            return new(call.Fail("that is too many numbers for a simulated guest"));
        var text = new StringBuilder();
        for (long i = first; step > 0 ? i <= last : i >= last; i += step)
            text.Append(CultureInfo.InvariantCulture, $"{i}\n");
        call.Print(text.ToString());
        return new(0);
    }

    private static ValueTask<int> Env(GuestCall call, CancellationToken cancellationToken)
    {
        if (call.Arguments.Count > 1)
            return new(call.Fail("this simulated guest only prints the environment"));
        foreach (var (name, value) in call.Environment.OrderBy(variable => variable.Key, StringComparer.Ordinal))
            call.Print($"{name}={value}\n");
        return new(0);
    }

    private static ValueTask<int> BaseName(GuestCall call, CancellationToken cancellationToken)
    {
        if (call.Arguments.Count < 2)
            return new(call.Fail("usage: basename FILE [SUFFIX]"));
        string path = call.Arguments[1].TrimEnd('/');
        string name = path.Length == 0 ? "/" : path[(path.LastIndexOf('/') + 1)..];
        string suffix = call.Arguments.Count > 2 ? call.Arguments[2] : "";
        call.Print((suffix.Length > 0 && name.Length > suffix.Length && name.EndsWith(suffix, StringComparison.Ordinal) ? name[..^suffix.Length] : name) + "\n");
        return new(0);
    }

    private static ValueTask<int> DirName(GuestCall call, CancellationToken cancellationToken)
    {
        if (call.Arguments.Count < 2)
            return new(call.Fail("usage: dirname FILE"));
        string path = call.Arguments[1].TrimEnd('/');
        int slash = path.LastIndexOf('/');
        call.Print((slash < 0 ? "." : slash == 0 ? "/" : path[..slash]) + "\n");
        return new(0);
    }
}

/// <summary>The words of a call, options apart.</summary>
internal sealed record ReadWords(HashSet<char> Options, List<string> Rest);

/// <summary>A program of the guest: answers its exit code.</summary>
internal delegate ValueTask<int> GuestProgram(GuestCall call, CancellationToken cancellationToken);
