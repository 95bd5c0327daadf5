using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Snapshots, clones and templates, stopped before each durable effect in turn.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
public sealed class SnapshotCrashPointTests
{
    private static readonly SnapshotName s_name = SnapshotName.Parse("one");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_crash_at_any_point_of_making_a_snapshot_leaves_the_whole_of_it_or_nothing(bool withMemory)
    {
        int points = await CrashPoints.RunAsync(
            $"create a snapshot {(withMemory ? "with memory" : "of disks")}",
            (_, backend) => MachineAsync(backend, start: withMemory),
            (_, backend, id) => backend.Get<ISnapshots>().CreateAsync(id!.Value, new SnapshotSpec { Name = s_name, IncludeMemory = withMemory }, null, Token).WaitForCompletionAsync(Token),
            async (_, backend, id, finished) =>
            {
                var listed = await ListAsync(backend, id!.Value);
                Assert.True(listed.Count == 1 || !finished, "A snapshot that was reported as done is there.");
                await StopAsync(backend, id.Value);
                Assert.Equal(listed.Count, await TagsAsync(backend, id.Value, "disk0.qcow2"));
                if (listed.Count == 1)
                    await backend.Get<ISnapshots>().RevertAsync(id.Value, s_name, null, Token).WaitForCompletionAsync(Token);
                else
                    await backend.Get<ISnapshots>().CreateAsync(id.Value, new SnapshotSpec { Name = s_name }, null, Token).WaitForCompletionAsync(Token);
            });
        Assert.True(points > 5, $"{points} points");
    }

    [Fact(Timeout = 300_000)]
    public async Task A_crash_at_any_point_of_going_back_is_finished()
    {
        int points = await CrashPoints.RunAsync(
            "revert to a snapshot",
            async (_, backend) =>
            {
                var id = await MachineAsync(backend, start: false);
                await backend.Get<ISnapshots>().CreateAsync(id!.Value, new SnapshotSpec { Name = s_name }, null, Token).WaitForCompletionAsync(Token);
                await backend.Get<ISnapshots>().CreateAsync(id.Value, new SnapshotSpec { Name = SnapshotName.Parse("two") }, null, Token).WaitForCompletionAsync(Token);
                await backend.Get<IHypervisor>().StartAsync(id.Value, null, Token).WaitForCompletionAsync(Token);
                return id;
            },
            (_, backend, id) => backend.Get<ISnapshots>().RevertAsync(id!.Value, s_name, null, Token).WaitForCompletionAsync(Token),
            async (_, backend, id, finished) =>
            {
                var listed = await ListAsync(backend, id!.Value);
                Assert.Equal(["one", "two"], listed.Select(snapshot => snapshot.Name));
                var current = listed.Single(snapshot => snapshot.IsCurrent).Name;
                Assert.True(current == "one" || !finished, "Going back that was reported as done is done.");
                var instance = await backend.Get<IHypervisor>().GetAsync(id.Value, Token);
                Assert.Contains(instance.State, new[] { PowerState.Running, PowerState.Stopped });
                await backend.Get<ISnapshots>().RevertAsync(id.Value, SnapshotName.Parse("two"), null, Token).WaitForCompletionAsync(Token);
            });
        Assert.True(points > 5, $"{points} points");
    }

    [Fact(Timeout = 300_000)]
    public async Task A_crash_at_any_point_of_deleting_a_snapshot_leaves_the_whole_of_it_or_nothing()
    {
        int points = await CrashPoints.RunAsync(
            "delete a snapshot",
            async (_, backend) =>
            {
                var id = await MachineAsync(backend, start: false);
                await backend.Get<ISnapshots>().CreateAsync(id!.Value, new SnapshotSpec { Name = s_name }, null, Token).WaitForCompletionAsync(Token);
                return id;
            },
            async (_, backend, id) => await backend.Get<ISnapshots>().DeleteAsync(id!.Value, s_name, null, Token).WaitForCompletionAsync(Token),
            async (_, backend, id, finished) =>
            {
                var listed = await ListAsync(backend, id!.Value);
                Assert.True(listed.Count == 0 || !finished);
                Assert.Equal(listed.Count, await TagsAsync(backend, id.Value, "disk0.qcow2"));
            });
        Assert.True(points >= 4, $"{points} points");
    }

    [Theory(Timeout = 300_000)]
    [InlineData(CloneMode.Full)]
    [InlineData(CloneMode.Linked)]
    public async Task A_crash_at_any_point_of_a_clone_leaves_the_whole_clone_or_nothing(CloneMode mode)
    {
        var request = RequestId.New();
        int points = await CrashPoints.RunAsync(
            $"{mode} clone",
            async (_, backend) =>
            {
                var id = await MachineAsync(backend, start: false);
                if (mode == CloneMode.Linked)
                    await backend.Get<ITemplates>().ConvertToTemplateAsync(id!.Value, null, Token).WaitForCompletionAsync(Token);
                return id;
            },
            async (_, backend, id) => await CloneAsync(backend, id!.Value),
            async (_, backend, id, finished) =>
            {
                int machines = 0;
                await foreach (var machine in backend.Get<IHypervisor>().List().WithCancellation(Token))
                    machines += machine.Id.IsDefault ? 0 : 1;
                Assert.True(machines == 2 || !finished, "A clone that was reported as done is there.");
                Assert.InRange(machines, 1, 2);
                Assert.Equal("copy", (await CloneAsync(backend, id!.Value)).Name);
            });
        Assert.True(points > 10, $"{points} points");

        Task<Instance> CloneAsync(QemuBackend backend, InstanceId source) => backend.Get<ICloning>().CloneAsync(
            source, new CloneSpec { Name = InstanceName.Parse("copy"), Mode = mode, ResizeDisks = { [DeviceId.Parse("disk0")] = ByteSize.FromMiB(64) } }, new RequestOptions { RequestId = request }, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 300_000)]
    public async Task A_crash_at_any_point_of_making_a_template_leaves_a_template_or_an_instance()
    {
        int points = await CrashPoints.RunAsync(
            "make a template",
            (_, backend) => MachineAsync(backend, start: false),
            (_, backend, id) => backend.Get<ITemplates>().ConvertToTemplateAsync(id!.Value, null, Token).WaitForCompletionAsync(Token),
            async (_, backend, id, finished) =>
            {
                var instance = await backend.Get<IHypervisor>().GetAsync(id!.Value, Token);
                Assert.True(instance.IsTemplate || !finished);
                if (!instance.IsTemplate)
                    await backend.Get<IHypervisor>().StartAsync(id.Value, null, Token).WaitForCompletionAsync(Token);
            });
        Assert.True(points >= 3, $"{points} points");
    }

    private static async Task<InstanceId?> MachineAsync(QemuBackend backend, bool start)
    {
        var created = await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        if (start)
            await backend.Get<IHypervisor>().StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        return created.Id;
    }

    private static async Task StopAsync(QemuBackend backend, InstanceId id) =>
        await backend.Get<IHypervisor>().StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);

    private static async Task<int> TagsAsync(QemuBackend backend, InstanceId id, string file)
    {
        var image = DiskImage.At(Path.Combine(backend.Services.State.Path, "vms", id.ToString(), "disks", file), ImageFormat.Qcow2);
        return (await backend.Services.Images.GetInfoAsync(image, cancellationToken: Token)).Snapshots.Count;
    }

    private static async Task<List<Snapshot>> ListAsync(QemuBackend backend, InstanceId id)
    {
        var list = new List<Snapshot>();
        await foreach (var snapshot in backend.Get<ISnapshots>().ListAsync(id, Token))
            list.Add(snapshot);
        return list;
    }
}
