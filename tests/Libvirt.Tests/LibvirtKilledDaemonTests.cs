using System.Diagnostics;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests;

/// <summary>A daemon of each test's own, stopped by a signal first, so that what it is sent is under way for certain when it is killed.</summary>
[Peer("libvirt")]
public sealed class LibvirtKilledDaemonTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private Process _daemon = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        LibvirtdProcess.Require(out string program);
        _daemon = LibvirtdProcess.Start(program, _directory, "listen_tls = 0");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
            await LibvirtdProcess.StopAsync(_daemon);
        _directory.Dispose();
    }

    [Fact(Timeout = 120_000)]
    public async Task A_daemon_that_is_killed_leaves_the_outcome_of_its_calls_unknown()
    {
        await using var libvirt = await ConnectAsync("test:///default", maxClientRequests: 1);
        var subscription = await libvirt.SubscribeDomainEventsAsync([VirDomainEventID.Lifecycle], cancellationToken: Token);
        var domain = await libvirt.DomainLookupByNameAsync("test", Token);
        await SignalAsync("-STOP");
        var sent = libvirt.DomainSuspendAsync(domain, Token).AsTask();
        var waiting = libvirt.DomainDestroyAsync(domain, Token).AsTask();
        await SignalAsync("-KILL");
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<BackendConnectionException>(() => sent)).Outcome);
        Assert.Equal(RequestOutcome.NotSent, (await Assert.ThrowsAsync<BackendConnectionException>(() => waiting)).Outcome);
        Assert.Equal(RequestOutcome.NotSent, (await Assert.ThrowsAsync<BackendConnectionException>(async () => await libvirt.DomainGetInfoAsync(domain, Token))).Outcome);
        Assert.Same(libvirt.CloseReason, await Assert.ThrowsAsync<BackendConnectionException>(async () => await subscription.ReadAsync(Token)));
        await subscription.DisposeAsync();
    }

    [Fact(Timeout = 120_000)]
    public async Task A_daemon_that_is_killed_in_an_upload_leaves_its_outcome_unknown()
    {
        await using var libvirt = await ConnectAsync("storage:///system", maxClientRequests: 5);
        Directory.CreateDirectory(_directory["pool"]);
        var pool = await libvirt.StoragePoolCreateXmlAsync($"<pool type='dir'><name>pool</name><target><path>{_directory["pool"]}</path></target></pool>", 0, Token);
        var volume = await libvirt.StorageVolCreateXmlAsync(pool, "<volume><name>v</name><capacity>1048576</capacity><target><format type='raw'/></target></volume>", 0, Token);
        await using var upload = await libvirt.StorageVolUploadAsync(volume, 0, 1048576, 0, Token);
        await SignalAsync("-STOP");
        await upload.WriteAsync(new byte[64 * 1024], Token);
        var finishing = upload.FinishAsync(Token);
        Assert.False(finishing.IsCompleted);
        await SignalAsync("-KILL");
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<BackendConnectionException>(() => finishing)).Outcome);
    }

    private Task<LibvirtConnection> ConnectAsync(string name, int maxClientRequests) => LibvirtConnection.ConnectAsync(
        new LibvirtUri($"test+unix:///x?socket={_directory["s/libvirt-sock"]}&name={Uri.EscapeDataString(name)}"), new LibvirtOptions { MaxClientRequests = maxClientRequests }, Token);

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start(RealPeer.Program("kill"), [signal, _daemon.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Token);
        Assert.Equal(0, kill.ExitCode);
    }
}
