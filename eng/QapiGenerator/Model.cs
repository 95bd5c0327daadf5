namespace Hypervisor.Sdk.Eng.QapiGenerator;

/// <summary>A type as it is named where it is used: a builtin or a definition, or a list of one.</summary>
internal readonly record struct TypeName(string Name, bool IsList)
{
    public static TypeName Of(Node node) => node.Items is { } items ? new(items[0].Text!, true) : new(node.Text!, false);

    public override string ToString() => IsList ? $"[{Name}]" : Name;
}

internal sealed class Member
{
    public required string Name { get; init; }

    public required TypeName Type { get; set; }

    public required bool IsOptional { get; set; }

    public required SortedSet<int> Versions { get; init; }

    public HashSet<string> Features { get; init; } = [];
}

internal enum Kind
{
    Enum,
    Struct,
    Union,
    Alternate,
    Command,
    Event,
}

/// <summary>One definition of a schema, and after merging: of the union of several.</summary>
internal sealed class Definition
{
    public required Kind Kind { get; set; }

    public required string Name { get; init; }

    /// <summary>The schema file without its ending: where the generated code goes.</summary>
    public required string Module { get; set; }

    public required SortedSet<int> Versions { get; init; }

    public HashSet<string> Features { get; init; } = [];

    /// <summary>Own members of a struct, base members of a union, arguments written in place of a command or event.</summary>
    public List<Member> Members { get; set; } = [];

    /// <summary>The words of an enum, the branches of a union or alternate.</summary>
    public List<Member> Branches { get; set; } = [];

    /// <summary>The base of a struct or union when it is named.</summary>
    public string? Base { get; set; }

    public string? Discriminator { get; set; }

    /// <summary>The arguments of a command or event when they are named.</summary>
    public string? Data { get; set; }

    public bool IsBoxed { get; set; }

    public TypeName? Returns { get; set; }

    public bool AllowsOob { get; set; }

    /// <summary>False where the server says nothing on success.</summary>
    public bool HasReply { get; set; } = true;

    /// <summary>False where the server takes members that the schema does not list.</summary>
    public bool IsClosed { get; set; } = true;
}
