using System.Text;
using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Simulation.Guests;

internal sealed partial class GuestShell
{
    private const int MaxWords = 100_000;

    /// <summary>The words of a command: expanded, split where what came of an expansion is not quoted, and matched against names of files.</summary>
    private async ValueTask<List<string>> ExpandAsync(IReadOnlyList<ShellWord> words, GuestStreams streams, CancellationToken cancellationToken)
    {
        var expanded = new List<string>();
        foreach (var word in words)
        {
            var fields = await FieldsAsync(word, streams, cancellationToken).ConfigureAwait(false);
            foreach (var field in fields)
            {
                if (Match(field) is { Count: > 0 } paths)
                    expanded.AddRange(paths);
                else
                    expanded.Add(string.Concat(field.Select(piece => piece.Text)));
            }

            if (expanded.Count > MaxWords)
                throw new GuestKilledException("Argument list too long");
        }

        return expanded;
    }

    /// <summary>A word as one text: neither split nor matched.</summary>
    private async ValueTask<string> ExpandToOneAsync(ShellWord word, GuestStreams streams, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        foreach (var part in word.Parts)
            text.Append(part.Kind == ShellPartKind.Parameter && part.Text is "@" or "*" ? string.Join(' ', _positional) : await ValueAsync(part, streams, cancellationToken).ConfigureAwait(false));
        return WithHome(word, text.ToString());
    }

    private async ValueTask<List<List<(string Text, bool IsQuoted)>>> FieldsAsync(ShellWord word, GuestStreams streams, CancellationToken cancellationToken)
    {
        var fields = new List<List<(string Text, bool IsQuoted)>>();
        List<(string, bool)>? field = null;
        for (int i = 0; i < word.Parts.Count; i++)
        {
            var part = word.Parts[i];
            if (part is { Kind: ShellPartKind.Parameter, Text: "@", IsQuoted: true })
            {
                for (int n = 0; n < _positional.Count; n++)
                {
                    if (n > 0)
                        field = null;
                    Open().Add((_positional[n], true));
                }

                continue;
            }

            string value = part.Kind == ShellPartKind.Parameter && part.Text is "@" or "*" ? string.Join(' ', _positional) : await ValueAsync(part, streams, cancellationToken).ConfigureAwait(false);
            if (i == 0 && part is { Kind: ShellPartKind.Text, IsQuoted: false })
                value = WithHome(word, value);
            if (part.IsQuoted || part.Kind == ShellPartKind.Text)
            {
                Open().Add((value, part.IsQuoted));
                continue;
            }

            string[] pieces = value.Split([' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);
            if (value.Length > 0 && char.IsWhiteSpace(value[0]))
                field = null;
            for (int n = 0; n < pieces.Length; n++)
            {
                if (n > 0)
                    field = null;
                Open().Add((pieces[n], false));
            }

            if (value.Length > 0 && char.IsWhiteSpace(value[^1]))
                field = null;
        }

        return fields;

        List<(string, bool)> Open()
        {
            if (field is null)
                fields.Add(field = []);
            return field;
        }
    }

    private async ValueTask<string> ValueAsync(ShellPart part, GuestStreams streams, CancellationToken cancellationToken)
    {
        switch (part.Kind)
        {
            case ShellPartKind.Parameter:
                return Parameter(part.Text);
            case ShellPartKind.Arithmetic:
                return Text(ShellArithmetic.Evaluate(WithParameters(part.Text), Lookup));
            case ShellPartKind.Command:
                var printed = new MemoryStream();
                if (_depth > 32)
                    throw new GuestKilledException("Killed: substitutions within substitutions, too many");
                _depth++;
                try
                {
                    await InSubshellAsync(ShellParser.Parse(part.Text), streams with { Output = bytes => Keep(printed, bytes) }, cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    _depth--;
                }

                return Encoding.UTF8.GetString(printed.ToArray()).TrimEnd('\n');
            default:
                return part.Text;
        }
    }

    private string? Lookup(string name) => _variables.GetValueOrDefault(name);

    /// <summary><c>$NAME</c> within an arithmetic expression is the same as <c>NAME</c>.</summary>
    private string WithParameters(string expression) => DollarName().Replace(expression, match => Parameter(match.Groups[1].Value) is { Length: > 0 } value ? value : "0");

    private string Parameter(string text)
    {
        if (text.Length > 1 && text[0] == '#')
            return Text(Parameter(text[1..]).Length);
        int colon = text.IndexOf(":-", StringComparison.Ordinal);
        if (colon > 0)
            return Parameter(text[..colon]) is { Length: > 0 } set ? set : text[(colon + 2)..];
        return text switch
        {
            "?" => Text(ExitCode),
            "$" => "1",
            "#" => Text(_positional.Count),
            "@" or "*" => string.Join(' ', _positional),
            "0" => _variables.GetValueOrDefault("0", "sh"),
            _ when text.Length > 0 && text.All(char.IsAsciiDigit) => int.TryParse(text, out int n) && n >= 1 && n <= _positional.Count ? _positional[n - 1] : "",
            _ when text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') => _variables.GetValueOrDefault(text, ""),
            _ => throw new ShellSyntaxException($"${{{text}}}: bad substitution"),
        };
    }

    private string WithHome(ShellWord word, string value) =>
        word.Parts is [{ Kind: ShellPartKind.Text, IsQuoted: false, Text: var first }, ..] && (first == "~" || first.StartsWith("~/", StringComparison.Ordinal)) ? _variables.GetValueOrDefault("HOME", "/") + value[1..] : value;

    /// <summary>The paths that a field with unquoted <c>*</c>, <c>?</c> or <c>[</c> stands for.</summary>
    private List<string>? Match(List<(string Text, bool IsQuoted)> field)
    {
        if (!field.Any(piece => !piece.IsQuoted && piece.Text.AsSpan().ContainsAny('*', '?', '[')))
            return null;
        var pattern = new StringBuilder();
        foreach (var (text, isQuoted) in field)
            pattern.Append(isQuoted ? Regex.Replace(text, "([*?\\[\\]\\\\])", "\\$1") : text);
        bool isAbsolute = pattern.Length > 0 && pattern[0] == '/';
        List<string> paths = [isAbsolute ? "/" : ""];
        foreach (string segment in pattern.ToString().Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var regex = GuestPattern.Of(segment);
            paths = [.. paths.SelectMany(path => Entries(path).Where(name => (name[0] != '.' || segment[0] == '.') && regex.IsMatch(name)).Select(name => path + name)).Take(MaxWords).Select(path => path + "/")];
        }

        return [.. paths.Select(path => path[..^1])];
    }

    private IEnumerable<string> Entries(string path) => system.Files.Find(GuestFileTree.Resolve(Directory, path.Length == 0 ? "." : path)) is { IsDirectory: true } directory ? directory.Entries.Keys : [];

    [GeneratedRegex(@"\$\{?([A-Za-z_][A-Za-z0-9_]*|[0-9#?])\}?", RegexOptions.NonBacktracking)]
    private static partial Regex DollarName();
}
