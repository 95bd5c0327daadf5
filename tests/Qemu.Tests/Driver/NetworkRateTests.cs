using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>How fast guests receive and send, of real packets.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class NetworkRateTests
{
    private const int Packets = 50;
    private const int PayloadBytes = 1000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    [Feature("MON-05")]
    public async Task A_guests_network_has_bytes_and_packets_in_a_second_and_none_when_its_counters_begin_anew()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = (await hypervisor.CreateAsync(lab.Spec("busy", spec => spec.Networks.Add(new NetworkSpec { Network = "user" })), null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);
        // It has its address, and from then on nothing else on the wire.
        await QemuLab.ShellAsync(backend, id, "for i in $(seq 200); do ip route | grep -q default && exit 0; usleep 100000; done; exit 1");

        var before = await CountedAsync(backend, id, _ => true);
        await QemuLab.ShellAsync(backend, id, $"ping -q -c {Packets} -i 0.02 -s {PayloadBytes} 10.0.2.2");
        var after = await CountedAsync(backend, id, _ => true);
        var rates = InstanceRates.Between(before, after);
        double seconds = (after.At - before.At).TotalSeconds;
        // Every packet came back; ARP and the like may be beside.
        foreach (var (packets, bytes) in new[] { (rates.NetworkSentPacketsPerSecond, rates.NetworkSentBytesPerSecond), (rates.NetworkReceivedPacketsPerSecond, rates.NetworkReceivedBytesPerSecond) })
        {
            Assert.InRange(packets!.Value * seconds, Packets - 0.001, Packets * 2);
            Assert.InRange(bytes!.Value * seconds, (Packets * PayloadBytes) - 0.001, Packets * PayloadBytes * 2);
        }

        // The same guest after a reset counts from 0: that is no negative rate.
        await backend.Get<IReset>().ResetAsync(id, null, Token).WaitForCompletionAsync(Token);
        var reset = await CountedAsync(backend, id, sample => sample.NetworkSentBytes < after.NetworkSentBytes);
        var anew = InstanceRates.Between(after, reset);
        Assert.Equal((null, null), (anew.NetworkSentBytesPerSecond, anew.NetworkReceivedBytesPerSecond));
        Assert.Contains("began anew", anew.Unavailable[nameof(InstanceRates.NetworkSentBytesPerSecond)], StringComparison.Ordinal);
        // What QEMU counts went on.
        Assert.True(anew.Cpus > 0);

        // Another QEMU says when it began, so that not even a counter that is ahead is taken for the same.
        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        var restarted = await SampleAsync(backend);
        Assert.NotEqual(after.Since, restarted.Since);
        Assert.Null(InstanceRates.Between(after, restarted).Cpus);
    }

    private static async Task<InstanceMetrics> SampleAsync(QemuBackend backend)
    {
        await foreach (var sample in backend.Get<IMetrics>().SampleAsync(null, Token))
            return sample;
        throw new InvalidOperationException("No machine runs.");
    }

    /// <summary>A sample of a guest whose agent answers. One that was silent for a second is not asked for a minute.</summary>
    private static async Task<InstanceMetrics> CountedAsync(QemuBackend backend, InstanceId id, Func<InstanceMetrics, bool> expected)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        while (true)
        {
            try
            {
                await backend.Get<IGuestAgent>().GetInfoAsync(id, Token);
                if (await SampleAsync(backend) is { NetworkSentBytes: not null } sample && expected(sample))
                    return sample;
            }
            catch (HypervisorException)
            {
                // It boots.
            }

            Assert.True(await timer.WaitForNextTickAsync(Token));
        }
    }
}
