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

    [Fact(Timeout = 60_000)]
    public async Task A_volume_is_mounted_in_a_container_that_runs_and_a_machine_has_no_mounts()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddImage("debian/12", ByteSize.FromMiB(120)));
        var containers = dc.Backend.Get<IContainerRuntime>();
        var made = await containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse("c1"), Image = "debian/12" }, cancellationToken: Token).WaitForCompletionAsync(Token);
        await containers.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        var change = new InstanceChange { AddMounts = { new MountSpec { Target = "/srv", Source = new DiskContent.Blank(ByteSize.FromMiB(8)), ReadOnly = true } } };
        var changed = await containers.ChangeAsync(made.Id, change, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal((made.Disks.Count + 1, true), (changed.Disks.Count, changed.Disks[^1].ReadOnly));
        var back = await containers.ChangeAsync(made.Id, new InstanceChange { RemoveDevices = { changed.Disks[^1].Id } }, new ApplyOptions { Accept = ChangeEffects.DestroysData | ChangeEffects.Live }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal(made.Disks.Count, back.Disks.Count);

        var machine = await dc.Hypervisor().CreateAsync(Machines.Spec("m1"), cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal(ErrorCode.Unsupported, (await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().PlanAsync(machine.Id, change, Token))).Code);
        var ephemeral = new ContainerSpec { Name = InstanceName.Parse("c2"), Image = "debian/12", Ephemeral = true };
        Assert.Equal(ErrorCode.Unsupported, (await Assert.ThrowsAsync<HypervisorException>(() => containers.CreateAsync(ephemeral, cancellationToken: Token))).Code);
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
