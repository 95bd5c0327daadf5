using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class FaultTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_missing_QEMU_is_said_when_connecting()
    {
        await using var lab = await QemuLab.CreateAsync();
        var error = await Assert.ThrowsAsync<HypervisorException>(() => lab.ConnectAsync(options => options.QemuSystem = "qemu-system-nowhere"));
        Assert.Equal(ErrorCode.Unavailable, error.Code);
        Assert.Contains("qemu-system-nowhere", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(lab.StateDirectory));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_QEMU_of_the_wrong_version_is_refused_when_connecting()
    {
        await using var lab = await QemuLab.CreateAsync();
        string old = lab["qemu-old"];
        await File.WriteAllTextAsync(old, "#!/bin/sh\necho 'QEMU emulator version 5.2.0 (Debian 1:5.2)'\n", Token);
        File.SetUnixFileMode(old, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var error = await Assert.ThrowsAsync<HypervisorException>(() => lab.ConnectAsync(options => options.QemuSystem = old));
        Assert.Equal(ErrorCode.Unsupported, error.Code);
        Assert.Contains("5.2.0", error.Message, StringComparison.Ordinal);
        Assert.Contains("7.2", error.Message, StringComparison.Ordinal);

        var other = await Assert.ThrowsAsync<HypervisorException>(() => lab.ConnectAsync(options => options.QemuSystem = "cat"));
        Assert.Equal(ErrorCode.Unavailable, other.Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_QEMU_that_exits_at_once_says_why_in_the_error()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web", spec => spec.Extensions.Set(new QemuMachine { Type = "pc-i440fx-99.9", Graphics = false })), null, Token).WaitForCompletionAsync(Token);

        var error = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token));
        Assert.Contains("unsupported machine type", error.BackendMessage, StringComparison.Ordinal);
        Assert.Contains("unsupported machine type", error.Message, StringComparison.Ordinal);
        Assert.Equal(PowerState.Stopped, (await hypervisor.GetAsync(created.Id, Token)).State);
        await CrashPoints.AssertNothingOrphanedAsync(lab, backend);
    }

    [Fact(Timeout = 180_000)]
    public async Task Starts_that_fail_leave_nothing_open()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web", spec => spec.CpuModel = "nosuch"), null, Token).WaitForCompletionAsync(Token);
        const int Starts = 16;
        for (int i = 0; i < Starts; i++)
            await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token));
        // Other tests hold some at times, of processes that have just ended.
        Assert.True(EndedButHeld() < Starts / 2, $"{EndedButHeld()} processes that have ended are held.");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_QEMU_killed_from_outside_is_an_event_and_a_state_and_can_be_started_again()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await using var events = await hypervisor.WatchAsync(null, Token);

        Signal(backend, created.Id, "KILL");
        var crashed = await NextStateAsync(events, PowerState.Crashed);
        Assert.Contains("signal 9", crashed.Reason, StringComparison.Ordinal);
        var instance = await hypervisor.GetAsync(created.Id, Token);
        Assert.Equal(PowerState.Crashed, instance.State);
        Assert.Contains("signal 9", instance.StateReason, StringComparison.Ordinal);

        Assert.Equal(PowerState.Running, (await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token)).State);
        Signal(backend, created.Id, "KILL");
        await NextStateAsync(events, PowerState.Crashed);
        Assert.Equal(PowerState.Stopped, (await hypervisor.StopAsync(created.Id, null, null, Token).WaitForCompletionAsync(Token)).State);
        Assert.Equal(PowerState.Crashed, (await NextStateAsync(events, PowerState.Stopped)).From);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_QEMU_that_hangs_is_ended_by_force_and_never_hangs_a_caller()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync(options => options.StartTimeout = TimeSpan.FromMinutes(2));
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);

        Signal(backend, created.Id, "STOP");
        var begin = Stopwatch.StartNew();
        Assert.Equal(PowerState.Running, (await hypervisor.GetAsync(created.Id, Token)).State);
        Assert.True(begin.Elapsed < TimeSpan.FromSeconds(12), "A read does not wait for a QEMU that hangs.");
        // From here on nothing has to answer: only how long it is waited for.
        backend.Services.Options.StartTimeout = TimeSpan.FromSeconds(2);
        var late = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IPausing>().PauseAsync(created.Id, new RequestOptions { Deadline = TimeSpan.FromSeconds(1) }, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Timeout, late.Code);
        Assert.Equal(PowerState.Stopped, (await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token)).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_start_at_the_moment_after_QEMU_was_killed_starts_it()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        int before = 0;
        for (int round = 0; round < 20; round++)
        {
            // What killed it returns before the watch has read the end: the start must not take its word.
            Assert.Equal(PowerState.Running, (await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token)).State);
            var record = backend.Services.State.ReadProcess(created.Id.ToString())!;
            Assert.NotEqual(before, record.Pid);
            before = record.Pid;
            using var process = LiveProcess.TryHold(ProcessIdentity.Of(record.Pid)!)!;
            process.Kill();
            await process.Exited.WaitAsync(Token);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_start_while_QEMU_is_ending_waits_for_its_end_and_starts_it()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        for (int round = 0; round < 5; round++)
        {
            var record = backend.Services.State.ReadProcess(created.Id.ToString())!;
            await using var events = await hypervisor.WatchAsync(null, Token);
            // QEMU says that it shuts down, and then ends.
            Signal(backend, created.Id, "TERM");
            await NextStateAsync(events, PowerState.Stopping);
            Assert.Equal(PowerState.Running, (await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token)).State);
            Assert.NotEqual(record.Pid, backend.Services.State.ReadProcess(created.Id.ToString())!.Pid);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_process_that_only_has_the_noted_number_is_neither_adopted_nor_killed()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        // Whoever is asked here never answers.
        backend.Services.Options.StartTimeout = TimeSpan.FromSeconds(2);
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        using var other = Process.Start(new ProcessStartInfo("sleep", "600"))!;
        try
        {
            var identity = ProcessIdentity.Of(other.Id)!;
            var forged = new ProcessRecord { Pid = other.Id, StartTicks = identity.StartTicks, BootId = identity.BootId, StartedAt = DateTimeOffset.UnixEpoch, Revision = 1, Accelerator = "tcg" };
            backend.Services.State.WriteProcess(created.Id.ToString(), forged);
            Assert.Equal(PowerState.Unknown, (await hypervisor.GetAsync(created.Id, Token)).State);
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token));
            Assert.Equal(ErrorCode.Conflict, refused.Code);
            Assert.False(other.HasExited);

            // The same number, another start: the process that was noted has ended.
            backend.Services.State.WriteProcess(created.Id.ToString(), forged with { StartTicks = identity.StartTicks + 1 });
            Assert.Equal(PowerState.Stopped, (await hypervisor.GetAsync(created.Id, Token)).State);
            Assert.False(other.HasExited);
        }
        finally
        {
            other.Kill();
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_full_disk_fails_a_create_with_nothing_left_and_the_same_request_succeeds_when_there_is_space()
    {
        await using var lab = await QemuLab.CreateAsync();
        using var disk = SmallDisk.Mount(lab["small"], "size=160k");
        var host = (await lab.ConnectAsync()).Services.Host;
        await using var backend = await QemuBackend.ConnectAsync(lab.Options(options => options.StateDirectory = disk.Path), null, Token, host);
        var hypervisor = backend.Get<IHypervisor>();
        var request = new RequestOptions { RequestId = RequestId.New() };

        var error = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(QemuLab.EmptySpec("web"), request, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Exhausted, error.Code);
        foreach (string directory in (string[])["vms", "names", "trash"])
            Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(disk.Path, directory)));

        disk.Remount("size=8m");
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), request, Token).WaitForCompletionAsync(Token);
        await hypervisor.DeleteAsync(created.Id, null, null, Token).WaitForCompletionAsync(Token);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("tmpfs")]
    [InlineData("ext4")]
    public async Task A_machine_is_deleted_on_a_disk_without_one_free_block(string fileSystem)
    {
        await using var lab = await QemuLab.CreateAsync();
        using var disk = fileSystem == "tmpfs" ? SmallDisk.Mount(lab["small"], "size=8m") : SmallDisk.MountExt4(lab["small"], lab["small.img"]);
        var host = (await lab.ConnectAsync()).Services.Host;
        await using var backend = await QemuBackend.ConnectAsync(lab.Options(options => options.StateDirectory = Path.Combine(disk.Path, "state")), null, Token, host);
        var hypervisor = backend.Get<IHypervisor>();
        var first = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        // One without a disk, whose removal frees next to nothing.
        var second = await hypervisor.CreateAsync(QemuLab.EmptySpec("bare", spec =>
        {
            spec.Disks.Clear();
            spec.Networks.Add(new NetworkSpec { Network = "user" });
            spec.Boot = new BootSource.NetworkBoot();
        }), null, Token).WaitForCompletionAsync(Token);
        disk.Fill();

        Assert.Equal(ErrorCode.Exhausted, (await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(QemuLab.EmptySpec("db"), null, Token).WaitForCompletionAsync(Token))).Code);
        foreach (var vm in (Instance[])[second, first])
        {
            var request = RequestId.New();
            await hypervisor.DeleteAsync(vm.Id, null, new RequestOptions { RequestId = request }, Token).WaitForCompletionAsync(Token);
            Assert.Null(await hypervisor.FindAsync(vm.Id, Token));
            Assert.Equal(RequestState.Succeeded, (await backend.Get<IRequestLog>().LookUpAsync(request, Token)).State);
            disk.Fill();
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_read_only_state_directory_is_said_and_changes_nothing()
    {
        await using var lab = await QemuLab.CreateAsync();
        using var disk = SmallDisk.Mount(lab["small"], "size=8m");
        var host = (await lab.ConnectAsync()).Services.Host;
        await using var backend = await QemuBackend.ConnectAsync(lab.Options(options => options.StateDirectory = disk.Path), null, Token, host);
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        disk.Remount("ro");

        Assert.Equal(ErrorCode.Denied, (await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(QemuLab.EmptySpec("db"), null, Token))).Code);
        var denied = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Denied, denied.Code);
        Assert.Contains("read-only", denied.Message, StringComparison.Ordinal);
        Assert.Equal("web", (await hypervisor.GetAsync(created.Id, Token)).Name);

        disk.Remount("rw");
        Assert.Equal(PowerState.Stopped, (await hypervisor.GetAsync(created.Id, Token)).State);
        await hypervisor.DeleteAsync(created.Id, null, null, Token).WaitForCompletionAsync(Token);
    }

    internal static async Task<InstanceStateChanged> NextStateAsync(Subscription events, PowerState wanted)
    {
        // One reader reads a subscription once: what this test waits for next comes from where it stopped.
        var reader = s_readers.GetValue(events, static subscription => new Reader(subscription.GetAsyncEnumerator(Token))).Enumerator;
        while (await reader.MoveNextAsync())
        {
            if (reader.Current is InstanceStateChanged changed && changed.To == wanted)
                return changed;
        }

        throw new InvalidOperationException("The subscription ended.");
    }

    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<Subscription, Reader> s_readers = [];

    private sealed record Reader(IAsyncEnumerator<BackendEvent> Enumerator);

    /// <summary>How many descriptors of processes (pidfd) this process has whose process has ended and was waited for: their number is -1.</summary>
    private static int EndedButHeld()
    {
        int count = 0;
        foreach (string descriptor in Directory.EnumerateFileSystemEntries("/proc/self/fdinfo"))
        {
            try
            {
                if (File.ReadLines(descriptor).Any(line => line.StartsWith("Pid:", StringComparison.Ordinal) && line.AsSpan(4).Trim() is "-1"))
                    count++;
            }
            catch (IOException)
            {
                // It was closed meanwhile.
            }
        }

        return count;
    }

    private static void Signal(QemuBackend backend, InstanceId id, string signal)
    {
        int pid = backend.Services.State.ReadProcess(id.ToString())!.Pid;
        using var kill = Process.Start("kill", ["-" + signal, pid.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }
}
