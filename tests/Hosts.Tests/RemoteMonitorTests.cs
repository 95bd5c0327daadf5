using System.Net.Sockets;
using Hypervisor.Sdk.Hosts.Tests.Lab;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts.Tests;

/// <summary>A protocol of the drivers over a host session: QMP with a QEMU that runs on another machine.</summary>
[Peer("openssh")]
[Peer("qemu")]
public sealed class RemoteMonitorTests(SecondMachine second)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_QEMU_of_another_machine_is_spoken_to_by_its_monitor()
    {
        RealPeer.Program("qemu-system-x86_64");
        // Beneath /srv, which this machine does not share.
        string path = $"/srv/{Guid.NewGuid():N}.sock";
        await using var session = await second.ConnectAsync(Token);
        await using var qemu = await session.StartAsync(new HostCommand("qemu-system-x86_64", "-M", "none", "-nodefaults", "-display", "none", "-qmp", $"unix:{path},server=on,wait=off"), Token);
        Assert.False(File.Exists(path));
        await using (var monitor = await ConnectAsync(session, qemu, path))
        {
            Assert.True(monitor.ServerVersion.Major >= 7);
            Assert.True((await monitor.QueryStatusAsync(Token)).Running);
            await monitor.QuitAsync(Token);
        }

        Assert.Equal(0, await qemu.Exited.WaitAsync(Token));
    }

    internal static async Task<QmpClient> ConnectAsync(IHostSession session, HostProcess qemu, string path)
    {
        while (true)
        {
            try
            {
                return await QmpClient.ConnectAsync(await session.ConnectAsync(new UnixDomainSocketEndPoint(path), Token), cancellationToken: Token);
            }
            catch (ConnectException) when (!qemu.Exited.IsCompleted)
            {
                // It is still starting.
            }
        }
    }
}
