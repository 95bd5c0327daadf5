#pragma warning disable HVSDK004 // Experimental: the layers of a disk.
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>libvirt 11.3 beside the installed 9.0: the same client and the same driver.</summary>
[Peer("libvirt")]
[Collection(LibvirtGuest.OneAtATime)]
public sealed class NewerLibvirtTests(Libvirtd libvirtd, NewerLibvirtd newer)
{
    private static readonly SnapshotName s_kept = SnapshotName.Parse("s1");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // The unpacked daemon has once answered nobody any more in the middle of this, and of what came after it.
    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task A_guest_of_libvirt_11_is_asked_typed_to_given_a_disk_taken_back_and_stopped()
    {
        await using var guest = await LibvirtGuest.BootAsync(newer);
        Assert.Equal(NewerLibvirtd.Version, guest.Backend.Info.ParsedVersion);
        await using (var session = await guest.Backend.Get<ISerialConsole>().OpenAsync(guest.Id, new ConsoleOptions { ReplayTail = ByteSize.FromMiB(1) }, Token))
            await LibvirtGuest.ReadUntilAsync(session, GuestImage.ReadyText);
        await guest.WriteAsync("/data/file", "before");
        var snapshots = guest.Backend.Get<ISnapshots>();
        await snapshots.CreateAsync(guest.Id, new SnapshotSpec { Name = s_kept, IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
        await guest.WriteAsync("/data/file", "after");
        await snapshots.RevertAsync(guest.Id, s_kept, null, Token).WaitForCompletionAsync(Token);
        await guest.AnswersAsync();
        Assert.Equal("before", await guest.RunAsync("cat", "/data/file"));

        var changed = await guest.ChangeAsync(new InstanceChange { AddDisks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) } } });
        Assert.Equal(2, changed.Disks.Count);
        Assert.Contains(guest.Id, await guest.Backend.Get<IMetrics>().SampleAsync(null, Token).Select(counters => counters.Id).ToListAsync(Token));
        await guest.Hypervisor.StopAsync(guest.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
    }

    // By the unpacked daemon, as the one above.
    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Full)]
    [Feature("SNP-02")]
    public async Task Libvirt_11_goes_back_to_a_snapshot_beside_the_images_and_the_machine_has_its_new_images()
    {
        await using var guest = await LibvirtGuest.BootAsync(newer);
        var snapshots = guest.Backend.Get<ISnapshots>();
        await guest.WriteAsync("/data/file", "before");
        foreach (string name in (string[])["first", "second"])
        {
            await guest.Backend.Get<ILibvirtSnapshots>().CreateExternalAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse(name), Quiesce = true }, null, Token).WaitForCompletionAsync(Token);
            await guest.WriteAsync("/data/file", name);
        }

        foreach (var (name, expected) in new[] { ("second", "first"), ("first", "before") })
        {
            Assert.Equal(PowerState.Running, (await snapshots.RevertAsync(guest.Id, SnapshotName.Parse(name), null, Token).WaitForCompletionAsync(Token)).State);
            await guest.AnswersAsync();
            Assert.Equal(expected, await guest.RunAsync("cat", "/data/file"));
        }

        Assert.All(await guest.Backend.Get<IDiskLayers>().ListAsync(guest.Id, DeviceId.Parse("vda"), Token).ToListAsync(Token), layer => Assert.True(layer.IsOwn, layer.Name));
        string pool = await Virsh.RunAsync(newer, LibvirtGuest.Driver, "pool-dumpxml", "default");
        string directory = System.Xml.Linq.XDocument.Parse(pool).Descendants("path").First().Value;
        await guest.Hypervisor.DeleteAsync(guest.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.DoesNotContain(guest.Id.ToString(), await Virsh.RunAsync(newer, LibvirtGuest.Driver, "vol-list", "default"), StringComparison.Ordinal);
        Assert.Empty(Directory.Exists(directory) ? Directory.EnumerateFiles(directory, $"*{guest.Id}*") : []);
    }

    [Fact(Timeout = 240_000)]
    public async Task A_procedure_that_came_later_is_answered_by_libvirt_11_and_refused_by_an_older_daemon_as_unsupported()
    {
        // virDomainGetAutostartOnce is of libvirt 11.2.
        await using var later = await newer.ConnectAsync("qemu:///system");
        await using var earlier = await libvirtd.ConnectAsync("qemu:///system");
        foreach (var libvirt in new[] { later, earlier })
        {
            var domain = await libvirt.DomainDefineXmlFlagsAsync($"<domain type='qemu'><name>once-{Guid.NewGuid():N}</name><memory unit='MiB'>16</memory><os><type>hvm</type></os></domain>", 0, Token);
            if (libvirt == later)
            {
                await libvirt.DomainSetAutostartOnceAsync(domain, 1, Token);
                Assert.Equal(1, await libvirt.DomainGetAutostartOnceAsync(domain, Token));
            }
            else
            {
                var refused = await Assert.ThrowsAnyAsync<HypervisorException>(async () => await libvirt.DomainGetAutostartOnceAsync(domain, Token));
                Assert.Equal((ErrorCode.Unsupported, RequestOutcome.Rejected), (refused.Code, refused.Outcome));
                // It goes on.
                Assert.Equal(domain.Uuid, (await libvirt.DomainLookupByUuidAsync(domain.Uuid, Token)).Uuid);
            }

            await libvirt.DomainUndefineAsync(domain, Token);
        }
    }
}
