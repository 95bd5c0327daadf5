using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>Traces are saved, read, compared and replayed.</summary>
public sealed partial class TraceTests
{
    [Fact(Timeout = 60_000)]
    public async Task A_trace_is_read_as_it_was_written()
    {
        await using var dc = new SimulatedDatacenter(o => o.Seed = 5);
        await dc.MakeRunningAsync("written");
        dc.World.Note("odd kind", "sub ject", "line\nbreak \\ back\u0007 \ud83d");
        string text = dc.Trace.ToString();
        Assert.StartsWith("hvsdk-trace 1 seed=5\n", text, StringComparison.Ordinal);
        Assert.All(text.TrimEnd('\n').Split('\n').Skip(1), line => Assert.Matches(Line(), line));
        using var reader = new StringReader(text);
        var read = SimulationTrace.Read(reader);
        Assert.Null(SimulationTrace.Compare(dc.Trace, read));
        Assert.Equal(text, read.ToString());
    }

    [Theory]
    [InlineData("", "not a trace")]
    [InlineData("hvsdk-trace 2 seed=1\n", "version 2")]
    [InlineData("hvsdk-trace 1\n", "seed")]
    [InlineData("hvsdk-trace 1 seed=-1\n", "seed")]
    [InlineData("hvsdk-trace 1 seed=1\n0.0 x\n", "Line 2")]
    [InlineData("hvsdk-trace 1 seed=1\n-1.0 call x\n", "Line 2")]
    [InlineData("hvsdk-trace 1 seed=1\n1.0 call x \\u12\n", "Line 2")]
    public void What_is_no_trace_or_one_of_another_version_is_refused_plainly(string text, string says)
    {
        using var reader = new StringReader(text);
        Assert.Contains(says, Assert.Throws<FormatException>(() => SimulationTrace.Read(reader)).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_trace_that_was_cut_in_its_last_line_is_refused_wherever_that_was()
    {
        await using var dc = new SimulatedDatacenter();
        await dc.MakeAsync("written");
        string text = dc.Trace.ToString();
        int last = text.LastIndexOf('\n', text.Length - 2) + 1, count = text.Count(character => character == '\n');
        Assert.InRange(text.Length - last, 10, 1000);
        for (int length = last + 1; length < text.Length; length++)
        {
            using var cut = new StringReader(text[..length]);
            Assert.Contains($"Line {count} of this trace has no end", Assert.Throws<FormatException>(() => SimulationTrace.Read(cut)).Message, StringComparison.Ordinal);
        }

        using var whole = new StringReader(text[..last].ReplaceLineEndings("\r\n"));
        Assert.Equal(count - 2, SimulationTrace.Read(whole).Lines.Count);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_first_difference_is_shown_with_what_came_before()
    {
        await using var one = new SimulatedDatacenter();
        await using var other = new SimulatedDatacenter();
        await one.MakeAsync("same");
        await other.MakeAsync("same");
        await one.MakeAsync("left");
        await other.MakeAsync("right");
        var difference = SimulationTrace.Compare(one.Trace, other.Trace);
        Assert.NotNull(difference);
        Assert.Contains("left", difference.Expected.ToString(), StringComparison.Ordinal);
        Assert.Contains("right", difference.Actual.ToString(), StringComparison.Ordinal);
        Assert.Contains("created vm-1 same", difference.ToString(), StringComparison.Ordinal);
        Assert.Equal(4, difference.Before.Count);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_trace_replayed_is_the_same_trace()
    {
        static void Configure(SimulationOptions options) => options.AddNode("a").AddNode("b").AddPool("tank").AddImage("debian", ByteSize.FromGiB(1));
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Seed = 11;
            Configure(o);
        });
        dc.Faults.Crash("b").For(TimeSpan.FromMinutes(3)).At(TimeSpan.FromMinutes(20));
        dc.Faults.LoseReplies().On("start").WithChance(0.3);
        await dc.RunAsync(() => WorkAsync(dc));
        using var reader = new StringReader(dc.Trace.ToString());
        var replayed = await SimulationReplay.RunAsync(SimulationTrace.Read(reader), Configure);
        Assert.Null(SimulationTrace.Compare(dc.Trace, replayed)?.ToString());
        Assert.Equal(dc.Trace.ToString(), replayed.ToString());
    }

    [Fact(Timeout = 60_000)]
    public async Task A_replay_in_another_data_centre_shows_where_it_went_another_way()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddPool("tank"));
        await dc.RunAsync(() => dc.MakeAsync("tanked"));
        var replayed = await SimulationReplay.RunAsync(dc.Trace, o => o.AddPool("tank", pool => pool.Capacity = ByteSize.FromMiB(1)));
        Assert.Contains("end vm-1 create op=1 exhausted", SimulationTrace.Compare(dc.Trace, replayed)?.Actual.ToString(), StringComparison.Ordinal);
    }

    private static async Task WorkAsync(SimulatedDatacenter dc)
    {
        var hypervisor = dc.Hypervisor();
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async number =>
        {
            var spec = Machines.Spec($"vm{number}");
            spec.Disks[0].Content = new DiskContent.FromImage("debian");
            var vm = await hypervisor.CreateAsync(spec, new RequestOptions { RequestId = RequestId.New() }).WaitForCompletionAsync();
            try
            {
                await hypervisor.StartAsync(vm.Id, new RequestOptions { Deadline = TimeSpan.FromMinutes(1) }).WaitForCompletionAsync();
            }
            catch (BackendConnectionException)
            {
                await Task.Delay(TimeSpan.FromMinutes(1), dc.Clock);
            }

            await hypervisor.ChangeAsync(vm.Id, new InstanceChange { Description = $"number {number}" });
            await dc.Backend.Get<ISnapshots>().CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("s1"), IncludeMemory = true }).WaitForCompletionAsync();
            var other = NodeName.Parse(vm.Node?.ToString() == "a" ? "b" : "a");
            await dc.Backend.Get<IMigration>().MigrateAsync(vm.Id, new MigrationTarget { Node = other }, new MigrationOptions { MaxDowntime = TimeSpan.FromMilliseconds(10) }).WaitForCompletionAsync();
            var stop = await hypervisor.StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.FromSeconds(20) });
            if (number == 3)
                await stop.TryCancelAsync();
            try
            {
                await stop.WaitAsync();
                await dc.Backend.Get<ICloning>().CloneAsync(vm.Id, new CloneSpec { Name = InstanceName.Parse($"clone{number}") }).WaitForCompletionAsync();
                await dc.Backend.Get<ISnapshots>().RevertAsync(vm.Id, SnapshotName.Parse("s1")).WaitForCompletionAsync();
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Cancelled)
            {
                await hypervisor.DeleteAsync(vm.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();
            }
        }));
        await dc.Backend.Get<IStorageBackend>().CreateAsync(new VolumeSpec { Pool = PoolName.Parse("tank"), Size = ByteSize.FromGiB(1) }).WaitForCompletionAsync();
        await Task.Delay(TimeSpan.FromHours(1), dc.Clock);
    }

    [GeneratedRegex(@"^\d+\.\d{7} [^ ]+ [^ ]+( .+)?$")]
    private static partial Regex Line();
}
