namespace Hypervisor.Sdk.Eng.QapiGenerator;

/// <summary>The definitions of one version's schema.</summary>
internal sealed class Schema
{
    private readonly HashSet<string> _files = [];

    private Schema(int version) => Version = version;

    public int Version { get; }

    public Dictionary<string, Definition> Definitions { get; } = [];

    /// <summary>Reads a schema from its top file, following includes; <paramref name="version"/> is its index in the list of versions.</summary>
    public static Schema Load(string path, int version)
    {
        var schema = new Schema(version);
        schema.Read(path);
        return schema;
    }

    private void Read(string path)
    {
        path = Path.GetFullPath(path);
        if (!_files.Add(path))
            return;

        string module = Path.GetFileNameWithoutExtension(path);
        foreach (var node in SchemaParser.ParseFile(path))
        {
            if (node["include"] is { } include)
                Read(Path.Combine(Path.GetDirectoryName(path)!, include.Text!));
            else if (node["pragma"] is null)
                Add(node, module);
        }
    }

    private void Add(Node node, string module)
    {
        var (key, kind) = node.Members![0].Key switch
        {
            "enum" => ("enum", Kind.Enum),
            "struct" => ("struct", Kind.Struct),
            "union" => ("union", Kind.Union),
            "alternate" => ("alternate", Kind.Alternate),
            "command" => ("command", Kind.Command),
            "event" => ("event", Kind.Event),
            var other => throw new FormatException($"Unknown definition '{other}' in {module}."),
        };
        var definition = new Definition { Kind = kind, Name = node[key]!.Text!, Module = module, Versions = [Version], Features = FeaturesOf(node) };
        definition.Discriminator = node["discriminator"]?.Text;
        definition.IsBoxed = node["boxed"]?.Flag ?? false;
        definition.AllowsOob = node["allow-oob"]?.Flag ?? false;
        definition.HasReply = node["success-response"]?.Flag ?? true;
        definition.IsClosed = (node["gen"]?.Flag ?? true) || node["data"] is null;
        if (node["returns"] is { } returns)
            definition.Returns = TypeName.Of(returns);
        if (node["base"] is { Text: { } name })
            definition.Base = name;
        else if (node["base"] is { } inline)
            definition.Members = MembersOf(inline);

        if (node["data"] is { Text: { } data })
            definition.Data = data;
        else if (node["data"] is { Items: { } words })
            definition.Branches = words.ConvertAll(WordOf);
        else if (node["data"] is { } members && kind is Kind.Union or Kind.Alternate)
            definition.Branches = MembersOf(members);
        else if (node["data"] is { } own)
            definition.Members = MembersOf(own);

        if (!Definitions.TryAdd(definition.Name, definition))
            throw new FormatException($"'{definition.Name}' is defined twice.");
    }

    private Member WordOf(Node word) => new()
    {
        Name = word.Text ?? word["name"]!.Text!,
        Type = default,
        IsOptional = false,
        Versions = [Version],
        Features = FeaturesOf(word),
    };

    private List<Member> MembersOf(Node members) => members.Members!.ConvertAll(member => new Member
    {
        Name = member.Key.TrimStart('*'),
        IsOptional = member.Key.StartsWith('*'),
        Type = TypeName.Of(member.Value.Members is null ? member.Value : member.Value["type"]!),
        Versions = [Version],
        Features = FeaturesOf(member.Value),
    });

    private static HashSet<string> FeaturesOf(Node node) =>
        node["features"]?.Items?.Select(feature => feature.Text ?? feature["name"]!.Text!).ToHashSet() ?? [];
}
