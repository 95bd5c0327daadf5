namespace Hypervisor.Sdk.Eng.QapiGenerator;

internal sealed partial class Emitter
{
    private void EmitClient(IEnumerable<Definition> commands)
    {
        Line();
        Line($"public sealed partial class {target.ClientClass}");
        Line("{");
        bool first = true;
        foreach (var command in commands)
        {
            if (!first)
                Line();
            EmitCommand(command);
            first = false;
        }

        Line("}");
    }

    private void EmitCommand(Definition command)
    {
        string verb = $"{target.Prefix}Commands.{Names.Pascal(command.Name)}";
        string method = Names.Pascal(command.Name.StartsWith(target.CommandPrefix, StringComparison.Ordinal) ? command.Name[target.CommandPrefix.Length..] : command.Name) + "Async";
        string result = command.Returns is { } returns ? $"ValueTask<{_types.Name(returns)}>" : "ValueTask";
        string call = command.HasReply ? "CallAsync" : "CallWithoutReplyAsync";
        string decoder = command.Returns is { } type ? $", {ResultDecoder(type)}" : "";
        string oobParameter = command.AllowsOob ? "bool outOfBand = false, " : "";
        string tail = (command.AllowsOob ? ", outOfBand" : "") + ", cancellationToken";
        var members = ArgumentsOf(command);

        Line($"    /// <summary>{Describe($"{target.Protocol} command {command.Name}", command.Versions, command.Features)}{(command.HasReply ? "" : " The server does not answer it on success.")}</summary>");
        string signature = $"    public {result} {method}(";
        if (command.Data is not null && (command.IsBoxed || HasUnionData(command) || !IsDirect(members)))
        {
            string data = command.Data;
            Line($"{signature}{data} arguments, {oobParameter}CancellationToken cancellationToken = default) =>");
            Line($"        {call}({verb}, arguments{decoder}{tail});");
        }
        else if (members.Count == 0 && command.IsClosed)
        {
            Line($"{signature}{oobParameter}CancellationToken cancellationToken = default) =>");
            Line($"        {call}({verb}{decoder}{tail});");
        }
        else if (TakesArgumentsClass(command))
        {
            string optional = members.All(member => member.IsOptional) ? "? arguments = null" : " arguments";
            string arguments = members.All(member => member.IsOptional) ? $"arguments ?? new {Names.Pascal(command.Name)}Arguments()" : "arguments";
            Line($"{signature}{Names.Pascal(command.Name)}Arguments{optional}, {oobParameter}CancellationToken cancellationToken = default) =>");
            Line($"        {call}({verb}, {arguments}{decoder}{tail});");
        }
        else
        {
            var ordered = members.OrderBy(member => member.IsOptional).ToList();
            string parameters = string.Concat(ordered.Select(member => $"{_types.Name(member.Type)}{(member.IsOptional ? "?" : "")} {Names.Parameter(member.Name)}{(member.IsOptional ? " = null" : "")}, "));
            string state = members.Count == 1 ? Names.Parameter(ordered[0].Name) : $"({string.Join(", ", ordered.Select(member => Names.Parameter(member.Name)))})";
            string writes = string.Join(' ', members.Select(member =>
                _types.Write(member.Name, member.Type, members.Count == 1 ? "a" : "a." + Names.Parameter(member.Name))));
            Line($"{signature}{parameters}{oobParameter}CancellationToken cancellationToken = default) =>");
            Line($"        {call}({verb}, {state}, static (w, a) => {{ {writes} }}{decoder}{tail});");
        }
    }

    private string ResultDecoder(TypeName type) => type.IsList
        ? $"static (ref Utf8JsonReader r) => (IReadOnlyList<{_types.Name(type with { IsList = false })}>){_types.Read(type)}"
        : _types.Decoder(type);

    private void EmitCommandTable()
    {
        Line();
        Line($"internal static class {target.Prefix}Commands");
        Line("{");
        int index = 0;
        foreach (var command in Commands)
            Line($"    internal static readonly QapiCommand {Names.Pascal(command.Name)} = new({index++}, \"{command.Name}\");");
        Line($"    internal static readonly QapiCommand[] All = [{string.Join(", ", Commands.Select(command => Names.Pascal(command.Name)))}];");
        Line("}");
    }

    private void EmitEventTable()
    {
        Line();
        var every = new SortedSet<int>(Enumerable.Range(0, versions.Count));
        var words = Events.Select(e => new Member { Name = e.Name, Type = default, IsOptional = false, Versions = e.Versions, Features = e.Features }).ToList();
        EmitWords("QmpEventName", "The name of a QMP event.", words, every);
        Line();
        Line("internal static class QmpEvents");
        Line("{");
        Line("    internal static QmpEvent Read(int index, ref Utf8JsonReader r, DateTimeOffset? at) => index switch");
        Line("    {");
        int index = 0;
        foreach (var e in Events)
            Line($"        {index++} => new {Names.Pascal(e.Name)}Event(ref r) {{ Timestamp = at }},");
        Line("        _ => throw new ArgumentOutOfRangeException(nameof(index)),");
        Line("    };");
        Line("}");
    }
}
