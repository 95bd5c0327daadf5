using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>What an inventory knows: instances by reference and by name, and who wants to be told. Every change costs the same however many instances there are.</summary>
internal sealed class InventoryStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<InstanceRef, Instance> _instances = [];
    private readonly Dictionary<string, HashSet<InstanceRef>> _names = new(StringComparer.Ordinal);
    private readonly HashSet<InventoryWatch> _watches = [];

    public bool TryGet(InstanceRef reference, [NotNullWhen(true)] out Instance? instance)
    {
        lock (_gate)
            return _instances.TryGetValue(reference, out instance);
    }

    public IReadOnlyList<InventoryEntry> FindByName(string name)
    {
        lock (_gate)
            return _names.TryGetValue(name, out var references) ? [.. references.Select(reference => new InventoryEntry(reference, _instances[reference]))] : [];
    }

    public IReadOnlyList<InventoryEntry> List(InstanceFilter? filter, BackendName? backend)
    {
        lock (_gate)
        {
            return
            [
                .. _instances.Where(pair => (backend is null || pair.Key.Backend == backend) && (filter is null || filter.Matches(pair.Value))).Select(pair => new InventoryEntry(pair.Key, pair.Value)),
            ];
        }
    }

    public InventoryWatch Watch(int capacity)
    {
        lock (_gate)
        {
            var watch = new InventoryWatch(List(null, null), capacity, Forget);
            _watches.Add(watch);
            return watch;
        }
    }

    public void Put(BackendName backend, Instance instance)
    {
        var reference = new InstanceRef(backend, instance.Id);
        lock (_gate)
        {
            bool isKnown = _instances.TryGetValue(reference, out var before);
            if (isKnown && before!.Name != instance.Name)
                Unname(before.Name, reference);
            _instances[reference] = instance;
            if (!_names.TryGetValue(instance.Name, out var references))
                _names[instance.Name] = references = [];
            references.Add(reference);
            Tell(new() { Kind = isKnown ? InventoryChangeKind.Updated : InventoryChangeKind.Added, Backend = backend, Instance = instance });
        }
    }

    public void Remove(BackendName backend, InstanceId id)
    {
        var reference = new InstanceRef(backend, id);
        lock (_gate)
        {
            if (!_instances.Remove(reference, out var instance))
                return;
            Unname(instance.Name, reference);
            Tell(new() { Kind = InventoryChangeKind.Removed, Backend = backend, Instance = instance });
        }
    }

    public void RemoveWhere(BackendName backend, Func<Instance, bool> isGone)
    {
        InventoryEntry[] gone;
        lock (_gate)
            gone = [.. _instances.Where(pair => pair.Key.Backend == backend && isGone(pair.Value)).Select(pair => new InventoryEntry(pair.Key, pair.Value))];
        foreach (var entry in gone)
            Remove(backend, entry.Reference.Id);
    }

    public void Tell(InventoryChangeKind kind, BackendName backend)
    {
        lock (_gate)
            Tell(new() { Kind = kind, Backend = backend });
    }

    public void Complete()
    {
        lock (_gate)
        {
            foreach (var watch in _watches)
                watch.Complete();
            _watches.Clear();
        }
    }

    private void Forget(InventoryWatch watch)
    {
        lock (_gate)
            _watches.Remove(watch);
    }

    private void Unname(string name, InstanceRef reference)
    {
        if (_names.TryGetValue(name, out var references) && references.Remove(reference) && references.Count == 0)
            _names.Remove(name);
    }

    private void Tell(InventoryChange change)
    {
        foreach (var watch in _watches)
            watch.Tell(change);
    }
}
