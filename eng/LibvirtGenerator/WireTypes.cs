namespace Hypervisor.Sdk.Eng.LibvirtGenerator;

/// <summary>How a field is written in C#: its type, how it is read and written, and how a test makes one up.</summary>
internal sealed record Wire(string Type, string Read, Func<string, string> Write, string Random, int MinBytes, bool IsReference);

/// <summary>Finds how each field is written.</summary>
internal sealed class WireTypes(Source source)
{
    private readonly Dictionary<string, (Program Program, Struct Struct)> _structs =
        source.Programs.SelectMany(program => program.Structs.Select(type => (program, type))).ToDictionary(pair => pair.type.Name, pair => (pair.program, pair.type));

    /// <summary>True for what the generator leaves alone, because it is written by hand once for all programs.</summary>
    public static bool IsByHand(string name) => name.EndsWith("_typed_param", StringComparison.Ordinal);

    public Wire Of(Field field)
    {
        // What a typedef stands for comes first; it may be repeated there or here, never in both places.
        while (source.Typedefs.TryGetValue(field.Type, out var alias))
        {
            if (alias.Type == "enum")
                return field.Repeat == Repeat.Counted ? Number(field, "int", "I32", 4) : Enum(Names.Pascal(field.Type));
            if (alias.Type == "string" && field.Repeat != Repeat.Once)
                return field.Repeat == Repeat.Optional ? OptionalString() : Strings(field.Bound);
            if (alias.Repeat != Repeat.Once && field.Repeat != Repeat.Once && alias.Type != "string")
                throw new FormatException($"{field} is repeated twice.");
            field = field.Repeat == Repeat.Once ? alias with { Name = field.Name } : field with { Type = alias.Type };
            if (field.Type == "string")
                break;
        }

        return field.Type switch
        {
            "string" when field.Repeat == Repeat.Optional => OptionalString(),
            "string" => new("string", "r.Str()", value => $"w.Str({value})", "x.Str()", 4, true),
            "opaque" when field.Repeat == Repeat.Fixed && field.Bound == 16 => new("Guid", "r.Uuid()", value => $"w.Uuid({value})", "x.Uuid()", 16, false),
            "opaque" when field.Repeat == Repeat.Counted => new("byte[]", $"r.Bytes({field.Bound})", value => $"w.Bytes({value}, {field.Bound})", $"x.Bytes({field.Bound})", 4, true),
            "char" when field.Repeat == Repeat.Counted => new("byte[]", $"r.Chars({field.Bound})", value => $"w.Chars({value}, {field.Bound})", $"x.Bytes({field.Bound})", 4, true),
            "char" when field.Repeat == Repeat.Fixed => new("byte[]", $"r.FixedChars({field.Bound})", value => $"w.FixedChars({value}, {field.Bound})", $"x.FixedBytes({field.Bound})", 4 * field.Bound, true),
            "int" => Number(field, "int", "I32", 4),
            "unsigned int" => Number(field, "uint", "U32", 4),
            "hyper" => Number(field, "long", "I64", 8),
            "unsigned hyper" => Number(field, "ulong", "U64", 8),
            "double" => Number(field, "double", "F64", 8),
            "char" => Number(field, "sbyte", "I8", 4),
            "unsigned char" => Number(field, "byte", "U8", 4),
            "unsigned short" => Number(field, "ushort", "U16", 4),
            _ => Struct(field),
        };
    }

    public int MinBytes(Struct type) => type.Fields.Sum(field => Of(field).MinBytes);

    private static Wire Enum(string name) => new(name, $"({name})r.I32()", value => $"w.I32((int){value})", $"({name})x.I32()", 4, false);

    private static Wire OptionalString() => new("string?", "r.OptionalStr()", value => $"w.OptionalStr({value})", "x.OptionalStr()", 4, true);

    private static Wire Strings(int max) => new("string[]", $"r.Strs({max})", value => $"w.Strs({value}, {max})", "x.Strs()", 4, true);

    private static Wire Number(Field field, string type, string reader, int bytes) => field.Repeat switch
    {
        Repeat.Once => new(type, $"r.{reader}()", value => $"w.{reader}({value})", $"x.{reader}()", bytes, false),
        Repeat.Counted => new($"{type}[]", $"r.{reader}s({field.Bound})", value => $"w.{reader}s({value}, {field.Bound})", $"x.{reader}s()", 4, true),
        _ => throw new FormatException($"{field}: no such number is known."),
    };

    private Wire Struct(Field field)
    {
        string name;
        int min;
        if (IsByHand(field.Type))
        {
            name = "VirTypedParameter";
            min = 12;
        }
        else
        {
            var (program, type) = _structs.TryGetValue(field.Type, out var known) ? known : throw new FormatException($"{field.Type} is not known.");
            name = Names.Struct(program, type.Name);
            min = MinBytes(type);
        }

        bool isClass = field.Type.EndsWith("_msg", StringComparison.Ordinal);
        return field.Repeat switch
        {
            Repeat.Once => new(name, $"r.One<{name}>()", value => $"w.One({value})", $"{name}(x)", min, isClass),
            Repeat.Optional when !isClass => new($"{name}?", $"r.Optional<{name}>()", value => $"w.Optional({value})", $"x.Some() ? {name}(x) : null", 4, true),
            Repeat.Counted => new($"{name}[]", $"r.Many<{name}>({field.Bound})", value => $"w.Many({value}, {field.Bound})", $"x.Many(static x => {name}(x))", 4, true),
            _ => throw new FormatException($"{field}: no such repetition is known."),
        };
    }
}
