using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.CloudInit;

/// <summary>
/// Documents in YAML 1.1, in the one form that nothing can break out of: mappings and sequences by indentation, texts always in double quotes with everything else escaped. Keys are the program's own words or quoted likewise.
/// </summary>
internal abstract class Yaml
{
    public static implicit operator Yaml(string text) => new Text(text);

    public static implicit operator Yaml(bool value) => new Plain(value ? "true" : "false");

    public static implicit operator Yaml(int value) => new Plain(value.ToString(CultureInfo.InvariantCulture));

    public static Yaml List(IEnumerable<Yaml> items) => new Sequence([.. items]);

    public static Yaml List(IEnumerable<string> items) => new Sequence([.. items.Select(item => (Yaml)item)]);

    /// <summary>The document, ending with a line end.</summary>
    public string Write()
    {
        var output = new StringBuilder();
        Write(output, 0, isInline: false);
        return output.ToString();
    }

    /// <param name="output">Where to.</param>
    /// <param name="indent">How far it is indented.</param>
    /// <param name="isInline">Whether something precedes it on its line.</param>
    protected abstract void Write(StringBuilder output, int indent, bool isInline);

    private static void Quote(StringBuilder output, string text)
    {
        output.Append('"');
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                output.Append(CultureInfo.InvariantCulture, $"\\U{char.ConvertToUtf32(c, text[++i]):X8}");
            else if (c is '"' or '\\')
                output.Append('\\').Append(c);
            else if (c == '\n')
                output.Append("\\n");
            else if (c is >= ' ' and <= '~')
                output.Append(c);
            else
                output.Append(CultureInfo.InvariantCulture, $"\\u{(int)(char.IsSurrogate(c) ? '\uFFFD' : c):X4}");
        }

        output.Append('"');
    }

    /// <summary>A mapping; what is null is left away.</summary>
    public sealed class Mapping : Yaml
    {
        private readonly List<(string Key, Yaml Value)> _members = [];

        public bool IsEmpty => _members.Count == 0;

        public Mapping Add(string key, Yaml? value)
        {
            if (value is not (null or Sequence { IsEmpty: true } or Mapping { IsEmpty: true }))
                _members.Add((key, value));
            return this;
        }

        protected override void Write(StringBuilder output, int indent, bool isInline)
        {
            if (IsEmpty)
            {
                output.Append("{}\n");
                return;
            }

            for (int i = 0; i < _members.Count; i++)
            {
                if (i > 0 || !isInline)
                    output.Append(' ', indent);
                var (key, value) = _members[i];
                if (key.All(c => char.IsAsciiLetter(c) || c == '_') && key is not ("y" or "n" or "yes" or "no" or "on" or "off" or "true" or "false" or "null"))
                    output.Append(key);
                else
                    Quote(output, key);
                output.Append(':');
                if (value is Mapping or Sequence)
                {
                    output.Append('\n');
                    value.Write(output, indent + 2, isInline: false);
                }
                else
                {
                    output.Append(' ');
                    value.Write(output, indent + 2, isInline: true);
                }
            }
        }
    }

    private sealed class Sequence(IReadOnlyList<Yaml> items) : Yaml
    {
        public bool IsEmpty => items.Count == 0;

        protected override void Write(StringBuilder output, int indent, bool isInline)
        {
            if (IsEmpty)
                output.Append("[]\n");
            for (int i = 0; i < items.Count; i++)
            {
                if (i > 0 || !isInline)
                    output.Append(' ', indent);
                output.Append("- ");
                items[i].Write(output, indent + 2, isInline: true);
            }
        }
    }

    private sealed class Text(string text) : Yaml
    {
        protected override void Write(StringBuilder output, int indent, bool isInline)
        {
            Quote(output, text);
            output.Append('\n');
        }
    }

    private sealed class Plain(string word) : Yaml
    {
        protected override void Write(StringBuilder output, int indent, bool isInline) => output.Append(word).Append('\n');
    }
}
