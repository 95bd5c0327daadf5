using Hypervisor.Sdk.Conformance;

namespace Hypervisor.Sdk.Lxd.Tests.Lab;

/// <summary>The driver on a server of the lab, checked by the kit. Connections that are to be disturbed go through a relay.</summary>
internal sealed class LxdTarget(PrivateServer server, string name, string prefix, LxdClient outside) : ConformanceTarget, IConnectionFaults
{
    private readonly HttpRelay _relay = new(server.PathOf($"relay-{Guid.NewGuid().ToString("N")[..8]}"), server.Socket);

    public override string Name => name;

    public override string Prefix => prefix;

    public override double Patience => 4;

    public override PoolName? Pool => PoolName.Parse("default");

    public override IConnectionFaults Connection => this;

    public override async Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => await LxdBackend.ConnectAsync(Options(name, server.Socket), cancellationToken);

    async Task<IBackend> IConnectionFaults.ConnectAsync(BackendName name, CancellationToken cancellationToken) => await LxdBackend.ConnectAsync(Options(name, _relay.Path), cancellationToken);

    public void LoseNextReply(LostReply when) => _relay.LoseNextReply(when);

    public Task BreakAsync(CancellationToken cancellationToken)
    {
        _relay.Break();
        return Task.CompletedTask;
    }

    public override InstanceSpec NewInstance(InstanceName name) => new ContainerSpec { Name = name, Image = "busybox", CpuLimit = 1, MemoryLimit = ByteSize.FromMiB(64) };

    /// <summary>Its programs are there as soon as it is started.</summary>
    public override InstanceSpec NewGuest(InstanceName name) => NewInstance(name);

    public override async Task<bool?> IsAcceleratedAsync(InstanceId running, CancellationToken cancellationToken) =>
        (await outside.InstanceStateGetAsync(running.ToString(), cancellationToken: cancellationToken)).Value.Pid > 0;

    public override async Task<bool?> HasAsync(InstanceId made, Capability capability, CancellationToken cancellationToken) =>
        capability == Capability.CloudInit ? (await outside.InstanceGetAsync(made.ToString(), cancellationToken: cancellationToken)).Value.ExpandedConfig?.ContainsKey("cloud-init.user-data") is true : null;

    public override string? WhyNot(ConformanceAbility ability) => ability switch
    {
        ConformanceAbility.CrashGuests => "Of a container that has ended by itself the servers say no more than that it is stopped.",
        ConformanceAbility.FreezeGuests => "Nothing stands between the server and a container that could stop answering.",
        ConformanceAbility.DeafGuests => "This driver sets no signals of a container that it could be deaf to.",
        _ => "This driver does not do it over LXD and Incus yet.",
    };

    public override async ValueTask DisposeAsync()
    {
        await _relay.DisposeAsync();
        await outside.DisposeAsync();
        await base.DisposeAsync();
    }

    private static LxdBackendOptions Options(BackendName name, string socket) => new() { Name = name.ToString(), Connection = new LxdOptions { Server = socket } };
}
