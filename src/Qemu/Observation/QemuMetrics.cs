using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Guests;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Observation;

/// <summary>The counters of machines and of this host: from /proc, from QEMU's block layer and balloon, from tap devices or the guest's agent. All running machines are asked at once.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuMetrics(QemuServices services, MachineTable machines, AgentChannel agents) : IMetrics
{
    /// <summary>How often the guest's balloon driver is asked for its figures, in seconds.</summary>
    private const long BalloonIntervalSeconds = 5;

    private const string Balloon = "/machine/peripheral/" + MemoryBalloon.Device;

    /// <summary>A guest whose agent was silent is left alone for this long: a list of machines must not wait for it each time.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_agentPatience = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, DateTimeOffset> _silentUntil = new(StringComparer.Ordinal);
    private readonly HashSet<Guid> _askedBalloons = [];

    public async IAsyncEnumerable<InstanceMetrics> SampleAsync(InstanceFilter? filter = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var samples = machines.Ids().Select(id => SampleOneAsync(id, filter, cancellationToken)).ToList();
        foreach (var sample in samples)
        {
            if (await sample.ConfigureAwait(false) is { } metrics)
                yield return metrics;
        }
    }

    public async IAsyncEnumerable<NodeMetrics> SampleNodesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var load = ProcFiles.LoadAverages();
        var (total, available) = ProcFiles.Memory();
        var disks = ProcFiles.Disks();
        var networks = ProcFiles.Networks();
        var unavailable = new Dictionary<string, string>(StringComparer.Ordinal);
        if (disks is null)
            unavailable[nameof(NodeMetrics.DiskReadBytes)] = "This kernel shows no /proc/diskstats.";
        if (networks is null)
            unavailable[nameof(NodeMetrics.NetworkReceivedBytes)] = "This kernel shows no /proc/net/dev.";
        yield return new NodeMetrics
        {
            Node = QemuNodes.ThisNode,
            At = services.Time.GetUtcNow(),
            Cpus = Environment.ProcessorCount,
            CpuTime = ProcFiles.HostCpuTime(),
            LoadAverage1 = load?.One,
            LoadAverage5 = load?.Five,
            LoadAverage15 = load?.Fifteen,
            MemoryTotal = total,
            MemoryAvailable = available,
            DiskReadBytes = disks?.ReadBytes,
            DiskWriteBytes = disks?.WriteBytes,
            DiskReadOperations = disks?.Reads,
            DiskWriteOperations = disks?.Writes,
            NetworkReceivedBytes = networks?.Received,
            NetworkSentBytes = networks?.Sent,
            Unavailable = unavailable,
        };
        await Task.CompletedTask.ConfigureAwait(false);
    }

    /// <summary>One machine; null when it does not run, is not asked for, or ends meanwhile.</summary>
    private async Task<InstanceMetrics?> SampleOneAsync(string id, InstanceFilter? filter, CancellationToken cancellationToken)
    {
        var machine = machines.Get(id);
        if (machine.ReadConfig() is not { } config)
            return null;
        var status = await machines.GetStatusAsync(machine, config, cancellationToken).ConfigureAwait(false);
        if (!status.IsUp || status.Process is not { } process || (filter is not null && !filter.Matches(InstanceView.Of(services, config, status))))
            return null;
        var unavailable = new Dictionary<string, string>(StringComparer.Ordinal);
        var blocks = await DisksAsync(machine, config, unavailable, cancellationToken).ConfigureAwait(false);
        var network = await NetworkAsync(machine, config, process, unavailable, cancellationToken).ConfigureAwait(false);
        if (ProcFiles.CpuTimeOf(process.Pid) is not { } cpu)
            return null;
        return new InstanceMetrics
        {
            Id = machine.InstanceId,
            At = services.Time.GetUtcNow(),
            Since = process.StartedAt,
            CpuTime = cpu,
            MemoryUsed = ProcFiles.ResidentOf(process.Pid),
            MemoryUsedByGuest = blocks.GuestMemory,
            MemoryLeftToGuest = blocks.Left,
            DiskReadBytes = blocks.Stats?.Sum(stats => stats.RdBytes),
            DiskWriteBytes = blocks.Stats?.Sum(stats => stats.WrBytes),
            DiskReadOperations = blocks.Stats?.Sum(stats => stats.RdOperations),
            DiskWriteOperations = blocks.Stats?.Sum(stats => stats.WrOperations),
            NetworkReceivedBytes = network?.ReceivedBytes,
            NetworkSentBytes = network?.SentBytes,
            NetworkReceivedPackets = network?.ReceivedPackets,
            NetworkSentPackets = network?.SentPackets,
            Unavailable = unavailable,
        };
    }

    private async Task<(IReadOnlyList<BlockDeviceStats>? Stats, ByteSize? GuestMemory, ByteSize? Left)> DisksAsync(Machine machine, MachineConfig config, Dictionary<string, string> unavailable, CancellationToken cancellationToken)
    {
        try
        {
            return await machines.AskAsync(machine, config, async client =>
            {
                var blocks = await client.QueryBlockstatsAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
                var memory = await GuestMemoryAsync(client, config, unavailable, cancellationToken).ConfigureAwait(false);
                var left = await LeftAsync(client, config, unavailable, cancellationToken).ConfigureAwait(false);
                return ((IReadOnlyList<BlockDeviceStats>?)[.. blocks.Select(block => block.Stats)], memory, left);
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            foreach (string counter in (string[])[nameof(InstanceMetrics.DiskReadBytes), nameof(InstanceMetrics.DiskWriteBytes), nameof(InstanceMetrics.DiskReadOperations), nameof(InstanceMetrics.DiskWriteOperations), nameof(InstanceMetrics.MemoryUsedByGuest), nameof(InstanceMetrics.MemoryLeftToGuest)])
                unavailable[counter] = $"QEMU does not say: {error.Message}";
            return (null, null, null);
        }
    }

    /// <summary>What its balloon has left to the guest.</summary>
    private static async Task<ByteSize?> LeftAsync(QmpClient client, MachineConfig config, Dictionary<string, string> unavailable, CancellationToken cancellationToken)
    {
        if (config.EffectivePlatform.HasExtras)
            return new ByteSize(await MemoryBalloon.ActualAsync(client, cancellationToken).ConfigureAwait(false));
        unavailable[nameof(InstanceMetrics.MemoryLeftToGuest)] = $"{config.EffectivePlatform.Name} machines have no balloon here.";
        return null;
    }

    /// <summary>What the guest's balloon driver reports: what the guest has, less what it could still give to programs.</summary>
    private async Task<ByteSize?> GuestMemoryAsync(QmpClient client, MachineConfig config, Dictionary<string, string> unavailable, CancellationToken cancellationToken)
    {
        const string Counter = nameof(InstanceMetrics.MemoryUsedByGuest);
        try
        {
            bool isFirst;
            lock (_askedBalloons)
                isFirst = _askedBalloons.Add(config.Uuid);
            if (isFirst)
                await client.QomSetAsync(Balloon, "guest-stats-polling-interval", BalloonIntervalSeconds, cancellationToken).ConfigureAwait(false);
            var answer = (await client.QomGetAsync(Balloon, "guest-stats", cancellationToken).ConfigureAwait(false)).Json;
            // A figure that the guest does not report is 2^64 - 1 (Virtio 1.2, 5.5.6.4).
            if (Statistic(answer, "stat-total-memory") is { } total && Statistic(answer, "stat-available-memory") is { } available && available <= total)
                return new ByteSize(total - available);
            unavailable[Counter] = "The guest's balloon driver has not reported yet, or the guest has none.";
        }
        catch (HypervisorException error) when (error is not BackendConnectionException)
        {
            unavailable[Counter] = $"QEMU's balloon does not say: {error.Message}";
        }

        return null;
    }

    private static long? Statistic(JsonElement answer, string name) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("stats", out var stats) && stats.TryGetProperty(name, out var value) && value.TryGetInt64(out long number) && number >= 0 ? number : null;

    private async Task<NetworkCounters?> NetworkAsync(Machine machine, MachineConfig config, ProcessRecord process, Dictionary<string, string> unavailable, CancellationToken cancellationToken)
    {
        if (config.Networks.Count == 0)
            return new NetworkCounters(0, 0, 0, 0);
        string reason;
        if (config.Networks.All(network => !NetworkNames.IsUser(network.Network)))
        {
            if (TapCounters(process.Pid) is { } counters)
                return counters;
            reason = "The counters of the machine's tap devices cannot be read.";
        }
        else
        {
            (var counters, reason) = await AgentCountersAsync(machine, config, cancellationToken).ConfigureAwait(false);
            if (counters is not null)
                return counters;
        }

        foreach (string counter in (string[])[nameof(InstanceMetrics.NetworkReceivedBytes), nameof(InstanceMetrics.NetworkSentBytes), nameof(InstanceMetrics.NetworkReceivedPackets), nameof(InstanceMetrics.NetworkSentPackets)])
            unavailable[counter] = reason;
        return null;
    }

    /// <summary>The taps that QEMU holds open say which devices they are; what the host receives from one, the guest has sent.</summary>
    private static NetworkCounters? TapCounters(int pid)
    {
        var sum = new NetworkCounters(0, 0, 0, 0);
        bool found = false;
        try
        {
            foreach (string file in Directory.EnumerateFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fdinfo")))
            {
                string? device = File.ReadLines(file).Where(line => line.StartsWith("iff:", StringComparison.Ordinal)).Select(line => line[4..].Trim()).FirstOrDefault();
                if (device is null || ProcFiles.NetworkCounter(device, "tx_bytes") is not { } received || ProcFiles.NetworkCounter(device, "rx_bytes") is not { } sent)
                    continue;
                found = true;
                sum = new NetworkCounters(
                    sum.ReceivedBytes + received, sum.SentBytes + sent,
                    sum.ReceivedPackets + (ProcFiles.NetworkCounter(device, "tx_packets") ?? 0), sum.SentPackets + (ProcFiles.NetworkCounter(device, "rx_packets") ?? 0));
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return found ? sum : null;
    }

    private async Task<(NetworkCounters? Counters, string Reason)> AgentCountersAsync(Machine machine, MachineConfig config, CancellationToken cancellationToken)
    {
        const string Why = "A user-mode network has no counters on the host; the guest's agent would know";
        if (!config.Machine.AgentChannel)
            return (null, $"{Why}, but the machine has no agent channel.");
        var now = services.Time.GetUtcNow();
        lock (_silentUntil)
        {
            if (_silentUntil.TryGetValue(machine.Id, out var until) && now < until)
                return (null, $"{Why}, but it did not answer when it was asked last.");
        }

        try
        {
            var interfaces = await agents.TalkAsync(machine, config, agent => agent.WithTimeout(s_agentPatience).NetworkGetInterfacesAsync(cancellationToken).AsTask(), cancellationToken).ConfigureAwait(false);
            var ours = interfaces.Where(found => MacAddress.TryParse(found.HardwareAddress, null, out var mac) && config.Networks.Any(network => MacAddress.Parse(network.Mac) == mac)).Select(found => found.Statistics).OfType<GuestAgent.GuestNetworkInterfaceStat>().ToList();
            return ours.Count == 0
                ? (null, $"{Why}, but it names none of the machine's devices.")
                : (new NetworkCounters(ours.Sum(stats => (long)stats.RxBytes), ours.Sum(stats => (long)stats.TxBytes), ours.Sum(stats => (long)stats.RxPackets), ours.Sum(stats => (long)stats.TxPackets)), "");
        }
        catch (HypervisorException error)
        {
            lock (_silentUntil)
                _silentUntil[machine.Id] = now + s_silence;
            return (null, $"{Why}, but: {error.Message}");
        }
    }

    /// <summary>What a guest received and sent.</summary>
    private sealed record NetworkCounters(long ReceivedBytes, long SentBytes, long ReceivedPackets, long SentPackets);
}
