using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class LifecycleTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Feature("CMP-01")]
    [Feature("CMP-02")]
    [Feature("CMP-03")]
    [Feature("CMP-04")]
    [Feature("CMP-05")]
    [Feature("CMP-07")]
    [Feature("CMP-10")]
    [Feature("CMP-12")]
    [Feature("CMP-13")]
    [Fact(Timeout = 180_000)]
    public async Task A_machine_is_created_started_restarted_reset_paused_stopped_by_its_power_button_and_deleted_with_everything()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        await using var events = await hypervisor.WatchAsync(new WatchOptions { IncludeSnapshot = true }, Token);

        var created = await hypervisor.CreateAsync(
            lab.Spec("web", spec =>
            {
                spec.Description = "the first";
                spec.Labels["tier"] = "front";
                spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(16)), Serial = "S1" });
                spec.Networks.Add(new NetworkSpec { Network = "user", Mac = MacAddress.Parse("52:54:00:00:00:01") });
            }), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Stopped, created.State);

        var started = await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Running, started.State);
        Assert.NotNull(started.StartedAt);
        await lab.WaitForConsoleAsync(created.Id, GuestImage.Prompt);
        Assert.Equal(started.StartedAt, (await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token)).StartedAt);

        Assert.Equal(PowerState.Paused, (await backend.Get<IPausing>().PauseAsync(created.Id, null, Token).WaitForCompletionAsync(Token)).State);
        Assert.Equal(PowerState.Paused, (await backend.Get<IPausing>().PauseAsync(created.Id, null, Token).WaitForCompletionAsync(Token)).State);
        Assert.Equal(PowerState.Running, (await backend.Get<IPausing>().ResumeAsync(created.Id, null, Token).WaitForCompletionAsync(Token)).State);
        Assert.Equal(PowerState.Running, (await backend.Get<IReset>().ResetAsync(created.Id, null, Token).WaitForCompletionAsync(Token)).State);

        var restarted = await hypervisor.RestartAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Running, restarted.State);
        Assert.True(restarted.StartedAt > started.StartedAt);
        await lab.WaitForConsoleAsync(created.Id, GuestImage.Prompt);

        var stopping = await hypervisor.StopAsync(created.Id, null, null, Token);
        var stages = new List<string?>();
        await foreach (var moment in stopping.WatchAsync(Token))
            stages.Add(moment.Stage);
        Assert.DoesNotContain("switching off", stages);
        Assert.Equal(PowerState.Stopped, (await stopping.WaitAsync(Token)).State);

        var found = await hypervisor.GetAsync(created.Id, Token);
        Assert.Equal(("web", "the first", "front", 1d, ByteSize.FromMiB(128)), (found.Name, found.Description, found.Labels["tier"], found.Cpus!.Value, found.Memory!.Value));
        var disk = Assert.Single(found.Disks);
        Assert.Equal((DeviceId.Parse("disk0"), ByteSize.FromMiB(16), "virtio", "S1", DiskDisposal.DeletedWithInstance), (disk.Id, disk.Size!.Value, disk.Bus, disk.Serial, disk.Disposal));
        Assert.Equal("52:54:00:00:00:01", Assert.Single(found.Networks).Mac.ToString());

        await hypervisor.DeleteAsync(created.Id, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Null(await hypervisor.FindAsync(created.Id, Token));
        foreach (string directory in (string[])["vms", "names", "locks", "trash"])
            Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(lab.StateDirectory, directory)));
        Assert.Empty(Directory.GetFileSystemEntries(lab["run"]));

        var heard = new List<string>();
        await foreach (var next in events.WithCancellation(Token))
        {
            switch (next)
            {
                case Synchronized:
                    heard.Add("synchronized");
                    break;
                case InstanceCreated made:
                    Assert.Equal(created.Id, made.Id);
                    heard.Add("created");
                    break;
                case InstanceStateChanged changed:
                    heard.Add(changed.To.ToString());
                    Assert.Equal(EventOrigin.Native, changed.Origin);
                    break;
                case InstanceDeleted:
                    heard.Add("deleted");
                    break;
            }

            if (heard[^1] == "deleted")
                break;
        }

        Assert.Equal(["synchronized", "created", "running", "paused", "running"], heard.Take(5));
        Assert.Equal(["stopping", "stopped", "running", "stopping", "stopped", "deleted"], heard.Skip(5));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_guest_that_does_not_listen_is_forced_off_after_the_grace_period_or_left_running_as_asked()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        var grace = TimeSpan.FromMilliseconds(200);

        var timeout = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = grace, ForceAfterGrace = false }, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Timeout, timeout.Code);
        Assert.Equal(PowerState.Running, (await hypervisor.GetAsync(created.Id, Token)).State);
        Assert.Equal(PowerState.Stopped, (await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = grace }, null, Token).WaitForCompletionAsync(Token)).State);

        var waiting = await hypervisor.StartAsync(created.Id, null, Token);
        await waiting.WaitAsync(Token);
        var patient = await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.FromMinutes(1) }, null, Token);
        Assert.True(await patient.TryCancelAsync(Token));
        Assert.Equal(ErrorCode.Cancelled, (await Assert.ThrowsAsync<HypervisorException>(() => patient.WaitAsync(Token))).Code);
        Assert.Equal(PowerState.Running, (await hypervisor.GetAsync(created.Id, Token)).State);
    }

    [Feature("CMP-06")]
    [Feature("CMP-08")]
    [Fact(Timeout = 120_000)]
    public async Task A_list_pages_and_filters_and_a_watch_resumes_where_it_was()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var ids = new List<InstanceId>();
        for (int i = 0; i < 5; i++)
            ids.Add((await hypervisor.CreateAsync(QemuLab.EmptySpec($"web{i}", spec => spec.Labels["odd"] = (i % 2).ToString(System.Globalization.CultureInfo.InvariantCulture)), null, Token).WaitForCompletionAsync(Token)).Id);
        await hypervisor.StartAsync(ids[0], null, Token).WaitForCompletionAsync(Token);

        var seen = new List<InstanceId>();
        string? continuation = null;
        do
        {
            var page = await hypervisor.List().GetPageAsync(continuation, 2, Token);
            Assert.InRange(page.Items.Count, 0, 2);
            seen.AddRange(page.Items.Select(item => item.Id));
            continuation = page.Continuation;
        }
        while (continuation is not null);
        Assert.Equal(ids.Order(Comparer<InstanceId>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()))), seen);
        Assert.Equal(ids[0], Assert.Single(await AllAsync(new InstanceFilter { State = PowerState.Running })).Id);
        Assert.Equal(2, (await AllAsync(new InstanceFilter { Labels = new Dictionary<string, string> { ["odd"] = "1" } })).Count);
        Assert.Equal("web3", Assert.Single(await AllAsync(new InstanceFilter { Name = "web3" })).Name);

        var from = (await hypervisor.List().GetPageAsync(null, 1, Token)).Position;
        await hypervisor.DeleteAsync(ids[4], null, null, Token).WaitForCompletionAsync(Token);
        await using var resumed = await hypervisor.WatchAsync(new WatchOptions { After = from }, Token);
        await foreach (var next in resumed.WithCancellation(Token))
        {
            Assert.Equal(ids[4], Assert.IsType<InstanceDeleted>(next).Id);
            break;
        }

        var old = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.WatchAsync(new WatchOptions { After = EventPosition.Parse("elsewhere.3") }, Token));
        Assert.Equal(ErrorCode.NotFound, old.Code);

        await using var narrow = await hypervisor.WatchAsync(new WatchOptions { Capacity = 1 }, Token);
        await hypervisor.DeleteAsync(ids[3], null, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.DeleteAsync(ids[2], null, null, Token).WaitForCompletionAsync(Token);
        await using var reader = narrow.GetAsyncEnumerator(Token);
        Assert.True(await reader.MoveNextAsync());
        Assert.IsType<EventGap>(reader.Current);
        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(ids[2], Assert.IsType<InstanceDeleted>(reader.Current).Id);

        async Task<List<Instance>> AllAsync(InstanceFilter filter)
        {
            var found = new List<Instance>();
            await foreach (var instance in hypervisor.List(filter))
                found.Add(instance);
            return found;
        }
    }
}
