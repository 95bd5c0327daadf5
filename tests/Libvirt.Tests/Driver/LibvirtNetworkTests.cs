using System.Net;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>Networks, filters, secrets and the host of a daemon that has a network of its own: what it makes there, this machine does not see.</summary>
[Peer("libvirt")]
public sealed class LibvirtNetworkTests(NetworkDaemon daemon) : IClassFixture<NetworkDaemon>
{
    private const string Driver = "qemu+unix:///system";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Socket => daemon.Socket;

    [Fact(Timeout = 180_000)]
    [Feature("NET-01")]
    [Feature("NET-02")]
    public async Task A_network_hands_out_addresses_and_is_the_one_that_virsh_shows()
    {
        await using var backend = await ConnectAsync();
        var networks = backend.Get<ILibvirtNetworks>();
        var web = MacAddress.Parse("52:54:00:aa:00:01");
        var spec = new LibvirtNetworkSpec
        {
            Name = "lab nat", Bridge = "hvnat0", Address = Cidr.Parse("192.168.222.1/24"), FirstLease = IPAddress.Parse("192.168.222.100"), LastLease = IPAddress.Parse("192.168.222.120"), Domain = "lab.test",
            Hosts = { new LibvirtStaticHost { Mac = web, Address = IPAddress.Parse("192.168.222.50"), Name = "web" } },
        };
        var made = await networks.CreateAsync(spec, Token);
        Assert.Equal(("lab nat", "nat", "hvnat0", true, true, true), (made.Name, made.Forward, made.Bridge, made.IsActive, made.IsPersistent, made.IsAutostarted));
        Assert.Equal([Cidr.Parse("192.168.222.1/24")], made.Addresses);
        Assert.Equal((web, "web"), (Assert.Single(made.Hosts).Mac, made.Hosts[0].Name));
        Assert.Contains("<forward mode='nat'>", await Virsh.RunAsync(Socket, Driver, "net-dumpxml", "lab nat"), StringComparison.Ordinal);
        Assert.Contains(await backend.Get<INetworks>().ListAsync(Token).ToListAsync(Token), network => network is { Name: "lab nat", Kind: "nat" });
        Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => networks.CreateAsync(spec, Token))).Code);
        await InNetworkAsync("ip", "link", "show", "hvnat0");

        await InNetworkAsync("ip", "link", "add", "guest0", "type", "veth", "peer", "name", "guest1", "address", web.ToString());
        await InNetworkAsync("ip", "link", "set", "guest0", "master", "hvnat0", "up");
        await InNetworkAsync("ip", "link", "set", "guest1", "up");
        await InNetworkAsync("busybox", "udhcpc", "-i", "guest1", "-f", "-n", "-q", "-t", "60", "-T", "1", "-s", "/bin/true");
        // The DHCP server tells of the address when it has given it.
        IReadOnlyList<LibvirtLease> leases = [];
        while (leases.Count == 0)
            leases = await networks.ListLeasesAsync("lab nat", Token);
        var lease = Assert.Single(leases);
        Assert.Equal((Cidr.Parse("192.168.222.50/24"), web, "web"), (lease.Address, lease.Mac!.Value, lease.HostName));
        Assert.True(lease.ExpiresAt > TimeProvider.System.GetUtcNow());

        var other = new LibvirtStaticHost { Mac = MacAddress.Parse("52:54:00:aa:00:02"), Address = IPAddress.Parse("192.168.222.51") };
        await networks.AddHostAsync("lab nat", other, Token);
        Assert.Equal(2, (await networks.FindAsync("lab nat", Token))!.Hosts.Count);
        Assert.Contains("52:54:00:aa:00:02", await Virsh.RunAsync(Socket, Driver, "net-dumpxml", "--inactive", "lab nat"), StringComparison.Ordinal);
        await networks.RemoveHostAsync("lab nat", web, Token);
        Assert.Equal(other.Mac, Assert.Single((await networks.FindAsync("lab nat", Token))!.Hosts).Mac);

        await networks.StopAsync("lab nat", Token);
        Assert.False((await networks.FindAsync("lab nat", Token))!.IsActive);
        Assert.DoesNotContain("hvnat0", await InNetworkAsync("ip", "-br", "link"), StringComparison.Ordinal);
        await networks.StartAsync("lab nat", Token);
        Assert.Contains("hvnat0", await InNetworkAsync("ip", "-br", "link"), StringComparison.Ordinal);
        await networks.DeleteAsync("lab nat", Token);
        Assert.Null(await networks.FindAsync("lab nat", Token));
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<LibvirtException>(() => networks.StartAsync("lab nat", Token))).Code);
    }

    [Fact(Timeout = 180_000)]
    [Feature("NET-02")]
    public async Task Networks_are_routed_isolated_or_a_bridge_that_is_there_and_what_virsh_makes_is_listed()
    {
        await using var backend = await ConnectAsync();
        var networks = backend.Get<ILibvirtNetworks>();
        await InNetworkAsync("ip", "link", "add", "hostbr0", "type", "bridge");
        await networks.CreateAsync(new LibvirtNetworkSpec { Name = "routed", Forwarding = LibvirtForwarding.Routed, Address = Cidr.Parse("192.168.223.1/24") }, Token);
        await networks.CreateAsync(new LibvirtNetworkSpec { Name = "alone", Forwarding = LibvirtForwarding.Isolated, IsAutostarted = false }, Token);
        await networks.CreateAsync(new LibvirtNetworkSpec { Name = "bridged", Forwarding = LibvirtForwarding.Bridge, Bridge = "hostbr0" }, Token);
        await File.WriteAllTextAsync(daemon.PathOf("net.xml"), "<network><name>theirs &amp; not up</name><forward mode='nat'/><ip address='192.168.224.1' netmask='255.255.255.0'/></network>", Token);
        await Virsh.RunAsync(Socket, Driver, "net-define", daemon.PathOf("net.xml"));

        var all = await networks.ListAsync(Token).ToDictionaryAsync(network => network.Name, cancellationToken: Token);
        Assert.Equal(("route", null, "bridge", "nat"), (all["routed"].Forward, all["alone"].Forward, all["bridged"].Forward, all["theirs & not up"].Forward));
        Assert.Equal(("hostbr0", true, false, false), (all["bridged"].Bridge, all["bridged"].IsActive, all["alone"].IsAutostarted, all["theirs & not up"].IsActive));
        Assert.Equal(Cidr.Parse("192.168.224.1/24"), Assert.Single(all["theirs & not up"].Addresses));
        foreach (string name in all.Keys.Where(name => name != "default"))
            await networks.DeleteAsync(name, Token);
        Assert.DoesNotContain("theirs", await Virsh.RunAsync(Socket, Driver, "net-list", "--all", "--name"), StringComparison.Ordinal);
        Assert.Contains("hostbr0", await InNetworkAsync("ip", "-br", "link"), StringComparison.Ordinal);

        foreach (var bad in new[]
        {
            new LibvirtNetworkSpec { Name = "a/b" }, new LibvirtNetworkSpec { Name = "no-address" }, new LibvirtNetworkSpec { Name = "bridge", Forwarding = LibvirtForwarding.Bridge },
            new LibvirtNetworkSpec { Name = "x", Forwarding = LibvirtForwarding.Isolated, Bridge = "</name><forward/>" },
        })
            Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (await Assert.ThrowsAsync<HypervisorException>(() => networks.CreateAsync(bad, Token))) is var error ? (error.Code, error.Outcome) : default);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_filter_guards_a_device_until_it_is_unbound()
    {
        await using var backend = await ConnectAsync();
        var filters = backend.Get<ILibvirtFilters>();
        Assert.Equal("hv-quiet", await filters.DefineAsync("<filter name='hv-quiet' chain='root'><rule action='accept' direction='inout'/></filter>", Token));
        Assert.Contains("hv-quiet", await Virsh.RunAsync(Socket, Driver, "nwfilter-list"), StringComparison.Ordinal);
        Assert.Contains("hv-quiet", await filters.ListAsync(Token));
        Assert.Contains("action='accept'", await filters.GetDocumentAsync("hv-quiet", Token), StringComparison.Ordinal);
        await InNetworkAsync("ip", "link", "add", "tap0", "type", "veth", "peer", "name", "tap1");
        await filters.BindAsync(new LibvirtFilterBinding { Device = "tap0", Filter = "hv-quiet", Owner = "web <1>", Mac = MacAddress.Parse("52:54:00:00:00:09"), Parameters = new Dictionary<string, string> { ["IP"] = "192.0.2.1" } }, Token);
        var bound = Assert.Single(await filters.ListBindingsAsync(Token));
        Assert.Equal(("tap0", "hv-quiet", "web <1>", "192.0.2.1"), (bound.Device, bound.Filter, bound.Owner, bound.Parameters["IP"]));
        Assert.Contains("tap0", await Virsh.RunAsync(Socket, Driver, "nwfilter-binding-list"), StringComparison.Ordinal);
        await filters.UnbindAsync("tap0", Token);
        Assert.Empty(await filters.ListBindingsAsync(Token));
        await filters.DeleteAsync("hv-quiet", Token);
        Assert.DoesNotContain("hv-quiet", await filters.ListAsync(Token));
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => filters.DefineAsync("<!DOCTYPE filter [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><filter name='x'>&a;</filter>", Token))).Code);
    }

    [Fact(Timeout = 180_000)]
    public async Task Secrets_are_kept_by_what_they_are_for_and_shown_to_nobody()
    {
        await using var backend = await ConnectAsync();
        var secrets = backend.Get<ILibvirtSecrets>();
        var id = await secrets.SetAsync(VirSecretUsageType.Ceph, "client.libvirt", Secret.FromText("first"), cancellationToken: Token);
        Assert.Equal(id, await secrets.SetAsync(VirSecretUsageType.Ceph, "client.libvirt", Secret.FromText("second"), cancellationToken: Token));
        var kept = Assert.Single(await secrets.ListAsync(Token));
        Assert.Equal((id, VirSecretUsageType.Ceph, "client.libvirt"), (kept.Id, kept.Usage, kept.UsageId));
        Assert.Contains(id.ToString("D"), await Virsh.RunAsync(Socket, Driver, "secret-list"), StringComparison.Ordinal);
        Assert.DoesNotContain("second", await Virsh.RunAsync(Socket, Driver, "secret-dumpxml", id.ToString("D")), StringComparison.Ordinal);
        await using var libvirt = await LibvirtConnection.ConnectAsync(new LibvirtUri($"{Driver}?socket={Socket}"), cancellationToken: Token);
        await Assert.ThrowsAsync<LibvirtException>(async () => await libvirt.SecretGetValueAsync(new VirSecret { Uuid = id, UsageType = (int)VirSecretUsageType.Ceph, UsageID = "client.libvirt" }, 0, Token));
        await secrets.DeleteAsync(id, Token);
        Assert.Empty(await secrets.ListAsync(Token));
    }

    [Fact(Timeout = 180_000)]
    public async Task A_host_says_its_processors_its_memory_and_its_devices()
    {
        await using var backend = await ConnectAsync();
        var host = backend.Get<ILibvirtHost>();
        Assert.Contains("qemu64", await host.ListCpuModelsAsync(Architecture.Parse("x86_64"), Token));
        var cells = await host.ListNumaCellsAsync(Token);
        Assert.Equal(Environment.ProcessorCount, Math.Min(Environment.ProcessorCount, cells.Sum(cell => cell.Cpus.Count)));
        Assert.All(cells, cell => Assert.True(cell.FreeMemory > ByteSize.Zero && cell.FreeMemory <= cell.Memory));
        var devices = await host.ListDevicesAsync(cancellationToken: Token).ToListAsync(Token);
        Assert.Contains(devices, device => device is { Name: "computer", Capability: "system", Parent: null });
        Assert.All(await host.ListDevicesAsync("net", Token).ToListAsync(Token), device => Assert.Equal("net", device.Capability));
    }

    private Task<LibvirtBackend> ConnectAsync()
    {
        daemon.Start();
        return LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Uri = $"{Driver}?socket={Socket}", DomainType = "qemu" }, Token);
    }

    private Task<string> InNetworkAsync(params string[] command) => daemon.RunAsync(command);
}
