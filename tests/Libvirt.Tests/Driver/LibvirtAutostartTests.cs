using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>What the daemon starts by itself.</summary>
[Peer("libvirt")]
public sealed class LibvirtAutostartTests(Libvirtd libvirtd)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    public async Task A_machine_is_started_with_the_daemon_where_that_is_asked_for_and_virsh_sees_it()
    {
        await using var backend = await LibvirtGuest.ConnectAsync(libvirtd);
        var hypervisor = backend.Get<IHypervisor>();
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse($"auto-{Guid.NewGuid():N}"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        spec.Extensions.Set(new LibvirtDomain { IsAutostarted = true });
        var made = await hypervisor.CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal("enable", await SeenAsync(LibvirtGuest.Driver, made.Name));

        var off = new InstanceChange { Description = "not any more" };
        off.Extensions.Set(new LibvirtDomain { IsAutostarted = false });
        var plan = await hypervisor.PlanAsync(made.Id, off, Token);
        Assert.Equal(["description", "autostart"], plan.Steps.Select(step => step.Property));
        await hypervisor.ApplyAsync(plan, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("disable", await SeenAsync(LibvirtGuest.Driver, made.Name));
        // What a change does not mention stays.
        await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "autostart", made.Name);
        await hypervisor.ChangeAsync(made.Id, new InstanceChange { Description = "again" }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal("enable", await SeenAsync(LibvirtGuest.Driver, made.Name));
        await hypervisor.DeleteAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 240_000)]
    public async Task A_containers_restart_policy_is_what_the_daemon_does_when_it_starts()
    {
        string root = await libvirtd.ContainerRootAsync();
        await using var backend = await LibvirtBackend.ConnectAsync($"lxc+unix:///?socket={libvirtd.Socket}", Token);
        var containers = backend.Get<IContainerRuntime>();
        foreach (var (policy, seen) in new (string?, string)[] { ("autostart", "enable"), ("never", "disable"), (null, "disable") })
        {
            var spec = new ContainerSpec { Name = InstanceName.Parse($"auto-{Guid.NewGuid().ToString("N")[..12]}"), Image = root, RestartPolicy = policy };
            var made = await containers.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
            Assert.Equal(seen, await SeenAsync("lxc:///", made.Name));
            await containers.DeleteAsync(made.Id, null, null, Token).WaitForCompletionAsync(Token);
        }
    }

    private async Task<string> SeenAsync(string driver, string name)
    {
        string info = await Virsh.RunAsync(libvirtd, driver, "dominfo", name);
        return info.Split('\n').Single(line => line.StartsWith("Autostart:", StringComparison.Ordinal))["Autostart:".Length..].Trim();
    }
}
