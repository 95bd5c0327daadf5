using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Tests.Qmp;

/// <summary>Measures the whole process: nothing else runs beside it.</summary>
[CollectionDefinition(nameof(QmpAllocationTests), DisableParallelization = true)]
[Collection(nameof(QmpAllocationTests))]
[Peer("qemu")]
public class QmpAllocationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Asking_for_the_status_allocates_nothing()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        const int Calls = 2000;
        long bytes = await AllocationMeter.MeasureAsync(1024, async () =>
        {
            for (int i = 0; i < Calls; i++)
                await qmp.GetRunStatusAsync(Cancel);
        });
        Assert.InRange(bytes, 0, 1024);
    }

    [Fact(Timeout = 60_000)]
    public async Task Sixteen_calls_in_flight_allocate_nothing()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
#pragma warning disable CA2012 // Each is awaited once: tasks made of them would allocate.
        var calls = new ValueTask<RunStatus>[16];
        long bytes = await AllocationMeter.MeasureAsync(1024, async () =>
        {
            for (int round = 0; round < 100; round++)
            {
                for (int i = 0; i < calls.Length; i++)
                    calls[i] = qmp.GetRunStatusAsync(Cancel);
                for (int i = 0; i < calls.Length; i++)
                    await calls[i];
            }
        });
#pragma warning restore CA2012
        Assert.InRange(bytes, 0, 1024);
    }

    [Fact(Timeout = 60_000)]
    public async Task Events_that_nobody_wants_allocate_nothing()
    {
        const int Events = 10_000;
        byte[] block = [.. Enumerable.Repeat("{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 5}, \"event\": \"BLOCK_IO_ERROR\", \"data\": {\"device\": \"d\", \"reason\": \"no\"}}\r\n"u8.ToArray(), Events).SelectMany(bytes => bytes)];
        const string Reply = """{"status": "running", "singlestep": false, "running": true}""";
        var (server, client) = await SimulatedQmpServer.ConnectAsync(async server =>
        {
            for (int i = 0; i < 5; i++)
            {
                long id = await server.ReadCommandAsync();
                await server.SendAsync(block);
                await server.ReplyAsync(id, Reply);
            }
        });
        await using var ends = server;
        await using var closes = client;
        using var others = client.Subscribe(Hypervisor.Sdk.Qemu.Qapi.QmpEventName.Shutdown);
        long bytes = await AllocationMeter.MeasureAsync(32 * 1024, async () => await client.GetRunStatusAsync(Cancel));
        // The script allocates a little: a command read, a reply written.
        Assert.InRange(bytes, 0, 32 * 1024);
    }
}
