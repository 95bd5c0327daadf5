namespace Hypervisor.Sdk.Eng.QapiGenerator;

/// <summary>One protocol to generate: where its schema is, and what its code is called.</summary>
internal sealed class Target
{
    /// <summary>The schema's top file, beneath each version's directory.</summary>
    public required string SchemaFile { get; init; }

    /// <summary>Said in doc comments: QMP, guest agent.</summary>
    public required string Protocol { get; init; }

    /// <summary>Prefix of generated names that belong to the protocol as a whole.</summary>
    public required string Prefix { get; init; }

    public required string TypesNamespace { get; init; }

    public required string ClientNamespace { get; init; }

    public required string ClientClass { get; init; }

    /// <summary>Left out of method names.</summary>
    public string CommandPrefix { get; init; } = "";

    /// <summary>Output directory, relative to the repository.</summary>
    public required string Directory { get; init; }

    /// <summary>Which file a module goes to.</summary>
    public Func<string, string> FileName { get; init; } = Names.Pascal;

    public static readonly Target[] All =
    [
        new()
        {
            SchemaFile = "qapi/qapi-schema.json", Protocol = "QMP", Prefix = "Qmp", TypesNamespace = "Hypervisor.Sdk.Qemu.Qapi", ClientNamespace = "Hypervisor.Sdk.Qemu.Qmp",
            ClientClass = "QmpClient", Directory = "src/Qemu/Qapi",
        },
        new()
        {
            SchemaFile = "qga/qapi-schema.json", Protocol = "Guest agent", Prefix = "GuestAgent", TypesNamespace = "Hypervisor.Sdk.Qemu.GuestAgent",
            ClientNamespace = "Hypervisor.Sdk.Qemu.GuestAgent", ClientClass = "GuestAgentClient", CommandPrefix = "guest-", Directory = "src/Qemu/GuestAgent",
            FileName = static _ => "GuestAgent",
        },
    ];
}
