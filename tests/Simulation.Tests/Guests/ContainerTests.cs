using System.Text;

namespace Hypervisor.Sdk.Simulation.Tests.Guests;

public sealed class ContainerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_container_is_created_started_spoken_to_limited_and_deleted()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddImage("debian/12", ByteSize.FromMiB(120)));
        var containers = dc.Backend.Get<IContainerRuntime>();
        var made = await containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse("c1"), Image = "debian/12", MemoryLimit = ByteSize.FromMiB(512), Networks = { new NetworkSpec { Network = "lan" } } }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal((InstanceKind.Container, PowerState.Stopped, ByteSize.FromMiB(512)), (made.Kind, made.State, made.Memory));
        Assert.Null(await dc.Hypervisor().FindAsync(made.Id, Token));
        await containers.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        dc.Clock.Advance(TimeSpan.FromSeconds(1));
        var said = await dc.Backend.Get<ICommands>().RunAsync(made.Id, new CommandSpec { Command = ["hostname"] }, cancellationToken: Token);
        Assert.Equal("c1\n", Encoding.UTF8.GetString(said.Output.Span));
        var changed = await containers.ChangeAsync(made.Id, new InstanceChange { CpuLimit = 1.5 }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal(1.5, changed.Cpus);
        Assert.Equal(PowerState.Stopped, (await containers.StopAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token)).State);
        await containers.DeleteAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Null(await containers.FindAsync(made.Id, Token));

        var none = await Assert.ThrowsAsync<HypervisorException>(() => containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse("c2"), Image = "nonesuch" }, cancellationToken: Token));
        Assert.Equal(ErrorCode.NotFound, none.Code);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("no", "exit 0", "stopped", 1)]
    [InlineData("on-failure", "exit 0", "stopped", 1)]
    [InlineData("on-failure", "exit 3", "running", 4)]
    [InlineData("always", "exit 0", "running", 4)]
    public async Task An_application_runs_as_long_as_its_program_and_again_by_its_policy(string policy, string end, string state, int atLeast)
    {
        await using var dc = new SimulatedDatacenter(o => o.Pace = SimulationPace.Stepped);
        var containers = dc.Backend.Get<IContainerRuntime>();
        var create = await containers.CreateAsync(new ContainerSpec
        {
            Name = InstanceName.Parse("app"), Image = "app", Flavor = ContainerFlavor.Application, RestartPolicy = policy, Entrypoint = { "sh", "-c" },
            Command = { $"echo round $MODE >> /srv/rounds; echo printed; sleep 2; {end}" }, Environment = { ["MODE"] = "fast" },
        }, cancellationToken: Token);
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        var app = await create.WaitAsync(Token);
        var start = await containers.StartAsync(app.Id, cancellationToken: Token);
        dc.Clock.Advance(TimeSpan.FromSeconds(20));
        await start.WaitAsync(Token);
        Assert.Equal(state, (await containers.GetAsync(app.Id, Token)).State.ToString());
        using var log = new StreamReader(await dc.Backend.Get<ISerialConsole>().OpenLogAsync(app.Id, cancellationToken: Token));
        Assert.True((await log.ReadToEndAsync(Token)).Split("printed\n").Length - 1 >= atLeast);
    }

    [Fact(Timeout = 60_000)]
    public async Task Ports_are_forwarded_once_each()
    {
        await using var dc = new SimulatedDatacenter();
        var containers = dc.Backend.Get<IContainerRuntime>();
        var made = await containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse("c1"), Image = "web", Ports = { new PortSpec { Guest = 80, Host = 8080 } } }, cancellationToken: Token).WaitForCompletionAsync(Token);
        var ports = dc.Backend.Get<IPortForwards>();
        Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => ports.AddAsync(made.Id, new PortSpec { Guest = 81, Host = 8080 }, cancellationToken: Token))).Code);
        var added = await ports.AddAsync(made.Id, new PortSpec { Guest = 443 }, cancellationToken: Token);
        Assert.InRange(added.Host.Port, 32768, 65535);
        var all = new List<PortForward>();
        await foreach (var port in ports.ListAsync(made.Id, Token))
            all.Add(port);
        Assert.Equal([80, 443], all.Select(port => port.GuestPort));
        Assert.True(await ports.RemoveAsync(made.Id, added.Id, cancellationToken: Token));
        Assert.False(await ports.RemoveAsync(made.Id, added.Id, cancellationToken: Token));
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => ports.AddAsync(made.Id, new PortSpec { Guest = 0 }, cancellationToken: Token))).Code);
    }
}
