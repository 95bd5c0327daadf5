using System.Buffers;
using System.Buffers.Binary;
using Hypervisor.Sdk.Qemu;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <content>What is called on both, beyond the generated sequences.</content>
public sealed partial class DifferentialTests
{
    /// <summary>A few calls on machines of their own; each line is a call and what came of it.</summary>
    private static async Task<IReadOnlyList<string>> FurtherAsync(IBackend backend, string what, Func<InstanceId, Task> crash)
    {
        var lines = new List<string>();
        var compute = backend.Get<IHypervisor>();
        await using var watch = await compute.WatchAsync(null, Token);
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
            case "disks":
                var (disk, drive) = (DeviceId.Parse("disk0"), DeviceId.Parse("drive"));
                var limits = new DiskLimits { Total = new DiskRate { OperationsPerSecond = 50 } };
                await ChangeAsync("a drive", new InstanceChange { AddDisks = { new DiskSpec { Id = drive, Content = new DiskContent.Cd() } } });
                await ChangeAsync("a drive where there are none", new InstanceChange { AddDisks = { new DiskSpec { Bus = "virtio", Content = new DiskContent.Cd() } } });
                await CallAsync("start", () => compute.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token));
                await ChangeAsync("limits", new InstanceChange { LimitDisks = { [disk] = limits } });
                await ChangeAsync("the same limits", new InstanceChange { LimitDisks = { [disk] = limits } });
                await ChangeAsync("limits that cannot be", new InstanceChange { LimitDisks = { [disk] = limits with { Read = limits.Total } } });
                await ChangeAsync("limits of a drive", new InstanceChange { LimitDisks = { [drive] = limits } });
                await ChangeAsync("no limits", new InstanceChange { LimitDisks = { [disk] = null } });
                await ChangeAsync("no CD where none is", new InstanceChange { ChangeMedia = { [drive] = null } });
                await ChangeAsync("a CD that is not there", new InstanceChange { ChangeMedia = { [drive] = "no-such.iso" } });
                await ChangeAsync("a CD in a disk", new InstanceChange { ChangeMedia = { [disk] = null } });
                await ChangeAsync("a CD in what is not there", new InstanceChange { ChangeMedia = { [DeviceId.Parse("none")] = null } });
                lines.Add(string.Join(", ", (await compute.GetAsync(made.Id, Token)).Disks.Select(device => $"{device.Id} {device.Bus} CD {device.IsCd} image {device.Image} size {device.Size} limits {device.Limits} {device.Disposal} {device.ReadOnly}")));
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
            case "capabilities":
                await CapabilitiesAsync();
                break;
            case "identity":
                await IdentityAsync();
                break;
            case "locks":
                await LocksAsync();
                break;
            case "screens":
                await ScreensAsync();
                break;
            case "crash":
                await CrashesAsync();
                break;
        }

        lines.Add("listed " + string.Join(", ", (await compute.List().ToListAsync(Token)).Select(Look).Order(StringComparer.Ordinal)));
        await EventsAsync();
        return lines;

        // One more is made, so that the end of the events is known.
        async Task EventsAsync()
        {
            var last = await compute.CreateAsync(Spec("the-last"), cancellationToken: Token).WaitForCompletionAsync(Token);
            var told = new List<(InstanceId Id, string Text)>();
            await foreach (var next in watch.WithCancellation(Token))
            {
                if (next is InstanceCreated created && created.Id == last.Id)
                    break;
                if (DifferentialRun.Describe(next) is { } seen)
                    told.Add(seen);
            }

            // QEMU says itself that a machine goes on, so that this and what the driver says of its configuration have no order between them.
            foreach (var (events, number) in told.GroupBy(seen => seen.Id, seen => seen.Text).Select((events, number) => (events, number + 1)))
                lines.Add($"events of number {number}: {string.Join(", ", events.Where(text => text != "changed"))}; changed {events.Count(text => text == "changed")} times");
        }

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
            if (!isWanted)
                return;
            string outcome = await OutcomeAsync(body);
            // A machine stands still while its memory is moved. That it goes on QEMU says itself, to whoever watches: it may be heard after the end of the work.
            if (what == "memory-snapshot" || call.Contains("with memory", StringComparison.Ordinal))
                await GoesOnAsync();
            lines.Add($"{call}: {outcome}; {(await compute.FindAsync(made.Id, Token) is { } now ? Look(now) : "gone")}");
        }

        async Task GoesOnAsync()
        {
            using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
            while ((await compute.GetAsync(made.Id, Token)).State == PowerState.Paused)
                await look.WaitForNextTickAsync(Token);
        }

        Task CrashAsync() => DifferentialRun.CrashAsync(compute, made.Id, crash, Token);

        Task StartAsync() => compute.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token);

        async Task CapabilitiesAsync()
        {
            var naming = backend.Info.Naming;
            lines.Add($"names: {naming.AllowedFirstCharacters} then {naming.AllowedCharacters}, at most {naming.MaxLength}, case {naming.CaseSensitive}");
            var screen = await compute.CreateAsync(Spec("screen", spec => spec.Extensions.Set(new QemuMachine())), cancellationToken: Token).WaitForCompletionAsync(Token);
            foreach (var capability in CapabilityChecks.KnownCapabilities().Concat(new[] { "incremental-backups", "resource-limits", "bridged-networks", "memory-target", "reads-minds" }.Select(word => Capability.Parse(word))))
            {
                lines.Add(Print(capability.ToString(), await backend.QueryAsync(capability, default, Token)));
                lines.Add(Print($"{capability} of a machine", await backend.QueryAsync(capability, new CapabilityTarget { Instance = screen.Id }, Token)));
            }

            await CallAsync("a capability of a machine that is not there", async () => await backend.QueryAsync(Capability.GraphicsConsole, new CapabilityTarget { Instance = InstanceId.Parse("vm-none") }, Token));

            static string Print(string what, CapabilityAnswer answer) => $"{what}: {answer.Support} {answer.Reason}";
        }

        async Task IdentityAsync()
        {
            var request = new RequestOptions { RequestId = RequestId.New() };
            var second = await compute.CreateAsync(Spec("second"), request, Token).WaitForCompletionAsync(Token);
            lines.Add($"another id {second.Id != made.Id}, another incarnation {second.Incarnation != made.Incarnation}, the same when repeated {(await compute.CreateAsync(Spec("second"), request, Token).WaitForCompletionAsync(Token)).Id == second.Id}");
            await LookUpAsync("what was made", request.RequestId.Value);
            await LookUpAsync("what was never asked for", RequestId.New());
            await CallAsync("another change under the same request", () => compute.StartAsync(second.Id, request, Token).WaitForCompletionAsync(Token));
            await CallAsync("another incarnation", () => compute.StartAsync(made.Id, new RequestOptions { IfIncarnation = second.Incarnation }, Token).WaitForCompletionAsync(Token));
            await CallAsync("a token of a lock", () => LabelAsync(new RequestOptions { FencingToken = 8 }));
            await CallAsync("an older token", () => LabelAsync(new RequestOptions { FencingToken = 7 }));
            await CallAsync("an older revision", () => compute.StartAsync(made.Id, new RequestOptions { IfRevision = made.Revision }, Token).WaitForCompletionAsync(Token));
            await CallAsync("delete", () => compute.DeleteAsync(second.Id, cancellationToken: Token).WaitForCompletionAsync(Token));
            await LookUpAsync("what was made and deleted", request.RequestId.Value);
            await CallAsync("the same request again", () => compute.CreateAsync(Spec("second"), request, Token).WaitForCompletionAsync(Token));
            var third = await compute.CreateAsync(Spec("second"), cancellationToken: Token).WaitForCompletionAsync(Token);
            lines.Add($"the same name, another id {third.Id != second.Id}, another incarnation {third.Incarnation != second.Incarnation}");
        }

        async Task LookUpAsync(string which, RequestId request)
        {
            var found = await backend.Get<IRequestLog>().LookUpAsync(request, Token);
            lines.Add($"look up {which}: {found.State} {found.Instance is not null}");
        }

        async Task LocksAsync()
        {
            await StartAsync();
            // It heeds no power button: it is being stopped until somebody ends that.
            var stopping = await compute.StopAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.FromMinutes(10), ForceAfterGrace = false }, null, Token);
            await CallAsync("pause meanwhile, without patience", () => backend.Get<IPausing>().PauseAsync(made.Id, new RequestOptions { Deadline = TimeSpan.FromMilliseconds(200) }, Token).WaitForCompletionAsync(Token));
            await CallAsync("change meanwhile, without patience", () => LabelAsync(new RequestOptions { Deadline = TimeSpan.FromMilliseconds(200) }));
            await CallAsync("clone meanwhile, without patience", () => backend.Get<ICloning>().CloneAsync(made.Id, new CloneSpec { Name = InstanceName.Parse("copy") }, new RequestOptions { Deadline = TimeSpan.FromMilliseconds(200) }, Token).WaitForCompletionAsync(Token));
            var patient = backend.Get<IPausing>().PauseAsync(made.Id, null, Token);
            lines.Add($"accepted before it is free: {patient.IsCompleted}; look {Look(await compute.GetAsync(made.Id, Token))}");
            await CallAsync("cancel the stop", async () => Assert.True(await stopping.TryCancelAsync(Token)));
            await CallAsync("the stop", () => stopping.WaitAsync(Token));
            await CallAsync("the pause", async () => await (await patient).WaitAsync(Token));
        }

        Task LabelAsync(RequestOptions request) => OneLabelAsync(compute, made.Id, request);

        async Task ScreensAsync()
        {
            await StartAsync();
            await CallAsync("a screen of one without", () => backend.Get<IGraphicsConsole>().CaptureAsync(made.Id, Token));
            var screen = await compute.CreateAsync(Spec("screen", spec => spec.Extensions.Set(new QemuMachine())), cancellationToken: Token).WaitForCompletionAsync(Token);
            await CaptureAsync("stopped");
            await compute.StartAsync(screen.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
            await CaptureAsync("running");
            await using (var session = await backend.Get<IGraphicsConsole>().OpenAsync(screen.Id, Token))
            {
                var read = await session.Input.ReadAtLeastAsync("RFB 003.008\n".Length, Token);
                lines.Add($"{session.Protocol}, password {session.Password is not null}: {System.Text.Encoding.ASCII.GetString(read.Buffer.Slice(0, "RFB 003.008".Length).ToArray())}");
            }

            await CallAsync("keys", () => backend.Get<IKeyboard>().PressAsync(screen.Id, ["ctrl", "a"], Token));
            await CallAsync("no such key", () => backend.Get<IKeyboard>().PressAsync(screen.Id, ["any"], Token));
            await CallAsync("keys of a stopped one", async () =>
            {
                await compute.StopAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
                await backend.Get<IKeyboard>().PressAsync(made.Id, ["a"], Token);
            });
            await backend.Get<IPausing>().PauseAsync(screen.Id, null, Token).WaitForCompletionAsync(Token);
            await CaptureAsync("paused");
            await DifferentialRun.CrashAsync(compute, screen.Id, crash, Token);
            await CaptureAsync("crashed");

            async Task CaptureAsync(string which) => await CallAsync($"a screen of a {which} one", async () =>
            {
                var picture = await backend.Get<IGraphicsConsole>().CaptureAsync(screen.Id, Token);
                byte[] bytes = picture.Content.ToArray();
                lines.Add($"{picture.MediaType} {System.Text.Encoding.ASCII.GetString(bytes, 1, 3)} {BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(16)) >= 320} {BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(20)) >= 200}");
            });
        }

        async Task CrashesAsync()
        {
            var (snapshots, pausing, reset) = (backend.Get<ISnapshots>(), backend.Get<IPausing>(), backend.Get<IReset>());
            await CallAsync("crash of a stopped one", CrashAsync);
            await CallAsync("snapshot before", () => snapshots.CreateAsync(made.Id, new SnapshotSpec { Name = SnapshotName.Parse("before") }, cancellationToken: Token).WaitForCompletionAsync(Token));
            await CallAsync("start", StartAsync);
            await CallAsync("snapshot with memory before", () => snapshots.CreateAsync(made.Id, new SnapshotSpec { Name = SnapshotName.Parse("running"), IncludeMemory = true }, cancellationToken: Token).WaitForCompletionAsync(Token));
            await CallAsync("crash", CrashAsync);
            await CallAsync("pause", () => pausing.PauseAsync(made.Id, null, Token).WaitForCompletionAsync(Token));
            await CallAsync("resume", () => pausing.ResumeAsync(made.Id, null, Token).WaitForCompletionAsync(Token));
            await CallAsync("reset", () => reset.ResetAsync(made.Id, null, Token).WaitForCompletionAsync(Token));
            await CallAsync("console", async () => await (await backend.Get<ISerialConsole>().OpenAsync(made.Id, null, Token)).DisposeAsync());
            await CallAsync("keys", () => backend.Get<IKeyboard>().PressAsync(made.Id, ["a"], Token));
            await CallAsync("agent", () => backend.Get<IGuestAgent>().GetInfoAsync(made.Id, Token));
            await CallAsync("command", () => backend.Get<ICommands>().RunAsync(made.Id, new CommandSpec { Command = ["true"] }, default, Token));
            await CallAsync("document", () => backend.Get<INativeDocuments>().GetAsync(made.Id, Token));
            lines.Add("sampled " + string.Join(", ", (await backend.Get<IMetrics>().SampleAsync(null, Token).ToListAsync(Token)).Select(sample => sample.Id == made.Id)));
            await CallAsync("move", () => backend.Get<IMigration>().MigrateAsync(made.Id, new MigrationTarget { Backend = BackendName.Parse("none") }, null, null, Token).WaitForCompletionAsync(Token));
            await CallAsync("snapshot with memory", () => snapshots.CreateAsync(made.Id, new SnapshotSpec { Name = SnapshotName.Parse("memory"), IncludeMemory = true }, cancellationToken: Token).WaitForCompletionAsync(Token));
            await CallAsync("snapshot", () => snapshots.CreateAsync(made.Id, new SnapshotSpec { Name = SnapshotName.Parse("crashed") }, cancellationToken: Token).WaitForCompletionAsync(Token));
            await CallAsync("label", () => LabelAsync(new RequestOptions()));
            await ChangeAsync("sizing", new InstanceChange { Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(64)) });
            await ChangeAsync("a disk", new InstanceChange { AddDisks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(4)) } } });
            await CallAsync("clone", () => backend.Get<ICloning>().CloneAsync(made.Id, new CloneSpec { Name = InstanceName.Parse("copy") }, null, Token).WaitForCompletionAsync(Token));
            await CallAsync("to a template", () => backend.Get<ITemplates>().ConvertToTemplateAsync(made.Id, null, Token).WaitForCompletionAsync(Token));
            await CallAsync("to an instance", () => backend.Get<ITemplates>().ConvertToInstanceAsync(made.Id, null, Token).WaitForCompletionAsync(Token));
            await CallAsync("start again", StartAsync);
            await CallAsync("crash", CrashAsync);
            await CallAsync("restart", () => compute.RestartAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token));
            await CallAsync("crash", CrashAsync);
            await CallAsync("stop", () => compute.StopAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.FromSeconds(5) }, null, Token).WaitForCompletionAsync(Token));
            await CallAsync("start", StartAsync);
            await CallAsync("pause", () => pausing.PauseAsync(made.Id, null, Token).WaitForCompletionAsync(Token));
            await CallAsync("crash of a paused one", CrashAsync);
            await CallAsync("revert", () => snapshots.RevertAsync(made.Id, SnapshotName.Parse("crashed"), cancellationToken: Token).WaitForCompletionAsync(Token));
            await CallAsync("start", StartAsync);
            await CallAsync("crash", CrashAsync);
            await CallAsync("revert with memory", () => snapshots.RevertAsync(made.Id, SnapshotName.Parse("running"), cancellationToken: Token).WaitForCompletionAsync(Token));
            await CallAsync("start", StartAsync);
            await CallAsync("crash", CrashAsync);
            await CallAsync("delete", () => compute.DeleteAsync(made.Id, null, null, Token).WaitForCompletionAsync(Token));
        }
    }

    private static async Task OneLabelAsync(IHypervisor compute, InstanceId id, RequestOptions request)
    {
        var change = new InstanceChange();
        change.Labels["times"] = Guid.NewGuid().ToString("N");
        var plan = await compute.PlanAsync(id, change, Token);
        await compute.ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, request, Token).WaitForCompletionAsync(Token);
    }
}
