using System.Diagnostics;
using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>A daemon of each test's own that is killed while a call is under way: what became of it is found out by its request, by a process that did not make it.</summary>
[Peer("libvirt")]
public sealed class LibvirtSettlingTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private Process? _daemon;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        LibvirtdProcess.Require(out _);
        RealPeer.Program("qemu-system-x86_64");
        StartDaemon();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
            await LibvirtdProcess.StopAsync(_daemon);
        _directory.Dispose();
    }

    [Fact(Timeout = 180_000)]
    public async Task What_a_killed_daemon_did_before_it_could_say_so_is_looked_up_by_another_process()
    {
        await using var relay = new LossyRelay(_directory["relay"], _directory["s/libvirt-sock"]);
        await using var client = await ConnectAsync(relay.Path);
        var (create, start) = (Request(), Request());
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("killed"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };

        relay.LoseNextReply(LostReply.AfterEffect);
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAnyAsync<HypervisorException>(() => client.Get<IHypervisor>().CreateAsync(spec, create, Token).WaitForCompletionAsync(Token))).Outcome);
        await RestartDaemonAsync();
        await using var other = await ConnectAsync(_directory["s/libvirt-sock"]);
        var made = await other.Get<IRequestLog>().LookUpAsync(create.RequestId!.Value, Token);
        Assert.Equal((RequestState.Succeeded, InstanceId.Parse(create.RequestId.ToString()!)), (made.State, made.Instance!.Value));
        Assert.Equal(made.Instance, (await other.Get<IHypervisor>().CreateAsync(spec, create, Token).WaitForCompletionAsync(Token)).Id);

        // The client connects again by itself.
        while (!(await client.CheckHealthAsync(Token)).IsHealthy)
            await Task.Yield();
        relay.LoseNextReply(LostReply.AfterEffect);
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAnyAsync<HypervisorException>(() => client.Get<IHypervisor>().StartAsync(made.Instance.Value, start, Token).WaitForCompletionAsync(Token))).Outcome);
        await RestartDaemonAsync();
        await using var third = await ConnectAsync(_directory["s/libvirt-sock"]);
        var hypervisor = third.Get<IHypervisor>();
        Assert.Equal(RequestState.Succeeded, (await third.Get<IRequestLog>().LookUpAsync(start.RequestId!.Value, Token)).State);
        Assert.Equal(PowerState.Running, (await hypervisor.StartAsync(made.Instance.Value, start, Token).WaitForCompletionAsync(Token)).State);
        await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StopAsync(made.Instance.Value, null, start, Token));
        await hypervisor.DeleteAsync(made.Instance.Value, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 180_000)]
    public async Task What_a_killed_daemon_never_got_is_not_looked_up_as_done_and_is_done_when_it_is_asked_again()
    {
        await using var relay = new LossyRelay(_directory["relay"], _directory["s/libvirt-sock"]);
        await using var client = await ConnectAsync(relay.Path);
        var create = Request();
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("never"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        relay.LoseNextReply(LostReply.BeforeEffect);
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAnyAsync<HypervisorException>(() => client.Get<IHypervisor>().CreateAsync(spec, create, Token).WaitForCompletionAsync(Token))).Outcome);
        await RestartDaemonAsync();
        await using var other = await ConnectAsync(_directory["s/libvirt-sock"]);
        // The id is older than what this process knows.
        Assert.Equal(RequestState.Expired, (await other.Get<IRequestLog>().LookUpAsync(create.RequestId!.Value, Token)).State);
        Assert.Equal(RequestState.NeverSeen, (await other.Get<IRequestLog>().LookUpAsync(RequestId.New(), Token)).State);
        var made = await other.Get<IHypervisor>().CreateAsync(spec, create, Token).WaitForCompletionAsync(Token);
        Assert.Equal(create.RequestId.ToString(), made.Id.ToString());
        await other.Get<IHypervisor>().DeleteAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
    }

    private static RequestOptions Request() => new() { RequestId = RequestId.New() };

    /// <summary>As another process would connect.</summary>
    private static Task<LibvirtBackend> ConnectAsync(string socket) => LibvirtBackend.ConnectAsync(
        new LibvirtBackendOptions { Uri = $"qemu+unix:///system?socket={socket}", DomainType = "qemu", Connection = new LibvirtOptions { MaxClientRequests = Libvirtd.MaxClientRequests } }, new LibvirtServer(TimeProvider.System), Token);

    private void StartDaemon() => _daemon = LibvirtdProcess.Start(RealPeer.Program("libvirtd"), _directory, "listen_tls = 0");

    private async Task RestartDaemonAsync()
    {
        await LibvirtdProcess.StopAsync(_daemon!);
        StartDaemon();
    }
}
