namespace Hypervisor.Sdk.Eng.LxdGenerator;

/// <summary>The part of YAML that the API definitions are written in: block mappings, block sequences, scalars. Of a scalar of several lines only the first is kept: those are prose.</summary>
internal sealed class Yaml
{
    private readonly List<(int Indent, string Text)> _lines = [];
    private int _at;

    private Yaml(string text)
    {
        foreach (string line in text.Split('\n'))
        {
            string trimmed = line.TrimEnd().TrimStart(' ');
            if (trimmed.Length > 0 && trimmed[0] != '#')
                _lines.Add((line.Length - line.TrimStart(' ').Length, trimmed));
        }
    }

    public static YamlNode Parse(string text) => new Yaml(text).ReadBlock(0);

    private YamlNode ReadBlock(int indent)
    {
        var node = new YamlNode();
        while (_at < _lines.Count && _lines[_at].Indent == indent)
        {
            string text = _lines[_at].Text;
            if (text.StartsWith("- ", StringComparison.Ordinal))
            {
                _lines[_at] = (indent + 2, text[2..]);
                node.Items.Add(IsEntry(text[2..]) ? ReadBlock(indent + 2) : ReadScalar(text[2..], indent));
                continue;
            }

            (string key, string value) = Split(text);
            node.Entries.Add((key, ReadValue(value, indent)));
        }

        return node;
    }

    private YamlNode ReadValue(string value, int indent)
    {
        if (value.Length == 0 && _at + 1 < _lines.Count && _lines[_at + 1].Indent > indent)
        {
            _at++;
            return ReadBlock(_lines[_at].Indent);
        }

        return ReadScalar(value, indent);
    }

    private YamlNode ReadScalar(string value, int indent)
    {
        _at++;
        while (_at < _lines.Count && _lines[_at].Indent > indent)
            _at++;
        return new YamlNode { Text = value.Length > 1 && value[0] is '\'' or '"' ? value.Trim(value[0]) : value };
    }

    private static bool IsEntry(string text) => text[0] is not ('\'' or '"') && (text.EndsWith(':') || text.Contains(": ", StringComparison.Ordinal));

    private static (string Key, string Value) Split(string text)
    {
        int end = text[0] is '"' or '\'' ? text.IndexOf(text[0], 1) + 1 : text.IndexOf(": ", StringComparison.Ordinal) is >= 0 and var at ? at : text.Length - 1;
        if (end <= 0 || text[end] != ':')
            throw new FormatException($"'{text}' is no entry of a mapping.");
        return (text[..end].Trim('"', '\''), text[(end + 1)..].Trim());
    }
}
