namespace Hypervisor.Sdk.Eng.QapiGenerator;

/// <summary>
/// Makes one schema of several: the union of what they define. Where two versions disagree the newer one gives the type, what is not in all of them is optional,
/// and a type that was only renamed (another name at the same place, each unknown to the other version) becomes one type under its newer name.
/// </summary>
internal sealed class Merger
{
    // A type of ours called String would stand in everybody's way.
    private readonly Dictionary<string, string> _renamed = new() { ["String"] = "QapiString" };

    public Dictionary<string, Definition> Definitions { get; } = [];

    /// <summary>Where the versions disagree about a type: for a person to read when a version is added.</summary>
    public List<string> Disagreements { get; } = [];

    public IReadOnlyDictionary<string, string> Renamed => _renamed;

    /// <summary>Types of older versions that nothing uses any more since what used them took the newer version's type.</summary>
    public List<Definition> Unused { get; } = [];

    public static Merger Merge(IReadOnlyList<Schema> schemas)
    {
        var merger = new Merger();
        foreach (var newer in schemas.Skip(1))
            merger.FindRenames(schemas[newer.Version - 1], newer);
        foreach (var schema in schemas)
        {
            foreach (var definition in schema.Definitions.Values)
                merger.Add(definition);
        }

        foreach (var definition in merger.Definitions.Values)
            merger.FoldNamed(definition);
        foreach (var definition in merger.Definitions.Values)
            merger.MarkOptional(definition);
        merger.DropUnused(schemas.Count - 1);
        return merger;
    }

    private void DropUnused(int newest)
    {
        var used = new HashSet<string>();
        foreach (var definition in Definitions.Values.Where(definition => definition.Kind is Kind.Command or Kind.Event || definition.Versions.Contains(newest)))
            Use(definition);
        Unused.AddRange(Definitions.Values.Where(definition => !used.Contains(definition.Name)));
        foreach (var definition in Unused)
            Definitions.Remove(definition.Name);

        void Use(Definition definition)
        {
            if (!used.Add(definition.Name))
                return;
            var names = definition.Members.Concat(definition.Branches).Select(member => member.Type.Name).Append(definition.Base).Append(definition.Data).Append(definition.Returns?.Name);
            foreach (string? name in names)
            {
                if (name is not null && Definitions.TryGetValue(name, out var type))
                    Use(type);
            }
        }
    }

    private void FindRenames(Schema older, Schema newer)
    {
        // Repeated, because a renamed struct has members whose types may be renamed as well.
        for (int found = -1; found != _renamed.Count;)
        {
            found = _renamed.Count;
            foreach (var old in older.Definitions.Values)
            {
                if (!newer.Definitions.TryGetValue(_renamed.GetValueOrDefault(old.Name, old.Name), out var now))
                    continue;
                foreach (var (was, member) in Pairs(old.Members, now.Members).Concat(Pairs(old.Branches, now.Branches)))
                    Consider(was.Type.Name, member.Type.Name);
                Consider(old.Data, now.Data);
                Consider(old.Base, now.Base);
            }
        }

        void Consider(string? was, string? now)
        {
            if (was is null || now is null || was == now || newer.Definitions.ContainsKey(was) || older.Definitions.ContainsKey(now))
                return;
            if (older.Definitions.TryGetValue(was, out var oldType) && newer.Definitions.TryGetValue(now, out var newType) && oldType.Kind == newType.Kind)
                _renamed[was] = now;
        }
    }

    private static IEnumerable<(Member Old, Member New)> Pairs(List<Member> old, List<Member> now) =>
        from was in old join member in now on was.Name equals member.Name select (was, member);

    private void Add(Definition definition)
    {
        string name = _renamed.GetValueOrDefault(definition.Name, definition.Name);
        Rename(definition);
        if (!Definitions.TryGetValue(name, out var known))
        {
            Definitions.Add(name, name == definition.Name ? definition : Copy(definition, name));
            return;
        }

        known.Versions.UnionWith(definition.Versions);
        known.Features.Clear();
        known.Features.UnionWith(definition.Features);
        if (known.Kind != definition.Kind)
            Disagreements.Add($"{name}: was {known.Kind}, is {definition.Kind}");
        if (known.Returns is not null && known.Returns != definition.Returns)
            Disagreements.Add($"{name}: returned {known.Returns}, returns {definition.Returns}");
        if (known.Data != definition.Data || known.Base != definition.Base)
            Disagreements.Add($"{name}: was {known.Data} : {known.Base}, is {definition.Data} : {definition.Base}");
        known.Kind = definition.Kind;
        known.Module = definition.Module;
        known.Discriminator = definition.Discriminator;
        known.Data = definition.Data;
        known.Base = definition.Base;
        known.IsBoxed = definition.IsBoxed;
        known.Returns = definition.Returns;
        known.AllowsOob |= definition.AllowsOob;
        known.HasReply = definition.HasReply;
        known.IsClosed = definition.IsClosed;
        known.Members = MergeMembers(name, known.Members, definition.Members);
        known.Branches = MergeMembers(name, known.Branches, definition.Branches);
    }

    private static Definition Copy(Definition from, string name) => new()
    {
        Kind = from.Kind, Name = name, Module = from.Module, Versions = from.Versions, Features = from.Features, Members = from.Members, Branches = from.Branches,
        Base = from.Base, Discriminator = from.Discriminator, Data = from.Data, IsBoxed = from.IsBoxed, Returns = from.Returns,
    };

    private void Rename(Definition definition)
    {
        foreach (var member in definition.Members.Concat(definition.Branches))
        {
            if (member.Type.Name is { } type && _renamed.TryGetValue(type, out string? now))
                member.Type = member.Type with { Name = now };
        }

        definition.Base = definition.Base is null ? null : _renamed.GetValueOrDefault(definition.Base, definition.Base);
        definition.Data = definition.Data is null ? null : _renamed.GetValueOrDefault(definition.Data, definition.Data);
        if (definition.Returns is { } returns && _renamed.TryGetValue(returns.Name, out string? renamed))
            definition.Returns = returns with { Name = renamed };
    }

    private List<Member> MergeMembers(string owner, List<Member> older, List<Member> newer)
    {
        var merged = new List<Member>(newer);
        foreach (var was in older)
        {
            var now = newer.Find(member => member.Name == was.Name);
            if (now is null)
            {
                merged.Add(was);
                continue;
            }

            if (was.Type != now.Type)
                Disagreements.Add($"{owner}.{was.Name}: was {was.Type}, is {now.Type}");
            now.IsOptional |= was.IsOptional;
            now.Versions.UnionWith(was.Versions);
        }

        return merged;
    }

    /// <summary>A named base or named arguments bring members along that the other version had in place.</summary>
    private void FoldNamed(Definition definition)
    {
        if ((definition.Data ?? definition.Base) is { } named && definition.Members.Count > 0)
        {
            var inherited = AllMembers(Definitions[named]);
            foreach (var member in definition.Members.ToArray())
            {
                if (inherited.Find(candidate => candidate.Name == member.Name) is { } same)
                {
                    same.Versions.UnionWith(member.Versions);
                    same.IsOptional |= member.IsOptional;
                    definition.Members.Remove(member);
                }
            }

            if (definition.Data is not null && definition.Members.Count > 0)
            {
                Disagreements.Add($"{definition.Name}: {string.Join(", ", definition.Members.Select(member => member.Name))} moved to {named}");
                Definitions[named].Members.AddRange(definition.Members);
                foreach (var member in definition.Members)
                    member.IsOptional = true;
                definition.Members.Clear();
            }
        }
    }

    /// <summary>What one version lacks may be absent; what is deprecated may be absent in the next.</summary>
    private void MarkOptional(Definition definition)
    {
        foreach (var member in AllMembers(definition))
        {
            bool isInBase = !definition.Members.Contains(member);
            bool isEverywhere = member.Versions.IsSupersetOf(definition.Versions);
            if ((!isEverywhere || member.Features.Contains("deprecated")) && member.Name != definition.Discriminator && (!isInBase || !isEverywhere))
                member.IsOptional = true;
        }
    }

    public List<Member> AllMembers(Definition definition)
    {
        var members = new List<Member>();
        if (definition.Base is { } name)
            members.AddRange(AllMembers(Definitions[name]));
        members.AddRange(definition.Members);
        return members;
    }
}
