using System.Security.Cryptography;

namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>Pools that are made, contents that are uploaded, and what a scheduler is told of locks.</summary>
public sealed class StorageTests
{
    private static readonly PoolName s_tank = PoolName.Parse("tank");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task An_upload_is_downloaded_again_by_its_clones_too_and_replayed_without_its_bytes()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddPool("tank"));
        var storage = dc.Backend.Get<IStorageBackend>();
        var content = dc.Backend.Get<IVolumeContent>();
        byte[] sent = RandomNumberGenerator.GetBytes(100_000);
        var volume = await content.UploadAsync(new VolumeSpec { Pool = s_tank, Name = "image", Size = ByteSize.Zero }, new MemoryStream(sent), new VolumeUploadOptions { Format = "raw", Sha256 = SHA256.HashData(sent) }, null, Token);
        Assert.Equal(100_352, volume.Size.Bytes);
        var linked = await storage.CloneAsync(volume.Id, new VolumeSpec { Pool = s_tank, Name = "linked", Size = ByteSize.Zero }, CloneMode.Linked, null, Token).WaitForCompletionAsync(Token);
        var full = await storage.CloneAsync(volume.Id, new VolumeSpec { Pool = s_tank, Name = "full", Size = ByteSize.FromMiB(1) }, CloneMode.Full, null, Token).WaitForCompletionAsync(Token);
        await dc.Backend.Get<IVolumeFlattening>().FlattenAsync(linked.Id, null, Token).WaitForCompletionAsync(Token);
        await storage.DeleteAsync(volume.Id, null, Token).WaitForCompletionAsync(Token);
        foreach (var clone in new[] { linked, full })
        {
            byte[] received = await DownloadAsync(clone.Id);
            Assert.Equal(clone.Size.Bytes, received.Length);
            Assert.Equal(sent, received[..sent.Length]);
            Assert.True(received.AsSpan(sent.Length).IndexOfAnyExcept((byte)0) < 0);
        }

        var replayed = await SimulationReplay.RunAsync(dc.Trace, o => o.AddPool("tank"));
        Assert.Null(SimulationTrace.Compare(dc.Trace, replayed)?.ToString());

        async Task<byte[]> DownloadAsync(VolumeId id)
        {
            await using var stream = await content.DownloadAsync(id, null, Token);
            var all = new MemoryStream();
            await stream.CopyToAsync(all, Token);
            return all.ToArray();
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_disk_is_downloaded_as_its_guest_has_written_it_and_not_while_it_runs()
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Guests.Load = LoadModel.Steady(0.9);
            o.AddImage("base", ByteSize.FromMiB(8));
        });
        var content = dc.Backend.Get<IVolumeContent>();
        var spec = Machines.Spec("writer");
        spec.Disks.Clear();
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.FromImage("base") { Size = ByteSize.FromMiB(24) } });
        var vm = await dc.Hypervisor().CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        await dc.Hypervisor().StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        var volumes = await dc.Backend.Get<IStorageBackend>().ListVolumes(PoolName.Parse("local")).ToListAsync(Token);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => content.DownloadAsync(volumes[0].Id, null, Token))).Code);
        dc.Clock.Advance(TimeSpan.FromHours(1));
        await dc.Hypervisor().StopAsync(vm.Id, null, null, Token).WaitForCompletionAsync(Token);
        await using var stream = await content.DownloadAsync(volumes[0].Id, null, Token);
        byte[] received = new byte[24 << 20];
        await stream.ReadExactlyAsync(received, Token);
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Token));
        // A backup sees the same bytes.
        await using var backup = await dc.Backend.Get<IBackupSource>().BeginAsync(vm.Id, null, Token);
        byte[] kept = new byte[24 << 20];
        await backup.ReadAsync((await dc.Hypervisor().GetAsync(vm.Id, Token)).Disks[0].Id, 0, kept, Token);
        Assert.True(received.AsSpan().SequenceEqual(kept));
        Assert.True(received.AsSpan(8 << 20).IndexOfAnyExcept((byte)0) >= 0, "The guest has written nothing.");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_pool_is_made_with_its_settings_and_replayed_and_a_setting_that_is_none_is_named()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddNode("a"));
        var pools = dc.Backend.Get<IStoragePools>();
        var made = await pools.CreatePoolAsync(new StoragePoolSpec { Name = s_tank, Settings = { ["capacity"] = "2TiB", ["thin"] = "false", ["node"] = "a" } }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((ByteSize.FromTiB(2), "simulated-thick", NodeName.Parse("a")), (made.Capacity, made.Kind, made.Node));
        foreach (var (setting, value) in new[] { ("capacity", "large"), ("thin", "maybe"), ("node", "b"), ("compression", "zstd") })
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(() => pools.CreatePoolAsync(new StoragePoolSpec { Name = PoolName.Parse("other"), Settings = { [setting] = value } }, null, Token));
            Assert.Equal(ErrorCode.InvalidArgument, error.Code);
            Assert.Equal([$"settings.{setting}"], error.FieldErrors!.Keys);
        }

        await pools.DeletePoolAsync(s_tank, null, Token).WaitForCompletionAsync(Token);
        Assert.Null(SimulationTrace.Compare(dc.Trace, await SimulationReplay.RunAsync(dc.Trace, o => o.AddNode("a")))?.ToString());
    }

    [Fact(Timeout = 60_000)]
    public async Task Keys_that_were_pressed_are_replayed()
    {
        await using var dc = new SimulatedDatacenter();
        await dc.RunAsync(async () =>
        {
            var vm = await dc.MakeRunningAsync("typed");
            await Task.Delay(TimeSpan.FromMinutes(5), dc.Clock);
            await dc.Backend.Get<IKeyboard>().PressAsync(vm.Id, ["ctrl", "alt", "delete"]);
            await Task.Delay(TimeSpan.FromMinutes(5), dc.Clock);
        });
        Assert.Null(SimulationTrace.Compare(dc.Trace, await SimulationReplay.RunAsync(dc.Trace))?.ToString());
        Assert.Contains("press-keys", dc.Trace.ToString(), StringComparison.Ordinal);
    }
}
