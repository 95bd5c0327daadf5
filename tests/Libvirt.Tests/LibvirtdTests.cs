using System.Diagnostics;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests;

/// <summary>The daemon of these tests.</summary>
[Peer("libvirt")]
public sealed class LibvirtdTests
{
    [Fact(Timeout = 240_000)]
    public async Task A_daemon_that_fell_is_found_again_with_all_that_it_kept()
    {
        var token = TestContext.Current.CancellationToken;
        await using var daemon = new Libvirtd();
        int first;
        await using (var before = await daemon.ConnectAsync("storage:///system"))
        {
            first = daemon.ProcessId;
            await before.StoragePoolDefineXmlAsync($"<pool type='dir'><name>kept</name><target><path>{daemon.PathOf("kept")}</path></target></pool>", 0, token);
            using (var process = Process.GetProcessById(first))
            {
                process.Kill();
                await process.WaitForExitAsync(token);
            }

            await Assert.ThrowsAnyAsync<HypervisorException>(async () => await before.ConnectGetLibVersionAsync(token));
        }

        await using var after = await daemon.ConnectAsync("storage:///system");
        Assert.NotEqual(first, daemon.ProcessId);
        Assert.Equal("kept", Assert.Single((await after.ConnectListAllStoragePoolsAsync(1, 0, token)).Pools).Name);
    }
}
