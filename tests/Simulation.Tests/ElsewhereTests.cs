using System.Text;

namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>Moves between data centres, each with a loop and a clock of its own.</summary>
public sealed class ElsewhereTests
{
    private static readonly MigrationTarget s_there = new() { Backend = BackendName.Parse("there") };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_running_guest_moves_to_another_data_centre_with_its_files_and_takes_no_room_where_it_was()
    {
        await using var there = new SimulatedDatacenter(o => o.Name = "there");
        await using var here = Here(there);
        var vm = await RunAsync(here, "mover");
        await here.Backend.Get<IGuestFiles>().WriteAsync(vm.Id, "/srv/kept", new MemoryStream("it is here"u8.ToArray()), null, Token);

        var moved = await here.Backend.Get<IMigration>().MigrateAsync(vm.Id, s_there).WaitForCompletionAsync(Token);

        Assert.Equal(PowerState.Running, moved.State);
        Assert.Equal((vm.Id, vm.Incarnation, vm.Name), (moved.Id, moved.Incarnation, moved.Name));
        Assert.Null(await here.Hypervisor().FindAsync(vm.Id, Token));
        var found = await there.Hypervisor().GetAsync(vm.Id, Token);
        Assert.Equal(vm.Networks[0].Mac, found.Networks[0].Mac);
        await using var file = await there.Backend.Get<IGuestFiles>().OpenReadAsync(vm.Id, "/srv/kept", Token);
        using var reader = new StreamReader(file, Encoding.UTF8);
        Assert.Equal("it is here", await reader.ReadToEndAsync(Token));
        Assert.Equal((0, 0), Memory(here));
        Assert.Equal((512L << 20, 512L << 20), Memory(there));
        await here.MakeAsync("mover");
        await there.Hypervisor().DeleteAsync(vm.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync(Token);
        Assert.Equal((0, 0), Memory(there));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_disk_of_its_own_moves_along_when_that_is_asked_for()
    {
        await using var there = new SimulatedDatacenter(o => o.Name = "there");
        await using var here = Here(there);
        var vm = await here.MakeRunningAsync("owner");
        var migration = here.Backend.Get<IMigration>();
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => migration.MigrateAsync(vm.Id, s_there).WaitForCompletionAsync(Token))).Code);
        Assert.True((await migration.CheckAsync(vm.Id, s_there, Token)).IsPossible);
        var moved = await migration.MigrateAsync(vm.Id, s_there, new MigrationOptions { WithStorage = true }).WaitForCompletionAsync(Token);
        Assert.Equal(vm.Disks[0].Size, moved.Disks[0].Size);
        Assert.Empty(await here.Backend.Get<IStorageBackend>().ListVolumes(PoolName.Parse("local")).ToListAsync(Token));
        Assert.Single(await there.Backend.Get<IStorageBackend>().ListVolumes(PoolName.Parse("local")).ToListAsync(Token));
        await there.Hypervisor().DeleteAsync(vm.Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync(Token);
        Assert.Empty(await there.Backend.Get<IStorageBackend>().ListVolumes(PoolName.Parse("local")).ToListAsync(Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_move_to_another_data_centre_that_is_given_up_leaves_nothing_there_and_the_guest_running_here()
    {
        await using var there = new SimulatedDatacenter(o => o.Name = "there");
        await using var here = Here(there, o =>
        {
            o.Pace = SimulationPace.Stepped;
            o.Durations.SetAllToZero();
            o.Guests.DirtyShare = 1;
        });
        var vm = await RunAsync(here, "busy");
        var operation = await here.Backend.Get<IMigration>().MigrateAsync(vm.Id, s_there, new MigrationOptions { MaxBandwidthPerSecond = ByteSize.FromMiB(100) }, cancellationToken: Token);
        here.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(OperationState.Running, (await operation.GetProgressAsync(Token)).State);
        Assert.Null(await there.Hypervisor().FindAsync(vm.Id, Token));
        Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => there.MakeAsync("busy"))).Code);
        Assert.True(await operation.TryCancelAsync(Token));
        here.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ErrorCode.Cancelled, (await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token))).Code);
        Assert.Equal(PowerState.Running, (await here.Hypervisor().GetAsync(vm.Id, Token)).State);
        Assert.Equal((0, 0), Memory(there));
        await there.MakeAsync("busy");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_data_centre_that_is_cut_off_when_the_guest_comes_leaves_it_where_it_was()
    {
        await using var there = new SimulatedDatacenter(o => o.Name = "there");
        await using var here = Here(there, o =>
        {
            o.Pace = SimulationPace.Stepped;
            o.Durations.SetAllToZero();
        });
        var vm = await RunAsync(here, "stays");
        var operation = await here.Backend.Get<IMigration>().MigrateAsync(vm.Id, s_there, new MigrationOptions { MaxBandwidthPerSecond = ByteSize.FromMiB(100) }, cancellationToken: Token);
        there.Faults.Partition("node1").For(TimeSpan.FromHours(1)).Now();
        here.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(ErrorCode.Unavailable, (await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token))).Code);
        Assert.Equal(PowerState.Running, (await here.Hypervisor().GetAsync(vm.Id, Token)).State);
        Assert.Equal((0, 0), Memory(there));
    }

    [Fact(Timeout = 60_000)]
    public async Task No_deadline_passes_here_while_another_thread_keeps_the_other_data_centre()
    {
        await using var there = new SimulatedDatacenter(o => o.Name = "there");
        await using var here = Here(there);
        var vm = await RunAsync(here, "mover");
        var operation = await here.Backend.Get<IMigration>().MigrateAsync(vm.Id, s_there, cancellationToken: Token);
        using var entered = new SemaphoreSlim(0);
        using var release = new ManualResetEventSlim();
        var kept = Task.Run(() => there.RunAsync(() =>
        {
            entered.Release();
            release.Wait(Token);
            return Task.CompletedTask;
        }), Token);
        await entered.WaitAsync(Token);

        // The loop runs on this thread as far as it gets.
        var moving = operation.WaitAsync(Token);

        Assert.False(moving.IsCompleted);
        release.Set();
        await kept;
        Assert.Equal(PowerState.Running, (await moving).State);
    }

    [Fact(Timeout = 60_000)]
    public async Task Machines_that_cross_each_other_between_two_data_centres_all_arrive()
    {
        SimulatedDatacenter? left = null;
        await using var right = new SimulatedDatacenter(o =>
        {
            // With ids that are drawn: those that are counted would meet.
            o.Personality = SimulationPersonality.Qemu;
            o.Seed = 2;
            o.Name = "there";
            o.AddNetwork("lan");
            o.FindBackend = (_, _) => ValueTask.FromResult(left!.Backend);
        });
        left = Here(right, o =>
        {
            o.Personality = SimulationPersonality.Qemu;
            o.AddNetwork("lan");
        });
        await using (left)
        {
            var leaving = new List<Instance>();
            var coming = new List<Instance>();
            for (int i = 0; i < 20; i++)
            {
                leaving.Add(await RunAsync(left, $"left{i}"));
                coming.Add(await RunAsync(right, $"right{i}"));
            }

            // How many share the way at a moment is the machine's to say: guests must get across at any share of it.
            var patient = new MigrationOptions { MaxDowntime = TimeSpan.FromMinutes(10) };
            var request = new RequestOptions { Deadline = TimeSpan.FromDays(1) };
            await Parallel.ForEachAsync(leaving.Select(vm => (From: left, vm.Id, To: s_there)).Concat(coming.Select(vm => (From: right, vm.Id, To: new MigrationTarget { Backend = BackendName.Parse("sim") }))), Token,
                async (move, token) => await move.From.Backend.Get<IMigration>().MigrateAsync(move.Id, move.To, patient, request, token).WaitForCompletionAsync(token));
            Assert.Equal(leaving.Select(vm => vm.Name).Order(), await NamesAsync(right));
            Assert.Equal(coming.Select(vm => vm.Name).Order(), await NamesAsync(left));
            Assert.Equal(Memory(left), Memory(right));
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_move_to_another_data_centre_is_replayed_where_that_one_is_given_and_refused_plainly_where_it_is_not()
    {
        await using var there = new SimulatedDatacenter(o => o.Name = "there");
        await using var here = Here(there);
        await here.RunAsync(async () =>
        {
            var spec = Machines.Spec("mover");
            spec.Disks[0].Content = new DiskContent.Attached(new VolumeAttachment.File("/shared/mover", "raw"));
            var vm = await here.Hypervisor().CreateAsync(spec).WaitForCompletionAsync();
            await here.Hypervisor().StartAsync(vm.Id).WaitForCompletionAsync();
            await Task.Delay(TimeSpan.FromMinutes(1), here.Clock);
            await here.Backend.Get<IMigration>().MigrateAsync(vm.Id, s_there).WaitForCompletionAsync();
            await here.MakeAsync("after");
        });
        Assert.Contains(here.Trace.Lines, line => line is { Kind: "moved", Details: "sim>there" });

        string missing = (await Assert.ThrowsAsync<FormatException>(() => SimulationReplay.RunAsync(here.Trace))).Message;
        Assert.Contains("'vm-1' moves to the data centre 'there', which is not there", missing, StringComparison.Ordinal);
        Assert.StartsWith("Line ", missing, StringComparison.Ordinal);
        Assert.Contains("'vm-1' comes from the data centre 'sim'", (await Assert.ThrowsAsync<FormatException>(() => SimulationReplay.RunAsync(there.Trace, o => o.Name = "there"))).Message, StringComparison.Ordinal);

        await using var again = new SimulatedDatacenter(o => o.Name = "there");
        var replayed = await SimulationReplay.RunAsync(here.Trace, o => o.FindBackend = (_, _) => ValueTask.FromResult(again.Backend));
        Assert.Null(SimulationTrace.Compare(here.Trace, replayed)?.ToString());
        Assert.Single(await again.Hypervisor().List().ToListAsync(Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_move_that_was_refused_is_replayed_wherever_it_was_to_go()
    {
        await using var here = new SimulatedDatacenter();
        var vm = await here.MakeRunningAsync("stays");
        await Assert.ThrowsAsync<HypervisorException>(() => here.Backend.Get<IMigration>().MigrateAsync(vm.Id, s_there).WaitForCompletionAsync(Token));
        Assert.Null(SimulationTrace.Compare(here.Trace, await SimulationReplay.RunAsync(here.Trace))?.ToString());
    }

    private static async Task<IEnumerable<string>> NamesAsync(SimulatedDatacenter datacenter) => (await datacenter.Hypervisor().List().ToListAsync(Token)).Select(instance => instance.Name).Order();

    private static (long Used, long Assigned) Memory(SimulatedDatacenter datacenter) => (datacenter.World.Nodes["node1"].UsedMemoryBytes, datacenter.World.Nodes["node1"].AssignedMemoryBytes);

    private static SimulatedDatacenter Here(SimulatedDatacenter there, Action<SimulationOptions>? configure = null) => new(o =>
    {
        o.Personality = SimulationPersonality.Generic;
        o.FindBackend = (name, _) => name.ToString() == "there" ? ValueTask.FromResult(there.Backend) : throw new HypervisorException($"There is no backend '{name}'.", ErrorCode.NotFound, RequestOutcome.NotSent);
        configure?.Invoke(o);
    });

    /// <summary>One with a disk that both see; its guest is up.</summary>
    private static async Task<Instance> RunAsync(SimulatedDatacenter datacenter, string name)
    {
        var spec = Machines.Spec(name);
        spec.Disks[0].Content = new DiskContent.Attached(new VolumeAttachment.File("/shared/" + name, "raw"));
        var made = await datacenter.Hypervisor().CreateAsync(spec).WaitForCompletionAsync(Token);
        await datacenter.Hypervisor().StartAsync(made.Id).WaitForCompletionAsync(Token);
        datacenter.Clock.Advance(TimeSpan.FromMinutes(1));
        return await datacenter.Hypervisor().GetAsync(made.Id, Token);
    }
}
