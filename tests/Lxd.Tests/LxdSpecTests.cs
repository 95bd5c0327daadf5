using System.Text;
using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>What containers are made with, and what they get while they run.</summary>
[Peer("lxd")]
public sealed class LxdSpecTests(LxdLab lab)
{
    private const string UserData = "#cloud-config\npackages: [nginx]\nwrite_files:\n- {path: /etc/motd, content: \"a < b & \\\"c\\\"\"}\n";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [Feature("CLI-01")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_cloud_init_is_given_stands_in_the_configuration_and_comes_into_the_guest_by_its_templates(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server);
        var containers = backend.Get<IContainerRuntime>();
        var spec = Spec(server, "clouded");
        spec.CloudInit = new CloudInitData { UserData = UserData, VendorData = "#cloud-config\n{}\n", NetworkConfig = "version: 2\nethernets: {}\n", HostName = "web1.example.org", InstanceDataId = "i-1" };
        spec.Labels["team"] = "blue";
        var made = await containers.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        try
        {
            var config = (await backend.Client.InstanceGetAsync("clouded", cancellationToken: Token)).Value.Config!;
            Assert.Equal((UserData, "#cloud-config\n{}\n", "version: 2\nethernets: {}\n"), (config["cloud-init.user-data"], config["cloud-init.vendor-data"], config["cloud-init.network-config"]));
            Assert.Equal(["team"], made.Labels.Keys);
            await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);

            // A template of the servers leaves the line end at the end out.
            Assert.Equal(UserData.TrimEnd(), (await ReadAsync(backend, made.Id, "/etc/seed-user")).TrimEnd());

            // Of a key that is there twice, the last counts.
            Assert.Equal("local-hostname: clouded\ninstance-id: \"i-1\"\nlocal-hostname: \"web1.example.org\"", (await ReadAsync(backend, made.Id, "/etc/seed-meta")).TrimEnd());

            var plan = await containers.PlanAsync(made.Id, new InstanceChange { RemoveCloudInit = true }, Token);
            Assert.Contains("set up anew", plan.Steps.Single().Impossible, StringComparison.Ordinal);
        }
        finally
        {
            await DeleteAsync(backend, made.Id);
        }
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Cloud_init_data_that_cannot_be_is_refused_before_anything_is_made(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server);
        var containers = backend.Get<IContainerRuntime>();
        foreach (var (data, code) in new[]
        {
            (new CloudInitData { UserData = "a\0b" }, ErrorCode.InvalidArgument), (new CloudInitData { HostName = "a\nruncmd: [x]" }, ErrorCode.InvalidArgument), (new CloudInitData { InstanceDataId = "\"\n" }, ErrorCode.InvalidArgument),
            (new CloudInitData { HostName = "" }, ErrorCode.InvalidArgument), (new CloudInitData { UserData = "x", Delivery = "cd" }, ErrorCode.Unsupported),
        })
        {
            var spec = Spec(server, "refused");
            spec.CloudInit = data;
            Assert.Equal(code, (await Assert.ThrowsAsync<HypervisorException>(() => containers.CreateAsync(spec, null, Token))).Code);
        }

        Assert.Null(await containers.FindAsync(InstanceId.Parse("refused"), Token));
    }

    [Theory(Timeout = 300_000)]
    [Feature("CMP-26")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task An_ephemeral_container_is_gone_when_it_stops_and_the_next_one_is_made_of_the_same_image(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server);
        var containers = backend.Get<IContainerRuntime>();
        var spec = Spec(server, "passing");
        spec.Ephemeral = true;
        Incarnation? before = null;
        for (int round = 0; round < 2; round++)
        {
            var made = await containers.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
            Assert.NotEqual(before, made.Incarnation);
            before = made.Incarnation;
            await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);

            // Nothing of the one before is there.
            var result = await RunAsync(backend, made.Id, "[ ! -e /etc/left ] && echo > /etc/left");
            Assert.Equal(0, result.ExitCode);
            await containers.StopAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
            Assert.Null(await containers.FindAsync(made.Id, Token));
        }
    }

    [Theory(Timeout = 300_000)]
    [Feature("HOT-03")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Volumes_are_mounted_in_a_container_that_runs_and_taken_out_again_with_what_was_written(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await lab.GetAsync(kind), "plugged");
        var (containers, storage) = (guest.Backend.Get<IContainerRuntime>(), guest.Backend.Get<IStorageBackend>());
        var volumes = new List<Volume>();
        foreach (string name in new[] { "first", "second" })
            volumes.Add(await storage.CreateAsync(new VolumeSpec { Pool = PoolName.Parse("default"), Name = $"{name}-{Guid.NewGuid():N}", Size = ByteSize.FromMiB(2) }, null, Token).WaitForCompletionAsync(Token));
        var change = new InstanceChange { AddMounts = { Mount(volumes[0], "/srv/one"), Mount(volumes[1], "/srv/two", readOnly: true) } };
        var plan = await containers.PlanAsync(guest.Id, change, Token);
        Assert.Equal([("mount", "/srv/one", ChangeEffects.Live), ("mount", "/srv/two", ChangeEffects.Live)], plan.Steps.Select(step => (step.Property, step.To!, step.Effects)));
        var changed = await containers.ApplyAsync(plan, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal([("mount0", volumes[0].Id, false), ("mount1", volumes[1].Id, true)], changed.Disks.Where(disk => disk.Volume is not null).Select(disk => (disk.Id.ToString(), disk.Volume!.Value, disk.ReadOnly)));
        var result = await guest.RunAsync("sh", "-c", "echo kept > /srv/one/file && ! echo no > /srv/two/file 2>/dev/null && grep -q ' /srv/one ' /proc/mounts");
        Assert.Equal(0, result.ExitCode);

        // A place that is taken, a volume that is not there, a place that is none: refused, and nothing has changed.
        Assert.Equal(ErrorCode.InvalidArgument, await RefusedAsync(Mount(volumes[1], "../up")));
        Assert.NotEqual(ErrorCode.Unspecified, await RefusedAsync(new MountSpec { Target = "/srv/three", Source = new DiskContent.Existing(VolumeId.Parse("default/nothing-there")) }));
        Assert.Equal(3, (await containers.FindAsync(guest.Id, Token))!.Disks.Count);

        var back = await containers.ChangeAsync(guest.Id, new InstanceChange { RemoveDevices = { DeviceId.Parse("mount0"), DeviceId.Parse("mount1") } }, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("root", Assert.Single(back.Disks).Id.ToString());
        Assert.Equal(0, (await guest.RunAsync("sh", "-c", "[ ! -e /srv/one/file ]")).ExitCode);
        await containers.ChangeAsync(guest.Id, new InstanceChange { AddMounts = { Mount(volumes[0], "/srv/again") } }, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("kept\n", await ReadAsync(guest.Backend, guest.Id, "/srv/again/file"));
        await containers.ChangeAsync(guest.Id, new InstanceChange { RemoveDevices = { DeviceId.Parse("mount0") } }, null, null, Token).WaitForCompletionAsync(Token);
        foreach (var volume in volumes)
            await storage.DeleteAsync(volume.Id, null, Token).WaitForCompletionAsync(Token);

        async Task<ErrorCode> RefusedAsync(MountSpec mount) =>
            (await Assert.ThrowsAnyAsync<HypervisorException>(() => containers.ChangeAsync(guest.Id, new InstanceChange { AddMounts = { mount } }, null, null, Token).WaitForCompletionAsync(Token))).Code;
    }

    private static MountSpec Mount(Volume volume, string target, bool readOnly = false) => new() { Target = target, Source = new DiskContent.Existing(volume.Id), ReadOnly = readOnly };

    private static ContainerSpec Spec(PrivateServer server, string name) => new() { Name = InstanceName.Parse(name), Image = server.Image };

    private static Task<LxdBackend> ConnectAsync(PrivateServer server) => LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket } }, Token);

    private static Task<CommandResult> RunAsync(LxdBackend backend, InstanceId id, string command) => backend.Get<ICommands>().RunAsync(id, new CommandSpec { Command = ["sh", "-c", command] }, default, Token);

    private static async Task<string> ReadAsync(LxdBackend backend, InstanceId id, string path) => Encoding.UTF8.GetString((await RunAsync(backend, id, $"cat {path}")).Output.Span);

    private static Task DeleteAsync(LxdBackend backend, InstanceId id) => backend.Get<IContainerRuntime>().DeleteAsync(id, new DeleteOptions { StopFirst = true }, null, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None);
}
