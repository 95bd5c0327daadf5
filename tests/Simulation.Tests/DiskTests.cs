#pragma warning disable HVSDK004 // Experimental: the simulation has them too.
namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>The images that disks are made of, and where disks are.</summary>
public sealed class DiskTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Images_are_put_upon_a_disk_written_into_what_is_below_and_copied_together()
    {
        await using var dc = new SimulatedDatacenter();
        var layers = dc.Backend.Get<IDiskLayers>();
        var template = await dc.MakeAsync("template");
        await dc.Backend.Get<ITemplates>().ConvertToTemplateAsync(template.Id).WaitForCompletionAsync(Token);
        var vm = await dc.Backend.Get<ICloning>().CloneAsync(template.Id, new CloneSpec { Name = InstanceName.Parse("web"), Mode = CloneMode.Linked }).WaitForCompletionAsync(Token);
        await dc.Hypervisor().StartAsync(vm.Id).WaitForCompletionAsync(Token);
        var disk = vm.Disks[0].Id;
        Assert.Equal([true, false], (await ListAsync()).Select(layer => layer.IsOwn));

        await layers.AddAsync(vm.Id, disk).WaitForCompletionAsync(Token);
        await layers.AddAsync(vm.Id, disk).WaitForCompletionAsync(Token);
        var upon = await ListAsync();
        Assert.Equal([true, true, true, false], upon.Select(layer => layer.IsOwn));
        await layers.CommitAsync(vm.Id, disk, upon[1].Name).WaitForCompletionAsync(Token);
        Assert.Equal([upon[0].Name, upon[2].Name, upon[3].Name], (await ListAsync()).Select(layer => layer.Name));
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => layers.CommitAsync(vm.Id, disk, upon[2].Name))).Code);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => layers.CommitAsync(vm.Id, disk, upon[1].Name))).Code);

        await layers.FlattenAsync(vm.Id, disk).WaitForCompletionAsync(Token);
        Assert.True(Assert.Single(await ListAsync()).IsOwn);
        // Nothing lies upon the template any more.
        await dc.Hypervisor().DeleteAsync(vm.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync(Token);
        await dc.Hypervisor().DeleteAsync(template.Id).WaitForCompletionAsync(Token);

        async Task<List<DiskLayer>> ListAsync() => await layers.ListAsync(vm.Id, disk, Token).ToListAsync(Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_disk_moves_away_and_home_in_the_time_that_it_takes_and_stays_when_it_is_cancelled()
    {
        await using var dc = new SimulatedDatacenter();
        var moving = dc.Backend.Get<IDiskMoving>();
        var vm = await dc.MakeRunningAsync("web");
        var disk = vm.Disks[0];
        var away = new VolumeAttachment.File("/srv/web.raw", "raw");

        var slow = await moving.MoveAsync(vm.Id, disk.Id, away, new DiskMoveOptions { MaxBandwidthPerSecond = ByteSize.FromKiB(1) });
        Assert.True(await slow.TryCancelAsync(Token));
        Assert.Equal(ErrorCode.Cancelled, (await Assert.ThrowsAsync<HypervisorException>(() => slow.WaitAsync(Token))).Code);
        Assert.Equal(disk.Volume, (await dc.Hypervisor().GetAsync(vm.Id, Token)).Disks[0].Volume);

        var there = await moving.MoveAsync(vm.Id, disk.Id, away).WaitForCompletionAsync(Token);
        Assert.Equal("/srv/web.raw", there.Disks[0].Volume?.ToString());
        Assert.Equal((disk.Size, DiskDisposal.Kept), (there.Disks[0].Size, there.Disks[0].Disposal));
        Assert.Null(await dc.Backend.Get<IStorageBackend>().FindAsync(disk.Volume!.Value, Token));
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => moving.MoveAsync(vm.Id, disk.Id, away))).Code);

        var home = await moving.MoveAsync(vm.Id, disk.Id, null).WaitForCompletionAsync(Token);
        Assert.Equal((disk.Size, DiskDisposal.DeletedWithInstance), (home.Disks[0].Size, home.Disks[0].Disposal));
        Assert.Equal(PowerState.Running, home.State);

        var volume = await dc.Backend.Get<IStorageBackend>().CreateAsync(new VolumeSpec { Name = "small", Pool = PoolName.Parse("local"), Size = ByteSize.FromMiB(1) }).WaitForCompletionAsync(Token);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => moving.MoveAsync(vm.Id, disk.Id, new VolumeAttachment.Managed(volume.Id)));
        Assert.Equal("target", Assert.Single(refused.FieldErrors!).Key);
        await dc.Backend.Get<ISnapshots>().CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("s1") }).WaitForCompletionAsync(Token);
        Assert.Contains("'s1'", (await Assert.ThrowsAsync<HypervisorException>(() => moving.MoveAsync(vm.Id, disk.Id, away))).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_disk_of_a_machine_that_runs_is_exported_and_no_other()
    {
        await using var dc = new SimulatedDatacenter();
        var exports = dc.Backend.Get<IDiskExports>();
        var vm = await dc.MakeRunningAsync("read");
        var disk = vm.Disks[0].Id;
        await using (var export = await exports.ExportAsync(vm.Id, disk, null, Token))
            Assert.Equal("nbd+unix", export.Address.Scheme);
        await using (var export = await exports.ExportAsync(vm.Id, disk, new DiskExportOptions { Listen = System.Net.IPAddress.Loopback }, Token))
            Assert.Equal(("nbds", $"/{disk}"), (export.Address.Scheme, export.Address.AbsolutePath));
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => exports.ExportAsync(vm.Id, DeviceId.Parse("nothing"), null, Token))).Code);
        var stopped = await dc.MakeAsync("stopped");
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => exports.ExportAsync(stopped.Id, stopped.Disks[0].Id, null, Token))).Code);
    }
}
