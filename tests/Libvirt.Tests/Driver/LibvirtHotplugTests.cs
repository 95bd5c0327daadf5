using System.Globalization;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>Devices, CPUs and memory that come and go while a real guest runs, as the guest itself sees it.</summary>
[Peer("libvirt")]
[Collection(LibvirtGuest.OneAtATime)]
public sealed class LibvirtHotplugTests(Libvirtd libvirtd)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("HOT-01")]
    [Feature("HOT-02")]
    [Feature("HOT-03")]
    [Feature("HOT-04")]
    public async Task A_guest_that_runs_is_given_CPUs_memory_disks_and_cards_and_gives_them_up()
    {
        await using var guest = await LibvirtGuest.BootAsync(libvirtd, spec => spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(160)) { MaxCpus = 2, MaxMemory = ByteSize.FromMiB(512) });
        Assert.Equal("1", await guest.RunAsync("nproc"));
        long memory = await MemoryKiBAsync(guest);

        var changed = await guest.ChangeAsync(new InstanceChange { Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(288)) });
        Assert.Equal((2.0, ByteSize.FromMiB(288), false), (changed.Cpus!.Value, changed.Memory!.Value, changed.HasPendingChanges));
        await UntilAsync(async () => await guest.RunAsync("nproc") == "2" && await MemoryKiBAsync(guest) >= memory + (120 * 1024));

        changed = await guest.ChangeAsync(new InstanceChange
        {
            AddDisks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)), Serial = "PLUGGED" } }, AddNetworks = { new NetworkSpec { Network = "user" } }, ResizeDisks = { [DeviceId.Parse("vda")] = ByteSize.FromMiB(96) },
        });
        var (disk, card) = (changed.Disks.Single(one => one.Serial == "PLUGGED"), Assert.Single(changed.Networks));
        await UntilAsync(async () => await SectorsAsync(guest, "vda") == 96 * 2048 && await SectorsAsync(guest, "vdb") == 8 * 2048 && (await guest.RunAsync("ls", "/sys/class/net")).Contains("eth0", StringComparison.Ordinal));

        // What the guest discards is given back: asked for by the machine's making, and seen by the guest as a granularity.
        Assert.NotEqual("0", await guest.RunAsync("cat", "/sys/block/vda/queue/discard_granularity"));

        changed = await guest.ChangeAsync(new InstanceChange { RemoveDevices = { disk.Id, card.Id } });
        Assert.Equal((1, 0), (changed.Disks.Count, changed.Networks.Count));
        Assert.DoesNotContain("vdb", await guest.RunAsync("ls", "/sys/block"), StringComparison.Ordinal);
        Assert.DoesNotContain(disk.Volume!.Value.ToString(), await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "vol-list", "default"), StringComparison.Ordinal);

        // An emulator ends when it is to take a processor away: that waits for the next start.
        var fewer = await guest.Hypervisor.PlanAsync(guest.Id, new InstanceChange { Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(160)) }, Token);
        Assert.Equal(ChangeEffects.AtNextStart, fewer.Effects);
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_guest_that_hears_nothing_keeps_its_disk_and_the_caller_is_told()
    {
        // A BIOS that finds nothing to boot: nobody gives anything up.
        await using var backend = await LibvirtGuest.ConnectAsync(libvirtd);
        var hypervisor = backend.Get<IHypervisor>();
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse($"deaf-{Guid.NewGuid():N}"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)), Disks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(4)) } } };
        var made = await hypervisor.CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        var kept = await Assert.ThrowsAsync<HypervisorException>(() =>
            hypervisor.ChangeAsync(made.Id, new InstanceChange { RemoveDevices = { made.Disks[0].Id } }, new ApplyOptions { Accept = (ChangeEffects)(-1) }, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.FailedMidway), (kept.Code, kept.Outcome));
        var still = (await hypervisor.FindAsync(made.Id, Token))!;
        Assert.Single(still.Disks);
        Assert.Contains(made.Disks[0].Volume!.Value.ToString(), await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "vol-list", "default"), StringComparison.Ordinal);
        await hypervisor.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
    }

    private static async Task<long> MemoryKiBAsync(LibvirtGuest guest) =>
        long.Parse((await guest.RunAsync("grep", "MemTotal", "/proc/meminfo")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);

    private static async Task<long> SectorsAsync(LibvirtGuest guest, string disk)
    {
        var read = await guest.Backend.Get<ICommands>().RunAsync(guest.Id, new CommandSpec { Command = ["cat", $"/sys/block/{disk}/size"] }, default, Token);
        return long.TryParse(System.Text.Encoding.ASCII.GetString(read.Output.Span), out long sectors) ? sectors : 0;
    }

    /// <summary>A guest sees what it was given a moment later: the test's own time-out bounds it.</summary>
    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        while (!await holds())
            await Task.Yield();
    }
}
