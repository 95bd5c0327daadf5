using Hypervisor.Sdk.Hosts.Tests.Lab;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests;

/// <summary>A daemon on another machine, reached by a real sshd there.</summary>
[Peer("libvirt")]
public sealed class LibvirtSshTests(Libvirtd libvirtd, SecondMachine machine)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task A_daemon_of_another_machine_is_reached_by_ssh()
    {
        await libvirtd.StartAsync();
        await using var backend = await LibvirtBackend.ConnectAsync(Options($"test+ssh://root@127.0.0.1/default?socket={libvirtd.Socket}"), Token);
        Assert.Equal("", backend.Info.Endpoint.UserInfo);
        Assert.Contains(await backend.Get<IHypervisor>().List().ToListAsync(Token), instance => instance.Name == "test");
    }

    [Fact(Timeout = 180_000)]
    public async Task A_machine_without_a_daemon_says_so_and_nothing_was_sent()
    {
        var error = await Assert.ThrowsAnyAsync<HypervisorException>(() => LibvirtBackend.ConnectAsync(Options("test+ssh://root@127.0.0.1/default?socket=/tmp/there-is-none"), Token));
        Assert.Equal((RequestOutcome.NotSent, ErrorCode.Unavailable), (error.Outcome, error.Code));
    }

    private LibvirtBackendOptions Options(string uri) => new() { Uri = uri, Connection = new LibvirtOptions { Ssh = machine.Options() } };
}
