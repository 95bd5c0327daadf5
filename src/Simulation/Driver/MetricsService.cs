using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>The counters, computed from what guests do (<see cref="LoadModel"/>) when somebody asks.</summary>
internal sealed class MetricsService(SimulationClient client) : IMetrics
{
    /// <summary>What a packet and a disk access carry on average.</summary>
    private const int PacketBytes = 800;
    private const int AccessBytes = 16 << 10;

    private readonly World _world = client.World;

    public async IAsyncEnumerable<InstanceMetrics> SampleAsync(InstanceFilter? filter = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var samples = await _world.Calls.EnterAsync(client, "metrics", "", null, () => Task.FromResult(
            _world.Instances.Where(instance => instance.IsUp && instance.State != PowerState.Crashed && instance.Node.IsReachable && (filter is null || filter.Matches(instance.View))).Select(Sample).ToArray())).ConfigureAwait(true);
        foreach (var sample in samples)
            yield return sample;
    }

    public async IAsyncEnumerable<NodeMetrics> SampleNodesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var samples = await _world.Calls.EnterAsync(client, "node-metrics", "", null, () =>
        {
            var byNode = _world.Instances.Where(static instance => instance.IsUp).ToLookup(static instance => instance.Node);
            return Task.FromResult(_world.Nodes.Values.Where(static node => node.IsReachable).Select(node => Sample(node, byNode[node])).ToArray());
        }).ConfigureAwait(true);
        foreach (var sample in samples)
            yield return sample;
    }

    private static double CpusOf(SimInstance instance) => instance.Kind == InstanceKind.VirtualMachine ? instance.Config.Cpus : instance.Config.CpuLimit ?? 1;

    private InstanceMetrics Sample(SimInstance instance)
    {
        var guest = _world.GuestOf(instance);
        double cpuSeconds = guest.CpuSecondsSincePowerOn * CpusOf(instance);
        long disk = (long)(cpuSeconds * guest.Load.DiskBytesPerCpuSecond), network = (long)(cpuSeconds * guest.Load.NetworkBytesPerCpuSecond);
        bool hasDisk = instance.Config.Disks.Count > 0 || instance.Kind == InstanceKind.Container, hasNetwork = instance.Config.Networks.Count > 0;
        var unavailable = new Dictionary<string, string>();
        if (!hasDisk)
            unavailable[nameof(InstanceMetrics.DiskReadBytes)] = unavailable[nameof(InstanceMetrics.DiskWriteBytes)] = "It has no disk.";
        if (!hasNetwork)
            unavailable[nameof(InstanceMetrics.NetworkReceivedBytes)] = unavailable[nameof(InstanceMetrics.NetworkSentBytes)] = "It has no network device.";
        bool answers = guest.IsUp && !guest.IsAgentSilent;
        if (!answers)
            unavailable[nameof(InstanceMetrics.MemoryUsedByGuest)] = "The guest does not say.";
        return new InstanceMetrics
        {
            Id = instance.Id,
            At = _world.Clock.GetUtcNow(),
            CpuTime = TimeSpan.FromSeconds(cpuSeconds),
            MemoryUsed = new ByteSize(instance.HeldMemoryBytes),
            MemoryUsedByGuest = answers ? new ByteSize((long)(instance.Config.FootprintBytes * guest.MemoryNow)) : null,
            DiskReadBytes = hasDisk ? disk : null,
            DiskWriteBytes = hasDisk ? disk / 2 : null,
            DiskReadOperations = hasDisk ? disk / AccessBytes : null,
            DiskWriteOperations = hasDisk ? disk / 2 / AccessBytes : null,
            NetworkReceivedBytes = hasNetwork ? network : null,
            NetworkSentBytes = hasNetwork ? network / 2 : null,
            NetworkReceivedPackets = hasNetwork ? network / PacketBytes : null,
            NetworkSentPackets = hasNetwork ? network / 2 / PacketBytes : null,
            Unavailable = unavailable,
        };
    }

    private NodeMetrics Sample(SimNode node, IEnumerable<SimInstance> running)
    {
        double load = 0;
        foreach (var instance in running)
        {
            // What a guest has used since somebody last asked is counted where it is now.
            var guest = _world.GuestOf(instance);
            double used = guest.CountCpuSeconds() * CpusOf(instance);
            node.CpuSeconds += used;
            node.DiskBytes += used * guest.Load.DiskBytesPerCpuSecond;
            node.NetworkBytes += used * guest.Load.NetworkBytesPerCpuSecond;
            load += guest.CpuNow * CpusOf(instance);
        }

        return new NodeMetrics
        {
            Node = node.Name,
            At = _world.Clock.GetUtcNow(),
            Cpus = node.Cpus,
            CpuTime = TimeSpan.FromSeconds(node.CpuSeconds),
            LoadAverage1 = load,
            LoadAverage5 = load,
            LoadAverage15 = load,
            MemoryTotal = new ByteSize(node.MemoryBytes),
            MemoryAvailable = new ByteSize(Math.Max(0, node.MemoryBytes - node.UsedMemoryBytes)),
            DiskReadBytes = (long)node.DiskBytes,
            DiskWriteBytes = (long)(node.DiskBytes / 2),
            DiskReadOperations = (long)(node.DiskBytes / AccessBytes),
            DiskWriteOperations = (long)(node.DiskBytes / 2 / AccessBytes),
            NetworkReceivedBytes = (long)node.NetworkBytes,
            NetworkSentBytes = (long)(node.NetworkBytes / 2),
        };
    }
}
