using System.Text;

namespace Hypervisor.Sdk.Eng.QapiGenerator;

internal sealed partial class Emitter
{
    private void EmitShapes()
    {
        Line();
        Line("/// <summary>A maker of random instances and a reader for every shape.</summary>");
        Line($"internal static class {target.Prefix}Shapes");
        Line("{");
        var objects = Types.Where(type => type.Kind is Kind.Struct or Kind.Union or Kind.Alternate).OrderBy(type => type.Name, StringComparer.Ordinal).ToList();
        var arguments = Commands.Where(TakesArgumentsClass).ToList();
        Line("    internal static readonly Shape[] All =");
        Line("    [");
        foreach (string name in objects.Select(type => type.Name).Concat(arguments.Select(command => Names.Pascal(command.Name) + "Arguments")).Concat(Events.Select(e => Names.Pascal(e.Name) + "Event")))
            Line($"        new(\"{name}\", static x => {name}(x), static (ref Utf8JsonReader r) => new {name}(ref r)),");
        Line("    ];");
        Line("    internal static readonly string[] Words =");
        Line("    [");
        foreach (var type in Types.Where(type => type.Kind == Kind.Enum).OrderBy(type => type.Name, StringComparer.Ordinal))
            Line($"        .. Shape.Words<{type.Name}>(),");
        Line("    ];");
        foreach (var type in objects)
        {
            if (type.Kind == Kind.Alternate)
                EmitAlternateMaker(type);
            else
                EmitMaker(type, type.Name);
        }

        foreach (var command in arguments)
            EmitMaker(command, Names.Pascal(command.Name) + "Arguments");
        foreach (var e in Events)
            EmitMaker(e, Names.Pascal(e.Name) + "Event");
        Line("}");
    }

    private void EmitAlternateMaker(Definition type)
    {
        // The object comes first, so that a random choice bounded by depth leaves it out.
        var ordered = type.Branches.OrderByDescending(branch => _types.IsObject(branch.Type.Name)).ToList();
        var cases = ordered.Select((member, i) =>
            $"{i} => new {type.Name} {{ {(member.Type.Name == "null" ? "IsNull = true" : $"{Names.Property(member.Name, type.Name)} = {_types.Random(member.Type)}")} }}");
        Line($"    private static {type.Name} {type.Name}(Randoms x) => x.Choose({ordered.Count}) switch {{ {string.Join(", ", cases.SkipLast(1))}, _ => {cases.Last().Split("=>", 2)[1].Trim()} }};");
    }

    private void EmitMaker(Definition definition, string name)
    {
        var members = definition.Data is { } data ? schema.AllMembers(schema.Definitions[data]) : schema.AllMembers(definition);
        var sets = members.Where(member => member.Name != definition.Discriminator)
            .Select(member => $"{Names.Property(member.Name, name)} = {(member.IsOptional ? $"x.Some() ? {_types.Random(member.Type)} : {(member.Type == new TypeName("any", false) ? "default(QapiAny?)" : "null")}" : _types.Random(member.Type))}").ToList();
        if (definition.Kind != Kind.Union)
        {
            Line($"    private static {name} {name}(Randoms x) {{ x.Enter(); var made = new {name} {{ {string.Join(", ", sets)} }}; x.Leave(); return made; }}");
            return;
        }

        var branches = BranchesOf(definition, members, name);
        string wordType = members.Find(member => member.Name == definition.Discriminator)!.Type.Name;
        Line($"    private static {name} {name}(Randoms x)");
        Line("    {");
        Line("        x.Enter();");
        Line($"        {name} made = x.Choose({branches.Count + 1}) switch");
        Line("        {");
        int index = 0;
        foreach (var (_, type, property) in branches)
            Line($"            {index++} => new() {{ {string.Join(", ", sets.Append($"{property} = {type}(x)"))} }},");
        string discriminator = Names.Property(definition.Discriminator!, name);
        Line($"            _ => new() {{ {string.Join(", ", sets.Append($"{discriminator} = new {wordType}(\"a-word-of-tomorrow\")"))} }},");
        Line("        };");
        Line("        x.Leave();");
        Line("        return made;");
        Line("    }");
    }

    /// <summary>One line for each definition: kind, name, the versions that have it, then its members with type, ? when optional, and the versions where they are fewer.</summary>
    private string EmitNames()
    {
        var text = new StringBuilder();
        text.Append("# Written by eng/generate-qapi: what the QAPI schemas of QEMU ").AppendJoin(" and ", versions).Append(" name. kind name versions members\n");
        foreach (var definition in schema.Definitions.Values.OrderBy(definition => definition.Kind).ThenBy(definition => definition.Name, StringComparer.Ordinal))
        {
            text.Append(definition.Kind.ToString().ToLowerInvariant()).Append(' ').Append(definition.Name).Append(' ').AppendJoin(',', definition.Versions.Select(version => versions[version]));
            if (definition.Data is { } data)
                text.Append(" data=").Append(data);
            if (definition.Returns is { } returns)
                text.Append(" returns=").Append(returns);
            if (definition.Discriminator is { } discriminator)
                text.Append(" tag=").Append(discriminator);
            foreach (var member in schema.AllMembers(definition))
                AppendMember(definition, member, "");
            foreach (var branch in definition.Branches)
                AppendMember(definition, branch, definition.Kind == Kind.Enum ? "" : "|");
            text.Append('\n');
        }

        foreach (var (was, now) in schema.Renamed.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            text.Append("renamed ").Append(was).Append(' ').Append(now).Append('\n');
        foreach (var definition in schema.Unused.OrderBy(definition => definition.Name, StringComparer.Ordinal))
            text.Append("unused ").Append(definition.Name).Append(' ').AppendJoin(',', definition.Versions.Select(version => versions[version])).Append('\n');
        return text.ToString();

        void AppendMember(Definition definition, Member member, string prefix)
        {
            text.Append(' ').Append(prefix).Append(member.Name);
            if (member.Type.Name is not null)
                text.Append(':').Append(member.Type);
            if (member.IsOptional)
                text.Append('?');
            if (!definition.Versions.SetEquals(member.Versions))
                text.Append('@').AppendJoin(',', member.Versions.Select(version => versions[version]));
        }
    }
}
