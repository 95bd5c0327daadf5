#pragma warning disable HVSDK004 // Experimental: the simulation has them too.
using System.Text.RegularExpressions;
using Hypervisor.Sdk.Simulation.Traces;

namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>Every call there is, recorded and made again.</summary>
public sealed partial class ReplayTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_call_of_a_simulated_backend_is_known_to_a_replay()
    {
        string root = Path.Combine(Repository.Root, "src", "Simulation");
        var called = Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(file => CalledAs().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value))
            .Concat(typeof(Works.WorkKinds).GetFields().Select(kind => (string)kind.GetRawConstantValue()!));
        Assert.Equal(ReplayedCalls.Names.Concat(ReplayedCalls.Questions).Order(StringComparer.Ordinal), called.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_trace_with_every_call_there_is_replays_to_the_same_trace_byte_for_byte()
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Seed = 23;
            Configure(o);
        });
        await dc.RunAsync(async () =>
        {
            await MachinesAsync(dc);
            await GuestsAsync(dc);
            await RefusalsAsync(dc);
            await ContainersAsync(dc);
            await VolumesAsync(dc);
            await BackupsAsync(dc);
        });
        string recorded = dc.Trace.ToString();
        var calls = dc.Trace.Lines.Where(line => line.Kind == "call").Select(line => line.Details.Split(' ')[0]).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(ReplayedCalls.Names.Concat(ReplayedCalls.Questions).Except(calls));
        var said = dc.Trace.Lines.Where(line => line.Kind == "session").Select(line => line.Details.Split(' ')[1]).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(["complete", "end", "end-input", "read", "signal", "type", "write"], said.Order(StringComparer.Ordinal));

        using var reader = new StringReader(recorded);
        var replayed = await SimulationReplay.RunAsync(SimulationTrace.Read(reader), Configure);
        Assert.Null(SimulationTrace.Compare(dc.Trace, replayed)?.ToString());
        Assert.Equal(recorded, replayed.ToString());
    }

    [Fact(Timeout = 60_000)]
    public async Task What_was_typed_written_and_left_unread_does_in_a_replay_what_it_did()
    {
        await using var dc = new SimulatedDatacenter();
        await dc.RunAsync(async () =>
        {
            var vm = await RunningAsync(dc, "typed");
            await using var console = await dc.Backend.Get<ISerialConsole>().OpenAsync(vm.Id);
            await console.Output.WriteAsync("poweroff\r"u8.ToArray());
            await Task.Delay(TimeSpan.FromMinutes(1), dc.Clock);
            var other = await RunningAsync(dc, "unread");
            // More than is kept for a reader who does not come: the program is ended before it has reported.
            var exec = await dc.Backend.Get<IExec>().StartAsync(other.Id, new CommandSpec { Command = ["sh", "-c", "head -c 5000000 /dev/zero; poweroff"] });
            await Task.Delay(TimeSpan.FromMinutes(1), dc.Clock);
            await exec.DisposeAsync();
            await exec.DisposeAsync();
        });
        Assert.Contains(dc.Trace.Lines, line => line is { Kind: "guest", Details: "down" });
        var replayed = await SimulationReplay.RunAsync(dc.Trace);
        Assert.Null(SimulationTrace.Compare(dc.Trace, replayed)?.ToString());
    }

    [Theory(Timeout = 60_000)]
    [InlineData("0.0 session vm-1 x type a", "Line 2")]
    [InlineData("0.0 session vm-1", "Line 2")]
    [InlineData("0.0 call vm-1 run - 9 {\"command\":[\"true\"]}", "Line 2")]
    [InlineData("0.0 call vm-1 exec - {\"command\":", "Line 2")]
    [InlineData("0.0 plan vm-1 panic amount=0 after=0 for=0 chance=1", "there is no instance 'vm-1'")]
    [InlineData("0.0 plan vm-1 kill amount=0 after=0 for=0 chance=1", "Line 2")]
    [InlineData("0.0 call vm-1 write-file - /tmp/a - \u0100", "Line 2")]
    [InlineData("0.0 call vm-1 stop -", ", in 'stop -'")]
    [InlineData("0.0 plan node1 crash", "Line 2 of the trace cannot be replayed: 'crash' must have one of at=")]
    [InlineData("0.0 plan node1 crash at=0 for=0 chance=1", "Line 2 of the trace cannot be replayed: the fault 'crash' of 'node1' has no amount=")]
    [InlineData("0.0 plan node1 crash amount=0 at=0 for=0 chance=7", "Line 2 of the trace cannot be replayed: the chance '7'")]
    [InlineData("0.0 plan node1 crash amount=0 at=now for=0 chance=1", "Line 2 of the trace cannot be replayed: 'now'")]
    [InlineData("0.0 plan node1 crash amount=0 at=1 after=2 for=0 chance=1", "one of at=, after=, every=")]
    [InlineData("0.0 plan node1 crash amount=0 every=0 for=0 chance=1", "every=0 is not more than zero")]
    [InlineData("0.0 plan node1 crash amount=0 at=0 at=0 for=0 chance=1", "'at=0'")]
    [InlineData("0.0 plan nosuch crash amount=0 after=0 for=0 chance=1", "Line 2 of the trace cannot be replayed: there is no node 'nosuch'")]
    [InlineData("0.0 plan nosuch partition amount=0 at=5 for=0 chance=1", "Line 2 of the trace cannot be replayed: there is no node 'nosuch'")]
    [InlineData("0.0 plan nosuch full-pool amount=0 at=5 for=0 chance=1", "Line 2 of the trace cannot be replayed: there is no pool 'nosuch'")]
    [InlineData("0.0 plan node1 melt amount=0 at=5 for=0 chance=1", "'melt' is no fault that is planned")]
    [InlineData("0.0 plan-calls - latency", "Line 2 of the trace cannot be replayed: 'latency' does not say all")]
    [InlineData("0.0 plan-calls - crash 0,0,0 on= chance=1 times=1 from=0 until=9 of=", "'crash' is no fault of calls")]
    [InlineData("0.0 plan-calls - latency 0,x,0 on= chance=1 times=1 from=0 until=9 of=", "'0,x,0' is no duration")]
    [InlineData("0.0 plan-calls - latency 0,0,0 on= chance=7 times=1 from=0 until=9 of=", "the chance '7'")]
    [InlineData("0.0 plan-calls - latency 0,0,0 on= times=1 chance=1 from=0 until=9 of=", "'times=1' is not the setting 'chance='")]
    [InlineData("0.0 end-calls - 1", "there is no fault of calls 1 before it")]
    [InlineData("0.0 cancel-call vm-1 1", "there is no call 1 before it")]
    [InlineData("0.0 cancel vm-1 1", "Line 2 of the trace cannot be replayed: '1' names no operation")]
    [InlineData("5.0 call - health\n1.0 call - health", "Line 3 of the trace cannot be replayed: it is of 1.0000000 s")]
    public async Task What_cannot_be_said_again_is_refused_with_its_line(string line, string says)
    {
        using var reader = new StringReader($"hvsdk-trace 1 seed=1\n{line}\n");
        var trace = SimulationTrace.Read(reader);
        Assert.Contains(says, (await Assert.ThrowsAsync<FormatException>(() => SimulationReplay.RunAsync(trace))).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_fault_of_calls_that_was_ended_ends_in_a_replay_at_the_same_moment()
    {
        await using var dc = new SimulatedDatacenter(o => o.Seed = 3);
        await dc.RunAsync(async () =>
        {
            // Ended before any call has met it.
            dc.Faults.LoseRequests().End();
            var fault = dc.Faults.LoseReplies().On("create");
            await Assert.ThrowsAsync<BackendConnectionException>(() => dc.MakeAsync("lost"));
            await Task.Delay(TimeSpan.FromMinutes(1), dc.Clock);
            fault.End();
            fault.End();
            await dc.MakeAsync("answered");
        });
        Assert.Single(dc.Trace.Lines, line => line is { Kind: "end-calls", Details: "2" });
        var replayed = await SimulationReplay.RunAsync(dc.Trace);
        Assert.Null(SimulationTrace.Compare(dc.Trace, replayed)?.ToString());
        Assert.Equal(dc.Trace.ToString(), replayed.ToString());
    }

    [Fact(Timeout = 60_000)]
    public async Task A_call_with_a_token_that_is_cancelled_already_leaves_no_line()
    {
        await using var dc = new SimulatedDatacenter();
        await dc.RunAsync(async () =>
        {
            var (vm, volume) = (await dc.MakeAsync("kept"), await dc.Backend.Get<IStorageBackend>().CreateAsync(new VolumeSpec { Pool = PoolName.Parse("local"), Size = ByteSize.FromMiB(4) }).WaitForCompletionAsync());
            var token = new CancellationToken(canceled: true);
            long lines = dc.Trace.Lines.Count;
            Func<Task>[] calls =
            [
                () => dc.Hypervisor().StartAsync(vm.Id, null, token),
                () => dc.Hypervisor().StopAsync(vm.Id, null, null, token),
                () => dc.Hypervisor().DeleteAsync(vm.Id, null, null, token),
                () => dc.Backend.Get<IPausing>().PauseAsync(vm.Id, null, token),
                () => dc.Backend.Get<ISnapshots>().CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("s1") }, null, token),
                () => dc.Backend.Get<IMigration>().MigrateAsync(vm.Id, new MigrationTarget { Node = NodeName.Parse("node1") }, null, null, token),
                () => dc.Backend.Get<IStorageBackend>().ResizeAsync(volume.Id, ByteSize.FromMiB(8), null, token),
                () => dc.Backend.Get<IStorageBackend>().DeleteAsync(volume.Id, null, token),
            ];
            foreach (var call in calls)
                Assert.Equal(token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(call)).CancellationToken);
            Assert.Equal(lines, dc.Trace.Lines.Count);
        });
    }

    [Theory(Timeout = 60_000)]
    // While it is under way, and while it waits for the lock.
    [InlineData(0.5)]
    [InlineData(2)]
    public async Task A_call_that_was_cancelled_while_it_waited_is_cancelled_in_a_replay_too(double seconds)
    {
        static void Slow(SimulationOptions options) => options.Durations.Call = SimulatedDuration.Exactly(TimeSpan.FromSeconds(1));
        await using var dc = new SimulatedDatacenter(Slow);
        await dc.RunAsync(async () =>
        {
            var vm = await dc.MakeAsync("held");
            dc.Faults.Lock(vm.Id).For(TimeSpan.FromMinutes(1)).Now();
            using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), dc.Clock);
            Assert.Equal(cancel.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dc.Hypervisor().StartAsync(vm.Id, null, cancel.Token))).CancellationToken);
            // One that was answered is cancelled no more.
            using var late = new CancellationTokenSource();
            await dc.Hypervisor().StartAsync(vm.Id, null, late.Token).WaitForCompletionAsync();
            await late.CancelAsync();
            await Task.Delay(TimeSpan.FromMinutes(5), dc.Clock);
        });
        var calls = dc.Trace.Lines.Where(line => line.Kind == "call").ToList();
        var cancelled = Assert.Single(dc.Trace.Lines, line => line.Kind == "cancel-call");
        Assert.StartsWith("start ", calls[int.Parse(cancelled.Details, System.Globalization.CultureInfo.InvariantCulture) - 1].Details, StringComparison.Ordinal);
        Assert.Single(dc.Trace.Lines, line => line.Kind == "begin" && line.Details.StartsWith("start ", StringComparison.Ordinal));
        var replayed = await SimulationReplay.RunAsync(dc.Trace, Slow);
        Assert.Null(SimulationTrace.Compare(dc.Trace, replayed)?.ToString());
        Assert.Equal(dc.Trace.ToString(), replayed.ToString());
    }

    private static void Configure(SimulationOptions options) => options.AddNode("a").AddNode("b").AddPool("tank").AddImage("debian", ByteSize.FromGiB(1));

    private static async Task<Instance> RunningAsync(SimulatedDatacenter dc, string name)
    {
        var vm = await dc.MakeRunningAsync(name);
        await Task.Delay(TimeSpan.FromMinutes(1), dc.Clock);
        return vm;
    }

    private static async Task MachinesAsync(SimulatedDatacenter dc)
    {
        var (backend, hypervisor) = (dc.Backend, dc.Hypervisor());
        // A name for a request that nothing has come of yet.
        await backend.Get<IRequestLog>().LookUpAsync(RequestId.New());
        var request = new RequestOptions { RequestId = RequestId.New() };
        var made = await hypervisor.CreateAsync(Machines.Spec("first"), request);
        var token = made.Token!.Value;
        var vm = await made.WaitAsync();
        await backend.Get<IOperations>().ResumeAsync(token);
        await backend.Get<IRequestLog>().LookUpAsync(request.RequestId!.Value);
        await hypervisor.StartAsync(vm.Id).WaitForCompletionAsync();
        await using (await hypervisor.WatchAsync())
            await hypervisor.FindAsync(vm.Id);
        await Task.Delay(TimeSpan.FromMinutes(1), dc.Clock);
        await backend.CheckHealthAsync();
        await hypervisor.List().ToListAsync(Token);
        await backend.Get<INodes>().ListAsync().ToListAsync(Token);
        await backend.Get<INetworks>().ListAsync().ToListAsync(Token);
        await backend.Get<IImages>().ListAsync().ToListAsync(Token);
        await backend.Get<IMetrics>().SampleAsync().ToListAsync(Token);
        await backend.Get<IMetrics>().SampleNodesAsync().ToListAsync(Token);
        await backend.Get<INativeDocuments>().GetAsync(vm.Id);
        await backend.Get<IPausing>().PauseAsync(vm.Id).WaitForCompletionAsync();
        await backend.Get<IPausing>().ResumeAsync(vm.Id).WaitForCompletionAsync();
        await hypervisor.ChangeAsync(vm.Id, new InstanceChange { AddDisks = { new DiskSpec { Id = DeviceId.Parse("plugged"), Content = new DiskContent.Blank(ByteSize.FromGiB(1)) } } });
        var plugged = DeviceId.Parse("plugged");
        await backend.Get<IDiskLayers>().AddAsync(vm.Id, plugged).WaitForCompletionAsync();
        var layers = await backend.Get<IDiskLayers>().ListAsync(vm.Id, plugged).ToListAsync(Token);
        await backend.Get<IDiskLayers>().CommitAsync(vm.Id, plugged, layers[0].Name).WaitForCompletionAsync();
        await backend.Get<IDiskLayers>().FlattenAsync(vm.Id, plugged).WaitForCompletionAsync();
        await backend.Get<IDiskMoving>().MoveAsync(vm.Id, plugged, new VolumeAttachment.File("/srv/plugged disk.raw", "raw"), new DiskMoveOptions { MaxBandwidthPerSecond = ByteSize.FromMiB(100) }).WaitForCompletionAsync();
        await backend.Get<IDiskMoving>().MoveAsync(vm.Id, plugged, null).WaitForCompletionAsync();
        await (await backend.Get<IDiskExports>().ExportAsync(vm.Id, plugged, new DiskExportOptions { Listen = System.Net.IPAddress.Loopback })).DisposeAsync();
        var snapshots = backend.Get<ISnapshots>();
        await snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("s1"), IncludeMemory = true }).WaitForCompletionAsync();
        await snapshots.ListAsync(vm.Id).ToListAsync(Token);
        await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("s1")).WaitForCompletionAsync();
        await (await snapshots.DeleteAsync(vm.Id, SnapshotName.Parse("s1"))).WaitAsync();
        var target = new MigrationTarget { Node = NodeName.Parse(vm.Node?.ToString() == "a" ? "b" : "a") };
        await backend.Get<IMigration>().CheckAsync(vm.Id, target);
        await backend.Get<IMigration>().MigrateAsync(vm.Id, target).WaitForCompletionAsync();
        await backend.Get<IReset>().ResetAsync(vm.Id).WaitForCompletionAsync();
        await hypervisor.RestartAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }).WaitForCompletionAsync();
        await backend.Get<ISuspendToDisk>().SuspendAsync(vm.Id).WaitForCompletionAsync();
        await hypervisor.StopAsync(vm.Id).WaitForCompletionAsync();
        await backend.Get<ITemplates>().ConvertToTemplateAsync(vm.Id).WaitForCompletionAsync();
        var clone = await backend.Get<ICloning>().CloneAsync(vm.Id, new CloneSpec { Name = InstanceName.Parse("clone"), Mode = CloneMode.Linked }).WaitForCompletionAsync();
        await hypervisor.DeleteAsync(clone.Id).WaitForCompletionAsync();
        await backend.Get<ITemplates>().ConvertToInstanceAsync(vm.Id).WaitForCompletionAsync();
    }

    private static async Task GuestsAsync(SimulatedDatacenter dc)
    {
        var backend = dc.Backend;
        var vm = await RunningAsync(dc, "guest");
        var files = backend.Get<IGuestFiles>();
        using (var content = new MemoryStream([.. Enumerable.Range(0, 256).Select(value => (byte)value)]))
            await files.WriteAsync(vm.Id, "/srv/odd name=1%", content, new GuestFileAttributes { Mode = UnixFileMode.UserRead });
        (await files.OpenReadAsync(vm.Id, "/srv/odd name=1%")).Dispose();
        await files.ListAsync(vm.Id, "/srv").ToListAsync(Token);
        // What a program prints decides when the guest goes down, so that its input counts.
        var answer = await backend.Get<ICommands>().RunAsync(vm.Id, new CommandSpec { Command = ["sh", "-c", "wc -c; cat '/srv/odd name=1%' | wc -c"] }, "typed  {in} \r\n"u8.ToArray());
        Assert.True(answer.IsSuccess);
        await backend.Get<IGuestAgent>().GetInfoAsync(vm.Id);
        var exec = await backend.Get<IExec>().StartAsync(vm.Id, new CommandSpec { Command = ["sh", "-c", "read wait; sleep $wait; echo slept; cat > /srv/kept"], Environment = new Dictionary<string, SecretOrText> { ["MODE"] = "slow" } });
        await exec.WriteAsync("3\nrest \u00e9"u8.ToArray());
        await exec.ReadAsync(new byte[3]);
        await exec.ReadAsync(new byte[100]);
        await exec.CompleteInputAsync();
        await exec.ReadAsync(new byte[100]);
        await exec.DisposeAsync();
        var endless = await backend.Get<IExec>().StartAsync(vm.Id, new CommandSpec { Command = ["sleep", "100000"], Terminal = true });
        await endless.ResizeAsync(100, 30);
        await endless.SignalAsync(SignalName.Parse("SIGTERM"));
        await endless.DisposeAsync();
        await files.DeleteAsync(vm.Id, "/srv/kept");
        var consoles = backend.Get<ISerialConsole>();
        await using (var first = await consoles.OpenAsync(vm.Id))
        {
            await first.Output.WriteAsync("sleep 5; echo typed  \u007f\r"u8.ToArray());
            await Task.Delay(TimeSpan.FromSeconds(2), dc.Clock);
            await using var second = await consoles.OpenAsync(vm.Id, new ConsoleOptions { TakeOver = true, ReplayTail = ByteSize.FromKiB(1) });
            await second.Output.WriteAsync("\r"u8.ToArray());
        }

        (await consoles.OpenLogAsync(vm.Id)).Dispose();
        await (await backend.Get<IGraphicsConsole>().OpenAsync(vm.Id)).DisposeAsync();
        await backend.Get<IGraphicsConsole>().CaptureAsync(vm.Id);
        await backend.Get<IKeyboard>().PressAsync(vm.Id, ["ctrl", "alt", "delete"]);
        await Task.Delay(TimeSpan.FromMinutes(1), dc.Clock);
        await using var last = await consoles.OpenAsync(vm.Id);
        await last.Output.WriteAsync("poweroff\r"u8.ToArray());
        await Task.Delay(TimeSpan.FromMinutes(1), dc.Clock);
    }

    /// <summary>What is refused then is refused again.</summary>
    private static async Task RefusalsAsync(SimulatedDatacenter dc)
    {
        var (backend, missing) = (dc.Backend, InstanceId.Parse("vm-none"));
        var vm = await RunningAsync(dc, "silent");
        dc.Faults.SilenceAgent(vm.Id).Now();
        dc.Faults.LoseReplies().On("run").WithChance(1);
        Func<Task>[] calls =
        [
            () => backend.Get<ICommands>().RunAsync(vm.Id, new CommandSpec { Command = ["true"] }),
            () => backend.Get<IExec>().StartAsync(vm.Id, new CommandSpec { Command = ["true"] }),
            () => backend.Get<IGuestAgent>().GetInfoAsync(vm.Id),
            () => backend.Get<IGuestFiles>().OpenReadAsync(vm.Id, "/etc/hostname"),
            () => backend.Get<IGuestFiles>().DeleteAsync(missing, "/"),
            () => backend.Get<ISerialConsole>().OpenAsync(vm.Id, new ConsoleOptions { Port = 1 }),
            () => backend.Get<ISerialConsole>().OpenLogAsync(missing),
            () => backend.Get<IGraphicsConsole>().OpenAsync(missing),
            () => backend.Get<IGraphicsConsole>().CaptureAsync(missing),
            () => backend.Get<IBackupSource>().BeginAsync(vm.Id, new BackupOptions { SinceCheckpoint = "no such = one" }),
            () => backend.Get<IBackupSource>().BeginAsync(vm.Id, new BackupOptions { Quiesce = true }),
            () => backend.Get<INativeDocuments>().GetAsync(missing),
            () => backend.Get<ISnapshots>().ListAsync(missing).ToListAsync(Token).AsTask(),
            () => backend.Get<IPortForwards>().ListAsync(missing).ToListAsync(Token).AsTask(),
            () => backend.Get<IPortForwards>().RemoveAsync(missing, DeviceId.Parse("80")),
            () => backend.Get<IMigration>().CheckAsync(missing, new MigrationTarget { Node = NodeName.Parse("a") }),
            () => backend.Get<IStorageBackend>().ListVolumes(PoolName.Parse("nowhere")).ToListAsync(Token).AsTask(),
            () => dc.Hypervisor().WatchAsync(new WatchOptions { After = EventPosition.Parse("of another one") }),
        ];
        foreach (var call in calls)
            await Assert.ThrowsAnyAsync<HypervisorException>(call);
    }

    private static async Task ContainersAsync(SimulatedDatacenter dc)
    {
        var containers = dc.Backend.Get<IContainerRuntime>();
        var made = await containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse("c1"), Image = "debian" }).WaitForCompletionAsync();
        await containers.StartAsync(made.Id).WaitForCompletionAsync();
        var ports = dc.Backend.Get<IPortForwards>();
        var request = new RequestOptions { RequestId = RequestId.New() };
        var port = await ports.AddAsync(made.Id, new PortSpec { Guest = 80, Host = 8080 }, request);
        await ports.AddAsync(made.Id, new PortSpec { Guest = 80, Host = 8080 }, request);
        await Assert.ThrowsAsync<HypervisorException>(() => ports.AddAsync(made.Id, new PortSpec { Guest = 81, Host = 8080 }));
        await ports.ListAsync(made.Id).ToListAsync(Token);
        await ports.RemoveAsync(made.Id, port.Id);
        // Free again: whoever replays it without the removal is refused.
        await ports.AddAsync(made.Id, new PortSpec { Guest = 81, Host = 8080 });
        await containers.StopAsync(made.Id).WaitForCompletionAsync();
    }

    private static async Task VolumesAsync(SimulatedDatacenter dc)
    {
        var storage = dc.Backend.Get<IStorageBackend>();
        await storage.ListPoolsAsync().ToListAsync(Token);
        var pools = dc.Backend.Get<IStoragePools>();
        await pools.CreatePoolAsync(new StoragePoolSpec { Name = PoolName.Parse("extra"), Settings = { ["capacity"] = "64MiB" } }).WaitForCompletionAsync();
        var volume = await storage.CreateAsync(new VolumeSpec { Pool = PoolName.Parse("tank"), Size = ByteSize.FromMiB(4) }).WaitForCompletionAsync();
        await storage.FindAsync(volume.Id);
        await storage.ListVolumes(PoolName.Parse("tank")).ToListAsync(Token);
        await storage.ResizeAsync(volume.Id, ByteSize.FromMiB(8)).WaitForCompletionAsync();
        var clone = await storage.CloneAsync(volume.Id, new VolumeSpec { Pool = volume.Pool, Size = default }, CloneMode.Linked).WaitForCompletionAsync();
        await dc.Backend.Get<IVolumeFlattening>().FlattenAsync(clone.Id).WaitForCompletionAsync();
        var lease = await storage.AttachAsync(volume.Id, new VolumeConsumer { Node = NodeName.Parse("a"), AcceptedKinds = ["managed"] }, VolumeAccess.SingleWriter);
        // Locked as long as it is attached, then gone: both depend on the lease.
        await Assert.ThrowsAsync<HypervisorException>(() => storage.DeleteAsync(volume.Id));
        await storage.DetachAsync(lease.Id);
        await (await storage.DeleteAsync(volume.Id)).WaitAsync();
        var content = dc.Backend.Get<IVolumeContent>();
        using (var bytes = new MemoryStream(new byte[4096]))
            await content.UploadAsync(new VolumeSpec { Pool = PoolName.Parse("tank"), Name = "uploaded", Size = default }, bytes, new VolumeUploadOptions { Format = "raw" });
        (await content.DownloadAsync(clone.Id)).Dispose();
        await (await pools.DeletePoolAsync(PoolName.Parse("extra"))).WaitAsync();
    }

    private static async Task BackupsAsync(SimulatedDatacenter dc)
    {
        var vm = await RunningAsync(dc, "backed");
        var source = dc.Backend.Get<IBackupSource>();
        string? checkpoint;
        await using (var full = await source.BeginAsync(vm.Id))
        {
            await full.GetExtentsAsync(full.Disks[0]).FirstAsync(Token);
            checkpoint = await full.CompleteAsync();
        }

        // Refused, unless the checkpoint is there.
        await using var next = await source.BeginAsync(vm.Id, new BackupOptions { SinceCheckpoint = checkpoint, Quiesce = true });
        await next.CompleteAsync();
    }

    [GeneratedRegex("EnterAsync(?:<[^(]*>)?\\(\\s*(?:[A-Za-z_]*[cC]lient, )?\"([a-z-]+)\"")]
    private static partial Regex CalledAs();
}
