using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>What the running server says of its own commands: <c>query-qmp-schema</c>. Tells whether an argument or a behaviour that only some versions have is there.</summary>
public sealed class QmpSchema
{
    private readonly Dictionary<string, SchemaInfo> _entities;

    internal QmpSchema(IReadOnlyList<SchemaInfo> entities) => _entities = entities.ToDictionary(entity => entity.Name);

    /// <summary>Everything, as it came. The names of types are numbers: only commands and events keep theirs.</summary>
    public IReadOnlyDictionary<string, SchemaInfo> Entities => _entities;

    /// <summary>The names of all events that the server may send.</summary>
    public IEnumerable<string> Events => from entity in _entities.Values where entity.MetaType == SchemaMetaType.Event select entity.Name;

    /// <summary>Whether the server has a command.</summary>
    public bool HasCommand(string command) => _entities.TryGetValue(command, out var entity) && entity.MetaType == SchemaMetaType.Command;

    /// <summary>Whether the server may send an event.</summary>
    public bool HasEvent(string name) => _entities.TryGetValue(name, out var entity) && entity.MetaType == SchemaMetaType.Event;

    /// <summary>Whether a command has an argument.</summary>
    /// <param name="command">The command.</param>
    /// <param name="path">The argument's name; members further down after dots: <c>file.filename</c>. In a union the members of every branch count.</param>
    public bool HasArgument(string command, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!_entities.TryGetValue(command, out var entity) || entity.Command is not { } info)
            return false;
        string[] types = [info.ArgType];
        foreach (string name in path.Split('.'))
            types = [.. types.SelectMany(type => MembersOf(type)).Where(member => member.Name == name).Select(member => member.Type).Distinct()];
        return types.Length > 0;
    }

    /// <summary>Whether a command has a feature flag: <c>deprecated</c>, <c>unstable</c>, or one that stands for a behaviour.</summary>
    public bool HasFeature(string command, string feature) => _entities.TryGetValue(command, out var entity) && entity.Features is { } features && features.Contains(feature);

    /// <summary>The members of an object type, its branches included; of an array the element's, of an alternate those of its objects.</summary>
    public IEnumerable<SchemaInfoObjectMember> MembersOf(string type)
    {
        if (!_entities.TryGetValue(type, out var entity))
            return [];
        if (entity.Array is { } array)
            return MembersOf(array.ElementType);
        if (entity.Alternate is { } alternate)
            return alternate.Members.SelectMany(member => MembersOf(member.Type));
        if (entity.Object is not { } info)
            return [];
        return info.Members.Concat((info.Variants ?? []).SelectMany(variant => MembersOf(variant.Type)));
    }
}
