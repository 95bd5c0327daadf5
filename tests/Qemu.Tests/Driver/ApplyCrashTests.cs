using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Changes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
public sealed class ApplyCrashTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 300_000)]
    public async Task A_crash_at_any_point_of_a_change_of_a_running_machine_leaves_each_step_done_or_not()
    {
        int points = await CrashPoints.RunAsync(
            "apply to a running machine",
            static async (_, backend) =>
            {
                var created = await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
                await backend.Get<IHypervisor>().StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
                return created.Id;
            },
            static (_, backend, id) => ApplyAsync(backend, id!.Value, static change =>
            {
                change.Name = InstanceName.Parse("db");
                change.ResizeDisks[DeviceId.Parse("disk0")] = ByteSize.FromMiB(12);
                change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.Blank(ByteSize.FromMiB(4)) });
                change.AddNetworks.Add(new NetworkSpec { Id = DeviceId.Parse("extra"), Network = "user" });
            }),
            static async (_, backend, id, finished) =>
            {
                var (config, live) = await LookAsync(backend, id!.Value);
                Assert.True(!finished || config.Networks.Count == 1);
                Assert.Equal(config.Disks[0].SizeBytes, live.Disks["disk0"]);
                Assert.Equal(config.Disks.Select(disk => disk.Id).Concat(config.Networks.Select(network => network.Id)).Order(), live.Devices.Where(device => device is "disk0" or "data" or "extra").Order());

                // What is left can be changed to the same end.
                await ApplyAsync(backend, id.Value, change =>
                {
                    change.Name = InstanceName.Parse("db");
                    change.ResizeDisks[DeviceId.Parse("disk0")] = ByteSize.FromMiB(12);
                    if (config.Disks.Count == 1)
                        change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.Blank(ByteSize.FromMiB(4)) });
                    if (config.Networks.Count == 0)
                        change.AddNetworks.Add(new NetworkSpec { Id = DeviceId.Parse("extra"), Network = "user" });
                });
            });
        Assert.True(points > 20, $"{points} points");
    }

    [Fact(Timeout = 300_000)]
    public async Task A_crash_at_any_point_of_a_change_of_a_stopped_machine_leaves_each_step_done_or_not()
    {
        int points = await CrashPoints.RunAsync(
            "apply to a stopped machine",
            static async (lab, backend) =>
            {
                await File.WriteAllBytesAsync(Path.Combine(lab.Images, "base.raw"), new byte[1 << 20], Token);
                return (await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(4)) })), null, Token).WaitForCompletionAsync(Token)).Id;
            },
            static (_, backend, id) => ApplyAsync(backend, id!.Value, static change =>
            {
                change.Description = "text";
                change.RemoveDevices.Add(DeviceId.Parse("disk1"));
                change.ResizeDisks[DeviceId.Parse("disk0")] = ByteSize.FromMiB(12);
                change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("disk1"), Content = new DiskContent.FromImage("base.raw") });
            }),
            static async (lab, backend, id, finished) =>
            {
                var instance = await backend.Get<IHypervisor>().GetAsync(id!.Value, Token);
                Assert.True(!finished || (instance.Disks.Count == 2 && instance.Disks[1].Size == ByteSize.FromMiB(1)));
                // What is written down is what lies there.
                Assert.Equal(PowerState.Running, (await backend.Get<IHypervisor>().StartAsync(id.Value, null, Token).WaitForCompletionAsync(Token)).State);
                var (config, live) = await LookAsync(backend, id.Value);
                Assert.All(config.Disks, disk => Assert.Equal(disk.SizeBytes, live.Disks[disk.Id]));
            });
        Assert.True(points > 20, $"{points} points");
    }

    [Fact(Timeout = 300_000)]
    public async Task A_crash_at_any_point_of_taking_a_disk_and_a_network_from_a_guest_finishes_or_leaves_them()
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var id = (await first.Get<IHypervisor>().CreateAsync(lab.Spec("web"), null, Token).WaitForCompletionAsync(Token)).Id;
        await first.Get<IHypervisor>().StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(id, GuestImage.ReadyText);
        await lab.WaitForConsoleAsync(id, GuestImage.Prompt);
        await first.DisposeAsync();

        int points = await CrashPoints.WalkAsync("apply of removals to a guest", async arm =>
        {
            var seam = new CrashSeam();
            var doomed = await lab.ConnectAsync(null, seam);
            await ApplyAsync(doomed, id, static change =>
            {
                change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.Blank(ByteSize.FromMiB(4)) });
                change.AddNetworks.Add(new NetworkSpec { Id = DeviceId.Parse("extra"), Network = "user" });
            });
            arm(seam);
            bool finished = true;
            try
            {
                await ApplyAsync(doomed, id, static change =>
                {
                    change.RemoveDevices.Add(DeviceId.Parse("data"));
                    change.RemoveDevices.Add(DeviceId.Parse("extra"));
                });
            }
            catch (CrashException)
            {
                finished = false;
            }

            var effects = seam.Effects;
            seam.Crash();
            await lab.AbandonAsync(doomed);

            await using var next = await lab.ConnectAsync();
            var (config, live) = await LookAsync(next, id);
            Assert.True(!finished || config is { Disks.Count: 0, Networks.Count: 0 });
            Assert.Equal(config.Disks.Select(disk => disk.Id).Concat(config.Networks.Select(network => network.Id)).Order(), live.Devices.Where(device => device is "data" or "extra").Order());
            Assert.Equal(config.Disks.Select(disk => disk.Id), live.Disks.Keys.Where(node => node == "data"));
            await CrashPoints.AssertNothingOrphanedAsync(lab, next);
            await ApplyAsync(next, id, change =>
            {
                foreach (string device in config.Disks.Select(disk => disk.Id).Concat(config.Networks.Select(network => network.Id)))
                    change.RemoveDevices.Add(DeviceId.Parse(device));
            });
            return effects;
        });
        Assert.True(points > 10, $"{points} points");
    }

    private static async Task<(State.MachineConfig Config, LiveDevices Live)> LookAsync(QemuBackend backend, InstanceId id)
    {
        var (machine, config) = backend.Table.Require(id);
        return (config, await backend.Table.AskAsync(machine, config, client => LiveDevices.QueryAsync(client, Token), Token));
    }

    private static async Task ApplyAsync(QemuBackend backend, InstanceId id, Action<InstanceChange> configure)
    {
        var change = new InstanceChange();
        configure(change);
        var plan = await backend.Get<IHypervisor>().PlanAsync(id, change, Token);
        await backend.Get<IHypervisor>().ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, null, Token).WaitForCompletionAsync(Token);
    }
}
