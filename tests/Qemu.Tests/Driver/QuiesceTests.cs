using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Snapshots for which a real guest brings its file systems to rest. The guest itself tells: who writes to a frozen file system stands still.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class QuiesceTests
{
    private const string StandsStill = "the writer stands still";
    private const string GoesOn = "the writer goes on";

    /// <summary>Writes to the guest's disk again and again, and has the kernel say what becomes of the writer: asleep on the disk in five looks in a row, and then not any more.</summary>
    private const string WatchedWriter = $$"""
        (while :; do echo x > /data/probe; sleep 0.1; done) > /dev/null 2>&1 < /dev/null &
        writer=$!
        (
            looks=0
            while [ $looks -lt 5 ]; do
                if grep -q 'D (disk sleep)' /proc/$writer/status; then looks=$((looks + 1)); else looks=0; fi
                sleep 0.2
            done
            echo {{StandsStill}}
            while grep -q 'D (disk sleep)' /proc/$writer/status; do sleep 0.2; done
            echo {{GoesOn}}
            kill $writer
        ) > /dev/ttyS0 2>&1 < /dev/null &
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task The_file_systems_of_the_guest_stand_still_while_the_snapshot_is_made_and_go_on_afterwards()
    {
        await using var lab = await QemuLab.CreateAsync();
        var seam = new SnapshotSeam(isCrash: false);
        var backend = await lab.ConnectAsync(null, seam);
        var id = await BootAsync(lab, backend);
        var creating = backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("still"), Quiesce = true }, null, Token).WaitForCompletionAsync(Token);
        try
        {
            // A snapshot that fails before says why, and is not waited for.
            await (await Task.WhenAny(seam.Reached.Task, creating).WaitAsync(Token));
            await lab.WaitForConsoleAsync(id, StandsStill);
        }
        finally
        {
            seam.GoOn.Set();
        }

        Assert.Equal("still", (await creating).Name);
        await lab.WaitForConsoleAsync(id, GoesOn);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_guest_that_a_crash_left_frozen_goes_on_when_the_next_process_connects()
    {
        await using var lab = await QemuLab.CreateAsync();
        var seam = new SnapshotSeam(isCrash: true);
        var doomed = await lab.ConnectAsync(null, seam);
        var id = await BootAsync(lab, doomed);
        await Assert.ThrowsAsync<CrashException>(() => doomed.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("half"), Quiesce = true }, null, Token).WaitForCompletionAsync(Token));
        await lab.AbandonAsync(doomed);
        await lab.WaitForConsoleAsync(id, StandsStill);

        var next = await lab.ConnectAsync();
        Assert.Equal(PowerState.Running, (await next.Get<IHypervisor>().GetAsync(id, Token)).State);
        await lab.WaitForConsoleAsync(id, GoesOn);
        Assert.Equal("second", (await next.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("second"), Quiesce = true }, null, Token).WaitForCompletionAsync(Token)).Name);
        await foreach (var snapshot in next.Get<ISnapshots>().ListAsync(id, Token))
            Assert.Equal("second", snapshot.Name);
    }

    private static async Task<InstanceId> BootAsync(QemuLab lab, QemuBackend backend)
    {
        var vm = await backend.Get<IHypervisor>().CreateAsync(lab.Spec("rest", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(32)) })), null, Token).WaitForCompletionAsync(Token);
        await backend.Get<IHypervisor>().StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(vm.Id, GuestImage.Prompt);
        await backend.WaitUntilReadyAsync(vm.Id, new ReadinessOptions { Conditions = [new ReadinessCondition.Custom("the agent answers", AgentAnswersAsync)] }, Token);
        // Begun before anything is frozen: a frozen guest's agent takes no commands, and a line that is typed can be lost.
        var begun = await backend.Get<ICommands>().RunAsync(vm.Id, new CommandSpec { Command = ["/bin/sh", "-c", WatchedWriter] }, default, Token);
        Assert.True(begun.IsSuccess, System.Text.Encoding.UTF8.GetString(begun.Error.Span));
        return vm.Id;
    }

    private static async ValueTask<bool> AgentAnswersAsync(IBackend backend, Instance instance, CancellationToken cancellationToken)
    {
        try
        {
            return (await backend.Get<IGuestAgent>().GetInfoAsync(instance.Id, cancellationToken)).Agent.Length > 0;
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Unavailable || error.Code == ErrorCode.Timeout)
        {
            return false;
        }
    }

    /// <summary>Stops, or ends, when the snapshot is about to be made in QEMU.</summary>
    private sealed class SnapshotSeam(bool isCrash) : IDurableSeam
    {
        private volatile bool _hasCrashed;

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ManualResetEventSlim GoOn { get; } = new();

        public void Before(string effect)
        {
            if (effect.StartsWith("make snapshot in QEMU", StringComparison.Ordinal) && !_hasCrashed)
            {
                _hasCrashed = isCrash;
                Reached.TrySetResult();
                if (!isCrash)
                    GoOn.Wait(Token);
            }

            After(effect);
        }

        public void After(string effect)
        {
            if (_hasCrashed)
                throw new CrashException(effect);
        }
    }
}
