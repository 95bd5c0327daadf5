using System.Globalization;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Memory that guests give back while they run, as they say it themselves.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class BalloonTests
{
    private const string MemoryTotal = "sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    public async Task A_guest_makes_do_with_less_also_after_a_restart_and_gets_it_back()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = await BootAsync(lab, backend);
        long whole = await AskAsync(backend, id, MemoryTotal);
        Assert.Equal(ByteSize.FromMiB(192), (await SampleAsync(backend)).MemoryLeftToGuest);

        var plan = await PlanAsync(hypervisor, id, ByteSize.FromMiB(144));
        var step = Assert.Single(plan.Steps);
        Assert.Equal(("memoryTarget", null, "144MiB", ChangeEffects.Live), (step.Property, step.From, step.To, step.Effects));
        var begun = await hypervisor.GetAsync(id, Token);
        var asked = await ApplyAsync(hypervisor, plan);
        Assert.Equal((ByteSize.FromMiB(192), ByteSize.FromMiB(144), begun.StartedAt, false), (asked.Memory, asked.MemoryTarget, asked.StartedAt, asked.HasPendingChanges));
        // What the guest says is what it has already done.
        Assert.Equal(ByteSize.FromMiB(144), (await SampleAsync(backend)).MemoryLeftToGuest);
        Assert.Equal(whole - (48 << 10), await AskAsync(backend, id, MemoryTotal));
        Assert.Empty((await PlanAsync(hypervisor, id, ByteSize.FromMiB(144))).Steps);

        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);
        await SeesAsync(backend, id, kiB => kiB == whole - (48 << 10));

        var back = await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, null));
        Assert.Null(back.MemoryTarget);
        Assert.Equal(whole, await AskAsync(backend, id, MemoryTotal));
        Assert.Equal(ByteSize.FromMiB(192), (await SampleAsync(backend)).MemoryLeftToGuest);
    }

    [Fact(Timeout = 240_000)]
    public async Task Kept_memory_comes_back_with_what_is_asked_of_the_guest_now()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = await BootAsync(lab, backend, spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(16)) }));
        long whole = await AskAsync(backend, id, MemoryTotal);
        var name = SnapshotName.Parse("whole");
        await backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = name, IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
        await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, ByteSize.FromMiB(160)));
        var reverted = await backend.Get<ISnapshots>().RevertAsync(id, name, null, Token).WaitForCompletionAsync(Token);
        long target = reverted.MemoryTarget is null ? whole : whole - (32 << 10);
        await SeesAsync(backend, id, kiB => kiB == target);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_guest_that_gives_nothing_is_a_time_out_that_says_so_and_it_is_asked_for_nothing_any_more()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("bios", spec => spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(64))), null, Token).WaitForCompletionAsync(Token);
        // While it does not run there is nobody to ask, and the next start does.
        Assert.Equal(ByteSize.FromMiB(48), (await ApplyAsync(hypervisor, await PlanAsync(hypervisor, created.Id, ByteSize.FromMiB(48)))).MemoryTarget);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);

        var late = await Assert.ThrowsAsync<HypervisorException>(async () => await ApplyAsync(hypervisor, await PlanAsync(hypervisor, created.Id, ByteSize.FromMiB(32))));
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.FailedMidway), (late.Code, late.Outcome));
        Assert.Contains("32MiB of its 64MiB and has 64MiB, of 64MiB before, since when it gave nothing for 10 s", late.Message, StringComparison.Ordinal);
        Assert.Contains("virtio_balloon", late.Message, StringComparison.Ordinal);
        Assert.Contains("asked for 48MiB again", late.Message, StringComparison.Ordinal);
        Assert.Equal(ByteSize.FromMiB(48), (await hypervisor.GetAsync(created.Id, Token)).MemoryTarget);
        // All of it is what it has: nothing is waited for.
        Assert.Null((await ApplyAsync(hypervisor, await PlanAsync(hypervisor, created.Id, null))).MemoryTarget);

        foreach (var wrong in (ByteSize[])[default, new ByteSize(1 << 19), ByteSize.FromMiB(65), new ByteSize((33 << 20) + 1)])
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => PlanAsync(hypervisor, created.Id, wrong));
            Assert.Equal((ErrorCode.InvalidArgument, "memoryTarget"), (refused.Code, Assert.Single(refused.FieldErrors!).Key));
        }
    }

    [Fact(Timeout = 240_000)]
    public async Task Pages_that_a_guest_does_not_use_any_more_are_the_hosts_again_where_that_is_wanted()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var id = await BootAsync(lab, backend, spec => spec.Extensions.Set(new QemuMachine { Graphics = false, FreePageReporting = true }));
        await QemuLab.ShellAsync(backend, id, "mount -t tmpfs tmpfs /mnt && head -c 62914560 /dev/urandom >/mnt/used");
        var full = (await SampleAsync(backend)).MemoryUsed!.Value.Bytes;
        await QemuLab.ShellAsync(backend, id, "rm /mnt/used");
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        while ((await SampleAsync(backend)).MemoryUsed!.Value.Bytes > full - (24 << 20))
            Assert.True(await timer.WaitForNextTickAsync(Token));
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_crash_at_any_point_of_asking_leaves_a_guest_that_has_what_is_written_down()
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var id = await BootAsync(lab, first);
        long whole = await AskAsync(first, id, MemoryTotal);
        await first.DisposeAsync();

        int points = await CrashPoints.WalkAsync("asking for memory", async arm =>
        {
            var seam = new CrashSeam();
            var doomed = await lab.ConnectAsync(null, seam);
            arm(seam);
            bool finished = true;
            try
            {
                await ApplyAsync(doomed.Get<IHypervisor>(), await PlanAsync(doomed.Get<IHypervisor>(), id, ByteSize.FromMiB(160)));
            }
            catch (CrashException)
            {
                finished = false;
            }

            var effects = seam.Effects;
            seam.Crash();
            await lab.AbandonAsync(doomed);

            await using var next = await lab.ConnectAsync();
            var target = (await next.Get<IHypervisor>().GetAsync(id, Token)).MemoryTarget;
            Assert.True(!finished || target == ByteSize.FromMiB(160));
            long wanted = target is null ? whole : whole - (32 << 10);
            await SeesAsync(next, id, kiB => kiB == wanted);
            await CrashPoints.AssertNothingOrphanedAsync(lab, next);
            await ApplyAsync(next.Get<IHypervisor>(), await PlanAsync(next.Get<IHypervisor>(), id, null));
            return effects;
        });
        Assert.True(points > 4, $"{points} points");
    }

    private static async Task<InstanceId> BootAsync(QemuLab lab, QemuBackend backend, Action<VirtualMachineSpec>? configure = null)
    {
        var spec = lab.Spec("balloon", spec =>
        {
            spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(192));
            configure?.Invoke(spec);
        });
        var id = (await backend.Get<IHypervisor>().CreateAsync(spec, null, Token).WaitForCompletionAsync(Token)).Id;
        await backend.Get<IHypervisor>().StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);
        return id;
    }

    private static Task<ChangePlan> PlanAsync(IHypervisor hypervisor, InstanceId id, ByteSize? target) => hypervisor.PlanAsync(id, new InstanceChange { MemoryTarget = target }, Token);

    private static async Task<Instance> ApplyAsync(IHypervisor hypervisor, ChangePlan plan) => await hypervisor.ApplyAsync(plan, null, null, Token).WaitForCompletionAsync(Token);

    private static async Task<InstanceMetrics> SampleAsync(QemuBackend backend)
    {
        await foreach (var sample in backend.Get<IMetrics>().SampleAsync(null, Token))
            return sample;
        throw new InvalidOperationException("No machine runs.");
    }

    private static async Task<long> AskAsync(QemuBackend backend, InstanceId id, string script) => long.Parse(await QemuLab.ShellAsync(backend, id, script), CultureInfo.InvariantCulture);

    private static async Task SeesAsync(QemuBackend backend, InstanceId id, Func<long, bool> expected)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (!expected(await AskAsync(backend, id, MemoryTotal)))
            Assert.True(await timer.WaitForNextTickAsync(Token));
    }
}
