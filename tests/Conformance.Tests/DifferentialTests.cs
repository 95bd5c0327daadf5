using System.Globalization;
using System.Text.RegularExpressions;
using Hypervisor.Sdk.Conformance.Model;
using Hypervisor.Sdk.Conformance.Tool.Targets;
using Hypervisor.Sdk.Qemu;
using Hypervisor.Sdk.Simulation;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>
/// The simulation that behaves like QEMU, beside QEMU: the same calls in the same order, and what comes of each compared. Of ids, incarnations and revisions the form is compared, and when there is a new one; of errors the code,
/// the outcome, the fields, and whether they are about something; of events what happened to which instance, in its order. Where the two differ and may is in <see cref="s_allowed"/>.
/// </summary>
[Peer("qemu")]
public sealed partial class DifferentialTests
{
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
    [InlineData("disks")]
    [InlineData("networks")]
    [InlineData("refusals")]
    [InlineData("capabilities")]
    [InlineData("identity")]
    [InlineData("locks")]
    [InlineData("screens")]
    [InlineData("crash")]
    public async Task The_simulated_QEMU_does_what_QEMU_does_beyond_the_life_cycle(string what)
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        await using var real = await QemuBackend.ConnectAsync(Options(directory), Token);
        await using var faults = await FaultsAsync(directory);
        await using var datacenter = Datacenter();
        try
        {
            RequireSame(what, await FurtherAsync(real, what, id => faults.CrashAsync(id, Token)), await datacenter.RunAsync(() => FurtherAsync(datacenter.Backend, what, id => Kill(datacenter, id))));
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
    public void A_difference_that_is_not_on_the_list_fails_and_so_does_one_on_the_list_that_is_none_any_more()
    {
        Assert.All(s_allowed, difference => Assert.True(difference.Why.Length > 10));
        var known = s_allowed.First(difference => difference.Scenario == "screens");
        string[] expected = ["the same", known.Qemu];
        RequireSame("screens", expected, ["the same", known.Simulation], [known]);
        Assert.Contains("line 1", Assert.ThrowsAny<Exception>(() => RequireSame("screens", expected, ["another", known.Simulation], [known])).Message, StringComparison.Ordinal);
        Assert.Contains("is none any more", Assert.ThrowsAny<Exception>(() => RequireSame("screens", expected, expected, [known])).Message, StringComparison.Ordinal);
        Assert.Contains("more lines", Assert.ThrowsAny<Exception>(() => RequireSame("", expected, ["the same"], [])).Message, StringComparison.Ordinal);
    }

    private static async Task CompareAsync(int seed, int sequences, int steps)
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        await using var real = await QemuBackend.ConnectAsync(Options(directory), Token);
        await using var faults = await FaultsAsync(directory);
        await using var datacenter = Datacenter();
        var generator = new SequenceGenerator(seed);
        try
        {
            for (int i = 0; i < sequences; i++)
            {
                var sequence = generator.Next(steps, Enum.GetValues<ModelOperation>());
                string[] names = [.. Enumerable.Range(0, ModelStep.Slots).Select(slot => string.Create(CultureInfo.InvariantCulture, $"run{i}-{slot}"))];
                var expected = await DifferentialRun.RunAsync(real, sequence, names, Spec, id => faults.CrashAsync(id, Token), Token);
                var found = await DifferentialRun.RunAsync(datacenter.Backend, sequence, names, Spec, id => Kill(datacenter, id), Token);
                RequireSame($"sequence {i + 1} of seed {seed}: {ModelStep.Print(sequence)}", expected, found);
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

    /// <summary>Kills the QEMU processes of the machines in a directory.</summary>
    private static Task<QemuTarget> FaultsAsync(TempDirectory directory) => QemuTarget.CreateAsync(() => Options(directory), cancellationToken: Token);

    private static Task Kill(SimulatedDatacenter datacenter, InstanceId id)
    {
        datacenter.Faults.Kill(id).Now();
        return Task.CompletedTask;
    }

    private static QemuOptions Options(TempDirectory directory) => new() { StateDirectory = directory["state"], RuntimeDirectory = directory["run"], Accelerator = QemuAccelerator.Tcg };

    [GeneratedRegex("^vm-[a-z2-7]{13}$")]
    private static partial Regex IdForm();
}
