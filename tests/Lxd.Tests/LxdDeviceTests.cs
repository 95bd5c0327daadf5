using System.Net;
using System.Net.Sockets;
using System.Text;
using Hypervisor.Sdk.Lxd.Tests.Lab;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>What containers are connected with: networks, directories, volumes, ports of the host.</summary>
[Peer("lxd")]
public sealed class LxdDeviceTests(LxdLab lab)
{
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(50);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [Feature("CTR-01")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_container_has_the_mounts_and_the_environment_that_it_was_made_with(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server);
        var containers = backend.Get<IContainerRuntime>();
        var shared = SharedDirectory(server, "shared");
        var fixedOne = SharedDirectory(server, "fixed");
        await File.WriteAllTextAsync(Path.Combine(fixedOne, "in"), "from the host\n", Token);
        await backend.Client.StoragePoolVolumesTypePostAsync("default", "custom", new LxdStorageVolumesPost { Name = "kept-data", Type = "custom", ContentType = "filesystem" }, cancellationToken: Token);
        var spec = new ContainerSpec
        {
            Name = InstanceName.Parse("mounted"), Image = "busybox", RestartPolicy = "autostart", Environment = { ["GREETING"] = "hello, world" },
            Mounts =
            {
                new MountSpec { Target = "/mnt/shared", Source = new DiskContent.Existing(VolumeId.Parse(shared)) },
                new MountSpec { Target = "/mnt/fixed", Source = new DiskContent.Existing(VolumeId.Parse(fixedOne)), ReadOnly = true },
                new MountSpec { Target = "/srv", Source = new DiskContent.Existing(VolumeId.Parse("default/kept-data")) },
            },
        };
        var made = await containers.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(["mount0", "mount1", "mount2", "root"], made.Disks.Select(disk => disk.Id.ToString()));
        Assert.Equal([false, true, false, false], made.Disks.Select(disk => disk.ReadOnly));
        Assert.Equal([DiskDisposal.Kept, DiskDisposal.Kept, DiskDisposal.Kept, DiskDisposal.DeletedWithInstance], made.Disks.Select(disk => disk.Disposal));
        Assert.Equal("default/kept-data", made.Disks[2].Volume.ToString());
        await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
        await RunAsync(backend, "mounted", "echo \"$GREETING\" > /mnt/shared/env; cat /mnt/fixed/in > /mnt/shared/copy; (echo x > /mnt/fixed/in) 2>/dev/null || echo refused > /mnt/shared/write; echo kept > /srv/file");

        // A whole system: an init of its own, and further programs beneath it.
        await RunAsync(backend, "mounted", "[ \"$(cat /proc/1/comm)\" = init ] && tr '\\0' '\\n' < /proc/1/environ | grep -qx 'GREETING=hello, world'");
        Assert.Equal("hello, world\n", await File.ReadAllTextAsync(Path.Combine(shared, "env"), Token));
        Assert.Equal("from the host\n", await File.ReadAllTextAsync(Path.Combine(shared, "copy"), Token));
        Assert.Equal("refused\n", await File.ReadAllTextAsync(Path.Combine(shared, "write"), Token));
        Assert.Equal("true", (await backend.Client.InstanceGetAsync("mounted", cancellationToken: Token)).Value.Config!["boot.autostart"]);

        // A mount goes while the container runs; the volume stays when the container goes.
        await containers.ChangeAsync(made.Id, new InstanceChange { RemoveDevices = { DeviceId.Parse("mount1") } }, null, null, Token).WaitForCompletionAsync(Token);
        await RunAsync(backend, "mounted", "[ ! -e /mnt/fixed/in ]");
        await DeleteAsync(backend, made.Id);
        Assert.Equal("kept-data", (await backend.Client.StoragePoolVolumeTypeGetAsync("default", "custom", "kept-data", cancellationToken: Token)).Value.Name);
        await backend.Client.StoragePoolVolumeTypeDeleteAsync("default", "custom", "kept-data", cancellationToken: Token);
    }

    [Theory(Timeout = 300_000)]
    [Feature("NET-01")]
    [Feature("NET-02")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_container_joins_bridges_and_leaves_them_while_it_runs(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server);
        var (containers, networks) = (backend.Get<IContainerRuntime>(), backend.Get<INetworks>());
        await MakeBridgeAsync(backend.Client, "first0", "10.91.7.1/24");
        await MakeBridgeAsync(backend.Client, "second0", "10.91.8.1/24");
        var listed = (await networks.ListAsync(Token).ToListAsync(Token)).ToDictionary(network => network.Name);
        Assert.Equal(("bridge", "10.91.7.1/24"), (listed["first0"].Kind, listed["first0"].Addresses.Single().ToString()));
        Assert.DoesNotContain("lo", listed.Keys);

        var mac = MacAddress.Parse("02:16:3e:01:02:03");
        var made = await containers.CreateAsync(
            new ContainerSpec { Name = InstanceName.Parse("joined"), Image = "busybox", Networks = { new NetworkSpec { Network = "first0", Id = DeviceId.Parse("eth0"), Mac = mac, Addresses = { Cidr.Parse("10.91.7.50/24") } } } }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(("eth0", "first0", mac), (made.Networks.Single().Id.ToString(), made.Networks.Single().Network, made.Networks.Single().Mac));
        Assert.Contains((await backend.Client.NetworksLeasesGetAsync("first0", cancellationToken: Token)).Value, lease => lease.Hostname == "joined" && lease.Address == "10.91.7.50");
        var running = await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);

        // Its init asks for an address in the background.
        await RunAsync(backend, "joined", "until ip addr show dev eth0 | grep -q 10.91.7.50/; do :; done");
        Assert.Contains((await backend.Client.InstanceStateGetAsync("joined", cancellationToken: Token)).Value.Network!["eth0"].Addresses!, address => address.Address == "10.91.7.50");

        var joined = await containers.ChangeAsync(made.Id, new InstanceChange { AddNetworks = { new NetworkSpec { Network = "second0" } }, Labels = { ["with"] = "two" } }, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(["eth0", "eth1"], joined.Networks.Select(network => network.Id.ToString()));
        Assert.NotNull(joined.Networks[1].Mac);
        await RunAsync(backend, "joined", "[ -e /sys/class/net/eth0 ] && [ -e /sys/class/net/eth1 ]");
        var left = await containers.ChangeAsync(made.Id, new InstanceChange { RemoveDevices = { DeviceId.Parse("eth0") }, Description = "left", Labels = { ["with"] = null, ["kept"] = "yes" } }, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(("eth1", running.StartedAt, "left", "kept"), (left.Networks.Single().Id.ToString(), left.StartedAt, left.Description, left.Labels.Keys.Single()));
        await RunAsync(backend, "joined", "[ ! -e /sys/class/net/eth0 ] && [ -e /sys/class/net/eth1 ]");
        await DeleteAsync(backend, made.Id);
        await backend.Client.NetworkPatchAsync("first0", new LxdNetworkPut { Description = "changed", Config = new Dictionary<string, string> { ["user.note"] = "ours" } }, cancellationToken: Token);
        Assert.Equal("changed", (await networks.ListAsync(Token).ToListAsync(Token)).Single(network => network.Name == "first0").Description);
        foreach (string name in new[] { "first0", "second0" })
            await backend.Client.NetworkDeleteAsync(name, cancellationToken: Token);
        Assert.DoesNotContain(await networks.ListAsync(Token).ToListAsync(Token), network => network.Name is "first0" or "second0");
    }

    [Theory(Timeout = 300_000)]
    [Feature("NET-04")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_port_of_the_host_leads_into_a_container_from_its_claim_to_its_end(ServerKind kind)
    {
        var server = await lab.GetAsync(kind, hasOwnNetwork: false);
        await using var backend = await ConnectAsync(server);
        var (containers, ports) = (backend.Get<IContainerRuntime>(), backend.Get<IPortForwards>());
        var made = await containers.CreateAsync(
            new ContainerSpec { Name = InstanceName.Parse("serving"), Image = "busybox", Ports = { new PortSpec { Guest = 8080 } } }, null, Token).WaitForCompletionAsync(Token);
        await backend.Client.InstanceFilesPostAsync("serving", HttpRequestBody.FromBytes("of the container"u8.ToArray(), "application/octet-stream"), new LxdCall { Path = "/etc/page", HeaderType = "file", HeaderMode = "0644", HeaderWrite = "overwrite" }, Token);
        var claimed = Assert.Single(await ports.ListAsync(made.Id, Token).ToListAsync(Token));
        Assert.Equal(("port0", 8080, "tcp", IPAddress.Loopback), (claimed.Id.ToString(), claimed.GuestPort, claimed.Protocol, claimed.Host.Address));
        await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
        await RunAsync(backend, "serving", "httpd -p 8080 -h /etc");
        Assert.Equal("of the container", await GetAsync(claimed.Host));

        var request = new RequestOptions { RequestId = RequestId.New() };
        var second = await ports.AddAsync(made.Id, new PortSpec { Guest = 8080 }, request, Token);
        Assert.Equal("of the container", await GetAsync(second.Host));
        Assert.Equal(second.Id, (await ports.AddAsync(made.Id, new PortSpec { Guest = 8080 }, request, Token)).Id);
        var datagrams = await ports.AddAsync(made.Id, new PortSpec { Guest = 53, Protocol = "udp" }, null, Token);
        Assert.True(IsTaken(datagrams.Host));
        Assert.Equal(3, (await ports.ListAsync(made.Id, Token).ToListAsync(Token)).Count);

        // What another program listens to is taken, too, and nothing is left of the claim.
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var error = await Assert.ThrowsAnyAsync<HypervisorException>(() => ports.AddAsync(made.Id, new PortSpec { Guest = 8080, Host = ((IPEndPoint)other.LocalEndpoint).Port }, null, Token));
        Assert.Equal(RequestOutcome.Rejected, error.Outcome);
        Assert.Equal(3, (await ports.ListAsync(made.Id, Token).ToListAsync(Token)).Count);

        foreach (var forward in new[] { claimed, second, datagrams })
            Assert.True(await ports.RemoveAsync(made.Id, forward.Id, null, Token));
        Assert.False(await ports.RemoveAsync(made.Id, claimed.Id, null, Token));
        await FreedAsync(datagrams.Host);
        await ClosedAsync(claimed.Host);
        await DeleteAsync(backend, made.Id);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Devices_that_cannot_be_are_refused_before_anything_is_made(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server);
        var containers = backend.Get<IContainerRuntime>();
        foreach (var (code, alter) in new (ErrorCode, Action<ContainerSpec>)[]
        {
            (ErrorCode.InvalidArgument, spec => spec.Networks.Add(new NetworkSpec { Network = "no-such-network" })),
            (ErrorCode.InvalidArgument, spec => spec.Networks.Add(new NetworkSpec { Network = "../profiles" })),
            (ErrorCode.Unsupported, spec => spec.Networks.Add(new NetworkSpec { Network = "lo" })),
            (ErrorCode.InvalidArgument, spec => spec.Mounts.Add(new MountSpec { Target = "/", Source = new DiskContent.Existing(VolumeId.Parse("/tmp")) })),
            (ErrorCode.InvalidArgument, spec => spec.Mounts.Add(new MountSpec { Target = "/mnt/../etc", Source = new DiskContent.Existing(VolumeId.Parse("/tmp")) })),
            (ErrorCode.InvalidArgument, spec => spec.Mounts.Add(new MountSpec { Target = "/mnt", Source = new DiskContent.Existing(VolumeId.Parse("neither")) })),
            (ErrorCode.Unsupported, spec => spec.Mounts.Add(new MountSpec { Target = "/mnt", Source = new DiskContent.Blank(ByteSize.FromMiB(1)) })),
            (ErrorCode.InvalidArgument, spec => spec.Ports.Add(new PortSpec { Guest = 0 })),
            (ErrorCode.InvalidArgument, spec => spec.Ports.Add(new PortSpec { Guest = 80, Protocol = "sctp" })),
            (ErrorCode.InvalidArgument, spec => spec.Environment["A=B"] = "x"),
            (ErrorCode.Unsupported, spec => spec.Environment["PASSWORD"] = new SecretReference("password")),
            (ErrorCode.InvalidArgument, spec => spec.RestartPolicy = "always"),
        })
        {
            var spec = new ContainerSpec { Name = InstanceName.Parse("refused"), Image = "busybox" };
            alter(spec);
            var error = await Assert.ThrowsAnyAsync<HypervisorException>(() => containers.CreateAsync(spec, null, Token));
            Assert.Equal((code, RequestOutcome.NotSent), (error.Code, error.Outcome));
        }

        Assert.Null(await containers.FindAsync(InstanceId.Parse("refused"), Token));
        var made = await containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse("rooted"), Image = "busybox" }, null, Token).WaitForCompletionAsync(Token);
        var plan = await containers.PlanAsync(made.Id, new InstanceChange { RemoveDevices = { DeviceId.Parse("root"), DeviceId.Parse("nothing") }, AddDisks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(1)) } } }, Token);
        Assert.Equal(["disk", "device:root", "device:nothing"], plan.Steps.Where(step => step.Impossible is not null).Select(step => step.Property));
        await DeleteAsync(backend, made.Id);
    }

    private static Task<LxdBackend> ConnectAsync(PrivateServer server) => LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket } }, Token);

    private static Task DeleteAsync(LxdBackend backend, InstanceId id) => backend.Get<IContainerRuntime>().DeleteAsync(id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);

    private static Task MakeBridgeAsync(LxdClient client, string name, string address) => client.NetworksPostAsync(
        new LxdNetworksPost { Name = name, Type = "bridge", Config = new Dictionary<string, string> { ["ipv4.address"] = address, ["ipv4.nat"] = "false", ["ipv4.firewall"] = "false", ["ipv6.address"] = "none", ["ipv6.firewall"] = "false" } }, cancellationToken: Token);

    /// <summary>A directory that the root of an unprivileged container may write to.</summary>
    private static string SharedDirectory(PrivateServer server, string name)
    {
        string path = server.PathOf(name);
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, (UnixFileMode)0x1FF);
        return path;
    }

    private static async Task RunAsync(LxdBackend backend, string name, string script)
    {
        var begun = await backend.Client.InstanceExecPostAsync(name, new LxdInstanceExecPost { Command = ["sh", "-c", script], Interactive = false, WaitForWebsocket = false }, cancellationToken: Token);
        var ended = await backend.Client.Follow(begun).WaitAsync(Token);
        Assert.Equal(0, ended.Metadata!["return"].GetInt32());
    }

    /// <summary>What the container's server answers, which may begin to listen a moment later.</summary>
    private static async Task<string> GetAsync(IPEndPoint host)
    {
        while (true)
        {
            try
            {
                using var client = await ConnectAsync(host);
                await client.GetStream().WriteAsync("GET /page HTTP/1.0\r\n\r\n"u8.ToArray(), Token);
                using var reader = new StreamReader(client.GetStream(), Encoding.UTF8);
                string answer = await reader.ReadToEndAsync(Token);
                if (answer.StartsWith("HTTP/1", StringComparison.Ordinal))
                    return answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
            }
            catch (IOException)
            {
                // Nobody listens behind it yet.
            }

            await Task.Delay(s_again, Token);
        }
    }

    private static async Task<TcpClient> ConnectAsync(IPEndPoint host)
    {
        var client = new TcpClient();
        await client.ConnectAsync(host, Token);
        return client;
    }

    private static async Task ClosedAsync(IPEndPoint host)
    {
        while (true)
        {
            try
            {
                using var client = await ConnectAsync(host);
            }
            catch (SocketException)
            {
                return;
            }

            await Task.Delay(s_again, Token);
        }
    }

    private static bool IsTaken(IPEndPoint host)
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(host);
            return false;
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return true;
        }
    }

    private static async Task FreedAsync(IPEndPoint host)
    {
        while (IsTaken(host))
            await Task.Delay(s_again, Token);
    }
}
