using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Simulation.Guests;

internal static partial class GuestPrograms
{
    private static readonly TimeSpan s_regexPatience = TimeSpan.FromSeconds(10);

    private static string[] Lines(string text) => text.Length == 0 ? [] : (text.EndsWith('\n') ? text[..^1] : text).Split('\n');

    private static string Joined(IEnumerable<string> lines) => string.Concat(lines.Select(line => line + "\n"));

    private static ValueTask<int> HeadAsync(GuestCall call, CancellationToken cancellationToken) => PartAsync(call, static (lines, count) => lines.Take(count), cancellationToken);

    private static ValueTask<int> TailAsync(GuestCall call, CancellationToken cancellationToken) => PartAsync(call, static (lines, count) => lines.TakeLast(count), cancellationToken);

    private static async ValueTask<int> PartAsync(GuestCall call, Func<string[], int, IEnumerable<string>> part, CancellationToken cancellationToken)
    {
        var words = call.Arguments.Skip(1).ToList();
        string number = TakeValue(words, "-n") ?? "10";
        if (words is [['-', >= '0' and <= '9', ..], ..])
        {
            number = words[0][1..];
            words.RemoveAt(0);
        }

        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int count) || words.Exists(word => word.Length > 1 && word[0] == '-'))
            return call.Fail($"usage: {call.Name} [-n LINES] [FILE]...");
        var (inputs, code) = await call.ReadInputsAsync(words, cancellationToken).ConfigureAwait(false);
        foreach (var (name, text) in inputs)
            call.Print((inputs.Count > 1 ? $"==> {name} <==\n" : "") + Joined(part(Lines(text), count)));
        return code;
    }

    private static async ValueTask<int> CountAsync(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "lwc") is not { } read)
            return 1;
        var (inputs, code) = await call.ReadInputsAsync(read.Rest, cancellationToken).ConfigureAwait(false);
        foreach (var (name, text) in inputs)
        {
            var counts = new List<int>();
            if (read.Options.Count == 0 || read.Options.Contains('l'))
                counts.Add(text.Count(c => c == '\n'));
            if (read.Options.Count == 0 || read.Options.Contains('w'))
                counts.Add(text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length);
            if (read.Options.Count == 0 || read.Options.Contains('c'))
                counts.Add(Encoding.UTF8.GetByteCount(text));
            call.Print(string.Join(' ', counts.Select(count => count.ToString(CultureInfo.InvariantCulture))) + (name == "-" ? "\n" : $" {name}\n"));
        }

        return code;
    }

    private static async ValueTask<int> GrepAsync(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "ivcnqEFo") is not { } read)
            return 2;
        if (read.Rest.Count == 0)
            return call.Fail("usage: grep [-ivcnqEFo] PATTERN [FILE]...", 2);
        Regex pattern;
        try
        {
            pattern = Pattern(read.Rest[0], read.Options.Contains('F'), read.Options.Contains('E'), read.Options.Contains('i'));
        }
        catch (ArgumentException)
        {
            return call.Fail($"bad regex '{read.Rest[0]}'", 2);
        }

        var (inputs, code) = await call.ReadInputsAsync(read.Rest[1..], cancellationToken).ConfigureAwait(false);
        bool isAny = false;
        foreach (var (name, text) in inputs)
        {
            string prefix = inputs.Count > 1 ? $"{name}:" : "";
            var found = Lines(text).Select((line, index) => (line, index)).Where(item => pattern.IsMatch(item.line) != read.Options.Contains('v')).ToList();
            isAny |= found.Count > 0;
            if (read.Options.Contains('q'))
                continue;
            if (read.Options.Contains('c'))
                call.Print(string.Create(CultureInfo.InvariantCulture, $"{prefix}{found.Count}\n"));
            else if (read.Options.Contains('o'))
                call.Print(Joined(found.SelectMany(item => pattern.Matches(item.line).Select(match => prefix + match.Value))));
            else
                call.Print(Joined(found.Select(item => prefix + (read.Options.Contains('n') ? string.Create(CultureInfo.InvariantCulture, $"{item.index + 1}:") : "") + item.line)));
        }

        return code != 0 ? 2 : isAny ? 0 : 1;
    }

    /// <summary>A POSIX pattern as one of .NET's that never runs away. In a basic one the brackets, braces, plus, question mark and bar are letters unless they are quoted.</summary>
    private static Regex Pattern(string pattern, bool isFixed, bool isExtended, bool ignoresCase)
    {
        string translated = isFixed ? Regex.Escape(pattern) : isExtended ? pattern : Regex.Replace(pattern, @"\\?[(){}+?|]", match => match.Value[0] == '\\' ? match.Value[1..] : "\\" + match.Value);
        return new Regex(translated, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | (ignoresCase ? RegexOptions.IgnoreCase : RegexOptions.None), s_regexPatience);
    }

    private static async ValueTask<int> SortAsync(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "rnu") is not { } read)
            return 1;
        var (inputs, code) = await call.ReadInputsAsync(read.Rest, cancellationToken).ConfigureAwait(false);
        var lines = inputs.SelectMany(input => Lines(input.Text));
        var sorted = read.Options.Contains('n') ? lines.OrderBy(Number).ThenBy(line => line, StringComparer.Ordinal) : lines.Order(StringComparer.Ordinal);
        IEnumerable<string> result = read.Options.Contains('r') ? sorted.Reverse() : sorted;
        call.Print(Joined(read.Options.Contains('u') ? result.Distinct(StringComparer.Ordinal) : result));
        return code;

        static double Number(string line) => double.TryParse(LeadingNumber().Match(line).Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : 0;
    }

    private static async ValueTask<int> UniqueAsync(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "c") is not { } read)
            return 1;
        var (inputs, code) = await call.ReadInputsAsync(read.Rest, cancellationToken).ConfigureAwait(false);
        var groups = new List<(string Line, int Count)>();
        foreach (string line in inputs.SelectMany(input => Lines(input.Text)))
        {
            if (groups.Count > 0 && groups[^1].Line == line)
                groups[^1] = (line, groups[^1].Count + 1);
            else
                groups.Add((line, 1));
        }

        call.Print(Joined(groups.Select(group => read.Options.Contains('c') ? string.Create(CultureInfo.InvariantCulture, $"{group.Count,7} {group.Line}") : group.Line)));
        return code;
    }

    private static async ValueTask<int> CutAsync(GuestCall call, CancellationToken cancellationToken)
    {
        var words = call.Arguments.Skip(1).ToList();
        string delimiter = TakeValue(words, "-d") ?? "\t";
        string? fields = TakeValue(words, "-f");
        var wanted = fields?.Split(',').Select(field => int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0).ToList();
        if (wanted is null || wanted.Contains(0) || delimiter.Length != 1)
            return call.Fail("usage: cut [-d CHARACTER] -f NUMBER[,NUMBER]... [FILE]...");
        var (inputs, code) = await call.ReadInputsAsync(words, cancellationToken).ConfigureAwait(false);
        call.Print(Joined(inputs.SelectMany(input => Lines(input.Text)).Select(line => line.Split(delimiter[0]))
            .Select(parts => parts.Length == 1 ? parts[0] : string.Join(delimiter, wanted.Where(number => number <= parts.Length).Select(number => parts[number - 1])))));
        return code;
    }

    private static async ValueTask<int> TranslateAsync(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "d") is not { } read)
            return 1;
        bool deletes = read.Options.Contains('d');
        if (read.Rest.Count != (deletes ? 1 : 2))
            return call.Fail("usage: tr [-d] SET1 [SET2]");
        string from = Members(read.Rest[0]), to = deletes ? "" : Members(read.Rest[1]);
        if (!deletes && to.Length == 0)
            return call.Fail("the second set is empty");
        string text = Encoding.UTF8.GetString((await call.ReadAllAsync(cancellationToken).ConfigureAwait(false)).Span);
        var result = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            int at = from.IndexOf(c, StringComparison.Ordinal);
            if (at < 0)
                result.Append(c);
            else if (!deletes)
                result.Append(to[Math.Min(at, to.Length - 1)]);
        }

        call.Print(result.ToString());
        return 0;

        static string Members(string set)
        {
            var members = new StringBuilder();
            set = set.Replace("\\n", "\n", StringComparison.Ordinal).Replace("\\t", "\t", StringComparison.Ordinal);
            for (int i = 0; i < set.Length; i++)
            {
                if (i + 2 < set.Length && set[i + 1] == '-' && set[i + 2] >= set[i])
                {
                    for (int c = set[i]; c <= set[i + 2]; c++)
                        members.Append((char)c);
                    i += 2;
                }
                else
                    members.Append(set[i]);
            }

            return members.ToString();
        }
    }

    /// <summary>Only the one command that scripts use: s/pattern/replacement/ with the flags g and i.</summary>
    private static async ValueTask<int> SubstituteAsync(GuestCall call, CancellationToken cancellationToken)
    {
        var words = call.Arguments.Skip(1).ToList();
        bool isExtended = words.Remove("-E") | words.Remove("-r"), inPlace = words.Remove("-i");
        string script = words.Count > 0 ? words[0] : "";
        string[] parts = script.Length > 3 && script[0] == 's' ? Regex.Split(script[2..], $@"(?<!\\){Regex.Escape(script[1].ToString())}") : [];
        if (parts.Length != 3 || parts[2].Except("gi").Any() || (inPlace && words.Count < 2))
            return call.Fail("this simulated guest knows only sed [-E] [-i] s/PATTERN/REPLACEMENT/[gi] [FILE]...");
        Regex pattern;
        try
        {
            pattern = Pattern(parts[0].Replace("\\" + script[1], script[1].ToString(), StringComparison.Ordinal), isFixed: false, isExtended, parts[2].Contains('i', StringComparison.Ordinal));
        }
        catch (ArgumentException)
        {
            return call.Fail($"bad regex '{parts[0]}'");
        }

        string Replace(string text) => Joined(Lines(text).Select(line => pattern.Replace(line, Replacement, parts[2].Contains('g', StringComparison.Ordinal) ? -1 : 1)));
        string Replacement(Match match) => Regex.Replace(parts[1], @"\\(.)|&", piece => piece.Value == "&" ? match.Value : char.IsAsciiDigit(piece.Value[1]) ? match.Groups[piece.Value[1] - '0'].Value : piece.Value[1] == 'n' ? "\n" : piece.Value[1..]);
        if (inPlace)
            return ForEach(call, words[1..], path => call.System.Files.Write(path, Encoding.UTF8.GetBytes(Replace(Encoding.UTF8.GetString(call.System.Files.Read(path).Span)))));
        var (inputs, code) = await call.ReadInputsAsync(words.Skip(1).ToList(), cancellationToken).ConfigureAwait(false);
        foreach (var (_, text) in inputs)
            call.Print(Replace(text));
        return code;
    }

    private static async ValueTask<int> TeeAsync(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "a") is not { } read)
            return 1;
        var content = await call.ReadAllAsync(cancellationToken).ConfigureAwait(false);
        call.Streams.Output(content);
        return read.Rest.Count == 0 ? 0 : ForEach(call, read.Rest, path => call.System.Files.Write(path, content, append: read.Options.Contains('a')));
    }

    private static async ValueTask<int> HashAsync(GuestCall call, CancellationToken cancellationToken)
    {
        if (Read(call, "") is not { } read)
            return 1;
        int code = 0;
        foreach (string path in read.Rest.DefaultIfEmpty("-"))
        {
            var content = path == "-" ? await call.ReadAllAsync(cancellationToken).ConfigureAwait(false) : default;
            code |= Try(call, path, () =>
            {
                if (path != "-")
                    content = call.System.Files.Read(call.Resolve(path));
                byte[] hash = call.Name.StartsWith("sha", StringComparison.Ordinal) ? SHA256.HashData(content.Span) : Md5(content.Span);
                call.Print($"{Convert.ToHexStringLower(hash)}  {path}\n");
            });
        }

        return code;
    }

#pragma warning disable CA5351 // What md5sum prints is no protection of anything.
    private static byte[] Md5(ReadOnlySpan<byte> content) => MD5.HashData(content);
#pragma warning restore CA5351

    [GeneratedRegex(@"^\s*-?\d+(\.\d+)?", RegexOptions.NonBacktracking)]
    private static partial Regex LeadingNumber();
}
