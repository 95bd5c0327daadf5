using System.Runtime.Versioning;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Storage.Directory.Tests;

[Peer("qemu")]
[SupportedOSPlatform("linux")]
public sealed class PoolTests : StorageTests
{
    [Fact]
    [Feature("STO-01")]
    [Feature("STO-03")]
    public async Task One_backend_serves_several_pools()
    {
        await using var storage = await OpenAsync(null, options => options.Pools["fast"] = System.IO.Directory.CreateDirectory(Temp["fast"]).FullName);
        var fast = PoolName.Parse("fast");

        Assert.Equal(["fast", "images"], (await storage.ListPoolsAsync(Cancellation).ToListAsync(Cancellation)).Select(pool => pool.Name.ToString()));
        await storage.CreateAsync(Spec("web1"), null, Cancellation).WaitForCompletionAsync(Cancellation);
        await storage.CreateAsync(new VolumeSpec { Pool = fast, Name = "web1", Size = Size }, null, Cancellation).WaitForCompletionAsync(Cancellation);
        Assert.Equal("fast/web1.qcow2", Assert.Single(await storage.ListVolumes(fast).ToListAsync(Cancellation)).Id.ToString());
        Assert.Equal("images/web1.qcow2", Assert.Single(await storage.ListVolumes(Pool).ToListAsync(Cancellation)).Id.ToString());
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<HypervisorException>(() => storage.ListVolumes(PoolName.Parse("none"))).Code);
        Assert.False(((IBackend)storage).TryGet<IStoragePools>(out _));
        Assert.True(((IBackend)storage).TryGet<IStorageBackend>(out _));
        Assert.True((await storage.CheckHealthAsync(Cancellation)).IsHealthy);
    }

    [Fact]
    [Feature("STO-02")]
    [Feature("STO-03")]
    public async Task Pools_are_made_and_deleted()
    {
        System.IO.Directory.CreateDirectory(Temp["pools"]);
        await using var storage = await OpenAsync(null, options => options.NewPoolsDirectory = Temp["pools"]);
        await using var other = await OpenAsync(null, options => options.NewPoolsDirectory = Temp["pools"]);
        var name = PoolName.Parse("fresh");
        var create = Request(RequestId.New());

        Assert.True(((IBackend)storage).TryGet<IStoragePools>(out var pools));
        for (int round = 0; round < 2; round++)
            Assert.Equal(name, (await pools.CreatePoolAsync(new StoragePoolSpec { Name = name }, create, Cancellation).WaitForCompletionAsync(Cancellation)).Name);
        await RefusedAsync(ErrorCode.AlreadyExists, () => other.CreatePoolAsync(new StoragePoolSpec { Name = name }, null, Cancellation));
        await RefusedAsync(ErrorCode.AlreadyExists, () => other.CreatePoolAsync(new StoragePoolSpec { Name = Pool }, null, Cancellation));
        await RefusedAsync(ErrorCode.InvalidArgument, () => other.CreatePoolAsync(new StoragePoolSpec { Name = PoolName.Parse("a b") }, null, Cancellation));
        await RefusedAsync(ErrorCode.InvalidArgument, () => other.CreatePoolAsync(new StoragePoolSpec { Name = PoolName.Parse("b"), Settings = { ["path"] = "/etc" } }, null, Cancellation));
        var volume = await other.CreateAsync(new VolumeSpec { Pool = name, Name = "web1", Size = Size }, null, Cancellation).WaitForCompletionAsync(Cancellation);
        await RefusedAsync(ErrorCode.InvalidState, () => storage.DeletePoolAsync(name, null, Cancellation));
        await RefusedAsync(ErrorCode.InvalidState, () => storage.DeletePoolAsync(Pool, null, Cancellation));

        await storage.DeleteAsync(volume.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
        var delete = Request(RequestId.New());
        for (int round = 0; round < 2; round++)
            await storage.DeletePoolAsync(name, delete, Cancellation).WaitForCompletionAsync(Cancellation);
        Assert.Equal(["images"], (await other.ListPoolsAsync(Cancellation).ToListAsync(Cancellation)).Select(pool => pool.Name.ToString()));
        Assert.Equal([".hypervisor"], System.IO.Directory.EnumerateFileSystemEntries(Temp["pools"]).Select(entry => Path.GetFileName(entry)));
        Assert.Equal(RequestState.Succeeded, (await other.LookUpAsync(delete.RequestId!.Value, Cancellation)).State);
    }

    [Fact]
    [Feature("STO-01")]
    public async Task A_pool_is_reached_through_the_registry()
    {
        var services = new ServiceCollection();
        services.AddHypervisorSdk().AddDirectoryStorage("store", options =>
        {
            options.Pools["images"] = PoolPath;
            options.QemuImg = RealPeer.Program("qemu-img");
        });
        await using var provider = services.BuildServiceProvider();
        var registry = provider.GetRequiredService<IBackendRegistry>();

        var storage = (await registry.GetAsync(BackendName.Parse("store"), Cancellation)).Get<IStorageBackend>();
        await storage.CreateAsync(Spec("web1"), null, Cancellation).WaitForCompletionAsync(Cancellation);
        await registry.AddAsync(new BackendDefinition { Name = BackendName.Parse("later"), Kind = "directory", Settings = { ["Pools.images"] = PoolPath, ["QemuImg"] = RealPeer.Program("qemu-img") } }, Cancellation);
        var later = (await registry.GetAsync(BackendName.Parse("later"), Cancellation)).Get<IStorageBackend>();
        Assert.Equal("web1", Assert.Single(await later.ListVolumes(Pool).ToListAsync(Cancellation)).Name);
    }

    [Fact]
    public async Task Capabilities_are_answered_and_unknown_means_no()
    {
        var storage = await OpenAsync();

        Assert.Equal(CapabilitySupport.Yes, (await storage.QueryAsync(Capability.LinkedClones, default, Cancellation)).Support);
        Assert.Equal(CapabilitySupport.No, (await storage.QueryAsync(Capability.Tpm, default, Cancellation)).Support);
        Assert.NotNull((await storage.QueryAsync(Capability.ResumableOperations, default, Cancellation)).Reason);
        Assert.Equal(BackendConnectionState.Connected, storage.ConnectionState);
        await storage.DisposeAsync();
        await storage.DisposeAsync();
        Assert.Equal(BackendConnectionState.Closed, storage.ConnectionState);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => storage.CreateAsync(Spec("web1"), null, Cancellation));
    }
}
