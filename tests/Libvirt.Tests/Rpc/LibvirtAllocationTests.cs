using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Rpc;

/// <summary>The whole process is measured: nothing else runs meanwhile.</summary>
[CollectionDefinition(nameof(LibvirtAllocationTests), DisableParallelization = true)]
[Collection(nameof(LibvirtAllocationTests))]
public sealed class LibvirtAllocationTests
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
}
