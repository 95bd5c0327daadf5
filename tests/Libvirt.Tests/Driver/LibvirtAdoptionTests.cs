using System.Xml.Linq;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>What virsh makes we read and change, and what we make virsh reads.</summary>
[Peer("libvirt")]
public sealed class LibvirtAdoptionTests(Libvirtd libvirtd)
{
    private const string Driver = "qemu+unix:///system";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_machine_that_virsh_made_is_changed_without_losing_anything()
    {
        await using var backend = await ConnectAsync();
        string name = $"foreign-{Guid.NewGuid():N}";
        await File.WriteAllTextAsync(libvirtd.PathOf(name), $"""
            <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
              <name>{name}</name>
              <title>of somebody else</title>
              <metadata><other:note xmlns:other='urn:other' kept='yes'><other:inner>a &lt; b</other:inner></other:note></metadata>
              <memory unit='MiB'>64</memory>
              <vcpu placement='static' cpuset='0'>1</vcpu>
              <cputune><shares>512</shares></cputune>
              <os><type arch='x86_64' machine='pc'>hvm</type></os>
              <on_crash>preserve</on_crash>
              <devices>
                <interface type='user'><mac address='52:54:00:77:88:99'/><model type='e1000'/></interface>
                <graphics type='vnc' port='-1' autoport='yes' passwd='geheim'/>
                <video><model type='vga'/></video>
                <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
              </devices>
              <qemu:commandline><qemu:env name='KEPT' value='1'/></qemu:commandline>
            </domain>
            """, Token);
        await Virsh.RunAsync(libvirtd, Driver, "define", libvirtd.PathOf(name));
        var before = XElement.Parse(await Virsh.RunAsync(libvirtd, Driver, "dumpxml", "--security-info", name));
        var hypervisor = backend.Get<IHypervisor>();

        var found = await hypervisor.List(new InstanceFilter { Name = name }).ToListAsync(Token);
        var foreign = Assert.Single(found);
        Assert.Equal((before.Element("uuid")!.Value, PowerState.Stopped, 1.0, ByteSize.FromMiB(64)), (foreign.Id.ToString(), foreign.State, foreign.Cpus!.Value, foreign.Memory!.Value));
        Assert.Equal("52:54:00:77:88:99", Assert.Single(foreign.Networks).Mac.ToString());
        var changed = await hypervisor.ChangeAsync(foreign.Id, new InstanceChange { Description = "adopted", Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(64)), Labels = { ["owner"] = "us" } }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal(("adopted", 2.0, "us"), (changed.Description, changed.Cpus, changed.Labels["owner"]));

        var after = XElement.Parse(await Virsh.RunAsync(libvirtd, Driver, "dumpxml", "--security-info", name));
        after.Element("description")!.Remove();
        after.Element("metadata")!.Elements().Where(element => element.Name.NamespaceName.StartsWith("urn:hypervisor-sdk:", StringComparison.Ordinal)).Remove();
        after.Element("vcpu")!.Value = "1";
        Assert.Equal(before.ToString(), after.ToString());
        Assert.Contains("geheim", after.ToString(), StringComparison.Ordinal);
        await hypervisor.DeleteAsync(foreign.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.DoesNotContain(name, await Virsh.RunAsync(libvirtd, Driver, "list", "--all", "--name"), StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_we_make_virsh_reads()
    {
        await using var backend = await ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        string name = $"ours <&> {Guid.NewGuid():N}";
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(name), Description = "</description><devices>", Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(48)), Labels = { ["k"] = "</label>" } };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)), Serial = "S1" });
        var made = await hypervisor.CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal((name, "</description><devices>", "</label>"), (made.Name, made.Description, made.Labels["k"]));
        Assert.Equal(made.Id.ToString(), (await Virsh.RunAsync(libvirtd, Driver, "domuuid", name)).Trim());
        Assert.Equal("</description><devices>", (await Virsh.RunAsync(libvirtd, Driver, "desc", name)).Trim());
        Assert.Contains("value=\"&lt;/label&gt;\"", await Virsh.RunAsync(libvirtd, Driver, "metadata", name, "urn:hypervisor-sdk:libvirt:instance:1"), StringComparison.Ordinal);
        Assert.Contains("<serial>S1</serial>", await Virsh.RunAsync(libvirtd, Driver, "dumpxml", name), StringComparison.Ordinal);
        string volume = made.Disks[0].Volume!.Value.ToString();
        Assert.Contains(volume, await Virsh.RunAsync(libvirtd, Driver, "vol-list", "default"), StringComparison.Ordinal);
        await hypervisor.DeleteAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.DoesNotContain(volume, await Virsh.RunAsync(libvirtd, Driver, "vol-list", "default"), StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_virsh_does_is_told_as_virsh_itself_is_told()
    {
        await using var keeper = await libvirtd.ConnectAsync("test:///default");
        await using var backend = await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Uri = $"test+unix:///default?socket={libvirtd.Socket}" }, Token);
        await using var watch = await backend.Get<IHypervisor>().WatchAsync(null, Token);
        string name = $"told-{Guid.NewGuid():N}";
        await File.WriteAllTextAsync(libvirtd.PathOf(name), $"<domain type='test'><name>{name}</name><memory unit='MiB'>16</memory><os><type>hvm</type></os></domain>", Token);
        await Virsh.RunAsync(libvirtd, "test+unix:///default", "define", libvirtd.PathOf(name));
        string id = (await Virsh.RunAsync(libvirtd, "test+unix:///default", "domuuid", name)).Trim();
        foreach (string command in new[] { "start", "suspend", "resume", "managedsave", "start", "destroy", "undefine" })
            await Virsh.RunAsync(libvirtd, "test+unix:///default", command, name);
        var told = new List<string>();
        await foreach (var next in watch.WithCancellation(Token))
        {
            switch (next)
            {
                case InstanceCreated created when created.Id.ToString() == id:
                    told.Add("created");
                    break;
                case InstanceStateChanged changed when changed.Id.ToString() == id:
                    told.Add(changed.To.ToString());
                    break;
                case InstanceDeleted deleted when deleted.Id.ToString() == id:
                    told.Add("deleted");
                    break;
            }

            if (told is [.., "deleted"])
                break;
        }

        // Whether what was saved is there or gone already when its event is looked at, virsh's pace decides.
        Assert.Equal("created running paused running suspended running stopped deleted", string.Join(' ', told).Replace("running stopped running", "running suspended running", StringComparison.Ordinal));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_machine_that_the_daemon_does_not_keep_is_labelled_restarted_and_gone_when_it_is_stopped()
    {
        await using var keeper = await libvirtd.ConnectAsync("test:///default");
        await using var backend = await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Uri = $"test+unix:///default?socket={libvirtd.Socket}" }, Token);
        var hypervisor = backend.Get<IHypervisor>();
        string name = $"transient-{Guid.NewGuid():N}";
        await keeper.DomainCreateXmlAsync($"<domain type='test'><name>{name}</name><memory unit='MiB'>16</memory><os><type>hvm</type></os></domain>", 0, Token);
        var transient = Assert.Single(await hypervisor.List(new InstanceFilter { Name = name }).ToListAsync(Token));
        var plan = await hypervisor.PlanAsync(transient.Id, new InstanceChange { Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(16)) }, Token);
        Assert.False(plan.IsPossible);
        var labelled = await hypervisor.ChangeAsync(transient.Id, new InstanceChange { Description = "seen", Labels = { ["a"] = "b" } }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal(("seen", "b"), (labelled.Description, labelled.Labels["a"]));
        var restarted = await hypervisor.RestartAsync(transient.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal((PowerState.Running, "b"), (restarted.State, restarted.Labels["a"]));
        await hypervisor.StopAsync(transient.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Null(await hypervisor.FindAsync(transient.Id, Token));
    }

    private async Task<LibvirtBackend> ConnectAsync()
    {
        await using var libvirt = await libvirtd.ConnectQemuAsync();
        return await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Uri = $"{Driver}?socket={libvirtd.Socket}", DomainType = "qemu" }, Token);
    }
}
