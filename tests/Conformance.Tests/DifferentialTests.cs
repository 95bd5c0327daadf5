using System.Globalization;
using System.Text.RegularExpressions;
using Hypervisor.Sdk.Conformance.Model;
using Hypervisor.Sdk.Conformance.Tool.Targets;
using Hypervisor.Sdk.Qemu;
using Hypervisor.Sdk.Simulation;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>The simulation that behaves like QEMU, beside QEMU: the same calls in the same order, and what comes of each compared.</summary>
[Peer("qemu")]
public sealed partial class DifferentialTests
{
    /// <summary>Where the two may differ, and why. A difference that is not here fails the test.</summary>
    private static readonly (string What, string Why)[] s_allowed =
    [
        ("times and positions of events", "One counts simulated time."),
        ("values of ids, incarnations and revisions", "Both make them up; their form, and when they are new, is compared."),
        ("messages", "They name paths and processes of the host; code, outcome and resource are compared."),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    public async Task The_simulated_QEMU_answers_the_same_sequences_as_QEMU_does() => await CompareAsync(seed: 3, sequences: 3, steps: 14);

    [Fact(Timeout = 900_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task The_simulated_QEMU_answers_many_long_sequences_as_QEMU_does() => await CompareAsync(seed: 11, sequences: 30, steps: 25);

    [Theory(Timeout = 60_000)]
    [InlineData("")]
    [InlineData("snapshot")]
    [InlineData("memory-snapshot")]
    [InlineData("clone")]
    [InlineData("change")]
    [InlineData("hotplug")]
    [InlineData("give-back")]
    [InlineData("networks")]
    [InlineData("refusals")]
    public async Task The_simulated_QEMU_does_what_QEMU_does_beyond_the_life_cycle(string what)
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        await using var real = await QemuBackend.ConnectAsync(Options(directory), Token);
        await using var datacenter = Datacenter();
        try
        {
            Assert.Equal(await FurtherAsync(real, what), await FurtherAsync(datacenter.Backend, what));
        }
        finally
        {
            await DeleteAllAsync(real);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task The_simulated_QEMU_moves_machines_to_another_backend_as_QEMU_does()
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        string disk = directory["shared.raw"];
        await File.WriteAllBytesAsync(disk, new byte[1 << 20], Token);
        // QEMU runs as another user when the tests are run by root.
        File.SetUnixFileMode(disk, (UnixFileMode)0b110_110_110);
        var backends = new Dictionary<string, IBackend>(StringComparer.Ordinal);
        await using var there = await QemuBackend.ConnectAsync(new QemuOptions { Name = "there", StateDirectory = directory["there"], RuntimeDirectory = directory["run2"], Accelerator = QemuAccelerator.Tcg }, Token);
        var options = Options(directory);
        options.FindBackend = (name, _) => name.ToString() == "there" ? ValueTask.FromResult<IBackend>(there) : throw NoBackend(name);
        await using var real = await QemuBackend.ConnectAsync(options, Token);
        await using var elsewhere = Datacenter();
        await using var datacenter = Datacenter(simulation => simulation.FindBackend = (name, _) => name.ToString() == "there" ? ValueTask.FromResult(elsewhere.Backend) : throw NoBackend(name));
        try
        {
            Assert.Equal(await MovesAsync(real, there, disk), await MovesAsync(datacenter.Backend, elsewhere.Backend, disk));
        }
        finally
        {
            await DeleteAllAsync(real);
            await DeleteAllAsync(there);
        }
    }

    private static HypervisorException NoBackend(BackendName name) => new($"There is no backend '{name}'.", ErrorCode.NotFound, RequestOutcome.NotSent);

    private static async Task<IReadOnlyList<string>> MovesAsync(IBackend backend, IBackend there, string disk)
    {
        var lines = new List<string>();
        var compute = backend.Get<IHypervisor>();
        var own = await compute.CreateAsync(Spec("own"), cancellationToken: Token).WaitForCompletionAsync(Token);
        var shared = await compute.CreateAsync(Spec("shared", spec => spec.Disks[0].Content = new DiskContent.Attached(new VolumeAttachment.File(disk, "raw"))), cancellationToken: Token).WaitForCompletionAsync(Token);
        var to = new MigrationTarget { Backend = BackendName.Parse("there") };
        await MoveAsync("what is stopped", shared.Id, to);
        await compute.StartAsync(shared.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        await compute.StartAsync(own.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        await MoveAsync("to a node", shared.Id, new MigrationTarget { Node = NodeName.Parse("node1") });
        await MoveAsync("to a pool", shared.Id, new MigrationTarget { Pool = PoolName.Parse("local") });
        await MoveAsync("to nowhere", shared.Id, new MigrationTarget());
        await MoveAsync("to a backend that is not there", shared.Id, new MigrationTarget { Backend = BackendName.Parse("none") });
        await MoveAsync("with a disk of its own", own.Id, to);
        await MoveAsync("what is not there", InstanceId.Parse("vm-none"), to);
        var taken = await there.Get<IHypervisor>().CreateAsync(Spec("shared"), cancellationToken: Token).WaitForCompletionAsync(Token);
        await MoveAsync("to where its name is taken", shared.Id, to);
        await there.Get<IHypervisor>().DeleteAsync(taken.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        await MoveAsync("what can be moved", shared.Id, to);
        await MoveAsync("what has moved", shared.Id, to);
        var arrived = await there.Get<IHypervisor>().FindAsync(shared.Id, Token);
        await MoveAsync("with a disk of its own that moves along", own.Id, to, new MigrationOptions { WithStorage = true });
        lines.Add($"the same {arrived?.Incarnation == shared.Incarnation} {arrived?.CreatedAt == shared.CreatedAt} disks {string.Join(',', arrived?.Disks.Select(found => $"{found.Id} {found.Volume}") ?? [])}");
        return lines;

        async Task MoveAsync(string call, InstanceId id, MigrationTarget target, MigrationOptions? options = null)
        {
            var migration = backend.Get<IMigration>();
            bool isPossible = false;
            string check = await OutcomeAsync(async () => isPossible = (await migration.CheckAsync(id, target, Token)).IsPossible);
            lines.Add($"{call}: check {check} possible {isPossible}; {await OutcomeAsync(() => migration.MigrateAsync(id, target, options, null, Token).WaitForCompletionAsync(Token))}; here {await FindAsync(backend, id)}, there {await FindAsync(there, id)}");
        }

        static async Task<string> FindAsync(IBackend backend, InstanceId id) => await backend.Get<IHypervisor>().FindAsync(id, Token) is { } found ? Look(found) : "none";
    }

    [Fact]
    public async Task The_simulated_QEMU_offers_the_services_that_QEMU_does()
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        await using var real = await QemuBackend.ConnectAsync(Options(directory), Token);
        await using var datacenter = Datacenter();
        Assert.Equal(ServicesOf(real), ServicesOf(datacenter.Backend));
    }

    [Fact]
    public void Each_difference_that_is_allowed_has_a_reason() => Assert.All(s_allowed, difference => Assert.True(difference.What.Length > 5 && difference.Why.Length > 10));

    private static async Task CompareAsync(int seed, int sequences, int steps)
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        await using var real = await QemuBackend.ConnectAsync(Options(directory), Token);
        await using var datacenter = Datacenter();
        var generator = new SequenceGenerator(seed);
        try
        {
            for (int i = 0; i < sequences; i++)
            {
                var sequence = generator.Next(steps, Enum.GetValues<ModelOperation>());
                string[] names = [.. Enumerable.Range(0, ModelStep.Slots).Select(slot => string.Create(CultureInfo.InvariantCulture, $"run{i}-{slot}"))];
                var (expected, found) = (await DifferentialRun.RunAsync(real, sequence, names, Spec, Token), await DifferentialRun.RunAsync(datacenter.Backend, sequence, names, Spec, Token));
                int different = expected.Zip(found).TakeWhile(pair => pair.First == pair.Second).Count();
                Assert.True(expected.SequenceEqual(found),
                    $"Sequence {i + 1} of seed {seed}: {ModelStep.Print(sequence)}\nQEMU:       {expected.ElementAtOrDefault(different)}\nsimulation: {found.ElementAtOrDefault(different)}\nline {different + 1}, after {string.Join("\n", expected.Take(different).TakeLast(3))}");
            }
        }
        finally
        {
            await DeleteAllAsync(real);
        }
    }

    /// <summary>A machine outlives its backend: nothing of a test may.</summary>
    private static async Task DeleteAllAsync(QemuBackend real)
    {
        var hypervisor = real.Get<IHypervisor>();
        foreach (var instance in (await hypervisor.List().ToListAsync(CancellationToken.None)).OrderByDescending(instance => instance.CreatedAt))
            await hypervisor.DeleteAsync(instance.Id, new DeleteOptions { StopFirst = true }, null, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None);
    }

    private static string ServicesOf(IBackend backend)
    {
        var services = new List<string>();
        Add<IHypervisor>();
        Add<IContainerRuntime>();
        Add<IStorageBackend>();
        Add<ISnapshots>();
        Add<ICloning>();
        Add<ITemplates>();
        Add<IPausing>();
        Add<IReset>();
        Add<ISuspendToDisk>();
        Add<IMigration>();
        Add<IExec>();
        Add<ICommands>();
        Add<IGuestAgent>();
        Add<IGuestFiles>();
        Add<ISerialConsole>();
        Add<IGraphicsConsole>();
        Add<IMetrics>();
        Add<INodes>();
        Add<INetworks>();
        Add<IImages>();
        Add<IPortForwards>();
        Add<IBackupSource>();
        Add<INativeDocuments>();
        Add<IRequestLog>();
        Add<IOperations>();
        Add<IKeyboard>();
        Add<ILaneHints>();
        Add<IStoragePools>();
        Add<IVolumeContent>();
        return string.Join(' ', services);

        void Add<T>()
            where T : class
        {
            if (backend.TryGet<T>(out _))
                services.Add(typeof(T).Name);
        }
    }

    /// <summary>A few calls on machines of their own; each line is a call and what came of it.</summary>
    private static async Task<IReadOnlyList<string>> FurtherAsync(IBackend backend, string what)
    {
        var lines = new List<string>();
        var compute = backend.Get<IHypervisor>();
        var made = await compute.CreateAsync(Spec("first"), cancellationToken: Token).WaitForCompletionAsync(Token);
        lines.Add(IdForm().Replace(made.Id.ToString(), "ID"));
        lines.Add($"{made.Name} {made.State} {made.Cpus} {made.Memory} node {made.Node} pending {made.HasPendingChanges} disks {string.Join(',', made.Disks.Select(disk => $"{disk.Id} {disk.Size}"))} networks {made.Networks.Count}");
        switch (what)
        {
            case "snapshot" or "memory-snapshot":
                var snapshots = backend.Get<ISnapshots>();
                bool memory = what == "memory-snapshot";
                await CallAsync("start", () => compute.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token), memory);
                foreach (string name in new[] { "one", "two", "one" })
                    await CallAsync("snapshot " + name, () => snapshots.CreateAsync(made.Id, new SnapshotSpec { Name = SnapshotName.Parse(name), IncludeMemory = memory }, cancellationToken: Token).WaitForCompletionAsync(Token));
                await ListAsync();
                await CallAsync("revert one", () => snapshots.RevertAsync(made.Id, SnapshotName.Parse("one"), cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("revert none", () => snapshots.RevertAsync(made.Id, SnapshotName.Parse("none"), cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("snapshot three", () => snapshots.CreateAsync(made.Id, new SnapshotSpec { Name = SnapshotName.Parse("three"), IncludeMemory = memory }, cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("delete one", async () => await (await snapshots.DeleteAsync(made.Id, SnapshotName.Parse("one"), cancellationToken: Token)).WaitAsync(Token));
                await CallAsync("delete one", async () => await (await snapshots.DeleteAsync(made.Id, SnapshotName.Parse("one"), cancellationToken: Token)).WaitAsync(Token));
                await ListAsync();
                await CallAsync("stop", () => compute.StopAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("snapshot with memory of a stopped one", () => snapshots.CreateAsync(made.Id, new SnapshotSpec { Name = SnapshotName.Parse("four"), IncludeMemory = true }, cancellationToken: Token).WaitForCompletionAsync(Token));
                break;
            case "clone":
                var cloning = backend.Get<ICloning>();
                foreach (var mode in Enum.GetValues<CloneMode>())
                    await CallAsync("clone " + mode, () => cloning.CloneAsync(made.Id, new CloneSpec { Name = InstanceName.Parse("copy-" + mode.ToString().ToLowerInvariant()), Mode = mode }, cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("clone under a taken name", () => cloning.CloneAsync(made.Id, new CloneSpec { Name = InstanceName.Parse("first"), Mode = CloneMode.Full }, cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("delete what a clone lies upon", () => compute.DeleteAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("start what a clone lies upon", () => compute.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token));
                break;
            case "change":
                await ChangeAsync("sizing", new InstanceChange { Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(64)) });
                await CallAsync("start", () => compute.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token));
                await ChangeAsync("sizing of a running one", new InstanceChange { Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) });
                await ChangeAsync("description", new InstanceChange { Description = "text" });
                await ChangeAsync("name", new InstanceChange { Name = InstanceName.Parse("renamed") });
                await CallAsync("restart", () => compute.RestartAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken: Token).WaitForCompletionAsync(Token));
                break;
            case "hotplug":
                await ChangeAsync("a maximum", new InstanceChange { Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)) { MaxCpus = 3, MaxMemory = ByteSize.FromMiB(512) } });
                await CallAsync("start", () => compute.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token));
                await ChangeAsync("more of both", new InstanceChange { Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(256)) });
                await ChangeAsync("up to the maximum", new InstanceChange { Sizing = new Sizing.Explicit(3, ByteSize.FromMiB(512)) });
                await ChangeAsync("fewer CPUs", new InstanceChange { Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(512)) });
                await ChangeAsync("a part of a piece back", new InstanceChange { Sizing = new Sizing.Explicit(3, ByteSize.FromMiB(512 - 64)) });
                await ChangeAsync("more of what waits for the next start", new InstanceChange { Sizing = new Sizing.Explicit(3, ByteSize.FromMiB(512)) });
                await CallAsync("restart", () => compute.RestartAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken: Token).WaitForCompletionAsync(Token));
                await ChangeAsync("another maximum", new InstanceChange { Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(512)) { MaxCpus = 4 } });
                break;
            case "give-back":
                await ChangeAsync("a maximum", new InstanceChange { Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)) { MaxMemory = ByteSize.FromMiB(512) } });
                await CallAsync("start", () => compute.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token));
                await ChangeAsync("a piece", new InstanceChange { Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(256)) });
                // Nothing runs in the guest that would hear that it is to give it up.
                await ChangeAsync("the piece back", new InstanceChange { Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)) });
                await CallAsync("stop", () => compute.StopAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken: Token).WaitForCompletionAsync(Token));
                await ChangeAsync("the piece back from what is off", new InstanceChange { Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)) });
                break;
            case "networks":
                foreach (string network in new[] { "user", "no-such-network", "bridge:", "Bridge:br0" })
                    await CallAsync("create on " + network, () => compute.CreateAsync(Spec("on-" + network.Length, spec => spec.Networks.Add(new NetworkSpec { Network = network })), cancellationToken: Token).WaitForCompletionAsync(Token));
                await ChangeAsync("a device on a network that is not there", new InstanceChange { AddNetworks = { new NetworkSpec { Network = "no-such-network" } } });
                break;
            case "refusals":
                var missing = InstanceId.Parse("vm-none");
                await CallAsync("start what is not there", () => compute.StartAsync(missing, cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("get what is not there", () => compute.GetAsync(missing, Token));
                foreach (string name in new[] { "first", "Second_one", "UPPER", "dots.in.it", new string('x', 63), "with space", "ünïcode", "9digits" })
                    await CallAsync("create " + name, () => compute.CreateAsync(Spec(name), cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("no memory", () => compute.CreateAsync(Spec("none", spec => spec.Sizing = new Sizing.Explicit(1, ByteSize.FromKiB(1))), cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("no CPU", () => compute.CreateAsync(Spec("none", spec => spec.Sizing = new Sizing.Explicit(0, ByteSize.FromMiB(64))), cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("a pool", () => compute.CreateAsync(Spec("none", spec => spec.Disks[0].Content = new DiskContent.Blank(ByteSize.FromMiB(8), PoolName.Parse("local"))), cancellationToken: Token).WaitForCompletionAsync(Token));
                await CallAsync("a console of a stopped one", () => backend.Get<ISerialConsole>().OpenAsync(made.Id, cancellationToken: Token));
                await CallAsync("a screen of a stopped one", () => backend.Get<IGraphicsConsole>().CaptureAsync(made.Id, Token));
                break;
        }

        lines.Add("listed " + string.Join(", ", (await compute.List().ToListAsync(Token)).Select(Look).Order(StringComparer.Ordinal)));
        return lines;

        async Task ListAsync() => lines.Add("snapshots " + string.Join(", ", (await snapshotsOf().ToListAsync(Token)).Select(snapshot => $"{snapshot.Name} of {snapshot.Parent} current {snapshot.IsCurrent} memory {snapshot.IncludesMemory}")));
        IAsyncEnumerable<Snapshot> snapshotsOf() => backend.Get<ISnapshots>().ListAsync(made.Id, Token);

        async Task ChangeAsync(string call, InstanceChange change)
        {
            await CallAsync(call, async () =>
            {
                var plan = await compute.PlanAsync(made.Id, change, Token);
                lines.Add($"plan: {plan.Effects}");
                await compute.ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, null, Token).WaitForCompletionAsync(Token);
            });
        }

        async Task CallAsync(string call, Func<Task> body, bool isWanted = true)
        {
            if (isWanted)
                lines.Add($"{call}: {await OutcomeAsync(body)}; {(await compute.FindAsync(made.Id, Token) is { } now ? Look(now) : "gone")}");
        }
    }

    /// <summary>What can be seen of an instance and must be the same on both.</summary>
    private static string Look(Instance instance) => $"{instance.Name} {instance.State} {instance.Cpus} CPUs {instance.Memory} pending {instance.HasPendingChanges} template {instance.IsTemplate} clone {instance.ClonedFrom is not null} started {instance.StartedAt is not null} '{instance.Description}'";

    /// <summary>How a call ended: what a caller decides by.</summary>
    public static async Task<string> OutcomeAsync(Func<Task> body)
    {
        try
        {
            await body();
            return "done";
        }
        catch (HypervisorException error)
        {
            return $"{error.Code} {error.Outcome} {(error.IsTransient ? "transient" : "final")} {(error.Resource is null ? "of nothing" : "of something")} {string.Join(',', error.FieldErrors?.Keys.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>())}";
        }
        catch (ArgumentException)
        {
            return "misuse";
        }
        catch (FormatException)
        {
            return "no such name";
        }
    }

    private static VirtualMachineSpec Spec(string name) => Spec(name, null);

    private static VirtualMachineSpec Spec(string name, Action<VirtualMachineSpec>? change)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        spec.Extensions.Set(new QemuMachine { Graphics = false });
        change?.Invoke(spec);
        return spec;
    }

    private static SimulatedDatacenter Datacenter(Action<SimulationOptions>? configure = null) => new(options =>
    {
        options.Personality = SimulationPersonality.Qemu;
        options.Guests.DeafShare = 1;
        configure?.Invoke(options);
    });

    private static QemuOptions Options(TempDirectory directory) => new() { StateDirectory = directory["state"], RuntimeDirectory = directory["run"], Accelerator = QemuAccelerator.Tcg };

    [GeneratedRegex("^vm-[a-z2-7]{13}$")]
    private static partial Regex IdForm();
}
