namespace Hypervisor.Sdk.Conformance;

/// <summary>SNAP: states to come back to. CLON: instances from instances. TMPL: templates.</summary>
internal static class SnapshotChecks
{
    private static readonly CheckNeed[] s_snapshots = [CheckNeed.Compute, CheckNeed.Of<ISnapshots>()];
    private static readonly CheckNeed[] s_clones = [CheckNeed.Compute, CheckNeed.Of<ICloning>()];
    private static readonly CheckNeed[] s_templates = [CheckNeed.Compute, CheckNeed.Of<ITemplates>()];

    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "SNAP-01", Sentence = "Snapshots form a tree: each has the one as its parent that was current when it was made, and is current then; parents are listed before their children.", Needs = s_snapshots, Body = Tree },
        new() { Id = "SNAP-02", Sentence = "Going back to a snapshot of a stopped instance leaves it stopped, with that snapshot current.", Needs = s_snapshots, Body = RevertStopped },
        new() { Id = "SNAP-03", Sentence = "The children of a deleted snapshot become children of its parent.", Needs = s_snapshots, Body = DeleteReparents },
        new() { Id = "SNAP-04", Sentence = "A snapshot of a name that is taken is refused (already-exists); one that is not there is neither gone back to nor deleted (not-found).", Needs = s_snapshots, Body = SnapshotNames },
        new() { Id = "SNAP-05", Sentence = "A snapshot repeated under its request id is made once.", Needs = s_snapshots, Body = SnapshotOnce },
        new() { Id = "SNAP-06", Sentence = "A snapshot with memory leaves what runs running, and brings it back running in one start.", Needs = [.. s_snapshots, CheckNeed.Can(Capability.MemorySnapshots)], Body = Memory },
        new() { Id = "CLON-01", Sentence = "A clone is stopped, has the configuration of its source, and an identity of its own: incarnation and hardware addresses.", Needs = s_clones, Body = CloneIsLikeItsSource },
        new() { Id = "CLON-02", Sentence = "A clone of a running instance is refused (invalid-state), and one of an instance that is not there (not-found).", Needs = s_clones, Body = CloneRefusals },
        new() { Id = "CLON-03", Sentence = "A clone repeated under its request id is made once.", Needs = s_clones, Body = CloneOnce },
        new() { Id = "CLON-04", Sentence = "What a linked clone lies upon is neither deleted nor started as long as the clone is there.", Needs = [.. s_clones, CheckNeed.Can(Capability.LinkedClones), CheckNeed.Of<ITemplates>()], Body = LinkedCloneKeepsItsSource },
        new() { Id = "CLON-05", Sentence = "A clone under a name that is taken is refused (already-exists), and no clone is there.", Needs = [.. s_clones, CheckNeed.Can(Capability.UniqueNames)], Body = CloneUnderTakenName },
        new() { Id = "TMPL-01", Sentence = "A template is listed as one and not started (invalid-state); turned back, it is an instance again.", Needs = s_templates, Body = TemplateThereAndBack },
        new() { Id = "TMPL-02", Sentence = "A running instance is not made a template (invalid-state).", Needs = s_templates, Body = RunningIsNoTemplate },
    ];

    private static async Task<List<Snapshot>> ListAsync(CheckContext c, InstanceId id)
    {
        var all = new List<Snapshot>();
        await foreach (var snapshot in c.Backend.Get<ISnapshots>().ListAsync(id, c.Token).ConfigureAwait(false))
            all.Add(snapshot);
        return all;
    }

    private static Task<Snapshot> TakeAsync(CheckContext c, InstanceId id, string name, bool memory = false, RequestOptions? request = null) =>
        c.Backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse(name), IncludeMemory = memory }, request, c.Token).WaitForCompletionAsync(c.Token);

    private static Task<Instance> RevertAsync(CheckContext c, InstanceId id, string name) => c.Backend.Get<ISnapshots>().RevertAsync(id, SnapshotName.Parse(name), null, c.Token).WaitForCompletionAsync(c.Token);

    private static Task DeleteAsync(CheckContext c, InstanceId id, string name) => c.Backend.Get<ISnapshots>().DeleteAsync(id, SnapshotName.Parse(name), null, c.Token).WaitForCompletionAsync(c.Token);

    private static string Describe(IEnumerable<Snapshot> snapshots) => string.Join(", ", snapshots.Select(snapshot => $"{snapshot.Parent ?? "."}/{snapshot.Name}{(snapshot.IsCurrent ? "*" : "")}"));

    private static async Task Tree(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        c.RequireEqual(0, (await ListAsync(c, made.Id).ConfigureAwait(false)).Count, "The number of snapshots of a new instance");
        await TakeAsync(c, made.Id, "a").ConfigureAwait(false);
        await TakeAsync(c, made.Id, "b").ConfigureAwait(false);
        c.RequireEqual("./a, a/b*", Describe(await ListAsync(c, made.Id).ConfigureAwait(false)), "The tree (parent/name, * is current) after taking a and b");
        await RevertAsync(c, made.Id, "a").ConfigureAwait(false);
        await TakeAsync(c, made.Id, "c").ConfigureAwait(false);
        var all = await ListAsync(c, made.Id).ConfigureAwait(false);
        c.RequireEqual("./a, a/b, a/c*", Describe([.. all.Where(snapshot => snapshot.Parent is null), .. all.Where(snapshot => snapshot.Parent is not null).OrderBy(snapshot => snapshot.Name, StringComparer.Ordinal)]), "The tree after going back to a and taking c");
        c.Require(all.FindIndex(snapshot => snapshot.Name == "a") == 0, "A snapshot is listed before its parent.");
    }

    private static async Task RevertStopped(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        await TakeAsync(c, made.Id, "a").ConfigureAwait(false);
        await TakeAsync(c, made.Id, "b").ConfigureAwait(false);
        var reverted = await RevertAsync(c, made.Id, "a").ConfigureAwait(false);
        c.RequireEqual(PowerState.Stopped, reverted.State, "The state after going back to a snapshot of a stopped instance");
        c.RequireEqual(made.Incarnation, reverted.Incarnation, "The incarnation after going back to a snapshot");
        c.RequireEqual("./a*, a/b", Describe(await ListAsync(c, made.Id).ConfigureAwait(false)), "The tree after going back to a");
    }

    private static async Task DeleteReparents(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        foreach (string name in new[] { "a", "b", "c" })
            await TakeAsync(c, made.Id, name).ConfigureAwait(false);
        await DeleteAsync(c, made.Id, "b").ConfigureAwait(false);
        c.RequireEqual("./a, a/c*", Describe(await ListAsync(c, made.Id).ConfigureAwait(false)), "The tree a, b, c after b was deleted");
        await DeleteAsync(c, made.Id, "a").ConfigureAwait(false);
        c.RequireEqual("./c*", Describe(await ListAsync(c, made.Id).ConfigureAwait(false)), "The tree after a was deleted too");
    }

    private static async Task SnapshotNames(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        await TakeAsync(c, made.Id, "a").ConfigureAwait(false);
        await c.RefusedAsync("A second snapshot of the same name", () => TakeAsync(c, made.Id, "a"), ErrorCode.AlreadyExists).ConfigureAwait(false);
        await c.RefusedAsync("Going back to a snapshot that is not there", () => RevertAsync(c, made.Id, "b"), ErrorCode.NotFound).ConfigureAwait(false);
        await c.RefusedAsync("Deleting a snapshot that is not there", () => DeleteAsync(c, made.Id, "b"), ErrorCode.NotFound).ConfigureAwait(false);
        await c.RefusedAsync("A snapshot of an instance that is not there", () => TakeAsync(c, InstanceId.Parse("no-such-instance"), "a"), ErrorCode.NotFound).ConfigureAwait(false);
        await c.MisusedAsync("A snapshot without a name", () => c.Backend.Get<ISnapshots>().RevertAsync(made.Id, default, null, c.Token)).ConfigureAwait(false);
        c.RequireEqual("./a*", Describe(await ListAsync(c, made.Id).ConfigureAwait(false)), "The tree after refusals");
    }

    private static async Task SnapshotOnce(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var request = new RequestOptions { RequestId = RequestId.New() };
        await TakeAsync(c, made.Id, "a", request: request).ConfigureAwait(false);
        c.RequireEqual("a", (await TakeAsync(c, made.Id, "a", request: request).ConfigureAwait(false)).Name, "The snapshot that a repeated request returned");
        c.RequireEqual(1, (await ListAsync(c, made.Id).ConfigureAwait(false)).Count, "The number of snapshots after a repeated request");
    }

    private static async Task Memory(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        var snapshot = await TakeAsync(c, running.Id, "warm", memory: true).ConfigureAwait(false);
        c.Require(snapshot.IncludesMemory, "A snapshot that was to include the memory does not say so.");
        await c.RequireStateAsync(running.Id, PowerState.Running, "after a snapshot with memory").ConfigureAwait(false);
        await CapabilityChecks.ReturnAsync(c, c.Backend.Get<ISnapshots>(), running.Id, SnapshotName.Parse("warm")).ConfigureAwait(false);
        await c.RequireStateAsync(running.Id, PowerState.Running, "after going back to a snapshot with memory").ConfigureAwait(false);
    }

    private static Task<Instance> CloneAsync(CheckContext c, InstanceId source, InstanceName name, CloneMode mode = CloneMode.Full, RequestOptions? request = null) =>
        c.Backend.Get<ICloning>().CloneAsync(source, new CloneSpec { Name = name, Mode = mode }, request, c.Token).WaitForCompletionAsync(c.Token);

    private static async Task CloneIsLikeItsSource(CheckContext c)
    {
        var source = await c.CreateAsync(spec =>
        {
            spec.Labels["kept"] = "yes";
            spec.Description = "the source";
        }).ConfigureAwait(false);
        var name = c.NewName();
        var clone = await CloneAsync(c, source.Id, name).ConfigureAwait(false);
        c.RequireEqual(PowerState.Stopped, clone.State, "The state of a clone");
        c.RequireEqual(name.ToString(), clone.Name, "The name of a clone");
        c.Require(clone.Id != source.Id && clone.Incarnation != source.Incarnation, "A clone has the id or the incarnation of its source.");
        c.RequireEqual(source.Memory, clone.Memory, "The memory of a clone");
        c.RequireEqual(source.Description, clone.Description, "The description of a clone");
        c.RequireEqual("yes", clone.Labels.GetValueOrDefault("kept"), "A label of a clone");
        c.RequireEqual(source.Disks.Count, clone.Disks.Count, "The number of disks of a clone");
        c.Require(!clone.Networks.Select(network => network.Mac).Intersect(source.Networks.Select(network => network.Mac)).Any(), "A clone has a hardware address of its source.");
        await c.DeleteAsync(source.Id).ConfigureAwait(false);
        c.RequireEqual(PowerState.Running, (await c.StartAsync(clone.Id).ConfigureAwait(false)).State, "The state of a full clone that is started after its source was deleted");
    }

    private static async Task CloneRefusals(CheckContext c)
    {
        var source = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("A clone of an instance that is not there", () => CloneAsync(c, InstanceId.Parse("no-such-instance"), c.NewName()), ErrorCode.NotFound).ConfigureAwait(false);
        await c.StartAsync(source.Id).ConfigureAwait(false);
        await c.RefusedAsync("A clone of a running instance", () => CloneAsync(c, source.Id, c.NewName()), ErrorCode.InvalidState).ConfigureAwait(false);
        c.RequireEqual(1, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after clones were refused");
    }

    private static async Task CloneUnderTakenName(CheckContext c)
    {
        var source = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("A clone under the name of its source", () => CloneAsync(c, source.Id, InstanceName.Parse(source.Name)), ErrorCode.AlreadyExists).ConfigureAwait(false);
        c.RequireEqual(1, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after a clone was refused");
    }

    private static async Task CloneOnce(CheckContext c)
    {
        var source = await c.CreateAsync().ConfigureAwait(false);
        var request = new RequestOptions { RequestId = RequestId.New() };
        var name = c.NewName();
        var first = await CloneAsync(c, source.Id, name, request: request).ConfigureAwait(false);
        c.RequireEqual(first.Id, (await CloneAsync(c, source.Id, name, request: request).ConfigureAwait(false)).Id, "The instance that a repeated clone returned");
        c.RequireEqual(2, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after a repeated clone");
    }

    private static async Task LinkedCloneKeepsItsSource(CheckContext c)
    {
        var templates = c.Backend.Get<ITemplates>();
        var source = await c.CreateAsync().ConfigureAwait(false);
        await templates.ConvertToTemplateAsync(source.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        var clone = await CloneAsync(c, source.Id, c.NewName(), CloneMode.Linked).ConfigureAwait(false);
        c.Require(clone.ClonedFrom is null || clone.ClonedFrom == source.Id, $"A linked clone of '{source.Id}' says that it was cloned from '{clone.ClonedFrom}'.");
        c.Require(!clone.IsTemplate, "A clone of a template is a template.");
        await c.RefusedAsync("Deleting what a linked clone lies upon", () => c.DeleteAsync(source.Id), ErrorCode.InvalidState).ConfigureAwait(false);
        await c.RefusedAsync("Making an instance of the template that a linked clone lies upon", () => templates.ConvertToInstanceAsync(source.Id, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.InvalidState).ConfigureAwait(false);
        c.RequireEqual(PowerState.Running, (await c.StartAsync(clone.Id).ConfigureAwait(false)).State, "The state of a linked clone that is started");
        await c.DeleteAsync(clone.Id, stopFirst: true).ConfigureAwait(false);
        await c.DeleteAsync(source.Id).ConfigureAwait(false);
    }

    private static async Task TemplateThereAndBack(CheckContext c)
    {
        var templates = c.Backend.Get<ITemplates>();
        var made = await c.CreateAsync().ConfigureAwait(false);
        c.Require((await templates.ConvertToTemplateAsync(made.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false)).IsTemplate, "What was made a template does not say that it is one.");
        c.RequireEqual(1, (await c.ListOwnAsync(new InstanceFilter { IsTemplate = true }).ConfigureAwait(false)).Count, "The number of templates that are listed");
        c.RequireEqual(0, (await c.ListOwnAsync(new InstanceFilter { IsTemplate = false }).ConfigureAwait(false)).Count, "The number of others that are listed");
        await c.RefusedAsync("Starting a template", () => c.StartAsync(made.Id), ErrorCode.InvalidState).ConfigureAwait(false);
        c.Require(!(await templates.ConvertToInstanceAsync(made.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false)).IsTemplate, "What was turned back still says that it is a template.");
        c.RequireEqual(PowerState.Running, (await c.StartAsync(made.Id).ConfigureAwait(false)).State, "The state of what was a template and is started");
    }

    private static async Task RunningIsNoTemplate(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        await c.RefusedAsync("Making a running instance a template", () => c.Backend.Get<ITemplates>().ConvertToTemplateAsync(running.Id, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.InvalidState).ConfigureAwait(false);
        c.Require(!(await c.GetAsync(running.Id).ConfigureAwait(false)).IsTemplate, "A running instance is a template after that was refused.");
    }
}
