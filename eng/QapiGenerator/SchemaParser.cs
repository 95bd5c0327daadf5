using System.Globalization;

namespace Hypervisor.Sdk.Eng.QapiGenerator;

/// <summary>
/// Reads the notation of QAPI schema files: JSON with single quotes, bare <c>true</c> and <c>false</c>, and comments from <c>#</c> to the end of the line
/// (docs/devel/qapi-code-gen, "Schema syntax"). Objects come out as lists of pairs, because the order of members is part of the shape.
/// </summary>
internal sealed class SchemaParser(string text, string file)
{
    private int _position;

    /// <summary>Every top-level expression of the file.</summary>
    public static List<Node> ParseFile(string path)
    {
        var parser = new SchemaParser(File.ReadAllText(path), path);
        var expressions = new List<Node>();
        while (parser.SkipBlanks())
            expressions.Add(parser.ParseValue());
        return expressions;
    }

    private Node ParseValue()
    {
        SkipBlanks();
        switch (Peek())
        {
            case '{':
                return ParseObject();
            case '[':
                return ParseList();
            case '\'':
                return new Node { Text = ParseString() };
            default:
                if (Take("true"))
                    return new Node { Flag = true };
                if (Take("false"))
                    return new Node { Flag = false };
                throw Wrong("a value");
        }
    }

    private Node ParseObject()
    {
        Expect('{');
        var members = new List<KeyValuePair<string, Node>>();
        while (!TryTake('}'))
        {
            if (members.Count > 0)
                Expect(',');
            SkipBlanks();
            string key = ParseString();
            Expect(':');
            members.Add(new(key, ParseValue()));
        }

        return new Node { Members = members };
    }

    private Node ParseList()
    {
        Expect('[');
        var items = new List<Node>();
        while (!TryTake(']'))
        {
            if (items.Count > 0)
                Expect(',');
            items.Add(ParseValue());
        }

        return new Node { Items = items };
    }

    private string ParseString()
    {
        if (Peek() != '\'')
            throw Wrong("a string");
        int end = text.IndexOf('\'', _position + 1);
        string value = text[(_position + 1)..end];
        _position = end + 1;
        return value;
    }

    private char Peek() => _position < text.Length ? text[_position] : '\0';

    private bool Take(string word)
    {
        if (!text.AsSpan(_position).StartsWith(word, StringComparison.Ordinal))
            return false;
        _position += word.Length;
        return true;
    }

    private bool TryTake(char c)
    {
        SkipBlanks();
        if (Peek() != c)
            return false;
        _position++;
        return true;
    }

    private void Expect(char c)
    {
        if (!TryTake(c))
            throw Wrong($"'{c}'");
    }

    private bool SkipBlanks()
    {
        while (_position < text.Length)
        {
            if (text[_position] == '#')
            {
                int end = text.IndexOf('\n', _position);
                _position = end < 0 ? text.Length : end;
            }
            else if (char.IsWhiteSpace(text[_position]))
            {
                _position++;
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    private FormatException Wrong(string expected) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{file}: expected {expected} in line {text.AsSpan(0, _position).Count('\n') + 1}."));
}

/// <summary>One value of a schema file: text, a flag, a list or an object.</summary>
internal sealed class Node
{
    public string? Text { get; init; }

    public bool? Flag { get; init; }

    public List<Node>? Items { get; init; }

    public List<KeyValuePair<string, Node>>? Members { get; init; }

    public Node? this[string key] => Members?.FirstOrDefault(member => member.Key == key).Value;
}
