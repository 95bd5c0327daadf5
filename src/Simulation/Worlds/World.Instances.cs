using System.Collections.Concurrent;
using System.Globalization;
using Hypervisor.Sdk.Simulation.Guests;

namespace Hypervisor.Sdk.Simulation.Worlds;

/// <content>Instances: by id, by name, in the order of their making.</content>
internal sealed partial class World
{
    private const string IdAlphabet = "abcdefghijklmnopqrstuvwxyz234567";

    /// <summary>Written in the loop, and looked into from everywhere.</summary>
    private readonly ConcurrentDictionary<InstanceId, SimInstance> _byId = [];
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private readonly List<SimInstance> _inOrder = [];
    private readonly HashSet<InstanceId> _claimedIds = [];
    private readonly List<(PowerState From, PowerState To, string Text)> _transitions = [];
    private long _lastNumber;
    private int _lowestFree = 100;

    /// <summary>All of them, in the order of their making.</summary>
    public IReadOnlyList<SimInstance> Instances => _inOrder;

    /// <summary>An id that the next create has to use again: a fault.</summary>
    public InstanceId? NextId { get; set; }

    public SimInstance? Find(InstanceId id) => _byId.GetValueOrDefault(id);

    /// <summary>Whether there is an instance of an id now. Asked from everywhere.</summary>
    public bool Exists(InstanceId id) => !id.IsDefault && _byId.ContainsKey(id);

    /// <summary>An instance that must be there, of a kind, on a node that can be reached.</summary>
    public SimInstance Require(InstanceId id, InstanceKind? kind = null)
    {
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        if (!_byId.TryGetValue(id, out var instance) || (kind is not null && instance.Kind != kind))
            throw Refused(ErrorCode.NotFound, $"There is no instance '{id}'.", id.ToString());
        RequireReachable(instance.Node, id.ToString());
        return instance;
    }

    /// <summary>An instance that must be there, for what only a machine has.</summary>
    /// <param name="id">Which.</param>
    /// <param name="lacks">What a container is without, as the end of a sentence.</param>
    public SimInstance RequireMachine(InstanceId id, string lacks)
    {
        var instance = Require(id);
        return instance.Kind == InstanceKind.VirtualMachine ? instance : throw Refused(ErrorCode.Unsupported, $"'{instance.Name}' is a container and {lacks}.", instance.Text);
    }

    public void RequireReachable(SimNode node, string? instance)
    {
        if (!node.IsReachable)
            throw Unreachable(node, instance);
    }

    public HypervisorException Unreachable(SimNode node, string? instance) =>
        Error(ErrorCode.Unavailable, RequestOutcome.NotSent, $"The node '{node.Text}' does not answer.", instance, about: node.Text);

    /// <summary>The instances after a number, found without looking at those before.</summary>
    public int IndexAfter(long number)
    {
        int low = 0, high = _inOrder.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_inOrder[middle].Number <= number)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>Takes a name for as long as it is claimed.</summary>
    /// <exception cref="HypervisorException">Somebody has it.</exception>
    public void ClaimName(string name)
    {
        int holders = _names.GetValueOrDefault(Fold(name));
        if (holders > 0 && Personality.Can(Capability.UniqueNames))
            throw NameTaken(name);
        _names[Fold(name)] = holders + 1;
    }

    public bool IsNameTaken(string name) => Personality.Can(Capability.UniqueNames) && _names.ContainsKey(Fold(name));

    public void ReleaseName(string name)
    {
        if (_names.TryGetValue(Fold(name), out int holders) && holders > 1)
            _names[Fold(name)] = holders - 1;
        else
            _names.Remove(Fold(name));
    }

    public HypervisorException NameTaken(string name) => Error(ErrorCode.AlreadyExists, RequestOutcome.Rejected, $"There is an instance of the name '{name}' already.", name);

    /// <summary>An id for a new instance, which is its own until it is added or given back.</summary>
    public InstanceId ClaimId(string name)
    {
        InstanceId id;
        if (NextId is { } again && !_byId.ContainsKey(again))
        {
            NextId = null;
            id = again;
        }
        else
        {
            do
                id = MakeId(name);
            while (_byId.ContainsKey(id) || _claimedIds.Contains(id));
        }

        _claimedIds.Add(id);
        return id;
    }

    /// <summary>Takes an id that an instance has had elsewhere; false when there is one of it.</summary>
    public bool TryClaimId(InstanceId id)
    {
        if (_byId.ContainsKey(id) || !_claimedIds.Add(id))
            return false;
        // What is counted goes on after it, so that its number is never given again.
        if (Personality.Ids == SimulatedIds.Counted && long.TryParse(id.ToString().AsSpan().TrimStart("vm-"), NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            _lastNumber = Math.Max(_lastNumber, number);
        return true;
    }

    public void ReleaseId(InstanceId id)
    {
        _claimedIds.Remove(id);
        if (Personality.Ids == SimulatedIds.LowestFree && int.TryParse(id.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            _lowestFree = Math.Min(_lowestFree, number);
    }

    public long NextNumber() => ++_lastNumber;

    public Incarnation NextIncarnation() => Incarnation.Parse(Random("incarnation").NextGuid().ToString("D"));

    /// <summary>The hardware address and the address of a network device, made up where nobody asked for one.</summary>
    public NetworkConfig Join(NetworkConfig network) => network with
    {
        Mac = network.Mac.IsDefault ? NextMac() : network.Mac,
        Address = network.Address ?? (Personality.ReportsAddresses ? Networks[network.Network].NextAddress() : null),
    };

    private MacAddress NextMac()
    {
        ulong bits = Random("mac").Next();
        // 52:54:00 is what hypervisors make addresses up from.
        return MacAddress.FromBytes([0x52, 0x54, 0x00, (byte)bits, (byte)(bits >> 8), (byte)(bits >> 16)]);
    }

    public void Add(SimInstance instance)
    {
        _claimedIds.Remove(instance.Id);
        _byId[instance.Id] = instance;
        // Work that takes longer may end after work that began later.
        _inOrder.Insert(IndexAfter(instance.Number), instance);
        Note("created", instance.Text, instance.Name);
        Events.Created(instance);
    }

    /// <summary>Another id for the same instance.</summary>
    public void ChangeId(SimInstance instance, InstanceId id)
    {
        Events.Deleted(instance);
        _byId.TryRemove(instance.Id, out _);
        instance.Id = id;
        _byId[id] = instance;
        Events.Created(instance);
    }

    /// <summary>Forgets an instance, and deletes the disks that go with it.</summary>
    public void Remove(SimInstance instance)
    {
        instance.IsDeleted = true;
        _byId.TryRemove(instance.Id, out _);
        _inOrder.RemoveAt(IndexAfter(instance.Number) - 1);
        ReleaseName(instance.Name);
        ReleaseId(instance.Id);
        instance.Node.AssignedMemoryBytes -= instance.Config.FootprintBytes;
        if (instance.LinkedTo is { } template)
            template.LinkedClones--;
        ReleaseDisks(instance);
        Note("deleted", instance.Text, instance.Name);
        Events.Deleted(instance);
    }

    /// <summary>Replaces the configuration, and says so.</summary>
    public void Save(SimInstance instance, InstanceConfig config)
    {
        instance.Node.AssignedMemoryBytes += config.FootprintBytes - instance.Config.FootprintBytes;
        instance.Config = config;
        instance.Revision++;
        instance.Touch();
        Note("changed", instance.Text, instance.Revision.ToString(CultureInfo.InvariantCulture));
        Events.Changed(instance);
    }

    /// <summary>Another power state, with what that means for the node's memory.</summary>
    public void SetState(SimInstance instance, PowerState to, string? reason = null, bool hasEnded = false)
    {
        var from = instance.State;
        if (from == to && instance.HasEnded == hasEnded)
            return;
        bool wasUp = instance.IsUp;
        instance.State = to;
        instance.HasEnded = hasEnded;
        instance.StateReason = reason;
        if (instance.IsUp && !wasUp)
        {
            instance.HeldMemoryBytes = instance.Config.FootprintBytes;
            instance.HeldCpus = instance.Config.Cpus;
            instance.Node.UsedMemoryBytes += instance.HeldMemoryBytes;
            instance.StartedAt = Clock.GetUtcNow();
        }
        else if (wasUp && !instance.IsUp)
        {
            instance.Node.UsedMemoryBytes -= instance.HeldMemoryBytes;
            instance.HeldMemoryBytes = 0;
        }

        instance.Touch();
        Note("state", instance.Text, TransitionText(from, to));
        if (from != to)
            Events.StateChanged(instance, from, to, reason);
    }

    /// <summary>What runs has more memory or less from now on.</summary>
    public static void Hold(SimInstance instance, long bytes)
    {
        instance.Node.UsedMemoryBytes += bytes - instance.HeldMemoryBytes;
        instance.HeldMemoryBytes = bytes;
    }

    /// <summary>A change of state, for the trace: there are few, and each is told again and again.</summary>
    private string TransitionText(PowerState from, PowerState to)
    {
        foreach (var (knownFrom, knownTo, known) in _transitions)
        {
            if (knownFrom == from && knownTo == to)
                return known;
        }

        string text = $"{from}>{to}";
        _transitions.Add((from, to, text));
        return text;
    }

    /// <summary>The guest of an instance, made when it is first needed.</summary>
    public SimGuest GuestOf(SimInstance instance) => instance.Guest ??= new SimGuest(this, instance);

    /// <summary>A guest that was asked has shut itself down.</summary>
    public void GuestHasShutDown(SimInstance instance)
    {
        SwitchOff(instance, null);
        if (instance.Holder is { AwaitsShutdown: true } stopping)
            stopping.Wake();
    }

    /// <summary>What runs in it ends at once.</summary>
    public void SwitchOff(SimInstance instance, string? reason)
    {
        instance.Guest?.PowerOff();
        instance.HasPendingChanges = false;
        if (Personality.TellsStopping && (instance.State == PowerState.Running || instance.State == PowerState.Paused))
            SetState(instance, PowerState.Stopping);
        SetState(instance, PowerState.Stopped, reason);
    }

    private string Fold(string name) => Personality.Naming.CaseSensitive ? name : name.ToLowerInvariant();

    private InstanceId MakeId(string name)
    {
        switch (Personality.Ids)
        {
            case SimulatedIds.Name:
                return InstanceId.Parse(name);
            case SimulatedIds.Uuid:
                return InstanceId.Parse(Random("id").NextGuid().ToString("D"));
            case SimulatedIds.LowestFree:
                return InstanceId.Parse((_lowestFree++).ToString(CultureInfo.InvariantCulture));
            case SimulatedIds.Random:
                ulong bits = Random("id").Next();
                return InstanceId.Parse(string.Create(16, bits, static (text, bits) =>
                {
                    "vm-".CopyTo(text);
                    for (int i = 3; i < text.Length; i++, bits >>= 5)
                        text[i] = IdAlphabet[(int)(bits & 31)];
                }));
            default:
                return InstanceId.Parse(string.Create(CultureInfo.InvariantCulture, $"vm-{_lastNumber}"));
        }
    }
}
