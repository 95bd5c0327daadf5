namespace Hypervisor.Sdk.Eng.LibvirtGenerator;

/// <content>Procedures, the methods that call them, and the events that arrive by them.</content>
internal sealed partial class Emitter
{
    // These send or receive file descriptors beside the message.
    private static readonly HashSet<string> s_withDescriptors =
        ["DOMAIN_CREATE_XML_WITH_FILES", "DOMAIN_CREATE_WITH_FILES", "DOMAIN_OPEN_GRAPHICS", "DOMAIN_OPEN_GRAPHICS_FD", "DOMAIN_FD_ASSOCIATE", "DOMAIN_MONITOR_COMMAND_WITH_FILES"];

    private static string Client(Program program) => program.Name == "admin" ? "LibvirtAdminConnection" : "LibvirtConnection";

    private static bool HasMethod(Program program, Procedure procedure) =>
        program.Name is not ("keepalive" or "lxc") && program.Message(procedure) is null && !s_withDescriptors.Contains(procedure.Name);

    /// <summary>What the connection itself does: opening, authentication, registering events.</summary>
    private static bool IsInternal(Procedure procedure) =>
        procedure.Name is "CONNECT_OPEN" or "CONNECT_CLOSE" || procedure.Name.StartsWith("AUTH_", StringComparison.Ordinal)
        || procedure.Name.Contains("EVENT_REGISTER", StringComparison.Ordinal) || procedure.Name.Contains("EVENT_DEREGISTER", StringComparison.Ordinal)
        || procedure.Name.Contains("EVENT_CALLBACK_REGISTER", StringComparison.Ordinal) || procedure.Name.Contains("EVENT_CALLBACK_DEREGISTER", StringComparison.Ordinal)
        || procedure.Name.Contains("MONITOR_EVENT_", StringComparison.Ordinal) || procedure.Name.Contains("CLOSE_CALLBACK_", StringComparison.Ordinal);

    private void EmitProcedures(Program program)
    {
        string name = Names.Pascal(program.Name);
        Line();
        Line($"/// <summary>The procedures of the program {program.Name}.</summary>");
        Line($"internal static class {name}Procedures");
        Line("{");
        Line($"    internal const uint Program = 0x{program.Number:x8};");
        Line($"    internal const uint Version = {program.Version};");
        Line();
        foreach (var procedure in program.Procedures.OrderBy(procedure => procedure.Number))
            Line($"    internal static readonly LibvirtProcedure {Names.Pascal(procedure.Name)} = new(Program, {procedure.Number}, \"{program.Prefix.ToUpperInvariant()}_{procedure.Name}\");");
        Line();
        Line("    internal static readonly LibvirtProcedure[] All =");
        Line("    [");
        foreach (var procedure in program.Procedures.OrderBy(procedure => procedure.Number))
            Line($"        {Names.Pascal(procedure.Name)},");
        Line("    ];");
        Line("}");
    }

    private void EmitClient(string client, IEnumerable<(Program Program, Procedure Procedure)> procedures)
    {
        Line();
        Line($"/// <content>Calls.</content>");
        Line($"public sealed partial class {client}");
        Line("{");
        bool isFirst = true;
        foreach (var (program, procedure) in procedures)
        {
            if (!isFirst)
                Line();
            isFirst = false;
            EmitMethod(program, procedure);
        }

        Line("}");
    }

    private void EmitMethod(Program program, Procedure procedure)
    {
        var arguments = program.Arguments(procedure);
        var result = program.Result(procedure);
        string table = Names.Pascal(program.Name) + "Procedures";
        var parameters = new List<string>();
        foreach (var field in arguments?.Fields ?? [])
        {
            bool isLast = field == arguments!.Fields[^1];
            parameters.Add($"{_wire.Of(field).Type} {Names.Parameter(field.Name)}{(isLast && field.Name == "flags" ? " = 0" : "")}");
        }

        parameters.Add("CancellationToken cancellationToken = default");
        string made = arguments is null ? "default(NoArguments)"
            : $"new {Names.Struct(program, arguments.Name)} {{ {string.Join(", ", arguments.Fields.Select(field => $"{Names.Pascal(field.Name)} = {Names.Parameter(field.Name)}"))} }}";
        string prefix = program.Name == "qemu" ? "Qemu" : "";
        string? type = result is null ? null : result.Fields.Count == 1 ? _wire.Of(result.Fields[0]).Type : Names.Struct(program, result.Name);
        string read = result is null ? "" : result.Fields.Count == 1 ? $", static (ref XdrReader r) => {ReadOf(result.Fields[0])}" : $", static (ref XdrReader r) => r.One<{type}>()";
        string call = procedure.Stream switch
        {
            StreamDirection.None => "CallAsync",
            StreamDirection.FromServer => "OpenReadingAsync",
            _ => "OpenWritingAsync",
        };
        string returns = procedure.Stream == StreamDirection.None ? type is null ? "ValueTask" : $"ValueTask<{type}>"
            : type is null ? "ValueTask<LibvirtStream>" : $"ValueTask<LibvirtStream<{type}>>";
        bool isInternal = IsInternal(procedure) || (program.Name == "admin" && procedure.Name.StartsWith("CONNECT_OPEN", StringComparison.Ordinal));
        Line($"    /// <summary>{program.Prefix.ToUpperInvariant()}_PROC_{procedure.Name} ({procedure.Number}).{Since(program, procedure)}</summary>");
        Line($"    {(isInternal ? "internal" : "public")} {returns} {prefix}{Names.Pascal(procedure.Name)}Async({string.Join(", ", parameters)}) =>");
        Line($"        {call}({table}.{Names.Pascal(procedure.Name)}, {made}{read}, cancellationToken);");
    }

    private void EmitEvents()
    {
        Line();
        Line("/// <summary>Which event arrives by which procedure.</summary>");
        Line("internal static class LibvirtEvents");
        Line("{");
        Line("    /// <summary>Decodes an event; null for one that is not known.</summary>");
        Line("    internal static LibvirtEvent? Read(uint program, int procedure, ref XdrReader r) => (program, procedure) switch");
        Line("    {");
        foreach (var (program, procedure) in Procedures)
        {
            if (program.Message(procedure) is { } message)
                Line($"        (0x{program.Number:x8}, {procedure.Number}) => r.One<{Names.Struct(program, message.Name)}>(),");
        }

        Line("        _ => null,");
        Line("    };");
        Line("}");
    }
}
