using System.Text;

namespace Hypervisor.Sdk.Conformance;

/// <summary>FEAT: the features that a backend may have beside its roles.</summary>
internal static class FeatureChecks
{
    private static readonly CheckNeed s_guests = CheckNeed.From(ConformanceAbility.BootGuests);

    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "FEAT-01", Sentence = "Counters are sampled of running instances; one that is missing says why.", Needs = [CheckNeed.Compute, CheckNeed.Of<IMetrics>()], Body = Metrics },
        new() { Id = "FEAT-02", Sentence = "Nodes are listed by names of their own, and one answers.", Needs = [CheckNeed.Of<INodes>()], Body = Nodes },
        new() { Id = "FEAT-03", Sentence = "Networks are listed by names of their own, and an instance joins one.", Needs = [CheckNeed.Compute, CheckNeed.Of<INetworks>()], Body = Networks },
        new() { Id = "FEAT-04", Sentence = "Images are listed by ids of their own.", Needs = [CheckNeed.Of<IImages>()], Body = Images },
        new() { Id = "FEAT-05", Sentence = "What the backend itself has written down of an instance is got with its form; of one that is not there it is refused (not-found).", Needs = [CheckNeed.Compute, CheckNeed.Of<INativeDocuments>()], Body = NativeDocuments },
        new() { Id = "FEAT-06", Sentence = "What a piece of work needs of the backend's lanes is more than nothing and fits what there is.", Needs = [CheckNeed.Compute, CheckNeed.Of<ILaneHints>()], Body = Lanes },
        new() { Id = "FEAT-07", Sentence = "A console has one session: a second is refused (locked) or, where it is to take over, ends the first; of a stopped instance it is refused (invalid-state), and its log is kept, or refused (unsupported) by a backend that keeps none.", Needs = [CheckNeed.Compute, CheckNeed.Of<ISerialConsole>()], Body = SerialConsole },
        new() { Id = "FEAT-08", Sentence = "The screen of a stopped instance is refused (invalid-state).", Needs = [CheckNeed.Compute, CheckNeed.Machines, CheckNeed.Of<IGraphicsConsole>()], Body = GraphicsConsole },
        new() { Id = "FEAT-09", Sentence = "The guest says about itself what its agent knows.", Needs = [CheckNeed.Of<IGuestAgent>(), s_guests], IsLong = true, Deadline = TimeSpan.FromMinutes(3), Body = GuestAgent },
        new() { Id = "FEAT-10", Sentence = "A command in the guest reads its input and gives its output and exit code; one that fails is a result, one that is not there is refused (not-found), and what exceeds the bound is dropped and said.", Needs = [CheckNeed.Of<ICommands>(), s_guests], IsLong = true, Deadline = TimeSpan.FromMinutes(3), Body = Commands },
        new() { Id = "FEAT-11", Sentence = "A command as a conversation passes a big stream both ways, and ends with its exit code.", Needs = [CheckNeed.Of<IExec>(), s_guests], IsLong = true, Deadline = TimeSpan.FromMinutes(3), Body = Exec },
        new() { Id = "FEAT-12", Sentence = "A file of the guest is written, listed, read back byte for byte, and deleted; one that is not there is refused (not-found).", Needs = [CheckNeed.Of<IGuestFiles>(), s_guests], IsLong = true, Deadline = TimeSpan.FromMinutes(3), Body = GuestFiles },
        new() { Id = "FEAT-13", Sentence = "A backup names the parts of each disk in order, not overlapping and within it, reads them, and goes on from its checkpoint; after an unknown one it is refused (not-found), and so is a quiet guest of what is stopped (invalid-state or unavailable).", Needs = [CheckNeed.Compute, CheckNeed.Of<IBackupSource>()], Body = Backup },
        new() { Id = "FEAT-14", Sentence = "A port of the host that leads into an instance is added, listed and removed.", Needs = [CheckNeed.Compute, CheckNeed.Of<IPortForwards>()], Body = PortForwards },
        new() { Id = "FEAT-15", Sentence = "A move to a node that is not there has an obstacle, and is refused.", Needs = [CheckNeed.Compute, CheckNeed.Of<IMigration>()], Body = MigrationObstacles },
        new() { Id = "FEAT-16", Sentence = "A command or a question to the agent of an instance that is stopped is refused (invalid-state or unavailable).", Needs = [CheckNeed.Compute, CheckNeed.Of<ICommands>()], Body = CommandsOfStopped },
        new() { Id = "FEAT-17", Sentence = "A key that there is not is refused (invalid-argument), and so is any key for what is stopped (invalid-state); the Enter key of what runs is pressed.", Needs = [CheckNeed.Compute, CheckNeed.Machines, CheckNeed.Of<IKeyboard>()], Body = Keyboard },
        new() { Id = "FEAT-18", Sentence = "A port of the host that is taken is refused (already-exists, and the outcome is that the backend rejected it), to the instance that has it as to another one; who has it keeps it, and once he gives it up it is free.", Needs = [CheckNeed.Compute, CheckNeed.Of<IPortForwards>()], Body = TakenPort },
        new() { Id = "FEAT-19", Sentence = "What only machines have, a screen and a keyboard, is refused for a container (unsupported) with what it lacks, and not as if there were no such instance.", Needs = [CheckNeed.Compute, CheckNeed.Containers, CheckNeed.Of<IGraphicsConsole>()], Body = OnlyMachinesHave },
    ];

    private static async Task Metrics(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        var stopped = await c.CreateAsync().ConfigureAwait(false);
        var samples = new List<InstanceMetrics>();
        await foreach (var sample in c.Backend.Get<IMetrics>().SampleAsync(null, c.Token).ConfigureAwait(false))
            samples.Add(sample);
        c.RequireEqual(1, samples.Count(sample => sample.Id == running.Id), "How often a running instance is sampled");
        c.RequireEqual(0, samples.Count(sample => sample.Id == stopped.Id), "How often a stopped instance is sampled");
        var own = samples.Single(sample => sample.Id == running.Id);
        foreach (var (name, value) in new (string, object?)[]
        {
            (nameof(own.CpuTime), own.CpuTime), (nameof(own.MemoryUsed), own.MemoryUsed), (nameof(own.DiskReadBytes), own.DiskReadBytes), (nameof(own.DiskWriteBytes), own.DiskWriteBytes),
            (nameof(own.NetworkReceivedBytes), own.NetworkReceivedBytes), (nameof(own.NetworkSentBytes), own.NetworkSentBytes),
        })
        {
            c.Require(value is not null || !string.IsNullOrWhiteSpace(own.Unavailable.GetValueOrDefault(name)), $"The counter {name} is missing, and {nameof(own.Unavailable)} does not say why.");
        }

        c.Require(own.CpuTime is null || own.CpuTime >= TimeSpan.Zero, $"An instance has used {own.CpuTime} of CPU time.");
        await foreach (var node in c.Backend.Get<IMetrics>().SampleNodesAsync(c.Token).ConfigureAwait(false))
            c.Require(node.MemoryTotal is not null || node.Unavailable.ContainsKey(nameof(node.MemoryTotal)), $"The counter {nameof(node.MemoryTotal)} of the node '{node.Node}' is missing, and {nameof(node.Unavailable)} does not say why.");
    }

    private static async Task Nodes(CheckContext c)
    {
        var nodes = new List<Node>();
        await foreach (var node in c.Backend.Get<INodes>().ListAsync(c.Token).ConfigureAwait(false))
            nodes.Add(node);
        c.Require(nodes.Exists(node => node.IsOnline), "No node answers.");
        c.RequireEqual(nodes.Count, nodes.Select(node => node.Name).Distinct().Count(), "The number of names of nodes");
        c.Require(nodes.TrueForAll(node => node.Memory is null || node.MemoryAvailable is null || node.MemoryAvailable <= node.Memory), "A node could give away more memory than it has.");
    }

    private static async Task Networks(CheckContext c)
    {
        var networks = new List<Network>();
        await foreach (var network in c.Backend.Get<INetworks>().ListAsync(c.Token).ConfigureAwait(false))
            networks.Add(network);
        c.RequireEqual(networks.Count, networks.Select(network => network.Name).Distinct(StringComparer.Ordinal).Count(), "The number of names of networks");
        if (networks.Count == 0)
            c.Skip("There is no network to join.");
        var made = await c.CreateAsync(spec => spec.Networks.Add(new NetworkSpec { Network = networks[0].Name })).ConfigureAwait(false);
        c.RequireEqual(networks[0].Name, made.Networks[^1].Network, "The network of a device that was to join it");
        c.Require(made.Networks[^1].Mac is { IsDefault: false }, "A network device has no hardware address.");
    }

    private static async Task Images(CheckContext c)
    {
        var ids = new List<string>();
        await foreach (var image in c.Backend.Get<IImages>().ListAsync(c.Token).ConfigureAwait(false))
            ids.Add(image.Id);
        c.RequireEqual(ids.Count, ids.Where(id => id.Length > 0).Distinct(StringComparer.Ordinal).Count(), "The number of ids of images");
    }

    private static async Task NativeDocuments(CheckContext c)
    {
        var documents = c.Backend.Get<INativeDocuments>();
        var made = await c.CreateAsync().ConfigureAwait(false);
        var document = await documents.GetAsync(made.Id, c.Token).ConfigureAwait(false);
        c.Require(document.MediaType.Contains('/', StringComparison.Ordinal) && document.Content.Length > 0, $"The document of an instance is '{document.MediaType}' of {document.Content.Length} bytes.");
        await c.RefusedAsync("The document of an instance that is not there", () => documents.GetAsync(InstanceId.Parse("no-such-instance"), c.Token), ErrorCode.NotFound).ConfigureAwait(false);
    }

    private static async Task Lanes(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        foreach (string action in new[] { "create", "clone", "snapshot", "migrate", "delete", "change", "power" })
        {
            foreach (var claim in await c.Backend.Get<ILaneHints>().GetClaimsAsync(new LaneQuery { Action = action, Instance = made.Id }, c.Token).ConfigureAwait(false))
            {
                c.Require(!claim.Key.IsDefault, $"A claim of '{action}' names no lane.");
                c.Require(claim.Weight >= 1 && (claim.Capacity is null || claim.Weight <= claim.Capacity), $"A claim of '{action}' takes {claim.Weight} of {claim.Capacity} of the lane '{claim.Key}'.");
            }
        }
    }

    private static async Task SerialConsole(CheckContext c)
    {
        var console = c.Backend.Get<ISerialConsole>();
        var made = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("Opening the console of a stopped instance", () => console.OpenAsync(made.Id, null, c.Token), ErrorCode.InvalidState).ConfigureAwait(false);
        await c.StartAsync(made.Id).ConfigureAwait(false);
        var first = await console.OpenAsync(made.Id, null, c.Token).ConfigureAwait(false);
        await using (first.ConfigureAwait(false))
        {
            await c.RefusedAsync("Opening a console that is open", () => console.OpenAsync(made.Id, null, c.Token), ErrorCode.Locked).ConfigureAwait(false);
            var second = await console.OpenAsync(made.Id, new ConsoleOptions { TakeOver = true }, c.Token).ConfigureAwait(false);
            await using (second.ConfigureAwait(false))
            {
                await c.FailsAsync("A session that was taken over", () => first.Completion.WaitAsync(c.Token)).ConfigureAwait(false);
                c.Require(!second.Completion.IsCompleted, "The session that took over has ended.");
            }
        }

        await c.StopAsync(made.Id).ConfigureAwait(false);
        Stream log;
        try
        {
            log = await console.OpenLogAsync(made.Id, 1024, c.Token).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Unsupported)
        {
            return;
        }

        await using (log.ConfigureAwait(false))
        {
            using var tail = new MemoryStream();
            await log.CopyToAsync(tail, c.Token).ConfigureAwait(false);
            c.Require(tail.Length <= 1024, $"Of the console's log at most 1024 bytes were asked for; there were {tail.Length}.");
        }
    }

    private static async Task GraphicsConsole(CheckContext c)
    {
        var console = c.Backend.Get<IGraphicsConsole>();
        var made = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("Opening the screen of a stopped instance", () => console.OpenAsync(made.Id, c.Token), ErrorCode.InvalidState, ErrorCode.Unsupported).ConfigureAwait(false);
        await c.RefusedAsync("Capturing the screen of a stopped instance", () => console.CaptureAsync(made.Id, c.Token), ErrorCode.InvalidState, ErrorCode.Unsupported).ConfigureAwait(false);
    }

    /// <summary>A guest that answers to its agent.</summary>
    private static Task<Instance> BootAsync(CheckContext c) => BootAsync(c, c.Target.NewGuest(c.NewName()) ?? throw new CheckSkippedException("The target has no guest to boot."));

    /// <summary>Boots a guest until it answers to its agent.</summary>
    public static async Task<Instance> BootAsync(CheckContext c, InstanceSpec spec)
    {
        var made = await c.BeginCreateAsync(spec).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        var running = await c.StartAsync(made.Id).ConfigureAwait(false);
        if (c.Backend.TryGet<IGuestAgent>(out var agent))
        {
            await c.EventuallyAsync("The agent of the guest answering", async () =>
            {
                try
                {
                    await agent.GetInfoAsync(running.Id, c.Token).ConfigureAwait(false);
                    return true;
                }
                catch (HypervisorException error) when (error.Code == ErrorCode.Unavailable || error.Code == ErrorCode.Timeout)
                {
                    return false;
                }
            }, answers => answers).ConfigureAwait(false);
        }

        return running;
    }

    private static async Task GuestAgent(CheckContext c)
    {
        var guest = await BootAsync(c).ConfigureAwait(false);
        var info = await c.Backend.Get<IGuestAgent>().GetInfoAsync(guest.Id, c.Token).ConfigureAwait(false);
        c.Require(!string.IsNullOrWhiteSpace(info.Agent), "A guest does not say which agent speaks for it.");
        c.Require(info.Networks.All(network => network.Name.Length > 0), "A network device of the guest has no name.");
    }

    private static async Task Commands(CheckContext c)
    {
        var commands = c.Backend.Get<ICommands>();
        var guest = await BootAsync(c).ConfigureAwait(false);
        byte[] input = Encoding.UTF8.GetBytes("what the command reads\n");
        var copied = await commands.RunAsync(guest.Id, new CommandSpec { Command = ["cat"] }, input, c.Token).ConfigureAwait(false);
        c.Require(copied.IsSuccess && copied.Output.Span.SequenceEqual(input), $"'cat' gives {copied.Output.Length} of {input.Length} bytes of its input, and ends with {copied.ExitCode}.");
        var failed = await commands.RunAsync(guest.Id, new CommandSpec { Command = ["false"] }, default, c.Token).ConfigureAwait(false);
        c.RequireEqual(1, failed.ExitCode, "The exit code of 'false'");
        await c.RefusedAsync("Running a program that is not there", () => commands.RunAsync(guest.Id, new CommandSpec { Command = ["no-such-program"] }, default, c.Token), ErrorCode.NotFound).ConfigureAwait(false);
        var bounded = await commands.RunAsync(guest.Id, new CommandSpec { Command = ["cat"], MaxOutputBytes = 4 }, input, c.Token).ConfigureAwait(false);
        c.Require(bounded.IsTruncated && bounded.Output.Length <= 4, $"Of an output at most 4 bytes were to be kept: {bounded.Output.Length} are, and IsTruncated is {bounded.IsTruncated}.");
    }

    private static async Task Exec(CheckContext c)
    {
        const int Bytes = 1 << 20;
        var guest = await BootAsync(c).ConfigureAwait(false);
        var session = await c.Backend.Get<IExec>().StartAsync(guest.Id, new CommandSpec { Command = ["cat"] }, c.Token).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            var writing = Task.Run(async () =>
            {
                using var source = new GeneratedStream(Bytes);
                byte[] chunk = new byte[32 << 10];
                int count;
                while ((count = await source.ReadAsync(chunk, c.Token).ConfigureAwait(false)) > 0)
                    await session.WriteAsync(chunk.AsMemory(0, count), c.Token).ConfigureAwait(false);
                await session.CompleteInputAsync(c.Token).ConfigureAwait(false);
            });
            byte[] buffer = new byte[64 << 10];
            long at = 0;
            ExecRead read;
            while ((read = await session.ReadAsync(buffer, c.Token).ConfigureAwait(false)).Channel != ExecChannel.End)
            {
                if (read.Channel == ExecChannel.StandardOutput)
                {
                    c.Require(GeneratedStream.Matches(buffer.AsSpan(0, read.Count), at), $"What 'cat' gave back differs from what it was given within {read.Count} bytes from {at}.");
                    at += read.Count;
                }
            }

            await writing.ConfigureAwait(false);
            c.RequireEqual(Bytes, at, "The number of bytes that 'cat' gave back");
            c.RequireEqual(0, session.ExitCode, "The exit code of 'cat'");
        }
    }

    private static async Task GuestFiles(CheckContext c)
    {
        const int Bytes = 300_000;
        var files = c.Backend.Get<IGuestFiles>();
        var guest = await BootAsync(c).ConfigureAwait(false);
        const string Path = "/tmp/conformance";
        using (var source = new GeneratedStream(Bytes))
            await files.WriteAsync(guest.Id, Path, source, null, c.Token).ConfigureAwait(false);
        var read = await files.OpenReadAsync(guest.Id, Path, c.Token).ConfigureAwait(false);
        await using (read.ConfigureAwait(false))
        {
            using var content = new MemoryStream();
            await read.CopyToAsync(content, c.Token).ConfigureAwait(false);
            c.Require(content.Length == Bytes && GeneratedStream.Matches(content.ToArray(), 0), $"A file of {Bytes} bytes is read back as {content.Length} bytes, or others.");
        }

        var names = new List<string>();
        await foreach (var file in files.ListAsync(guest.Id, "/tmp", c.Token).ConfigureAwait(false))
            names.Add(file.Name);
        c.Require(names.Contains("conformance"), $"A file that was written is not listed: {CheckContext.Print(names)}.");
        await files.DeleteAsync(guest.Id, Path, c.Token).ConfigureAwait(false);
        await c.RefusedAsync("Reading a file that was deleted", () => files.OpenReadAsync(guest.Id, Path, c.Token), ErrorCode.NotFound).ConfigureAwait(false);
    }

    private static async Task Backup(CheckContext c)
    {
        var backups = c.Backend.Get<IBackupSource>();
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        await c.RefusedAsync("A backup since a checkpoint that is not there", () => backups.BeginAsync(running.Id, new BackupOptions { SinceCheckpoint = "no-such-checkpoint" }, c.Token), ErrorCode.NotFound).ConfigureAwait(false);
        var stopped = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("A backup of what is stopped with its guest at rest", () => backups.BeginAsync(stopped.Id, new BackupOptions { Quiesce = true }, c.Token), ErrorCode.InvalidState, ErrorCode.Unavailable).ConfigureAwait(false);
        var session = await backups.BeginAsync(running.Id, null, c.Token).ConfigureAwait(false);
        string? checkpoint;
        await using (session.ConfigureAwait(false))
        {
            c.RequireEqual(running.Disks.Count, session.Disks.Count, "The number of disks of a backup");
            foreach (var disk in session.Disks)
                await ReadAllAsync(c, session, disk, running.Disks.Single(own => own.Id == disk).Size!.Value.Bytes).ConfigureAwait(false);
            checkpoint = await session.CompleteAsync(c.Token).ConfigureAwait(false);
        }

        if (checkpoint is null)
            return;
        var next = await backups.BeginAsync(running.Id, new BackupOptions { SinceCheckpoint = checkpoint }, c.Token).ConfigureAwait(false);
        await using (next.ConfigureAwait(false))
        {
            foreach (var disk in next.Disks)
                await ReadAllAsync(c, next, disk, running.Disks.Single(own => own.Id == disk).Size!.Value.Bytes).ConfigureAwait(false);
        }
    }

    private static async Task ReadAllAsync(CheckContext c, BackupSession session, DeviceId disk, long bytes)
    {
        long end = 0;
        byte[] buffer = new byte[4096];
        await foreach (var extent in session.GetExtentsAsync(disk, c.Token).ConfigureAwait(false))
        {
            c.Require(extent.Offset >= end && extent.Length > 0, $"A part of the disk '{disk}' begins at {extent.Offset} and is {extent.Length} bytes long; the one before ends at {end}.");
            end = extent.Offset + extent.Length;
            c.Require(end <= bytes, $"A part of the disk '{disk}' ends at {end}, beyond its {bytes} bytes.");
            if (!extent.IsZero)
                await session.ReadAsync(disk, extent.Offset, buffer.AsMemory(0, (int)Math.Min(buffer.Length, extent.Length)), c.Token).ConfigureAwait(false);
        }

        await c.MisusedAsync("Reading beyond the end of a disk", () => session.ReadAsync(disk, bytes, buffer, c.Token).AsTask()).ConfigureAwait(false);
    }

    private static async Task PortForwards(CheckContext c)
    {
        var forwards = c.Backend.Get<IPortForwards>();
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        var added = await forwards.AddAsync(running.Id, new PortSpec { Guest = 80 }, null, c.Token).ConfigureAwait(false);
        c.Require(added.GuestPort == 80 && added.Host.Port > 0, $"A forward to port 80 leads from {added.Host} to {added.GuestPort}.");
        c.RequireEqual(1, await CountAsync().ConfigureAwait(false), "The number of forwards after one was added");
        c.Require(await forwards.RemoveAsync(running.Id, added.Id, null, c.Token).ConfigureAwait(false), "Removing a forward says that there was none.");
        c.Require(!await forwards.RemoveAsync(running.Id, added.Id, null, c.Token).ConfigureAwait(false), "Removing a forward again says that there was one.");
        c.RequireEqual(0, await CountAsync().ConfigureAwait(false), "The number of forwards after the only one was removed");

        async Task<int> CountAsync() => (await ForwardsOfAsync(c, running.Id).ConfigureAwait(false)).Count;
    }

    private static async Task TakenPort(CheckContext c)
    {
        var forwards = c.Backend.Get<IPortForwards>();
        var holder = await c.CreateRunningAsync().ConfigureAwait(false);
        var beside = c.NewSpec();
        if (holder.Node is { } node)
            beside.Placement = new Placement { Node = node };
        var other = await c.StartAsync((await c.BeginCreateAsync(beside).WaitForCompletionAsync(c.Token).ConfigureAwait(false)).Id).ConfigureAwait(false);
        var held = await forwards.AddAsync(holder.Id, new PortSpec { Guest = 80 }, null, c.Token).ConfigureAwait(false);
        await IsRefusedAsync("the instance that has it", holder.Id, 81).ConfigureAwait(false);
        await IsRefusedAsync("another instance", other.Id, 80).ConfigureAwait(false);
        c.RequireEqual(held.Id, (await ForwardsOfAsync(c, holder.Id).ConfigureAwait(false)).Single().Id, "The id of the forward whose port others were refused");
        c.RequireEqual(0, (await ForwardsOfAsync(c, other.Id).ConfigureAwait(false)).Count, "The number of forwards of an instance that was refused one");
        var drawn = await forwards.AddAsync(other.Id, new PortSpec { Guest = 80 }, null, c.Token).ConfigureAwait(false);
        c.Require(drawn.Host.Port != held.Host.Port, $"A forward for which no port was named leads from {drawn.Host}, which is taken.");
        await forwards.RemoveAsync(other.Id, drawn.Id, null, c.Token).ConfigureAwait(false);
        await forwards.RemoveAsync(holder.Id, held.Id, null, c.Token).ConfigureAwait(false);
        var freed = await forwards.AddAsync(other.Id, new PortSpec { Guest = 80, Host = held.Host.Port, Address = held.Host.Address }, null, c.Token).ConfigureAwait(false);
        c.RequireEqual(held.Host, freed.Host, "From where a forward leads whose port was free again");
        await forwards.RemoveAsync(other.Id, freed.Id, null, c.Token).ConfigureAwait(false);

        async Task IsRefusedAsync(string whom, InstanceId id, int guest)
        {
            var error = await c.RefusedAsync($"A forward from a port that is taken, to {whom},", () => forwards.AddAsync(id, new PortSpec { Guest = guest, Host = held.Host.Port, Address = held.Host.Address }, null, c.Token), ErrorCode.AlreadyExists).ConfigureAwait(false);
            c.RequireEqual(RequestOutcome.Rejected, error.Outcome, $"The outcome of a forward from a port that is taken, to {whom},");
        }
    }

    private static async Task<List<PortForward>> ForwardsOfAsync(CheckContext c, InstanceId id)
    {
        var all = new List<PortForward>();
        await foreach (var forward in c.Backend.Get<IPortForwards>().ListAsync(id, c.Token).ConfigureAwait(false))
            all.Add(forward);
        return all;
    }

    private static async Task MigrationObstacles(CheckContext c)
    {
        var migration = c.Backend.Get<IMigration>();
        var made = await c.CreateAsync().ConfigureAwait(false);
        var nowhere = new MigrationTarget { Node = NodeName.Parse("no-such-node") };
        var check = await migration.CheckAsync(made.Id, nowhere, c.Token).ConfigureAwait(false);
        c.Require(!check.IsPossible && check.Obstacles.All(obstacle => obstacle.Length > 0), "A move to a node that is not there has no obstacle.");
        await c.RefusedAsync("Moving to a node that is not there", () => migration.MigrateAsync(made.Id, nowhere, new MigrationOptions { Live = false }, null, c.Token).WaitForCompletionAsync(c.Token)).ConfigureAwait(false);
        c.RequireEqual(made.Node, (await c.GetAsync(made.Id).ConfigureAwait(false)).Node, "The node after a move that was refused");
    }

    private static async Task Keyboard(CheckContext c)
    {
        var keyboard = c.Backend.Get<IKeyboard>();
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        await keyboard.PressAsync(running.Id, ["ret"], c.Token).ConfigureAwait(false);
        await c.RefusedAsync("Pressing a key that there is not", () => keyboard.PressAsync(running.Id, ["ctrl", "no-such-key"], c.Token), ErrorCode.InvalidArgument).ConfigureAwait(false);
        await c.RefusedAsync("Pressing no key", () => keyboard.PressAsync(running.Id, [], c.Token), ErrorCode.InvalidArgument).ConfigureAwait(false);
        var stopped = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("Pressing a key of a stopped instance", () => keyboard.PressAsync(stopped.Id, ["ret"], c.Token), ErrorCode.InvalidState).ConfigureAwait(false);
    }

    private static async Task OnlyMachinesHave(CheckContext c)
    {
        var console = c.Backend.Get<IGraphicsConsole>();
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        var calls = new List<(string What, Func<Task> Call)>
        {
            ("Opening the screen of a container", () => console.OpenAsync(running.Id, c.Token)),
            ("Capturing the screen of a container", () => console.CaptureAsync(running.Id, c.Token)),
        };
        if (c.Backend.TryGet<IKeyboard>(out var keyboard))
            calls.Add(("Pressing a key of a container", () => keyboard.PressAsync(running.Id, ["ret"], c.Token)));
        foreach (var (what, call) in calls)
        {
            var error = await c.RefusedAsync(what, call, ErrorCode.Unsupported).ConfigureAwait(false);
            c.Require(error.Message.Contains("container", StringComparison.OrdinalIgnoreCase), $"{what} is refused, and not because it is a container: {error.Message}");
        }
    }

    private static async Task CommandsOfStopped(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("Running a command in a stopped instance", () => c.Backend.Get<ICommands>().RunAsync(made.Id, new CommandSpec { Command = ["true"] }, default, c.Token), ErrorCode.InvalidState, ErrorCode.Unavailable).ConfigureAwait(false);
        if (c.Backend.TryGet<IGuestAgent>(out var agent))
            await c.RefusedAsync("Asking the agent of a stopped instance", () => agent.GetInfoAsync(made.Id, c.Token), ErrorCode.InvalidState, ErrorCode.Unavailable).ConfigureAwait(false);
    }
}
