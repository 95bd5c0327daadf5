using System.Diagnostics;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>How fast guests may use disks.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class DiskLimitTests
{
    private static readonly DeviceId s_disk = DeviceId.Parse("disk0");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Limits_are_in_force_from_the_start_change_while_it_runs_and_stay()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        Assert.Equal(CapabilitySupport.Yes, (await backend.QueryAsync(Capability.LimitDisks, default, Token)).Support);
        var atFirst = new DiskLimits
        {
            Read = new DiskRate { BytesPerSecond = ByteSize.FromMiB(10), BurstBytesPerSecond = ByteSize.FromMiB(20), BurstLength = TimeSpan.FromSeconds(3) },
            Write = new DiskRate { BytesPerSecond = ByteSize.FromMiB(5), OperationsPerSecond = 50, BurstOperationsPerSecond = 70 },
        };
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("slow", spec => spec.Disks[0].Limits = atFirst), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(atFirst, created.Disks[0].Limits);
        var id = created.Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        var shown = await LookAsync(backend, id, "disk0");
        Assert.Equal((0L, 10L << 20, 5L << 20, 0L, 0L, 50L), (shown.Bps, shown.BpsRd, shown.BpsWr, shown.Iops, shown.IopsRd, shown.IopsWr));
        Assert.Equal((20L << 20, 3L, 70L), (shown.BpsRdMax, shown.BpsRdMaxLength, shown.IopsWrMax));

        var later = new DiskLimits { Total = new DiskRate { BytesPerSecond = ByteSize.FromMiB(1), OperationsPerSecond = 9 } };
        var changed = await ApplyAsync(hypervisor, id, change =>
        {
            change.LimitDisks[s_disk] = later;
            change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.Blank(ByteSize.FromMiB(4)), Limits = later });
        });
        Assert.Equal((later, false), (changed.Disks[0].Limits, changed.HasPendingChanges));
        foreach (string disk in (string[])["disk0", "data"])
        {
            shown = await LookAsync(backend, id, disk);
            Assert.Equal((1L << 20, 0L, 0L, 9L, 0L, 0L), (shown.Bps, shown.BpsRd, shown.BpsWr, shown.Iops, shown.IopsRd, shown.IopsWr));
        }

        await hypervisor.RestartAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(9, (await LookAsync(backend, id, "disk0")).Iops);
        changed = await ApplyAsync(hypervisor, id, change => change.LimitDisks[s_disk] = null);
        Assert.Null(changed.Disks[0].Limits);
        shown = await LookAsync(backend, id, "disk0");
        Assert.Equal((0L, 0L), (shown.Bps, shown.Iops));
        Assert.Equal(9, (await LookAsync(backend, id, "data")).Iops);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_guest_reads_no_faster_than_it_may()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = lab.Spec("slow", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(16)) }));
        var id = (await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);
        await ApplyAsync(hypervisor, id, change => change.LimitDisks[s_disk] = new DiskLimits { Read = new DiskRate { BytesPerSecond = ByteSize.FromMiB(1) } });
        var watch = Stopwatch.StartNew();
        var result = await backend.Get<ICommands>().RunAsync(id, new CommandSpec { Command = ["/bin/dd", "if=/dev/vda", "of=/dev/null", "bs=65536", "count=48"] }, cancellationToken: Token);
        Assert.Equal(0, result.ExitCode);
        // Three MiB at one a second, less what QEMU lets through at once (a tenth of a second's worth). A busy machine is slower, never faster.
        Assert.True(watch.Elapsed > TimeSpan.FromSeconds(2), $"{watch.Elapsed}");
    }

    [Fact(Timeout = 60_000)]
    public async Task Limits_that_cannot_be_are_refused_with_their_field_and_value()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = (await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token)).Id;
        await RefusedAsync("total.operationsPerSecond", "-1", new DiskLimits { Total = new DiskRate { OperationsPerSecond = -1 } });
        await RefusedAsync("read.bytesPerSecond", "0 a second", new DiskLimits { Read = new DiskRate { BytesPerSecond = default(ByteSize) } });
        await RefusedAsync("write.burstBytesPerSecond", "less than the rate", new DiskLimits { Write = new DiskRate { BytesPerSecond = new ByteSize(2048), BurstBytesPerSecond = new ByteSize(1024) } });
        await RefusedAsync("write.burstOperationsPerSecond", "5", new DiskLimits { Write = new DiskRate { BurstOperationsPerSecond = 5 } });
        await RefusedAsync("total.burstLength", "00:00:00.5", new DiskLimits { Total = new DiskRate { OperationsPerSecond = 1, BurstOperationsPerSecond = 2, BurstLength = TimeSpan.FromSeconds(0.5) } });
        await RefusedAsync("total.burstLength", "no burst", new DiskLimits { Total = new DiskRate { OperationsPerSecond = 1, BurstLength = TimeSpan.FromSeconds(2) } });
        await RefusedAsync("read.operationsPerSecond", "in total", new DiskLimits { Total = new DiskRate { OperationsPerSecond = 9 }, Read = new DiskRate { OperationsPerSecond = 5 } });
        var unknown = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.PlanAsync(id, Change(DeviceId.Parse("disk7"), null), Token));
        Assert.Equal(ErrorCode.NotFound, unknown.Code);
        Assert.Contains("limitDisks[disk7]", unknown.FieldErrors!.Keys);

        async Task RefusedAsync(string member, string value, DiskLimits limits)
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.PlanAsync(id, Change(s_disk, limits), Token));
            Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (refused.Code, refused.Outcome));
            Assert.Contains(value, refused.FieldErrors![$"limitDisks[disk0].{member}"], StringComparison.Ordinal);
            refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(QemuLab.EmptySpec("other", spec => spec.Disks[0].Limits = limits), null, Token));
            Assert.Contains($"disks[0].limits.{member}", refused.FieldErrors!.Keys);
        }
    }

    private static InstanceChange Change(DeviceId disk, DiskLimits? limits)
    {
        var change = new InstanceChange();
        change.LimitDisks[disk] = limits;
        return change;
    }

    private static async Task<Instance> ApplyAsync(IHypervisor hypervisor, InstanceId id, Action<InstanceChange> configure)
    {
        var change = new InstanceChange();
        configure(change);
        return await hypervisor.ApplyAsync(await hypervisor.PlanAsync(id, change, Token), null, null, Token).WaitForCompletionAsync(Token);
    }

    private static async Task<BlockDeviceInfo> LookAsync(QemuBackend backend, InstanceId id, string disk)
    {
        var (machine, config) = backend.Table.Require(id);
        return (await backend.Table.AskAsync(machine, config, async client => await client.QueryBlockAsync(Token), Token)).First(block => block.Inserted?.NodeName == disk).Inserted!;
    }
}
