using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.Qemu.Changes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>CPUs and memory of machines that run.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class HotplugTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    [Feature("HOT-01")]
    [Feature("HOT-02")]
    public async Task CPUs_come_and_memory_comes_and_goes_while_the_guest_counts_them()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = lab.Spec("grows", spec => spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)) { MaxCpus = 3, MaxMemory = ByteSize.FromMiB(512) });
        var id = (await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token)).Id;
        var begun = await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);
        await SeesAsync(backend, id, "nproc", cpus => cpus == 1);
        long before = await AskAsync(backend, id, "sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo");
        // Memory that the kernel itself may use can never be given back.
        await AskAsync(backend, id, "echo online_movable >/sys/devices/system/memory/auto_online_blocks; echo 1");

        var grown = await ChangeAsync(hypervisor, id, new Sizing.Explicit(3, ByteSize.FromMiB(256)), 3);
        Assert.Equal((3, ByteSize.FromMiB(256), begun.StartedAt, false), (grown.Cpus, grown.Memory, grown.StartedAt, grown.HasPendingChanges));
        await SeesAsync(backend, id, "nproc", cpus => cpus == 3);
        await SeesAsync(backend, id, "sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo", kiB => kiB - before is > 120 << 10 and <= 128 << 10);

        var shrunk = await ChangeAsync(hypervisor, id, new Sizing.Explicit(3, ByteSize.FromMiB(128)), 1);
        Assert.Equal((3, ByteSize.FromMiB(128), begun.StartedAt, false), (shrunk.Cpus, shrunk.Memory, shrunk.StartedAt, shrunk.HasPendingChanges));
        await SeesAsync(backend, id, "sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo", kiB => kiB == before);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_guest_that_cannot_give_memory_up_refuses_and_keeps_it()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = lab.Spec("keeps", spec => spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)) { MaxMemory = ByteSize.FromMiB(512) });
        var id = (await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);
        long before = await AskAsync(backend, id, "sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo");
        await ChangeAsync(hypervisor, id, new Sizing.Explicit(1, ByteSize.FromMiB(256)), 1);
        await SeesAsync(backend, id, "sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo", kiB => kiB > before);
        // More of the kernel's own than there was room for: it cannot be moved.
        await AskAsync(backend, id, "mount -t tmpfs -o nr_inodes=0 tmpfs /mnt; cd /mnt; seq 1 100000 | xargs touch; echo 1");

        var refused = await Assert.ThrowsAsync<HypervisorException>(() => ChangeAsync(hypervisor, id, new Sizing.Explicit(1, ByteSize.FromMiB(128)), 1));
        Assert.Equal(ErrorCode.InvalidState, refused.Code);
        Assert.Contains("The guest refuses to give up 'hv-dimm0'", refused.Message, StringComparison.Ordinal);
        Assert.Equal(ByteSize.FromMiB(256), (await hypervisor.GetAsync(id, Token)).Memory);
        Assert.Equal(256L << 20, (await LookAsync(backend, id)).MemoryBytes);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_has_no_place_in_the_running_machine_waits_for_its_next_start()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = await StartedAsync(hypervisor);
        foreach (var size in (Sizing[])[new Sizing.Explicit(4, ByteSize.FromMiB(128)) { MaxCpus = 4 }, new Sizing.Explicit(2, ByteSize.FromMiB(130)), new Sizing.Explicit(2, ByteSize.FromMiB(64)), new Sizing.Explicit(1, ByteSize.FromMiB(128))])
            Assert.Equal(ChangeEffects.AtNextStart, (await PlanAsync(hypervisor, id, size)).Effects);

        // TCG gives up no CPU: QEMU may end over it.
        await ChangeAsync(hypervisor, id, new Sizing.Explicit(3, ByteSize.FromMiB(128)), 1);
        Assert.Equal(ChangeEffects.AtNextStart, (await PlanAsync(hypervisor, id, new Sizing.Explicit(2, ByteSize.FromMiB(128)))).Effects);

        // What waits is not mixed with what QEMU has.
        await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, new Sizing.Explicit(1, ByteSize.FromMiB(192))), ChangeEffects.AtNextStart);
        Assert.Equal(ChangeEffects.AtNextStart, (await PlanAsync(hypervisor, id, new Sizing.Explicit(3, ByteSize.FromMiB(320)))).Effects);
        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        var started = await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((1, ByteSize.FromMiB(192), false), (started.Cpus, started.Memory, started.HasPendingChanges));
        await ChangeAsync(hypervisor, id, new Sizing.Explicit(3, ByteSize.FromMiB(320)), 3);
    }

    [Fact(Timeout = 120_000)]
    public async Task Memory_that_was_kept_with_plugged_in_CPUs_and_memory_fits_the_next_start()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = await StartedAsync(hypervisor);
        await ChangeAsync(hypervisor, id, new Sizing.Explicit(3, ByteSize.FromMiB(256)), 2);
        var name = SnapshotName.Parse("kept");
        await backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = name, IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        var back = await backend.Get<ISnapshots>().RevertAsync(id, name, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((PowerState.Running, 3, ByteSize.FromMiB(256), false), (back.State, back.Cpus, back.Memory, back.HasPendingChanges));
        var live = await LookAsync(backend, id);
        Assert.Equal((3, 256L << 20), (live.Cpus.Count(cpu => cpu.IsThere), live.MemoryBytes));
    }

    [Fact(Timeout = 300_000)]
    public async Task A_crash_at_any_point_of_growing_a_running_machine_leaves_each_part_there_or_not()
    {
        int points = await CrashPoints.RunAsync(
            "plug CPUs and memory",
            static async (_, backend) => await StartedAsync(backend.Get<IHypervisor>()),
            static (_, backend, id) => ChangeAsync(backend.Get<IHypervisor>(), id!.Value, new Sizing.Explicit(3, ByteSize.FromMiB(256)), null),
            static async (_, backend, id, finished) =>
            {
                var instance = await backend.Get<IHypervisor>().GetAsync(id!.Value, Token);
                Assert.True(!finished || (instance.Cpus == 3 && instance.Memory == ByteSize.FromMiB(256)));
                var live = await LookAsync(backend, id.Value);
                Assert.Equal((instance.Cpus, instance.Memory!.Value.Bytes), (live.Cpus.Count(cpu => cpu.IsThere), live.MemoryBytes));
                // What is left can be brought to the same end.
                await ChangeAsync(backend.Get<IHypervisor>(), id.Value, new Sizing.Explicit(3, ByteSize.FromMiB(256)), null);
            });
        Assert.True(points > 8, $"{points} points");
    }

    private static async Task<InstanceId> StartedAsync(IHypervisor hypervisor)
    {
        var spec = QemuLab.EmptySpec("grows", spec => spec.Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(128)) { MaxCpus = 3, MaxMemory = ByteSize.FromMiB(512) });
        var created = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        return created.Id;
    }

    private static Task<ChangePlan> PlanAsync(IHypervisor hypervisor, InstanceId id, Sizing size) => hypervisor.PlanAsync(id, new InstanceChange { Sizing = size }, Token);

    private static async Task<Instance> ApplyAsync(IHypervisor hypervisor, ChangePlan plan, ChangeEffects accept) =>
        await hypervisor.ApplyAsync(plan, new ApplyOptions { Accept = accept }, null, Token).WaitForCompletionAsync(Token);

    private static async Task<Instance> ChangeAsync(IHypervisor hypervisor, InstanceId id, Sizing size, int? steps)
    {
        var plan = await PlanAsync(hypervisor, id, size);
        Assert.True(plan.Effects is ChangeEffects.Live or ChangeEffects.None);
        Assert.Equal(steps ?? plan.Steps.Count, plan.Steps.Count);
        return await ApplyAsync(hypervisor, plan, ChangeEffects.Live);
    }

    private static async Task<LiveDevices> LookAsync(QemuBackend backend, InstanceId id)
    {
        var (machine, config) = backend.Table.Require(id);
        return await backend.Table.AskAsync(machine, config, client => LiveDevices.QueryAsync(client, Token), Token);
    }

    private static async Task<long> AskAsync(QemuBackend backend, InstanceId id, string script)
    {
        var result = await backend.Get<ICommands>().RunAsync(id, new CommandSpec { Command = ["/bin/sh", "-c", script] }, cancellationToken: Token);
        return long.Parse(Encoding.UTF8.GetString(result.Output.Span), CultureInfo.InvariantCulture);
    }

    /// <summary>The guest's kernel takes a moment: asks until it says so.</summary>
    private static async Task SeesAsync(QemuBackend backend, InstanceId id, string script, Func<long, bool> isThere)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        long seen;
        while (!isThere(seen = await AskAsync(backend, id, script)))
            Assert.True(!patience.IsCancellationRequested && await timer.WaitForNextTickAsync(Token), $"'{script}' says {seen} still.");
    }
}
