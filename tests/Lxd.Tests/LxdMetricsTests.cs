using System.Globalization;
using Hypervisor.Sdk.Lxd.Driver;
using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>Counters of containers of real servers; what all drivers keep is checked by the kit.</summary>
[Peer("lxd")]
public sealed class LxdMetricsTests(LxdLab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    [Feature("MON-07")]
    public async Task A_running_container_has_counters_of_its_processor_memory_and_network(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await lab.GetAsync(kind), "counted");
        var metrics = guest.Backend.Get<IMetrics>();
        Assert.Equal(CapabilitySupport.Yes, (await guest.Backend.QueryAsync(Capability.NetworkMetrics, default, Token)).Support);
        await guest.Backend.Client.InstancePatchAsync(guest.Id.ToString(), new LxdInstancePut { Devices = new Dictionary<string, IDictionary<string, string>> { ["eth0"] = new Dictionary<string, string> { ["type"] = "nic", ["nictype"] = "p2p", ["name"] = "eth0" } } }, cancellationToken: Token);
        var first = await SampleAsync();
        Assert.True(first.MemoryUsed > default(ByteSize), $"{first.MemoryUsed}");
        Assert.NotNull(first.Since);
        Assert.Contains("metrics", first.Unavailable[nameof(first.DiskReadBytes)], StringComparison.Ordinal);

        // It works for as long as it says, and says something to its network, of which nobody answers.
        var worked = await guest.RunAsync("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; ip link set eth0 up; ip addr add 10.9.9.1/24 dev eth0; arping -c 2 -w 3 -I eth0 10.9.9.2 >/dev/null; cat /sys/class/net/eth0/statistics/tx_bytes");
        long sent = long.Parse(System.Text.Encoding.ASCII.GetString(worked.Output.Span), CultureInfo.InvariantCulture);
        var second = await SampleAsync();
        Assert.True(second.CpuTime > first.CpuTime, $"{first.CpuTime} and then {second.CpuTime}");
        Assert.True(sent > 0 && second.NetworkSentBytes >= sent, $"{second.NetworkSentBytes} of {sent}");
        Assert.True(second.NetworkSentPackets > 0);
        Assert.True(second.At > first.At);
        Assert.Equal(first.Since, second.Since);
        Assert.NotNull(InstanceRates.Between(first, second));

        var node = Assert.Single(await metrics.SampleNodesAsync(Token).ToListAsync(Token));
        Assert.True(node.Cpus > 0 && node.MemoryTotal > node.MemoryAvailable, $"{node.Cpus}, {node.MemoryTotal}, {node.MemoryAvailable}");

        async Task<InstanceMetrics> SampleAsync() => Assert.Single(await metrics.SampleAsync(new InstanceFilter { Name = "counted" }, Token).ToListAsync(Token));
    }

    [Fact]
    public void What_a_server_does_not_count_is_null_with_a_reason()
    {
        var sample = LxdMetrics.Of(InstanceId.Parse("a"), new LxdInstanceState
        {
            Cpu = new LxdInstanceStateCpu { Usage = -1 }, Memory = new LxdInstanceStateMemory { Usage = 0 }, Network = new Dictionary<string, LxdInstanceStateNetwork> { ["eth0"] = new() },
        }, null, TimeProvider.System.GetUtcNow());
        Assert.Equal((null, null, null, null), (sample.CpuTime, sample.MemoryUsed, sample.NetworkSentBytes, sample.Since));
        foreach (string counter in new[] { nameof(sample.CpuTime), nameof(sample.MemoryUsed), nameof(sample.NetworkSentBytes), nameof(sample.NetworkReceivedPackets) })
            Assert.False(string.IsNullOrEmpty(sample.Unavailable[counter]));
    }
}
