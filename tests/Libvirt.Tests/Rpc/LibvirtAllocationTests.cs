using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Rpc;

/// <summary>The whole process is measured: nothing else runs meanwhile.</summary>
[CollectionDefinition(nameof(LibvirtAllocationTests), DisableParallelization = true)]
[Collection(nameof(LibvirtAllocationTests))]
public sealed class LibvirtAllocationTests(Libvirtd libvirtd)
{
    private static readonly VirDomain s_domain = new() { Name = "web1", Uuid = new Guid("00112233-4455-6677-8899-aabbccddeeff"), Id = 7 };

    [Fact(Timeout = 60_000)]
    public async Task A_warm_call_allocates_nothing()
    {
        await using var daemon = new FakeDaemon();
        await using var libvirt = await daemon.ConnectAsync();
        const int Calls = 2000;
        var echo = new EchoThread(daemon);
        long bytes = await AllocationMeter.MeasureAsync(1024, async () =>
        {
            for (int i = 0; i < Calls; i++)
                await libvirt.DomainGetInfoAsync(s_domain);
        });
        Assert.InRange(bytes, 0, 1024);
        daemon.Hangup();
        echo.Join();
    }

    [Fact(Timeout = 120_000)]
    [Peer("libvirt")]
    public async Task A_visit_of_every_domain_and_statistic_of_a_real_daemon_allocates_nothing()
    {
        await libvirtd.StartAsync();
        const int Domains = 300;
        string node = libvirtd.PathOf("visited.xml");
        await File.WriteAllTextAsync(node, $"<node>{string.Concat(Enumerable.Range(0, Domains).Select(i => $"<domain type='test'><name>web{i}</name><uuid>{Guid.NewGuid()}</uuid><memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>"))}</node>", TestContext.Current.CancellationToken);
        // Not through the relay, which is in this process.
        await using var libvirt = await LibvirtConnection.ConnectAsync(new LibvirtUri($"test+unix://{node}?socket={libvirtd.Socket}"), new LibvirtOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan }, TestContext.Current.CancellationToken);
        var visitor = new Counting();
        const int Rounds = 20;
        int shown = 0;
        long bytes = await AllocationMeter.MeasureAsync(1024, async () =>
        {
            shown = 0;
            for (int i = 0; i < Rounds; i++)
            {
                visitor.Clear();
                shown += await libvirt.ConnectListAllDomainsAsync(visitor);
                shown += await libvirt.ConnectGetAllDomainStatsAsync(visitor);
            }
        });
        Assert.Equal(2 * Rounds * Domains, shown);
        var records = await libvirt.ConnectGetAllDomainStatsAsync([], 0, 0, TestContext.Current.CancellationToken);
        Assert.Equal((2 * Domains, records.Sum(record => record.Params.Length), records.Sum(record => record.Params.Where(parameter => parameter.Field == "state.state").Sum(parameter => parameter.Value.AsInt32()))), (visitor.Domains, visitor.Statistics, visitor.States));
        Assert.InRange(bytes, 0, 1024);

        var error = await Assert.ThrowsAsync<HypervisorException>(async () => await libvirt.ConnectListAllDomainsAsync(new Throwing(), 0, TestContext.Current.CancellationToken));
        Assert.IsType<InvalidDataException>(error.InnerException);
        Assert.Null(libvirt.CloseReason);
        Assert.Equal(Domains, await libvirt.ConnectListAllDomainsAsync(visitor, 0, TestContext.Current.CancellationToken));
    }

    private sealed class Counting : LibvirtDomainVisitor
    {
        public int Domains { get; private set; }

        public int Statistics { get; private set; }

        public long States { get; private set; }

        public void Clear() => (Domains, Statistics, States) = (0, 0, 0);

        protected override void Visit(in LibvirtDomainView domain)
        {
            if (domain.NameUtf8.StartsWith("web"u8) && domain.Uuid != default)
                Domains++;
        }

        protected override void Visit(in LibvirtStatistic statistic)
        {
            Statistics++;
            if (statistic.FieldUtf8.SequenceEqual("state.state"u8))
                States += statistic.AsInt64();
        }
    }

    private sealed class Throwing : LibvirtDomainVisitor
    {
        protected override void Visit(in LibvirtDomainView domain) => throw new InvalidDataException("not this one");
    }
}
