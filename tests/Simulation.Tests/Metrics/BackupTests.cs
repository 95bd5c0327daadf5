using System.Security.Cryptography;

namespace Hypervisor.Sdk.Simulation.Tests.Metrics;

public sealed class BackupTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_chain_of_increments_restores_the_disk_as_it_was_at_each_moment()
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Guests.Load = LoadModel.Steady(0.9);
            o.AddImage("base", ByteSize.FromMiB(8));
        });
        var wanted = Machines.Spec("db");
        wanted.Disks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.FromImage("base") { Size = ByteSize.FromMiB(24) } });
        var vm = await dc.Hypervisor().CreateAsync(wanted, cancellationToken: Token).WaitForCompletionAsync(Token);
        await dc.Hypervisor().StartAsync(vm.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        var source = dc.Backend.Get<IBackupSource>();
        var data = DeviceId.Parse("data");
        byte[] restored = new byte[24 << 20];
        string? checkpoint = null;
        long full = 0;
        for (int round = 0; round < 4; round++)
        {
            await using var session = await source.BeginAsync(vm.Id, new BackupOptions { SinceCheckpoint = checkpoint }, Token);
            // The machine writes on while it is read: the view stands still.
            dc.Clock.Advance(TimeSpan.FromSeconds(40));
            long read = 0;
            await foreach (var extent in session.GetExtentsAsync(data, Token))
            {
                if (extent.IsZero)
                    restored.AsSpan((int)extent.Offset, (int)extent.Length).Clear();
                else
                    await session.ReadAsync(data, extent.Offset, restored.AsMemory((int)extent.Offset, (int)extent.Length), Token);
                read += extent.IsZero ? 0 : extent.Length;
            }

            byte[] now = new byte[24 << 20];
            await session.ReadAsync(data, 0, now, Token);
            Assert.Equal(SHA256.HashData(now), SHA256.HashData(restored));
            if (round == 0)
                full = read;
            else
                Assert.InRange(read, 1, full - 1);
            checkpoint = await session.CompleteAsync(Token);
        }

        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => source.BeginAsync(vm.Id, new BackupOptions { SinceCheckpoint = "nonesuch" }, Token))).Code);
        await using (await source.BeginAsync(vm.Id, new BackupOptions { Quiesce = true }, Token))
            Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => source.BeginAsync(vm.Id, new BackupOptions { SinceCheckpoint = "" }, Token))).Code);
        await using var other = await source.BeginAsync(vm.Id, null, Token);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await other.ReadAsync(data, (24 << 20) - 10, new byte[11], Token));
    }
}
