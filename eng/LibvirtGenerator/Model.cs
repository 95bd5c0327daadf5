namespace Hypervisor.Sdk.Eng.LibvirtGenerator;

/// <summary>How often a field's type stands there.</summary>
internal enum Repeat
{
    Once,
    Optional,
    Counted,
    Fixed,
}

/// <summary>A field of a struct, or what a typedef stands for. <paramref name="Bound"/> is the greatest count, or the count of a fixed array.</summary>
internal sealed record Field(string Type, string Name, Repeat Repeat = Repeat.Once, int Bound = 0);

internal sealed record Struct(string Name, IReadOnlyList<Field> Fields)
{
    public string Shape => string.Join("; ", Fields.Select(one => $"{one.Type} {one.Name} {one.Repeat} {one.Bound}"));
}

/// <summary>A union: its discriminator's type, and the field for each value.</summary>
internal sealed record Union(string Name, string Switch, IReadOnlyList<(string Value, Field Field)> Arms);

internal enum StreamDirection
{
    None,
    FromServer,
    ToServer,
}

/// <summary>A procedure: its name without the program's prefix, its number, and whether a stream follows.</summary>
internal sealed record Procedure(string Name, int Number, StreamDirection Stream);

/// <summary>An enum of a header or of a protocol file.</summary>
internal sealed record EnumType(string Name, IReadOnlyList<(string Name, long Value)> Members);

/// <summary>One RPC program.</summary>
internal sealed class Program(string name, string prefix)
{
    /// <summary>remote, qemu, lxc, admin, keepalive.</summary>
    public string Name { get; } = name;

    /// <summary>What its structs and procedures begin with in the source.</summary>
    public string Prefix { get; } = prefix;

    public uint Number { get; set; }

    public uint Version { get; set; }

    public List<Procedure> Procedures { get; } = [];

    public List<Struct> Structs { get; } = [];

    public List<Union> Unions { get; } = [];

    public List<EnumType> Enums { get; } = [];

    public Struct? Find(string name) => Structs.Find(known => known.Name == name);

    public Struct? Arguments(Procedure procedure) => Find($"{Prefix}_{procedure.Name.ToLowerInvariant()}_args");

    public Struct? Result(Procedure procedure) => Find($"{Prefix}_{procedure.Name.ToLowerInvariant()}_ret");

    public Struct? Message(Procedure procedure) => Find($"{Prefix}_{procedure.Name.ToLowerInvariant()}_msg");
}
