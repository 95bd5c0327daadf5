using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class CrashPointTests
{
    private static readonly RequestId s_request = RequestId.New();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_crash_at_any_point_of_a_create_leaves_the_whole_machine_or_nothing()
    {
        int points = await CrashPoints.RunAsync(
            "create",
            static async (lab, _) =>
            {
                await File.WriteAllBytesAsync(Path.Combine(lab.Images, "base.raw"), new byte[1 << 20], Token);
                return null;
            },
            static async (_, backend, _) => await backend.Get<IHypervisor>().CreateAsync(TwoDisks("web"), new RequestOptions { RequestId = s_request }, Token).WaitForCompletionAsync(Token),
            static async (_, backend, _, finished) =>
            {
                var found = await All(backend);
                Assert.True(found.Count == (finished ? 1 : found.Count), "A create that was reported as done is there.");
                var lookup = await backend.Get<IRequestLog>().LookUpAsync(s_request, Token);
                if (found.Count == 1)
                    Assert.Equal(RequestState.Succeeded, lookup.State);
                else
                    Assert.Contains(lookup.State, new[] { RequestState.NeverSeen, RequestState.Failed });

                // The same request again is the same machine, or now makes it.
                var again = await backend.Get<IHypervisor>().CreateAsync(TwoDisks("web"), new RequestOptions { RequestId = s_request }, Token).WaitForCompletionAsync(Token);
                Assert.Equal("web", again.Name);
                Assert.Single(await All(backend));
            });
        Assert.True(points > 20, $"{points} points");
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_crash_while_what_an_interrupted_create_has_left_is_removed_says_that_nothing_is_left()
    {
        bool hasCrashed = true;
        int failed = 0;
        for (int point = 1; hasCrashed; point++)
        {
            await using var lab = await QemuLab.CreateAsync();
            var (first, second) = (new CrashSeam(), new CrashSeam());
            var doomed = await lab.ConnectAsync(null, first);
            first.Arm("config.json");
            await Assert.ThrowsAsync<CrashException>(() => doomed.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), new RequestOptions { RequestId = s_request }, Token).WaitForCompletionAsync(Token));
            await lab.AbandonAsync(doomed);

            // It looks at what is left when it connects.
            second.Arm(point);
            try
            {
                await lab.AbandonAsync(await lab.ConnectAsync(null, second));
            }
            catch (CrashException)
            {
                // Here it ends.
            }

            hasCrashed = second.HasCrashed;
            second.Crash();
            var next = await lab.ConnectAsync();
            var lookup = await next.Get<IRequestLog>().LookUpAsync(s_request, Token);
            Assert.Equal(lookup.State == RequestState.Failed ? RequestOutcome.Rejected : null, lookup.Error?.Outcome);
            Assert.Contains(lookup.State, new[] { RequestState.NeverSeen, RequestState.Failed });
            failed += lookup.State == RequestState.Failed ? 1 : 0;
            Assert.Empty(await All(next));
            await CrashPoints.AssertNothingOrphanedAsync(lab, next);
        }

        Assert.True(failed > 2, $"{failed} times it was known");
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_crash_at_any_point_of_a_delete_leaves_the_whole_machine_or_nothing()
    {
        var request = RequestId.New();
        int points = await CrashPoints.RunAsync(
            "delete of a running machine",
            static async (_, backend) =>
            {
                var created = await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
                await backend.Get<IHypervisor>().StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
                return created.Id;
            },
            async (_, backend, id) => await (await backend.Get<IHypervisor>().DeleteAsync(id!.Value, new DeleteOptions { StopFirst = true }, new RequestOptions { RequestId = request }, Token)).WaitAsync(Token),
            async (_, backend, id, finished) =>
            {
                bool there = await backend.Get<IHypervisor>().FindAsync(id!.Value, Token) is not null;
                Assert.False(there && finished, "A delete that was reported as done is done.");
                var lookup = await backend.Get<IRequestLog>().LookUpAsync(request, Token);
                Assert.Equal(there ? RequestState.NeverSeen : RequestState.Succeeded, lookup.State);
            });
        Assert.True(points > 10, $"{points} points");
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_crash_at_any_point_of_a_start_leaves_a_running_machine_or_a_stopped_one_and_no_stray_process()
    {
        int points = await CrashPoints.RunAsync(
            "start",
            static async (_, backend) => (await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token)).Id,
            static async (_, backend, id) => await backend.Get<IHypervisor>().StartAsync(id!.Value, null, Token).WaitForCompletionAsync(Token),
            static async (_, backend, id, finished) =>
            {
                var instance = await backend.Get<IHypervisor>().GetAsync(id!.Value, Token);
                Assert.Contains(instance.State, new[] { PowerState.Running, PowerState.Stopped });
                Assert.True(!finished || instance.State == PowerState.Running);
                var started = await backend.Get<IHypervisor>().StartAsync(id.Value, null, Token).WaitForCompletionAsync(Token);
                Assert.Equal(PowerState.Running, started.State);
            });
        Assert.True(points > 10, $"{points} points");
    }

    private static async Task<List<Instance>> All(QemuBackend backend)
    {
        var found = new List<Instance>();
        await foreach (var instance in backend.Get<IHypervisor>().List())
            found.Add(instance);
        return found;
    }

    private static VirtualMachineSpec TwoDisks(string name) => QemuLab.EmptySpec(name, spec =>
    {
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.FromImage("base.raw") });
        spec.CloudInit = new CloudInitData { HostName = "web" };
    });
}
