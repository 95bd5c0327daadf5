using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Guests that cannot go on while their QEMU is still there, or because of what they did themselves.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class LostGuestTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    public async Task A_guest_whose_kernel_panicked_has_crashed_and_boots_by_a_start_and_by_a_reset()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = (await hypervisor.CreateAsync(lab.Spec("panics"), null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await using var events = await hypervisor.WatchAsync(null, Token);
        foreach (bool byReset in (bool[])[false, true])
        {
            await PanicAsync(lab, backend, id, staysThere: true);
            Assert.Equal("The guest's kernel panicked.", (await FaultTests.NextStateAsync(events, PowerState.Crashed)).Reason);
            var crashed = await hypervisor.GetAsync(id, Token);
            Assert.Equal((PowerState.Crashed, "The guest's kernel panicked."), (crashed.State, crashed.StateReason));
            var before = backend.Services.State.ReadProcess(id.ToString())!;
            Assert.Null(before.CrashReason);

            var booted = byReset ? await backend.Get<IReset>().ResetAsync(id, null, Token).WaitForCompletionAsync(Token) : await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
            Assert.Equal((PowerState.Running, null), (booted.State, booted.StateReason));
            Assert.NotEqual(before.Pid, backend.Services.State.ReadProcess(id.ToString())!.Pid);
            await lab.WaitForConsoleAsync(id, GuestImage.Prompt);
        }

        // By default QEMU ends with its guest.
        await PanicAsync(lab, backend, id, staysThere: false);
        Assert.Equal("The guest's kernel panicked.", (await FaultTests.NextStateAsync(events, PowerState.Crashed)).Reason);
        Assert.Equal(PowerState.Running, (await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token)).State);
        await lab.WaitForConsoleAsync(id, GuestImage.Prompt);
    }

    [Fact(Timeout = 240_000)]
    public async Task A_guest_whose_disk_finds_no_room_is_held_with_the_reason_and_goes_on_when_there_is_room()
    {
        await using var lab = await QemuLab.CreateAsync();
        using var small = SmallDisk.Mount(lab["small"], "size=8m");
        string image = Path.Combine(small.Path, "disk.raw");
        using (var file = File.OpenHandle(image, FileMode.CreateNew, FileAccess.Write))
            RandomAccess.SetLength(file, 32 << 20);
        // For QEMU's user.
        File.SetUnixFileMode(image, (UnixFileMode)438);
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = lab.Spec("full", spec =>
        {
            // The first is formatted and mounted by the guest itself.
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(16)) });
            spec.Disks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.Attached(new VolumeAttachment.File(image, "raw")) });
        });
        var id = (await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(id, GuestImage.Prompt);
        await using var events = await hypervisor.WatchAsync(null, Token);
        await QemuLab.ShellAsync(backend, id, "(dd if=/dev/zero of=/dev/vdb bs=1M count=16 && sync && echo written-all >/dev/console) >/dev/null 2>&1 &");

        var held = await FaultTests.NextStateAsync(events, PowerState.Paused);
        Assert.Contains("want of room", held.Reason, StringComparison.Ordinal);
        // By the event, by a question, and for another process the same.
        var instance = await hypervisor.GetAsync(id, Token);
        Assert.Equal((PowerState.Paused, held.Reason), (instance.State, instance.StateReason));
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(id, null, Token));
        Assert.Equal(ErrorCode.InvalidState, refused.Code);
        Assert.Contains("want of room", refused.Message, StringComparison.Ordinal);
        await using (var other = await lab.ConnectAsync())
            Assert.Equal(PowerState.Paused, (await other.Get<IHypervisor>().GetAsync(id, Token)).State);

        small.Remount("size=64m");
        var resumed = await backend.Get<IPausing>().ResumeAsync(id, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((PowerState.Running, null), (resumed.State, resumed.StateReason));
        await lab.WaitForConsoleAsync(id, "written-all");
    }

    private static async Task PanicAsync(QemuLab lab, QemuBackend backend, InstanceId id, bool staysThere)
    {
        await lab.WaitForConsoleAsync(id, GuestImage.Prompt);
        var (machine, config) = backend.Table.Require(id);
        await backend.Table.AskAsync(machine, config, async client =>
        {
            if (staysThere)
                await client.ExecuteAsync("set-action", QapiAny.FromJson("""{"panic":"pause"}"""), Token);
            return await client.ExecuteAsync("device_add", QapiAny.FromJson("""{"driver":"pvpanic-pci","id":"hv-test-panic","addr":"0x1e"}"""), Token);
        }, Token);
        await QemuLab.ShellAsync(backend, id, "modprobe pvpanic-pci");
        // Not by its agent, whose answer the panic might overtake; and on a line that the terminal does not break, so that it is seen again.
        await lab.TypeAsync(backend, id, "(sleep 1;echo c >/proc/sysrq-trigger)&");
    }
}
