namespace Hypervisor.Sdk.Eng.QapiGenerator;

/// <summary>How a QAPI type is written down, read and written in C#.</summary>
internal sealed class CSharpTypes(IReadOnlyDictionary<string, Definition> definitions)
{
    // QAPI builtin → C# type, reader method.
    private static readonly Dictionary<string, (string Type, string Reader)> s_builtins = new()
    {
        ["str"] = ("string", "Str"),
        ["bool"] = ("bool", "Bool"),
        ["number"] = ("double", "F64"),
        ["int"] = ("long", "I64"),
        ["int8"] = ("sbyte", "I8"),
        ["int16"] = ("short", "I16"),
        ["int32"] = ("int", "I32"),
        ["int64"] = ("long", "I64"),
        ["uint8"] = ("byte", "U8"),
        ["uint16"] = ("ushort", "U16"),
        ["uint32"] = ("uint", "U32"),
        ["uint64"] = ("ulong", "U64"),
        ["size"] = ("ulong", "U64"),
        ["any"] = ("QapiAny", "Any"),
        ["QType"] = ("string", "Str"),
    };

    public bool IsBuiltin(string name) => s_builtins.ContainsKey(name);

    public bool IsWord(string name) => definitions.TryGetValue(name, out var definition) && definition.Kind == Kind.Enum;

    public bool IsObject(string name) => definitions.TryGetValue(name, out var definition) && definition.Kind is Kind.Struct or Kind.Union;

    public bool IsReference(TypeName type) => type.IsList || type.Name == "str" || definitions.TryGetValue(type.Name, out var definition) && definition.Kind != Kind.Enum;

    public string Name(TypeName type)
    {
        string name = s_builtins.TryGetValue(type.Name, out var builtin) ? builtin.Type : definitions[type.Name].Name;
        return type.IsList ? $"IReadOnlyList<{name}>" : name;
    }

    /// <summary>An expression that reads the value that <c>r</c> stands on.</summary>
    public string Read(TypeName type)
    {
        if (type.IsList)
            return $"r.List({Decoder(type with { IsList = false })})";
        if (s_builtins.TryGetValue(type.Name, out var builtin))
            return $"r.{builtin.Reader}()";
        return IsWord(type.Name) ? $"r.Word<{type.Name}>()" : $"new {type.Name}(ref r)";
    }

    /// <summary>A delegate that does the same.</summary>
    public string Decoder(TypeName type) =>
        !type.IsList && s_builtins.TryGetValue(type.Name, out var builtin) ? $"Wire.{builtin.Reader}" : $"static (ref Utf8JsonReader r) => {Read(type)}";

    /// <summary>A statement that writes <paramref name="value"/> as a member, unless it is null.</summary>
    public string Write(string member, TypeName type, string value)
    {
        if (!type.IsList)
            return $"w.{(IsWord(type.Name) ? "PutWord" : "Put")}(\"{member}\"u8, {value});";
        return $"w.PutList(\"{member}\"u8, {value}, {ItemWriter(type.Name)});";
    }

    /// <summary>An expression that makes a random value, for the generated round trips.</summary>
    public string Random(TypeName type)
    {
        if (type.IsList)
            return $"x.List(static x => {Random(type with { IsList = false })})";
        if (s_builtins.TryGetValue(type.Name, out var builtin))
            return $"x.{builtin.Reader}()";
        return IsWord(type.Name) ? $"x.Word<{type.Name}>()" : $"{type.Name}(x)";
    }

    private string ItemWriter(string name) => name switch
    {
        "str" or "QType" => "Wire.Put",
        _ when IsBuiltin(name) => "Wire.Put",
        _ when IsWord(name) => "Wire.PutWord",
        _ => "Wire.Put",
    };
}
