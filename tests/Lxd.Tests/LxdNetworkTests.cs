using System.Net;
using System.Text;
using Hypervisor.Sdk.Lxd.Tests.Lab;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>The networks that a real server keeps, with what belongs to them.</summary>
[Peer("lxd")]
public sealed class LxdNetworkTests(LxdLab lab)
{
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(100);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [Feature("NET-01")]
    [Feature("NET-02")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_network_hands_out_addresses_and_forwards_one_of_the_host_until_lists_forbid_it(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket } }, Token);
        var (networks, containers) = (backend.Get<ILxdNetworks>(), backend.Get<IContainerRuntime>());
        var made = await networks.CreateAsync(new LxdNetworkSpec { Name = "kept0", Description = "ours", Ipv4 = Cidr.Parse("10.94.1.1/24"), Domain = "lab.example", Settings = { ["ipv4.dhcp.ranges"] = "10.94.1.50-10.94.1.60", ["user.rack"] = "r7" } }, Token);
        Assert.Equal(("kept0", "bridge", "ours", "10.94.1.1/24", "none", "lab.example", "r7"), (made.Name, made.Type, made.Description, made.Config!["ipv4.address"], made.Config["ipv6.address"], made.Config["dns.domain"], made.Config["user.rack"]));
        await networks.CreateAsync(new LxdNetworkSpec { Name = "other0", Ipv4 = Cidr.Parse("10.94.2.1/24"), Dhcp = false, Nat = false }, Token);
        Assert.Equal(ErrorCode.AlreadyExists, await RefusedAsync(() => networks.CreateAsync(new LxdNetworkSpec { Name = "kept0" }, Token)));
        var changed = await networks.ChangeAsync("other0", new Dictionary<string, string?> { ["user.rack"] = "r8", ["ipv4.nat"] = "false" }, "theirs", Token);
        Assert.Equal(("theirs", "r8", "10.94.2.1/24"), (changed.Description, changed.Config!["user.rack"], changed.Config["ipv4.address"]));
        Assert.DoesNotContain("user.rack", (await networks.ChangeAsync("other0", new Dictionary<string, string?> { ["user.rack"] = null }, null, Token)).Config!.Keys);
        Assert.Contains(await backend.Get<INetworks>().ListAsync(Token).ToListAsync(Token), network => network.Name == "kept0" && network.Addresses.Single().ToString() == "10.94.1.1/24");

        var serving = await StartAsync(backend, server, "net-serving", "kept0");
        var asking = await StartAsync(backend, server, "net-asking", "other0");
        Assert.Equal(ErrorCode.InvalidState, await RefusedAsync(() => networks.DeleteAsync("kept0", Token)));

        // Its own DHCP client has asked for an address.
        LxdLease? lease;
        while ((lease = (await networks.ListLeasesAsync("kept0", Token)).FirstOrDefault(lease => lease.Mac == serving.Networks[0].Mac && lease.Kind == "dynamic")) is null)
            await Task.Delay(s_again, Token);
        Assert.InRange(lease.Address.GetAddressBytes()[3], 50, 60);
        await UntilAsync(backend, serving.Id, $"ip addr show dev eth0 | grep -q {lease.Address}/ && (ip route show | grep -q default || ip route add default via 10.94.1.1)");
        await UntilAsync(backend, asking.Id, "ip link set eth0 up; ip addr show dev eth0 | grep -q 10.94.2.9/ || ip addr add 10.94.2.9/24 dev eth0; ip route show | grep -q default || ip route add default via 10.94.2.1");
        await backend.Client.InstanceFilesPostAsync("net-serving", HttpRequestBody.FromBytes("of the container"u8.ToArray(), "application/octet-stream"), new LxdCall { Path = "/etc/page", HeaderType = "file", HeaderMode = "0644", HeaderWrite = "overwrite" }, Token);
        await UntilAsync(backend, serving.Id, "httpd -p 8080 -h /etc");

        var listen = IPAddress.Parse("192.0.2.77");
        var forward = await networks.AddForwardAsync("kept0", listen, [new LxdForwardedPorts { First = 80, Target = lease.Address, TargetPort = 8080 }], null, Token);
        Assert.Equal(("192.0.2.77", "80", "8080"), (forward.ListenAddress, forward.Ports!.Single().ListenPort, forward.Ports!.Single().TargetPort));
        Assert.Equal(ErrorCode.AlreadyExists, await RefusedAsync(() => networks.AddForwardAsync("kept0", listen, [], null, Token)));

        // Not by wget: that of a static busybox looks for the port of "http" and crashes.
        const string Ask = "printf 'GET /page HTTP/1.0\\r\\n\\r\\n' | timeout 20 nc -w 5 192.0.2.77 80 | grep -q 'of the container'";
        await UntilAsync(backend, asking.Id, Ask);

        // A list without a rule lets nothing in; one that allows the port does again.
        await networks.SetAclAsync("only-web", [], [], Token);
        await networks.GuardAsync("kept0", ["only-web"], Token);
        await UntilAsync(backend, asking.Id, "! " + Ask);
        Assert.Equal(ErrorCode.InvalidState, await RefusedAsync(() => networks.DeleteAclAsync("only-web", Token)));
        var acl = await networks.SetAclAsync("only-web", [new LxdNetworkAclRule { Action = "allow", Protocol = "tcp", DestinationPort = "8080", State = "enabled" }], [], Token);
        Assert.Equal(("8080", 0), (acl.Ingress!.Single().DestinationPort, acl.Egress?.Count ?? 0));
        await UntilAsync(backend, asking.Id, Ask);
        await networks.GuardAsync("kept0", [], Token);
        await networks.DeleteAclAsync("only-web", Token);
        Assert.DoesNotContain(await networks.ListAclsAsync(Token), list => list.Name == "only-web");

        await networks.RemoveForwardAsync("kept0", listen, Token);
        Assert.Empty(await networks.ListForwardsAsync("kept0", Token));
        await UntilAsync(backend, asking.Id, "! " + Ask);
        foreach (var container in new[] { serving, asking })
            await containers.DeleteAsync(container.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        foreach (string name in new[] { "kept0", "other0" })
            await networks.DeleteAsync(name, Token);
        Assert.Null(await networks.FindAsync("kept0", Token));
        Assert.Equal(ErrorCode.NotFound, await RefusedAsync(() => networks.ListLeasesAsync("kept0", Token)));
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_zone_has_records_and_stays_while_a_network_has_it(ServerKind kind)
    {
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = (await lab.GetAsync(kind)).Socket } }, Token);
        var networks = backend.Get<ILxdNetworks>();
        var zone = await networks.CreateZoneAsync("kept.example", "ours", Token);
        Assert.Equal(("kept.example", "ours"), (zone.Name, zone.Description));
        Assert.Equal(ErrorCode.AlreadyExists, await RefusedAsync(() => networks.CreateZoneAsync("kept.example", null, Token)));
        await networks.SetRecordAsync("kept.example", "www", [new LxdNetworkZoneRecordEntry { Type = "A", Value = "192.0.2.1", Ttl = 60 }], Token);
        await networks.SetRecordAsync("kept.example", "www", [new LxdNetworkZoneRecordEntry { Type = "A", Value = "192.0.2.2" }, new LxdNetworkZoneRecordEntry { Type = "TXT", Value = "hello" }], Token);
        var record = Assert.Single(await networks.ListRecordsAsync("kept.example", Token));
        Assert.Equal(["192.0.2.2", "hello"], record.Entries!.Select(entry => entry.Value));
        await networks.CreateAsync(new LxdNetworkSpec { Name = "zoned0", Ipv4 = Cidr.Parse("10.94.3.1/24"), Zone = "kept.example" }, Token);
        await networks.SetRecordAsync("kept.example", "www", [], Token);
        Assert.Empty(await networks.ListRecordsAsync("kept.example", Token));
        Assert.Equal(ErrorCode.InvalidState, await RefusedAsync(() => networks.DeleteZoneAsync("kept.example", Token)));
        await networks.DeleteAsync("zoned0", Token);
        await networks.DeleteZoneAsync("kept.example", Token);
        Assert.DoesNotContain(await networks.ListZonesAsync(Token), other => other.Name == "kept.example");
        Assert.Equal(ErrorCode.NotFound, await RefusedAsync(() => networks.ListRecordsAsync("kept.example", Token)));
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_cannot_be_of_a_network_is_refused_before_it_is_sent(ServerKind kind)
    {
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = (await lab.GetAsync(kind)).Socket } }, Token);
        var networks = backend.Get<ILxdNetworks>();
        foreach (var refused in new Func<Task>[]
        {
            () => networks.CreateAsync(new LxdNetworkSpec { Name = "../up" }, Token), () => networks.CreateAsync(new LxdNetworkSpec { Name = "longer-than-a-bridge" }, Token),
            () => networks.CreateAsync(new LxdNetworkSpec { Name = "bad0", Ipv4 = Cidr.Parse("fd00::1/64") }, Token), () => networks.CreateAsync(new LxdNetworkSpec { Name = "bad0", Domain = "a b" }, Token),
            () => networks.CreateAsync(new LxdNetworkSpec { Name = "bad0", Settings = { ["../x"] = "1" } }, Token), () => networks.CreateAsync(new LxdNetworkSpec { Name = "bad0", Settings = { ["user.x"] = "a\nb" } }, Token),
            () => networks.ChangeAsync("any0", new Dictionary<string, string?> { ["user.../x"] = null }, null, Token), () => networks.ChangeAsync("../up", new Dictionary<string, string?>(), null, Token),
            () => networks.DeleteAsync("../profiles/default", Token), () => networks.ListLeasesAsync("a/b", Token), () => networks.SetAclAsync("a.b", [], [], Token), () => networks.CreateZoneAsync("../zone", null, Token),
            () => networks.AddForwardAsync("any0", IPAddress.Loopback, [new LxdForwardedPorts { First = 0, Target = IPAddress.Loopback }], null, Token),
            () => networks.AddForwardAsync("any0", IPAddress.Loopback, [new LxdForwardedPorts { First = 65_530, Last = 65_535, Target = IPAddress.Loopback, TargetPort = 65_531 }], null, Token),
            () => networks.AddForwardAsync("any0", IPAddress.Loopback, [new LxdForwardedPorts { First = 80, Target = IPAddress.IPv6Loopback }], null, Token),
            () => networks.AddForwardAsync("any0", IPAddress.Loopback, [new LxdForwardedPorts { First = 80, Target = IPAddress.Loopback, Protocol = "icmp" }], null, Token),
        })
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(refused);
            Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (error.Code, error.Outcome));
        }

        // What the server does not manage is none of it.
        Assert.Null(await networks.FindAsync("lo", Token));
        Assert.Equal(ErrorCode.NotFound, await RefusedAsync(() => networks.DeleteAsync("nothing0", Token)));
    }

    private static async Task<ErrorCode> RefusedAsync(Func<Task> call) => (await Assert.ThrowsAnyAsync<HypervisorException>(call)).Code;

    private static async Task<Instance> StartAsync(LxdBackend backend, PrivateServer server, string name, string network)
    {
        var containers = backend.Get<IContainerRuntime>();
        var made = await containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse(name), Image = server.Image, Networks = { new NetworkSpec { Network = network } } }, null, Token).WaitForCompletionAsync(Token);
        await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
        return (await containers.FindAsync(made.Id, Token))!;
    }

    /// <summary>Runs a command in a container until it succeeds: what the host does with packets follows the answers of the server in its own time.</summary>
    private static async Task UntilAsync(LxdBackend backend, InstanceId id, string command)
    {
        while (true)
        {
            var result = await backend.Get<ICommands>().RunAsync(id, new CommandSpec { Command = ["sh", "-c", command] }, default, Token);
            if (result.IsSuccess)
                return;
            TestContext.Current.TestOutputHelper?.WriteLine($"{command}: {result.ExitCode} {Encoding.UTF8.GetString(result.Output.Span)}{Encoding.UTF8.GetString(result.Error.Span)}");
            await Task.Delay(s_again, Token);
        }
    }
}
