using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Changes of a guest that runs, seen by the guest.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class ChangeTests(BootedMachine booted) : IClassFixture<BootedMachine>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IHypervisor Hypervisor => booted.Backend.Get<IHypervisor>();

    [Fact(Timeout = 180_000)]
    [Feature("HOT-03")]
    [Feature("HOT-04")]
    public async Task A_disk_is_plugged_in_grown_and_taken_out_while_the_guest_looks_on()
    {
        var add = await PlanAsync(change => change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Serial = "hot", Content = new DiskContent.Blank(ByteSize.FromMiB(24)) }));
        Assert.Equal(ChangeEffects.Live, add.Effects);
        var added = await ApplyAsync(add, ChangeEffects.Live);
        Assert.False(added.HasPendingChanges);
        Assert.Contains(added.Disks, disk => disk.Id.ToString() == "data");
        await SeesAsync("for d in /sys/block/vd*; do echo $(cat $d/serial 2>/dev/null) $(cat $d/size); done | grep hot", "hot 49152");

        var grown = await ApplyAsync(await PlanAsync(change => change.ResizeDisks[DeviceId.Parse("data")] = ByteSize.FromMiB(40)), ChangeEffects.Live);
        Assert.Equal(ByteSize.FromMiB(40), grown.Disks.Single(disk => disk.Id.ToString() == "data").Size);
        await SeesAsync("cat /proc/partitions", "40960 vd");

        var remove = await PlanAsync(change => change.RemoveDevices.Add(DeviceId.Parse("data")));
        Assert.Equal(ChangeEffects.Live | ChangeEffects.DestroysData, remove.Effects);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => ApplyAsync(remove, ChangeEffects.Live));
        Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.Rejected), (refused.Code, refused.Outcome));
        Assert.Contains("DestroysData", refused.Message, StringComparison.Ordinal);
        Assert.Contains("disk:data", refused.Message, StringComparison.Ordinal);

        string file = Path.Combine(booted.Lab.StateDirectory, "vms", booted.Id.ToString(), "disks", "data.qcow2");
        Assert.True(File.Exists(file));
        var removed = await ApplyAsync(remove, remove.Effects);
        Assert.DoesNotContain(removed.Disks, disk => disk.Id.ToString() == "data");
        Assert.False(removed.HasPendingChanges);
        Assert.False(File.Exists(file));
        Assert.DoesNotContain("40960 vd", await RunAsync("cat /proc/partitions"), StringComparison.Ordinal);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_network_device_is_plugged_in_and_taken_out_while_the_guest_looks_on()
    {
        var add = await PlanAsync(change => change.AddNetworks.Add(new NetworkSpec { Id = DeviceId.Parse("extra"), Network = "user", Mac = MacAddress.Parse("52:54:00:ab:cd:ef") }));
        Assert.Equal(ChangeEffects.Live, add.Effects);
        await ApplyAsync(add, ChangeEffects.Live);
        await SeesAsync("cat /sys/class/net/*/address", "52:54:00:ab:cd:ef");

        var remove = await PlanAsync(change => change.RemoveDevices.Add(DeviceId.Parse("extra")));
        Assert.Equal(ChangeEffects.Live | ChangeEffects.InterruptsNetwork, remove.Effects);
        var removed = await ApplyAsync(remove, remove.Effects);
        Assert.Single(removed.Networks);
        Assert.DoesNotContain("52:54:00:ab:cd:ef", await RunAsync("cat /sys/class/net/*/address"), StringComparison.Ordinal);
    }

    private async Task<ChangePlan> PlanAsync(Action<InstanceChange> configure)
    {
        var change = new InstanceChange();
        configure(change);
        return await Hypervisor.PlanAsync(booted.Id, change, Token);
    }

    private async Task<Instance> ApplyAsync(ChangePlan plan, ChangeEffects accept) => await Hypervisor.ApplyAsync(plan, new ApplyOptions { Accept = accept }, null, Token).WaitForCompletionAsync(Token);

    private async Task<string> RunAsync(string script)
    {
        var result = await booted.Backend.Get<ICommands>().RunAsync(booted.Id, new CommandSpec { Command = ["/bin/sh", "-c", script] }, cancellationToken: Token);
        return Encoding.UTF8.GetString(result.Output.Span);
    }

    /// <summary>The guest's drivers take a moment: asks until it says so.</summary>
    private async Task SeesAsync(string script, string text)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        string seen;
        while (!(seen = await RunAsync(script)).Contains(text, StringComparison.Ordinal))
            Assert.True(!patience.IsCancellationRequested && await timer.WaitForNextTickAsync(Token), $"'{text}' was not seen: {seen}");
    }
}
