using System.Xml.Linq;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>What is peculiar to containers; what all drivers keep is checked by the kit.</summary>
[Peer("libvirt")]
public sealed class LibvirtContainerTests(Libvirtd libvirtd)
{
    private const string Driver = "lxc:///";

    /// <summary>What the shell on the console says when it waits for a line.</summary>
    private const string Prompt = "/ # ";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    [Feature("CTR-01")]
    public async Task What_is_typed_on_the_console_runs_in_the_container_whose_root_is_not_the_hosts()
    {
        await using var backend = await ConnectAsync();
        var containers = backend.Get<IContainerRuntime>();
        var spec = await SpecAsync();
        spec.Entrypoint.Add("/sbin/init");
        spec.Command.Add("with words & more");
        spec.Environment["GREETING"] = "hello, world";
        var made = await containers.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
        var console = backend.Get<ISerialConsole>();
        await using (var session = await console.OpenAsync(made.Id, null, Token))
        {
            Assert.Contains("booted with words & more", await LibvirtGuest.ReadUntilAsync(session, Prompt), StringComparison.Ordinal);
            // Written in two parts: the line that is typed is echoed, and is not yet the answer.
            await session.Output.WriteAsync("echo \"$GREETING\"; echo id''map; cat /proc/self/uid_map; echo inter''faces; ls /sys/class/net; echo do''ne\n"u8.ToArray(), Token);
            string said = await LibvirtGuest.ReadUntilAsync(session, "done");
            Assert.Contains("hello, world", said, StringComparison.Ordinal);
            Assert.Equal(["0", "100000", "65536"], said[(said.IndexOf("idmap", StringComparison.Ordinal) + 5)..said.IndexOf("interfaces", StringComparison.Ordinal)].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            // No network was asked for, and it is not the host's.
            Assert.Equal(["lo"], said[(said.IndexOf("interfaces", StringComparison.Ordinal) + 10)..said.IndexOf("done", StringComparison.Ordinal)].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            var taken = await Assert.ThrowsAnyAsync<HypervisorException>(() => console.OpenAsync(made.Id, null, Token));
            Assert.Equal(ErrorCode.Locked, taken.Code);
        }

        var unkept = await Assert.ThrowsAnyAsync<HypervisorException>(() => console.OpenLogAsync(made.Id, null, Token));
        Assert.Equal(ErrorCode.Unsupported, unkept.Code);
        await containers.StopAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.FromSeconds(20) }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Stopped, (await containers.FindAsync(made.Id, Token))!.State);
        await containers.DeleteAsync(made.Id, null, null, Token).WaitForCompletionAsync(Token);
        Assert.True(Directory.Exists(spec.Image), "The root was there before the container, and goes with it.");
    }

    [Fact(Timeout = 240_000)]
    [Feature("CTR-01")]
    public async Task Limits_are_changed_while_a_container_runs_and_virsh_sees_them()
    {
        await using var backend = await ConnectAsync();
        var containers = backend.Get<IContainerRuntime>();
        var spec = await SpecAsync();
        (spec.CpuLimit, spec.MemoryLimit) = (1.5, ByteSize.FromMiB(96));
        var made = await containers.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((1.5, ByteSize.FromMiB(96)), (made.Cpus, made.Memory));
        await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
        var changed = await containers.ChangeAsync(made.Id, new InstanceChange { CpuLimit = 0.25, MemoryLimit = ByteSize.FromMiB(128) }, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((PowerState.Running, 0.25, ByteSize.FromMiB(128), false), (changed.State, changed.Cpus, changed.Memory, changed.HasPendingChanges));
        foreach (string[] which in new[] { Array.Empty<string>(), ["--inactive"] })
        {
            var domain = XElement.Parse(await Virsh.RunAsync(libvirtd, Driver, ["dumpxml", .. which, made.Name]));
            Assert.Equal(("25000", "131072"), (domain.Element("cputune")!.Element("quota")!.Value, domain.Element("memtune")!.Element("hard_limit")!.Value));
        }

        // What the kernel goes by, and not only what stands in the XML.
        Assert.Contains(": 131072", await Virsh.RunAsync(libvirtd, Driver, "memtune", made.Name, "--live"), StringComparison.Ordinal);
        Assert.Contains(": 25000", await Virsh.RunAsync(libvirtd, Driver, "schedinfo", made.Name, "--live"), StringComparison.Ordinal);

        var lifted = await containers.ChangeAsync(made.Id, new InstanceChange { CpuLimit = (double?)null, MemoryLimit = (ByteSize?)null }, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Null(lifted.Cpus);
        Assert.False(lifted.HasPendingChanges);
        Assert.True(lifted.Memory > ByteSize.FromMiB(128));
        await containers.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 240_000)]
    public async Task An_image_is_copied_and_the_copy_goes_with_the_container()
    {
        string root = await libvirtd.ContainerRootAsync();
        await using var qemu = await libvirtd.ConnectQemuAsync();
        var pool = await qemu.StoragePoolLookupByNameAsync("default", Token);
        string image = $"image-{Guid.NewGuid():N}.img";
        await ContainerRoot.RunAsync("truncate", ["--size", "16M", libvirtd.PathOf($"default-pool/{image}")], Token);
        await ContainerRoot.RunAsync("mke2fs", ["-q", "-F", "-d", root, libvirtd.PathOf($"default-pool/{image}")], Token);
        await qemu.StoragePoolRefreshAsync(pool, 0, Token);

        await using var backend = await ConnectAsync();
        var containers = backend.Get<IContainerRuntime>();
        var spec = await SpecAsync();
        spec.Image = $"default/{image}";
        // The kernel mounts no image for somebody who is not root.
        var refused = await Assert.ThrowsAnyAsync<HypervisorException>(() => containers.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Unsupported, refused.Code);
        Assert.Contains("privileged", refused.FieldErrors!.Keys);
        spec.Privileged = true;
        var made = await containers.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        string copy = XElement.Parse(await Virsh.RunAsync(libvirtd, Driver, "dumpxml", made.Name)).Descendants("filesystem").Single().Element("source")!.Attribute("file")!.Value;
        Assert.StartsWith(libvirtd.PathOf("default-pool/"), copy, StringComparison.Ordinal);
        Assert.True(File.Exists(copy));
        await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
        await using (var session = await backend.Get<ISerialConsole>().OpenAsync(made.Id, null, Token))
        {
            await LibvirtGuest.ReadUntilAsync(session, Prompt);
            await session.Output.WriteAsync("echo changed > /var/note && cat /var/note && echo do''ne\n"u8.ToArray(), Token);
            Assert.Contains("changed\r\n", await LibvirtGuest.ReadUntilAsync(session, "done"), StringComparison.Ordinal);
        }

        // The daemon does not let go of what is mounted.
        var used = await Assert.ThrowsAnyAsync<HypervisorException>(() => backend.Get<IStorageBackend>().DeleteAsync(VolumeId.Parse($"default/{Path.GetFileName(copy)}"), null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Locked, used.Code);
        await containers.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.False(File.Exists(copy));
        Assert.True(File.Exists(libvirtd.PathOf($"default-pool/{image}")));

        spec.Image = "default/not-there.img";
        var missing = await Assert.ThrowsAnyAsync<HypervisorException>(() => containers.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.InvalidArgument, missing.Code);
        Assert.Contains("image", missing.FieldErrors!.Keys);
    }

    [Fact(Timeout = 240_000)]
    public async Task What_virsh_made_is_listed_and_changed_without_losing_anything()
    {
        string root = await libvirtd.ContainerRootAsync();
        string name = $"foreign-{Guid.NewGuid().ToString("N")[..12]}";
        await File.WriteAllTextAsync(libvirtd.PathOf(name), $"""
            <domain type='lxc'>
              <name>{name}</name>
              <memory unit='MiB'>64</memory>
              <memtune><soft_limit unit='MiB'>48</soft_limit></memtune>
              <cputune><shares>512</shares></cputune>
              <os><type>exe</type><init>/bin/sleep</init><initarg>100000</initarg></os>
              <features><privnet/><capabilities policy='default'><mknod state='on'/></capabilities></features>
              <devices>
                <filesystem type='mount'><source dir='{root}'/><target dir='/'/></filesystem>
                <filesystem type='ram'><source usage='1024'/><target dir='/tmp'/></filesystem>
                <console type='pty'/>
              </devices>
            </domain>
            """, Token);
        await Virsh.RunAsync(libvirtd, Driver, "define", libvirtd.PathOf(name));
        var before = XElement.Parse(await Virsh.RunAsync(libvirtd, Driver, "dumpxml", name));
        await using var backend = await ConnectAsync();
        var containers = backend.Get<IContainerRuntime>();
        var foreign = Assert.Single(await containers.List(new InstanceFilter { Name = name }).ToListAsync(Token));
        Assert.Equal((InstanceKind.Container, PowerState.Stopped, (double?)null, ByteSize.FromMiB(64)), (foreign.Kind, foreign.State, foreign.Cpus, foreign.Memory));
        var changed = await containers.ChangeAsync(foreign.Id, new InstanceChange { Description = "adopted", CpuLimit = 2, Labels = { ["owner"] = "us" } }, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(("adopted", 2.0, "us"), (changed.Description, changed.Cpus, changed.Labels["owner"]));
        var after = XElement.Parse(await Virsh.RunAsync(libvirtd, Driver, "dumpxml", name));
        after.Element("description")!.Remove();
        after.Element("metadata")!.Remove();
        after.Element("cputune")!.Elements().Where(element => element.Name.LocalName is "quota" or "period").Remove();
        Assert.Equal(before.ToString(), after.ToString());

        var plan = await containers.PlanAsync(foreign.Id, new InstanceChange { Name = InstanceName.Parse("other"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(64)), AddDisks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(1)) } } }, Token);
        Assert.Equal(3, plan.Steps.Count(step => step.Impossible is not null));
        await containers.StartAsync(foreign.Id, null, Token).WaitForCompletionAsync(Token);
        var counters = Assert.Single(await backend.Get<IMetrics>().SampleAsync(new InstanceFilter { Name = name }, Token).ToListAsync(Token));
        Assert.Equal(foreign.Id, counters.Id);
        Assert.True(counters.MemoryUsed > default(ByteSize));
        Assert.NotNull(counters.CpuTime);
        // A program that has asked for no signals hears none: it is ended when its time is over.
        await containers.StopAsync(foreign.Id, new StopOptions { GracePeriod = TimeSpan.FromMilliseconds(1) }, null, Token).WaitForCompletionAsync(Token);
        await containers.DeleteAsync(foreign.Id, null, null, Token).WaitForCompletionAsync(Token);
        Assert.DoesNotContain(name, await Virsh.RunAsync(libvirtd, Driver, "list", "--all", "--name"), StringComparison.Ordinal);
    }

    [Fact(Timeout = 240_000)]
    public async Task What_the_driver_does_not_make_of_a_spec_is_refused_with_the_field()
    {
        await using var backend = await ConnectAsync();
        var containers = backend.Get<IContainerRuntime>();
        Assert.False(backend.TryGet<IHypervisor>(out _));
        var wrong = new (string Field, Action<ContainerSpec> Set)[]
        {
            ("image", spec => spec.Image = " "), ("cpuLimit", spec => spec.CpuLimit = 0), ("memoryLimit", spec => spec.MemoryLimit = new ByteSize(1)), ("entrypoint", spec => spec.Flavor = ContainerFlavor.Application),
            ("entrypoint", spec => spec.Entrypoint.Add("sleep")), ("environment", spec => spec.Environment["A=B"] = "1"), ("environment", spec => spec.Environment["A"] = "</initenv>"), ("environment", spec => spec.Environment["A'"] = "1"), ("environment", spec => spec.Environment["A"] = new SecretReference("geheim")),
            ("networks[0].network", spec => spec.Networks.Add(new NetworkSpec { Network = "user" })), ("ports", spec => spec.Ports.Add(new PortSpec { Guest = 80 })), ("restartPolicy", spec => spec.RestartPolicy = "always"),
            ("mounts", spec => spec.Mounts.Add(new MountSpec { Target = "/mnt", Source = new DiskContent.Blank(ByteSize.FromMiB(1)) })), ("cloudInit", spec => spec.CloudInit = new CloudInitData()), ("ephemeral", spec => spec.Ephemeral = true),
        };
        foreach (var (field, set) in wrong)
        {
            var spec = await SpecAsync();
            set(spec);
            var refused = await Assert.ThrowsAnyAsync<HypervisorException>(() => containers.CreateAsync(spec, null, Token));
            Assert.Contains(field, refused.FieldErrors!.Keys);
        }
    }

    [Fact(Timeout = 240_000)]
    public async Task A_container_whose_document_the_daemon_writes_wrong_hides_no_others()
    {
        // It does not escape variables.
        string root = await libvirtd.ContainerRootAsync();
        string name = $"broken-{Guid.NewGuid().ToString("N")[..12]}";
        await File.WriteAllTextAsync(libvirtd.PathOf(name), $"""
            <domain type='lxc'><name>{name}</name><memory unit='MiB'>64</memory><os><type>exe</type><init>/bin/sleep</init><initenv name='A'>&lt;&amp;</initenv></os>
            <devices><filesystem type='mount'><source dir='{root}'/><target dir='/'/></filesystem></devices></domain>
            """, Token);
        await Virsh.RunAsync(libvirtd, Driver, "define", libvirtd.PathOf(name));
        await using var backend = await ConnectAsync();
        var containers = backend.Get<IContainerRuntime>();
        var made = await containers.CreateAsync(await SpecAsync(), null, Token).WaitForCompletionAsync(Token);
        Assert.Contains(made.Id, await containers.List().Select(instance => instance.Id).ToListAsync(Token));
        var id = InstanceId.Parse((await Virsh.RunAsync(libvirtd, Driver, "domuuid", name)).Trim());
        if (await Record.ExceptionAsync(() => containers.FindAsync(id, Token)) is { } unreadable)
            Assert.Equal(ErrorCode.Protocol, Assert.IsAssignableFrom<HypervisorException>(unreadable).Code);
        await containers.DeleteAsync(made.Id, null, null, Token).WaitForCompletionAsync(Token);
        await Virsh.RunAsync(libvirtd, Driver, "undefine", name);
    }

    private async Task<ContainerSpec> SpecAsync() => new() { Name = InstanceName.Parse($"ct-{Guid.NewGuid().ToString("N")[..12]}"), Image = await libvirtd.ContainerRootAsync(), MemoryLimit = ByteSize.FromMiB(64) };

    private async Task<LibvirtBackend> ConnectAsync()
    {
        await libvirtd.StartAsync();
        return await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Uri = $"lxc+unix:///?socket={libvirtd.Socket}", Connection = new LibvirtOptions { MaxClientRequests = Libvirtd.MaxClientRequests } }, Token);
    }
}
