namespace Hypervisor.Sdk.Eng.LibvirtGenerator;

/// <content>Messages and what they consist of.</content>
internal sealed partial class Emitter
{
    private static bool IsEvent(Struct type) => type.Name.EndsWith("_msg", StringComparison.Ordinal);

    /// <summary>Public is what a caller sees: not the arguments, which are parameters of the methods, and not results of one field, which are that field.</summary>
    private static bool IsPublic(Struct type) =>
        !type.Name.EndsWith("_args", StringComparison.Ordinal) && !(type.Name.EndsWith("_ret", StringComparison.Ordinal) && type.Fields.Count == 1)
        && !type.Name.Contains("_auth_", StringComparison.Ordinal);

    private static string SourceOf(Program program, Struct type)
    {
        if (program.Name == "qemu")
            return "QemuMonitor";
        string rest = type.Name["remote_".Length..];
        return Names.Pascal(rest[..rest.IndexOf("_event", StringComparison.Ordinal)]);
    }

    private string Property(Struct type, Field field) => IsEvent(type) && field.Name == "callbackID" ? "CallbackId" : Names.Pascal(field.Name);

    private void EmitStruct(Program program, Struct type)
    {
        string name = Names.Struct(program, type.Name);
        bool isEvent = IsEvent(type);
        Line($"/// <summary>{type.Name}.</summary>");
        Line($"{(IsPublic(type) ? "public" : "internal")} {(isEvent ? "sealed class" : "readonly struct")} {name} : {(isEvent ? "LibvirtEvent, " : "")}IXdr<{name}>");
        Line("{");
        foreach (var field in type.Fields.Where(field => Property(type, field) != "CallbackId" || !isEvent))
        {
            var wire = _wire.Of(field);
            Line($"    /// <summary>{field.Name}.</summary>");
            Line($"    public {wire.Type} {Property(type, field)} {{ get; init; }}{(isEvent && wire.IsReference && !wire.Type.EndsWith('?') ? " = null!;" : "")}");
            Line();
        }

        if (isEvent)
        {
            Line("    /// <inheritdoc />");
            Line($"    public override string Name => \"{type.Name[..^4]}\";");
            Line();
            Line("    /// <inheritdoc />");
            Line($"    public override LibvirtEventSource Source => LibvirtEventSource.{SourceOf(program, type)};");
            Line();
        }

        Line($"    static int IXdr<{name}>.MinBytes => {_wire.MinBytes(type)};");
        Line();
        Line($"    static {name} IXdr<{name}>.Read(ref XdrReader r) => new()");
        Line("    {");
        foreach (var field in type.Fields)
            Line($"        {Property(type, field)} = {ReadOf(field)},");
        Line("    };");
        Line();
        Line($"    void IXdr<{name}>.Write(ref XdrWriter w)");
        Line("    {");
        foreach (var field in type.Fields)
            Line($"        {_wire.Of(field).Write(Property(type, field))};");
        Line("    }");
        Line("}");
    }

    /// <summary>The names of statistics come again and again: those are kept.</summary>
    private string ReadOf(Field field) => field.Name == "field" ? "r.Word()" : _wire.Of(field).Read;

    private void EmitShapes()
    {
        Line();
        Line("using Hypervisor.Sdk.Libvirt.Protocol;");
        Line();
        Line("/// <summary>A maker of random values of every struct of the protocol.</summary>");
        Line("internal static class Shapes");
        Line("{");
        Line("    internal static readonly Shape[] All =");
        Line("    [");
        foreach (var (program, type) in Structs)
        {
            string name = Names.Struct(program, type.Name);
            Line($"        new Shape<{name}>(\"{type.Name}\", {name}),");
        }

        Line("    ];");
        Line();
        Line("    internal static VirTypedParameter VirTypedParameter(Randoms x) => x.TypedParameter();");
        foreach (var (program, type) in Structs)
        {
            string name = Names.Struct(program, type.Name);
            Line();
            Line($"    internal static {name} {name}(Randoms x) => new() {{ {string.Join(", ", type.Fields.Select(field => $"{Property(type, field)} = {_wire.Of(field).Random}"))} }};");
        }

        Line("}");
    }
}
