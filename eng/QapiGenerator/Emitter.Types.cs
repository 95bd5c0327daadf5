namespace Hypervisor.Sdk.Eng.QapiGenerator;

internal sealed partial class Emitter
{
    private void EmitType(Definition type)
    {
        switch (type.Kind)
        {
            case Kind.Enum:
                EmitWords(type.Name, Describe($"QAPI enum {type.Name}", type.Versions, type.Features), type.Branches, type.Versions);
                break;
            case Kind.Alternate:
                EmitAlternate(type);
                break;
            default:
                EmitObject(type, type.Name, "QapiObject", Describe($"QAPI {type.Kind.ToString().ToLowerInvariant()} {type.Name}", type.Versions, type.Features));
                break;
        }
    }

    private void EmitArguments(Definition command) =>
        EmitObject(command, Names.Pascal(command.Name) + "Arguments", command.IsClosed ? "QapiObject" : "QapiOpenObject", $"The arguments of {command.Name}.");

    private void EmitEvent(Definition e) =>
        EmitObject(e, Names.Pascal(e.Name) + "Event", "QmpEvent", Describe($"QMP event {e.Name}", e.Versions, e.Features));

    private void EmitWords(string name, string summary, List<Member> words, SortedSet<int> inVersions)
    {
        Line($"/// <summary>{summary} Words that a newer server adds are kept.</summary>");
        Line("/// <param name=\"Text\">The word as it is on the wire.</param>");
        Line($"public readonly record struct {name}(string Text) : IQapiWord<{name}>");
        Line("{");
        foreach (var word in words)
        {
            Line($"    /// <summary>{Describe(word.Name, word.Versions, word.Features, inVersions)}</summary>");
            Line($"    public static {name} {WordName(word.Name, name)} => new(\"{word.Name}\");");
        }

        Line("    /// <inheritdoc />");
        Line("    public override string ToString() => Text ?? \"\";");
        Line($"    static QapiWords IQapiWord<{name}>.Known {{ get; }} = new({string.Join(", ", words.Select(word => $"\"{word.Name}\""))});");
        Line($"    static {name} IQapiWord<{name}>.Of(string text) => new(text);");
        Line("}");
    }

    private static string WordName(string word, string owner)
    {
        string name = Names.Property(word, owner);
        return name == "Text" ? "TextValue" : name;
    }

    private void EmitObject(Definition definition, string name, string baseName, string summary)
    {
        var members = definition.Data is { } data && !HasUnionData(definition) ? schema.AllMembers(schema.Definitions[data]) : schema.AllMembers(definition);
        if (HasUnionData(definition))
            throw new NotSupportedException($"{definition.Name} has a union for its data: generate it as one member.");
        var branches = definition.Kind == Kind.Union ? BranchesOf(definition, members, name) : [];
        var required = members.Where(member => IsRequired(member, definition)).ToList();
        if (required.Count > 64)
            throw new NotSupportedException($"{name} has more than 64 required members.");

        Line($"/// <summary>{summary}</summary>");
        Line($"public sealed class {name} : {baseName}");
        Line("{");
        if (branches.Count > 0)
            Line("    private readonly QapiObject? _branch;");
        Line("    /// <summary>Makes one to fill.</summary>");
        Line($"    public {name}() {{ }}");
        EmitReader(definition, name, members, required, branches);
        if (baseName == "QmpEvent")
        {
            Line("    /// <inheritdoc />");
            Line($"    public override QmpEventName EventName => QmpEventName.{WordName(definition.Name, "QmpEventName")};");
        }

        foreach (var member in members)
            EmitProperty(definition, member, name);
        foreach (var (word, type, property) in branches)
        {
            string discriminator = Names.Property(definition.Discriminator!, name);
            string wordType = members.Find(member => member.Name == definition.Discriminator)!.Type.Name;
            Line($"    /// <summary>{Describe($"What only {definition.Discriminator} {word.Name} has; setting it sets that", word.Versions, word.Features, definition.Versions)}</summary>");
            Line($"    public {type}? {property} {{ get => {discriminator}.Text == \"{word.Name}\" ? _branch as {type} : null; init {{ {discriminator} = {wordType}.{WordName(word.Name, wordType)}; _branch = value; }} }}");
        }

        if (members.Count > 0 || branches.Count > 0)
        {
            Line("    internal override void WriteMembers(Utf8JsonWriter w)");
            Line("    {");
            foreach (var member in members)
                Line($"        {(IsAlsoInBranch(definition, member) ? "if (_branch is null) " : "")}{_types.Write(member.Name, member.Type, Names.Property(member.Name, name))}");
            if (branches.Count > 0)
                Line("        _branch?.WriteMembers(w);");
            if (!definition.IsClosed)
                Line("        base.WriteMembers(w);");
            Line("    }");
        }
        else
        {
            Line("    internal override void WriteMembers(Utf8JsonWriter w) { }");
        }

        Line("}");
    }

    /// <summary>A member that an older version has beside the branches, and a newer one in one of them.</summary>
    private bool IsAlsoInBranch(Definition definition, Member member) => definition.Kind == Kind.Union && member.Name != definition.Discriminator
        && definition.Branches.Exists(branch => schema.AllMembers(schema.Definitions[branch.Type.Name]).Exists(inner => inner.Name == member.Name));

    private static bool IsRequired(Member member, Definition definition) =>
        !member.IsOptional && (member.Name != definition.Discriminator || member.Versions.IsSupersetOf(definition.Versions));

    private void EmitReader(Definition definition, string name, List<Member> members, List<Member> required, List<(Member Word, string Type, string Property)> branches)
    {
        if (required.Count > 0)
            Line("    [SetsRequiredMembers]");
        Line($"    internal {name}(ref Utf8JsonReader r)");
        Line("    {");
        if (members.Count == 0 && branches.Count == 0)
        {
            Line("        r.SkipObject();");
            Line("    }");
            return;
        }

        if (branches.Count > 0)
            Line("        var start = r;");
        if (required.Count > 0)
            Line("        ulong seen = 0;");
        Line("        for (r.Open(); r.NextMember();)");
        Line("        {");
        string branch = "if";
        foreach (var member in members)
        {
            int bit = required.IndexOf(member);
            string mark = bit >= 0 ? $" seen |= {1ul << bit};" : "";
            Line($"            {branch} (r.Is(\"{member.Name}\"u8)) {{ {Names.Property(member.Name, name)} = {_types.Read(member.Type)};{mark} }}");
            branch = "else if";
        }

        Line(definition.IsClosed ? "            else r.SkipMember();" : "            else Properties.Add(r.MemberName(), r.NextAny());");
        Line("        }");
        if (required.Count > 0)
        {
            ulong all = required.Count == 64 ? ulong.MaxValue : (1ul << required.Count) - 1;
            Line($"        if (seen != {all}) Wire.Missing(seen, \"{name}\", \"{string.Join(' ', required.Select(member => member.Name))}\");");
        }

        if (branches.Count > 0)
        {
            Line($"        _branch = {Names.Property(definition.Discriminator!, name)}.Text switch");
            Line("        {");
            foreach (var group in branches.GroupBy(candidate => candidate.Type))
                Line($"            {string.Join(" or ", group.Select(candidate => $"\"{candidate.Word.Name}\""))} => new {group.Key}(ref start),");
            Line("            _ => null,");
            Line("        };");
        }

        Line("    }");
    }

    private void EmitProperty(Definition definition, Member member, string owner)
    {
        string optional = member.IsOptional ? "?" : "";
        string required = !member.IsOptional && member.Name != definition.Discriminator ? "required " : "";
        Line($"    /// <summary>{Describe(member.Name, member.Versions, member.Features, definition.Versions)}</summary>");
        Line($"    public {required}{_types.Name(member.Type)}{optional} {Names.Property(member.Name, owner)} {{ get; init; }}");
    }

    private List<(Member Word, string Type, string Property)> BranchesOf(Definition union, List<Member> members, string owner)
    {
        var branches = new List<(Member, string, string)>();
        var taken = members.Select(member => Names.Property(member.Name, owner)).ToHashSet();
        foreach (var word in union.Branches)
        {
            string property = Names.Property(word.Name, owner);
            if (!taken.Add(property))
                taken.Add(property += "Branch");
            branches.Add((word, word.Type.Name, property));
        }

        return branches;
    }

    private void EmitAlternate(Definition type)
    {
        Line($"/// <summary>{Describe($"QAPI alternate {type.Name}: exactly one of its members", type.Versions, type.Features)}</summary>");
        Line($"public sealed class {type.Name} : QapiValue");
        Line("{");
        Line("    /// <summary>Makes one to set one member of.</summary>");
        Line($"    public {type.Name}() {{ }}");
        Line($"    internal {type.Name}(ref Utf8JsonReader r)");
        Line("    {");
        string branch = "if";
        foreach (var member in type.Branches)
        {
            string read = member.Type.Name == "null" ? "IsNull = true" : $"{Names.Property(member.Name, type.Name)} = {_types.Read(member.Type)}";
            Line($"        {branch} (r.TokenType is {Tokens(member.Type)}) {read};");
            branch = "else if";
        }

        Line($"        else throw Wire.Unexpected(ref r, \"{type.Name}\");");
        Line("    }");
        foreach (var member in type.Branches)
        {
            string property = Names.Property(member.Name, type.Name);
            Line($"    /// <summary>{Describe(member.Name, member.Versions, member.Features, type.Versions)}</summary>");
            if (member.Type.Name == "null")
            {
                Line("    public bool IsNull { get; init; }");
                continue;
            }

            Line($"    public {_types.Name(member.Type)}? {property} {{ get; init; }}");
            if (!member.Type.IsList)
            {
                Line($"    /// <summary>One with {member.Name}.</summary>");
                Line($"    public static implicit operator {type.Name}({_types.Name(member.Type)} value) => new() {{ {property} = value }};");
            }
        }

        Line("    /// <inheritdoc />");
        Line("    public override void WriteTo(Utf8JsonWriter writer)");
        Line("    {");
        branch = "if";
        foreach (var member in type.Branches)
        {
            string property = Names.Property(member.Name, type.Name);
            Line(member.Type.Name == "null"
                ? $"        {branch} (IsNull) writer.WriteNullValue();"
                : $"        {branch} ({property} is {{ }} {Names.Parameter(member.Name)}) {ItemWrite(member.Type, Names.Parameter(member.Name))};");
            branch = "else if";
        }

        Line($"        else throw Wire.Empty(\"{type.Name}\");");
        Line("    }");
        Line("}");
    }

    private string ItemWrite(TypeName type, string value) => type.IsList
        ? $"Wire.PutItems(writer, {value}, Wire.Put)"
        : _types.IsWord(type.Name) ? $"Wire.PutWord(writer, {value})" : $"Wire.Put(writer, {value})";

    private string Tokens(TypeName type)
    {
        if (type.IsList)
            return "JsonTokenType.StartArray";
        if (_types.IsObject(type.Name))
            return "JsonTokenType.StartObject";
        return type.Name switch
        {
            "null" => "JsonTokenType.Null",
            "bool" => "JsonTokenType.True or JsonTokenType.False",
            "str" => "JsonTokenType.String",
            _ when _types.IsWord(type.Name) => "JsonTokenType.String",
            _ => "JsonTokenType.Number",
        };
    }
}
