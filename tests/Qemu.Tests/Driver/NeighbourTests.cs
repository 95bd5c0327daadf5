using System.Diagnostics;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Several backends on one state directory, in this process and in another: each tells who watches it what the others do.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class NeighbourTests
{
    private const string StateVariable = "HVSDK_TEST_STATE";
    private const string RuntimeVariable = "HVSDK_TEST_RUNTIME";

    private static readonly string[] s_life = ["created", "stopped > running", "running > paused", "paused > running", "changed", "changed", "stopped", "deleted"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What the other process does: this program, started with this test alone.</summary>
    [Fact(Explicit = true)]
    public async Task Live_once()
    {
        string state = Environment.GetEnvironmentVariable(StateVariable) ?? throw new InvalidOperationException($"{StateVariable} is not set.");
        var options = new QemuOptions { StateDirectory = state, RuntimeDirectory = Environment.GetEnvironmentVariable(RuntimeVariable)!, Accelerator = QemuAccelerator.Tcg };
        await using var backend = await QemuBackend.ConnectAsync(options, Token);
        await LiveAsync(backend, async () => Assert.NotNull(await Console.In.ReadLineAsync(Token)));
    }

    [Fact(Timeout = 120_000)]
    [Feature("EVT-01")]
    public async Task What_another_process_does_to_machines_is_heard_in_its_order()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        await using var events = await backend.Get<IHypervisor>().WatchAsync(null, Token);
        using var other = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(NeighbourTests).FullName}.{nameof(Live_once)}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { [StateVariable] = lab.StateDirectory, [RuntimeVariable] = lab["run"] },
        })!;
        var said = other.StandardOutput.ReadToEndAsync(Token);
        await using var words = WordsAsync(events).GetAsyncEnumerator(Token);
        try
        {
            foreach (string expected in s_life)
            {
                Assert.True(await words.MoveNextAsync());
                Assert.Equal(expected, words.Current);
                await other.StandardInput.WriteLineAsync("heard".AsMemory(), Token);
                await other.StandardInput.FlushAsync(Token);
            }

            await other.WaitForExitAsync(Token);
        }
        finally
        {
            other.Kill();
        }

        Assert.True(other.ExitCode == 0, await said);
    }

    [Fact(Timeout = 120_000)]
    [Feature("EVT-01")]
    public async Task What_one_backend_of_a_process_does_is_heard_once_by_each()
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var second = await lab.ConnectAsync(null, null, first.Services.Host);
        await using var events = await first.Get<IHypervisor>().WatchAsync(null, Token);
        await using var others = await second.Get<IHypervisor>().WatchAsync(null, Token);
        await using var words = WordsAsync(events).GetAsyncEnumerator(Token);
        await using var otherWords = WordsAsync(others).GetAsyncEnumerator(Token);
        int step = 0;
        await LiveAsync(second, async () =>
        {
            Assert.True(await words.MoveNextAsync() && await otherWords.MoveNextAsync());
            Assert.Equal((s_life[step], s_life[step]), (words.Current, otherWords.Current));
            step++;
        });
        Assert.Equal(s_life.Length, step);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_machine_whose_watcher_went_away_is_watched_by_the_next()
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var second = await lab.ConnectAsync(null, null, first.Services.Host);
        var created = await first.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await first.Get<IHypervisor>().StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await using var events = await second.Get<IHypervisor>().WatchAsync(null, Token);
        await lab.AbandonAsync(first);

        // Nobody asks: the second has heard that the watch was free, and hears the end of the process by itself.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (second.Table.Get(created.Id.ToString()).Supervision is null)
            await timer.WaitForNextTickAsync(Token);
        int pid = second.Services.State.ReadProcess(created.Id.ToString())!.Pid;
        LiveProcess.TryHold(ProcessIdentity.Of(pid)!)!.Kill();
        var crashed = await FaultTests.NextStateAsync(events, PowerState.Crashed);
        Assert.Equal(PowerState.Running, crashed.From);
    }

    [Fact(Timeout = 120_000)]
    public async Task Lost_notes_are_a_gap_after_which_every_machine_is_looked_at_again()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await using var events = await hypervisor.WatchAsync(null, Token);

        // A change that nobody was told of, as if its note had been among those that were dropped.
        var config = backend.Services.State.ReadConfig(created.Id.ToString())!;
        backend.Services.State.WriteConfig(config with { Revision = config.Revision + 1 });
        DirectoryWatch.TellAll();
        // In either order: a late note about the creation may have been the reason for a look that found the change first.
        bool isGap = false, isFound = false;
        await using var said = events.GetAsyncEnumerator(Token);
        while (!(isGap && isFound))
        {
            Assert.True(await said.MoveNextAsync());
            isGap |= said.Current is EventGap;
            isFound |= said.Current is InstanceChanged changed && changed.Id == created.Id;
        }
    }

    /// <summary>The life of a machine, a step at a time: the next one is taken when the one before was heard, since what is quickly undone is not heard.</summary>
    private static async Task LiveAsync(QemuBackend backend, Func<Task> heard)
    {
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await heard();
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await heard();
        await backend.Get<IPausing>().PauseAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await heard();
        await backend.Get<IPausing>().ResumeAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await heard();
        var plan = await hypervisor.PlanAsync(created.Id, new InstanceChange { Labels = { ["a"] = "b" } }, Token);
        await hypervisor.ApplyAsync(plan, null, null, Token).WaitForCompletionAsync(Token);
        await heard();
        await backend.Get<ISnapshots>().CreateAsync(created.Id, new SnapshotSpec { Name = SnapshotName.Parse("one") }, null, Token).WaitForCompletionAsync(Token);
        await heard();
        await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await heard();
        await hypervisor.DeleteAsync(created.Id, null, null, Token).WaitForCompletionAsync(Token);
        await heard();
    }

    /// <summary>What a subscription says next, in words; how a machine looks while it goes down is not among them.</summary>
    private static async IAsyncEnumerable<string> WordsAsync(Subscription events)
    {
        await foreach (var next in events.WithCancellation(Token))
        {
            switch (next)
            {
                case InstanceCreated:
                    yield return "created";
                    break;
                case InstanceChanged:
                    yield return "changed";
                    break;
                case InstanceDeleted:
                    yield return "deleted";
                    break;
                case InstanceStateChanged changed when changed.To == PowerState.Stopped && (changed.From == PowerState.Running || changed.From == PowerState.Stopping):
                    yield return "stopped";
                    break;
                case InstanceStateChanged changed when changed.To != PowerState.Stopping:
                    yield return $"{changed.From} > {changed.To}";
                    break;
            }
        }
    }
}
