namespace Hypervisor.Sdk.Eng.LxdGenerator;

/// <summary>The models that operations use, and how schemas are written in C#.</summary>
internal sealed class Types(IReadOnlyList<Source> sources)
{
    /// <summary>Definitions that are reached, by their C# name, in order of that name.</summary>
    public SortedDictionary<string, List<(string Json, string Type)>> Models { get; } = new(StringComparer.Ordinal);

    /// <summary>The C# type of a schema, without the question mark.</summary>
    public string Of(YamlNode schema)
    {
        if (schema["$ref"].Text is { } reference)
            return OfDefinition(reference["#/definitions/".Length..]);
        switch (schema["type"].Text)
        {
            case "string": return schema["format"].Text == "date-time" ? "DateTimeOffset" : "string";
            case "boolean": return "bool";
            case "number": return "double";
            case "integer": return schema["format"].Text switch { "uint64" => "ulong", "uint32" => "uint", "uint16" => "ushort", _ => "long" };
            case "array": return $"IList<{Of(schema["items"])}>";
        }

        if (schema.Has("additionalProperties"))
            return $"IDictionary<string, {Of(schema["additionalProperties"])}>";
        return "JsonElement";
    }

    private string OfDefinition(string name)
    {
        var known = sources.Where(source => source.Definitions.ContainsKey(name)).Select(source => source.Definitions[name]).ToList();
        if (known.Count == 0)
            throw new FormatException($"There is no definition '{name}'.");
        if (known[^1]["properties"].Entries.Count == 0)
            return Of(known[^1]);
        string type = "Lxd" + Names.Pascal(name);
        if (Models.ContainsKey(type))
            return type;
        var properties = new List<(string, string)>();
        Models.Add(type, properties);
        foreach (var (json, schema) in known.SelectMany(definition => definition["properties"].Entries))
        {
            string own = Of(schema);
            if (properties.Find(property => property.Item1 == json) is { Item1: not null } earlier)
            {
                int at = properties.IndexOf(earlier);
                properties[at] = (json, Wider(earlier.Item2, own) ?? throw new FormatException($"{name}.{json} is {earlier.Item2} and {own}."));
                continue;
            }

            properties.Add((json, own));
        }

        return type;
    }

    /// <summary>The type that holds what either says.</summary>
    private static string? Wider(string one, string other)
    {
        if (one == other)
            return one;
        return (one, other) is ("IDictionary<string, JsonElement>", "IDictionary<string, string>") or ("IDictionary<string, string>", "IDictionary<string, JsonElement>") ? "IDictionary<string, JsonElement>" : null;
    }
}
