using System.Globalization;
using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Eng.LibvirtGenerator;

/// <summary>Reads one .x file: the language of RFC 4506, section 6, as far as libvirt uses it.</summary>
internal sealed partial class ProtocolParser(Program program, Dictionary<string, long> constants, Dictionary<string, Field> typedefs)
{
    private List<string> _tokens = [];
    private int _next;

    public void Parse(string text)
    {
        ReadStreams(text, out var streams);
        text = Regex.Replace(Regex.Replace(text, @"/\*.*?\*/", " ", RegexOptions.Singleline), "(?m)^%.*$", "");
        _tokens = Token().Matches(text).Select(match => match.Value).ToList();
        _next = 0;
        while (_next < _tokens.Count)
        {
            switch (Take())
            {
                case "const":
                    ParseConstant();
                    break;
                case "typedef":
                    var alias = ParseField();
                    typedefs[alias.Name] = alias;
                    break;
                case "enum":
                    ParseEnum(streams);
                    break;
                case "struct":
                    ParseStruct();
                    break;
                case "union":
                    ParseUnion();
                    break;
                case var other:
                    throw new FormatException($"{program.Name}: '{other}' begins no definition.");
            }
        }
    }

    /// <summary>Which procedures have a stream stands in the annotation above each.</summary>
    private static void ReadStreams(string text, out Dictionary<string, StreamDirection> streams)
    {
        streams = [];
        foreach (Match match in Annotated().Matches(text))
        {
            string notes = match.Groups[1].Value;
            streams[match.Groups[2].Value] = notes.Contains("@readstream", StringComparison.Ordinal) ? StreamDirection.FromServer
                : notes.Contains("@writestream", StringComparison.Ordinal) ? StreamDirection.ToServer : StreamDirection.None;
        }
    }

    private void ParseConstant()
    {
        string name = Take();
        Expect("=");
        long value = Value(Take());
        constants[name] = value;
        Expect(";");
        if (name.EndsWith("_PROGRAM", StringComparison.Ordinal))
            program.Number = (uint)value;
        else if (name.EndsWith("_PROTOCOL_VERSION", StringComparison.Ordinal))
            program.Version = (uint)value;
    }

    private void ParseEnum(Dictionary<string, StreamDirection> streams)
    {
        string name = Take();
        Expect("{");
        var members = new List<(string Name, long Value)>();
        while (Peek() != "}")
        {
            string member = Take();
            Expect("=");
            members.Add((member, Value(Take())));
            if (Peek() == ",")
                Take();
        }

        Expect("}");
        Expect(";");
        if (!name.EndsWith("_procedure", StringComparison.Ordinal))
        {
            program.Enums.Add(new EnumType(name, members));
            typedefs[name] = new Field("enum", name);
            return;
        }

        foreach (var (member, number) in members)
            program.Procedures.Add(new Procedure(member[(member.IndexOf("_PROC_", StringComparison.Ordinal) + 6)..], (int)number, streams.GetValueOrDefault(member)));
    }

    private void ParseStruct()
    {
        string name = Take();
        Expect("{");
        var fields = new List<Field>();
        while (Peek() != "}")
            fields.Add(ParseField());
        Expect("}");
        Expect(";");
        program.Structs.Add(new Struct(name, fields));
    }

    private void ParseUnion()
    {
        string name = Take();
        Expect("switch");
        Expect("(");
        string type = Take();
        Take();
        Expect(")");
        Expect("{");
        var arms = new List<(string, Field)>();
        while (Peek() != "}")
        {
            Expect("case");
            string value = Take();
            Expect(":");
            arms.Add((value, ParseField()));
        }

        Expect("}");
        Expect(";");
        program.Unions.Add(new Union(name, type, arms));
    }

    private Field ParseField()
    {
        string type = Take();
        if (type == "unsigned")
            type += Peek() is "int" or "hyper" or "char" or "short" ? " " + Take() : " int";
        var repeat = Repeat.Once;
        int bound = 0;
        if (Peek() == "*")
        {
            Take();
            repeat = Repeat.Optional;
        }

        string name = Take();
        if (Peek() is "<" or "[")
        {
            repeat = Take() == "<" ? Repeat.Counted : Repeat.Fixed;
            bound = checked((int)Value(Take()));
            Take();
        }

        Expect(";");
        return new Field(type, name, repeat, bound);
    }

    private long Value(string token) => token switch
    {
        "-" => -Value(Take()),
        _ when token.StartsWith("0x", StringComparison.Ordinal) => long.Parse(token.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
        _ when char.IsDigit(token[0]) => long.Parse(token, CultureInfo.InvariantCulture),
        _ => constants.TryGetValue(token, out long value) ? value : throw new FormatException($"{program.Name}: '{token}' is not known."),
    };

    private string Peek() => _tokens[_next];

    private string Take() => _tokens[_next++];

    private void Expect(string token)
    {
        string found = Take();
        if (found != token)
            throw new FormatException($"{program.Name}: '{found}' where '{token}' is expected, after {string.Join(' ', _tokens[Math.Max(0, _next - 8)..(_next - 1)])}.");
    }

    [GeneratedRegex(@"\w+|[^\w\s]")]
    private static partial Regex Token();

    [GeneratedRegex(@"/\*\*((?:[^*]|\*(?!/))*)\*/\s*(\w+_PROC_\w+)\s*=")]
    private static partial Regex Annotated();
}
