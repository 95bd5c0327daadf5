namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>What jobs do to the outside: things that are made, remembered by the request that made them. Made twice is twice there.</summary>
internal sealed class World
{
    private readonly Lock _gate = new();
    private readonly List<(RequestId Request, string Name)> _made = [];

    public IReadOnlyList<string> Made
    {
        get
        {
            lock (_gate)
                return [.. _made.Select(thing => thing.Name)];
        }
    }

    public string Make(RequestId request, string name)
    {
        lock (_gate)
            _made.Add((request, name));
        return name;
    }

    /// <summary>What was unmade, in order; a second time counts again.</summary>
    public List<string> Unmade { get; } = [];

    public void Unmake(string name)
    {
        lock (_gate)
        {
            Unmade.Add(name);
            _made.RemoveAll(thing => thing.Name == name);
        }
    }

    public StepLookup<string> LookUp(RequestId request)
    {
        lock (_gate)
            return _made.Any(thing => thing.Request == request) ? StepLookup<string>.Done(_made.First(thing => thing.Request == request).Name) : StepLookup<string>.NotHappened;
    }
}
