using System.Net;

namespace Hypervisor.Sdk.CloudInit.Tests;

[Peer("cloud-init")]
public sealed class CloudNetworkTests
{
    [Fact(Timeout = 120_000)]
    [Feature("CLI-11")]
    [Feature("CLI-12")]
    [Feature("CLI-14")]
    public async Task Addresses_gateways_and_name_servers_of_several_devices_become_the_files_of_a_Debian()
    {
        string files = await CloudInitProgram.ConvertNetworkAsync(Two().ToNetworkConfig(), "eni", "lan,52:54:00:00:00:01");
        Assert.Contains("iface lan inet static\n    address 10.0.0.5/24\n    dns-nameservers 10.0.0.1 fd00::1\n    dns-search example.org\n", files, StringComparison.Ordinal);
        Assert.Contains("route add default gw 10.0.0.1", files, StringComparison.Ordinal);
        Assert.Contains("address fd00::5/64", files, StringComparison.Ordinal);
        Assert.Contains("iface eth1 inet dhcp", files, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    [Feature("CLI-13")]
    public async Task The_document_is_netplans_second_version()
    {
        string document = Two().ToNetworkConfig();
        var read = await CloudInitProgram.ReadAsync(document);
        Assert.Equal(2, read.GetProperty("version").GetInt32());
        var lan = read.GetProperty("ethernets").GetProperty("lan");
        Assert.Equal(("52:54:00:00:00:01", "lan", false, 1400), (lan.GetProperty("match").GetProperty("macaddress").GetString(), lan.GetProperty("set-name").GetString(), lan.GetProperty("dhcp4").GetBoolean(), lan.GetProperty("mtu").GetInt32()));
        Assert.True(read.GetProperty("ethernets").GetProperty("eth1").GetProperty("optional").GetBoolean());
        // What cloud-init hands to netplan is what it was given.
        string netplan = await CloudInitProgram.ConvertNetworkAsync(document, "netplan");
        Assert.Contains("- 10.0.0.5/24", netplan, StringComparison.Ordinal);
        Assert.Contains("via: fd00::1", netplan, StringComparison.Ordinal);
    }

    public static TheoryData<string, CloudInterface> BadDevices => new()
    {
        { "interfaces[0].name", new CloudInterface { Name = "eth0: {}" } },
        { "interfaces[0].name", new CloudInterface { Name = "a-name-of-sixteen" } },
        { "interfaces[0].mac", new CloudInterface { Name = "eth0", Mac = MacAddress.Parse("01:00:5e:00:00:01") } },
        { "interfaces[0].gateways", new CloudInterface { Name = "eth0", Gateways = { IPAddress.Parse("10.0.0.1"), IPAddress.Parse("10.0.0.2") } } },
        { "interfaces[0].nameServers[0]", new CloudInterface { Name = "eth0", NameServers = { IPAddress.Parse("fe80::1%3") } } },
        { "interfaces[0].searchDomains[0]", new CloudInterface { Name = "eth0", SearchDomains = { "a b" } } },
        { "interfaces[0].mtu", new CloudInterface { Name = "eth0", Mtu = 67 } },
        { "interfaces[0].addresses[0]", new CloudInterface { Name = "eth0", Addresses = { default } } },
    };

    [Theory]
    [MemberData(nameof(BadDevices))]
    public void A_value_that_breaks_its_rule_is_named(string field, CloudInterface device)
    {
        var error = Assert.Throws<HypervisorException>(new CloudNetwork { Interfaces = { device } }.ToNetworkConfig);
        Assert.Equal(ErrorCode.InvalidArgument, error.Code);
        Assert.Contains(field, error.FieldErrors!.Keys);
    }

    [Fact]
    public void A_name_is_taken_once_and_there_is_a_device()
    {
        Assert.Contains("interfaces[1].name", Assert.Throws<HypervisorException>(new CloudNetwork { Interfaces = { new CloudInterface { Name = "eth0" }, new CloudInterface { Name = "eth0" } } }.ToNetworkConfig).FieldErrors!.Keys);
        Assert.Contains("interfaces", Assert.Throws<HypervisorException>(new CloudNetwork().ToNetworkConfig).FieldErrors!.Keys);
    }

    private static CloudNetwork Two() => new()
    {
        Interfaces =
        {
            new CloudInterface
            {
                Name = "lan", Mac = MacAddress.Parse("52:54:00:00:00:01"), Addresses = { Cidr.Parse("10.0.0.5/24"), Cidr.Parse("fd00::5/64") }, Gateways = { IPAddress.Parse("10.0.0.1"), IPAddress.Parse("fd00::1") },
                NameServers = { IPAddress.Parse("10.0.0.1"), IPAddress.Parse("fd00::1") }, SearchDomains = { "example.org" }, Mtu = 1400,
            },
            new CloudInterface { Name = "eth1", IsOptional = true },
        },
    };
}
