namespace Hypervisor.Sdk.Conformance;

/// <summary>ERR: codes, outcomes and what is refused. DISK: what becomes of disks. PAR: many at once. RECO: a lost connection.</summary>
internal static class ErrorChecks
{
    private const int ManyAtOnce = 8;

    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "ERR-01", Sentence = "A refusal names what it is about, and says that it is transient only where the reason passes.", Needs = [CheckNeed.Compute], Body = RefusalsNameTheThing },
        new() { Id = "ERR-02", Sentence = "A size that cannot be is refused (invalid-argument) with the field that is to blame, and nothing is made.", Needs = [CheckNeed.Compute], Body = BadSizeIsRefused },
        new() { Id = "ERR-03", Sentence = "A null spec is misuse.", Needs = [CheckNeed.Compute], Body = NullIsMisuse },
        new() { Id = "ERR-04", Sentence = "An extension of the driver's own kind that it does not know is refused; one of another kind is ignored.", Needs = [CheckNeed.Compute], Body = Extensions },
        new() { Id = "ERR-05", Sentence = "A create that was refused leaves nothing behind: its name is free.", Needs = [CheckNeed.Compute], Body = RefusedCreateLeavesNothing },
        new() { Id = "DISK-01", Sentence = "A disk that was made with an instance says that it goes with it.", Needs = [CheckNeed.Compute], Body = MadeDisksGo },
        new() { Id = "DISK-02", Sentence = "A disk that the create did not make is kept when the instance is deleted.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.AttachDisks)], Body = AttachedDisksStay },
        new() { Id = "DISK-03", Sentence = "Deleting the content of a disk with the instance is refused where the create does not make it.", Needs = [CheckNeed.Compute, CheckNeed.Machines, CheckNeed.From(ConformanceAbility.AttachDisks)], Body = DisposalOfAttachedIsRefused },
        new() { Id = "PAR-01", Sentence = "Many instances are created at once, each with an id of its own.", Needs = [CheckNeed.Compute], Body = ManyCreates },
        new() { Id = "PAR-02", Sentence = "Of many creates of one name at once, one succeeds; the others are refused (already-exists).", Needs = [CheckNeed.Compute, CheckNeed.Can(Capability.UniqueNames)], Body = OneNameAtOnce },
        new() { Id = "PAR-03", Sentence = "One request id sent many times at once makes one instance.", Needs = [CheckNeed.Compute], Body = OneRequestAtOnce },
        new() { Id = "PAR-04", Sentence = "Whatever is called at once for one instance, each call succeeds or is refused for the state or a lock, and the instance ends in a state that its last word agrees with.", Needs = [CheckNeed.Compute], Body = HammerOne },
        new() { Id = "RECO-01", Sentence = "A client whose connection was ended connects again by itself, and says so.", Needs = [CheckNeed.From(ConformanceAbility.LoseReplies)], Body = ConnectsAgain },
        new() { Id = "RECO-02", Sentence = "A restart whose reply was lost is not repeated by the driver: the instance is started once, the outcome is unknown, and the error is not transient.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.LoseReplies)], Body = NothingIsRepeated },
        new() { Id = "RECO-03", Sentence = "A lost connection is a gap in a watch, and not its end.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.LoseReplies)], Body = LostConnectionIsAGap },
    ];

    private static async Task RefusalsNameTheThing(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        var missing = InstanceId.Parse("no-such-instance");
        var notFound = await c.RefusedAsync("Starting what is not there", () => c.StartAsync(missing), ErrorCode.NotFound).ConfigureAwait(false);
        var invalid = await c.RefusedAsync("Deleting what runs", () => c.DeleteAsync(running.Id), ErrorCode.InvalidState).ConfigureAwait(false);
        foreach (var (error, id, name) in new[] { (notFound, missing.ToString(), ""), (invalid, running.Id.ToString(), running.Name) })
        {
            string text = error.Message + " " + error.Resource;
            c.Require(text.Contains(id, StringComparison.Ordinal) || (name.Length > 0 && text.Contains(name, StringComparison.Ordinal)), $"A refusal ({error.Code}) names neither the id nor the name of what it is about: {error.Message}");
            c.Require(!error.IsTransient, $"A refusal for '{error.Code}' says that it is transient: repeating it would not help.");
            c.Require(error.Backend is null || error.Backend == c.Backend.Name, $"A refusal says that it is of the backend '{error.Backend}', which is called '{c.Backend.Name}'.");
        }
    }

    private static async Task BadSizeIsRefused(CheckContext c)
    {
        var size = c.NewSpec();
        switch (size)
        {
            case VirtualMachineSpec machine:
                machine.Sizing = new Sizing.Explicit(0, ByteSize.FromMiB(64));
                break;
            case ContainerSpec container:
                container.CpuLimit = -1;
                break;
        }

        var error = await c.RefusedAsync("Creating an instance with no CPU", () => c.BeginCreateAsync(size).WaitForCompletionAsync(c.Token), ErrorCode.InvalidArgument).ConfigureAwait(false);
        c.Require(error.FieldErrors is { Count: > 0 }, $"The refusal of a size that cannot be names no field in FieldErrors: {error.Message}");
        c.RequireEqual(0, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after a create was refused");
    }

    private static async Task NullIsMisuse(CheckContext c)
    {
        await c.MisusedAsync("Creating from no spec", () => c.NewSpec() is ContainerSpec ? c.Backend.Get<IContainerRuntime>().CreateAsync(null!, null, c.Token) : c.Backend.Get<IHypervisor>().CreateAsync(null!, null, c.Token)).ConfigureAwait(false);
        var made = await c.CreateAsync().ConfigureAwait(false);
        await c.MisusedAsync("Planning no change", () => c.Compute.PlanAsync(made.Id, null!, c.Token)).ConfigureAwait(false);
    }

    private static async Task Extensions(CheckContext c)
    {
        await c.CreateAsync(spec => spec.Extensions.Set(new UnknownExtension("another-kind-of-backend"))).ConfigureAwait(false);
        await c.RefusedAsync("Creating with an extension of the driver's own kind that it does not know", () => c.CreateAsync(spec => spec.Extensions.Set(new UnknownExtension(c.Backend.Info.Kind))), ErrorCode.Unsupported, ErrorCode.InvalidArgument).ConfigureAwait(false);
    }

    private static async Task RefusedCreateLeavesNothing(CheckContext c)
    {
        var name = c.NewName();
        await c.RefusedAsync("Creating with an extension of the driver's own kind that it does not know, or a label of ours,", () => c.CreateAsync(spec =>
        {
            spec.Name = name;
            spec.Labels["hvsdk.mine"] = "no";
        })).ConfigureAwait(false);
        c.RequireEqual(0, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after a create was refused");
        c.RequireEqual(name.ToString(), (await c.CreateAsync(spec => spec.Name = name).ConfigureAwait(false)).Name, "The name of an instance that is created after a refusal of the same name");
    }

    private static async Task MadeDisksGo(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        if (made.Disks.Count == 0)
            c.Skip("The target's smallest instance has no disk.");
        foreach (var disk in made.Disks)
            c.RequireEqual(DiskDisposal.DeletedWithInstance, disk.Disposal, $"The disposal of the disk '{disk.Id}', which the create made,");
    }

    private static async Task<VolumeAttachment> AttachmentAsync(CheckContext c) => await c.Target.MakeAttachmentAsync(c.Token).ConfigureAwait(false) ?? throw new CheckSkippedException("The target made nothing to attach.");

    private static async Task AttachedDisksStay(CheckContext c)
    {
        var attachment = await AttachmentAsync(c).ConfigureAwait(false);
        var made = await c.CreateAsync(spec =>
        {
            if (spec is ContainerSpec container)
                container.Mounts.Add(new MountSpec { Target = "/attached", Source = new DiskContent.Attached(attachment) });
            else
                ((VirtualMachineSpec)spec).Disks.Add(new DiskSpec { Content = new DiskContent.Attached(attachment) });
        }).ConfigureAwait(false);
        c.RequireEqual(DiskDisposal.Kept, made.Disks[^1].Disposal, "The disposal of a disk that the create did not make");
        await c.DeleteAsync(made.Id).ConfigureAwait(false);
        c.Require(await c.Target.AttachmentExistsAsync(attachment, c.Token).ConfigureAwait(false), "A disk that the create did not make is gone after the instance was deleted.");
    }

    private static async Task DisposalOfAttachedIsRefused(CheckContext c)
    {
        var attachment = await AttachmentAsync(c).ConfigureAwait(false);
        await c.RefusedAsync("Deleting with the instance what the create does not make", () => c.CreateAsync(spec => ((VirtualMachineSpec)spec).Disks.Add(new DiskSpec { Content = new DiskContent.Attached(attachment), Disposal = DiskDisposal.DeletedWithInstance })), ErrorCode.InvalidArgument, ErrorCode.Unsupported)
            .ConfigureAwait(false);
        c.Require(await c.Target.AttachmentExistsAsync(attachment, c.Token).ConfigureAwait(false), "A disk that the create did not make is gone after the create was refused.");
    }

    private static async Task ManyCreates(CheckContext c)
    {
        var specs = Enumerable.Range(0, ManyAtOnce).Select(_ => c.NewSpec()).ToList();
        var made = await Task.WhenAll(specs.Select(spec => c.BeginCreateAsync(spec).WaitForCompletionAsync(c.Token))).ConfigureAwait(false);
        c.RequireEqual(ManyAtOnce, made.Select(instance => instance.Id).Distinct().Count(), "The number of ids of instances that were created at once");
        c.RequireEqual(ManyAtOnce, made.Select(instance => instance.Incarnation).Distinct().Count(), "The number of incarnations of instances that were created at once");
        c.RequireEqual(ManyAtOnce, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances that are listed");
    }

    private static async Task OneNameAtOnce(CheckContext c)
    {
        var name = c.NewName();
        var specs = Enumerable.Range(0, ManyAtOnce).Select(_ => c.NewSpec(spec => spec.Name = name)).ToList();
        var codes = await Task.WhenAll(specs.Select(spec => CodeOfAsync(() => c.BeginCreateAsync(spec).WaitForCompletionAsync(c.Token)))).ConfigureAwait(false);
        c.RequireEqual(1, codes.Count(code => code is null), "The number of creates of one name that succeeded at once");
        c.Require(codes.All(code => code is null || code == ErrorCode.AlreadyExists), $"Creates of a name that is taken were refused with {CheckContext.Print(codes.Where(code => code is not null).Select(code => code.ToString()!))}; it must be already-exists.");
        c.RequireEqual(1, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances of the name");
    }

    private static async Task<ErrorCode?> CodeOfAsync(Func<Task> call)
    {
        try
        {
            await call().ConfigureAwait(false);
            return null;
        }
        catch (HypervisorException error)
        {
            return error.Code;
        }
    }

    private static async Task OneRequestAtOnce(CheckContext c)
    {
        var request = new RequestOptions { RequestId = RequestId.New() };
        var spec = c.NewSpec();
        var ids = await Task.WhenAll(Enumerable.Range(0, ManyAtOnce).Select(async _ =>
        {
            try
            {
                return (await c.BeginCreateAsync(spec, request).WaitForCompletionAsync(c.Token).ConfigureAwait(false)).Id.ToString();
            }
            catch (HypervisorException error) when (error.IsTransient)
            {
                // A driver may say that the request is under way, as long as asking again is safe.
                return null;
            }
        })).ConfigureAwait(false);
        c.RequireEqual(1, ids.OfType<string>().Distinct().Count(), "The number of instances that one request id returned at once");
        c.RequireEqual(1, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances that one request id made at once");
    }

    private static async Task HammerOne(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        ErrorCode[] allowed = [ErrorCode.InvalidState, ErrorCode.Locked, ErrorCode.Conflict];
        var codes = await Task.WhenAll(Enumerable.Range(0, ManyAtOnce).Select(i => CodeOfAsync(async () =>
        {
            switch (i % 4)
            {
                case 0:
                    await c.StartAsync(made.Id).ConfigureAwait(false);
                    break;
                case 1:
                    await c.StopAsync(made.Id).ConfigureAwait(false);
                    break;
                case 2:
                    await c.ChangeAsync(made.Id, change => change.Labels["turn"] = "x").ConfigureAwait(false);
                    break;
                default:
                    await c.ListOwnAsync().ConfigureAwait(false);
                    break;
            }
        }))).ConfigureAwait(false);
        c.Require(codes.All(code => code is not { } known || allowed.Contains(known)), $"Calls at once for one instance failed with {CheckContext.Print(codes.Where(code => code is not null).Select(code => code.ToString()!))}; only {CheckContext.Print(allowed.Select(code => code.ToString()))} are refusals for the state or a lock.");
        var state = (await c.GetAsync(made.Id).ConfigureAwait(false)).State;
        c.Require(state == PowerState.Running || state == PowerState.Stopped, $"After starts and stops at once the instance is {state}.");
        await c.StopAsync(made.Id).ConfigureAwait(false);
        await c.RequireStateAsync(made.Id, PowerState.Stopped, "after a last stop").ConfigureAwait(false);
    }

    private static async Task ConnectsAgain(CheckContext c)
    {
        var client = await c.ConnectDisturbedAsync().ConfigureAwait(false);
        await client.CheckHealthAsync(c.Token).ConfigureAwait(false);
        var states = System.Threading.Channels.Channel.CreateBounded<BackendConnectionState>(64);
        client.ConnectionChanged += (_, changed) => states.Writer.TryWrite(changed.To);
        await c.Target.Connection!.BreakAsync(c.Token).ConfigureAwait(false);
        await c.EventuallyAsync("The backend being healthy after its connection was ended", () => client.CheckHealthAsync(c.Token), health => health.IsHealthy).ConfigureAwait(false);
        var first = await states.Reader.ReadAsync(c.Token).ConfigureAwait(false);
        c.Require(first is BackendConnectionState.Disconnected or BackendConnectionState.Connecting, $"The first state after the connection was ended is {first}.");
        var last = first;
        while (last != BackendConnectionState.Connected)
            last = await states.Reader.ReadAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(BackendConnectionState.Connected, client.ConnectionState, "The state of a client that connected again");
    }

    private static async Task NothingIsRepeated(CheckContext c)
    {
        var client = await c.ConnectDisturbedAsync().ConfigureAwait(false);
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        var subscription = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            c.Target.Connection!.LoseNextReply(LostReply.AfterEffect);
            // Without a request id of ours: under one, repeating would be harmless and not be seen.
            var error = await c.FailsAsync("A restart during which the connection ends", () => c.ComputeOf(client).RestartAsync(running.Id, CheckContext.AtOnce, null, c.Token).WaitForCompletionAsync(c.Token)).ConfigureAwait(false);
            c.RequireEqual(RequestOutcome.Unknown, error.Outcome, "The outcome of a call whose connection ended after it was sent");
            c.Require(!error.IsTransient, "A call whose outcome is unknown says that it is transient: repeating it is not safe.");
            await c.EventuallyAsync("The instance running after the restart", () => c.GetAsync(running.Id), instance => instance.State == PowerState.Running).ConfigureAwait(false);
            // The restart may still have the instance to itself, or not have begun: whoever stops it waits for the lock.
            await c.UnlockedAsync("Stopping the instance after the restart", () => c.StopAsync(running.Id)).ConfigureAwait(false);
            await c.UnlockedAsync("Deleting the instance after the restart", () => c.DeleteAsync(running.Id, stopFirst: true)).ConfigureAwait(false);
            var seen = await EventChecks.UntilAsync(c, subscription, "the deletion", next => next is InstanceDeleted deleted && deleted.Id == running.Id).ConfigureAwait(false);
            c.RequireEqual(1, seen.OfType<InstanceStateChanged>().Count(changed => changed.Id == running.Id && changed.To == PowerState.Running), "How often a restart whose reply was lost started the instance");
        }
    }

    private static async Task LostConnectionIsAGap(CheckContext c)
    {
        var client = await c.ConnectDisturbedAsync().ConfigureAwait(false);
        var made = await c.CreateAsync().ConfigureAwait(false);
        var subscription = await c.ComputeOf(client).WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            await c.Target.Connection!.BreakAsync(c.Token).ConfigureAwait(false);
            await c.EventuallyAsync("The backend being healthy after its connection was ended", () => client.CheckHealthAsync(c.Token), health => health.IsHealthy).ConfigureAwait(false);
            await c.DeleteAsync(made.Id).ConfigureAwait(false);
            var seen = await EventChecks.UntilAsync(c, subscription, "the deletion after the gap that a lost connection is", next => next is InstanceDeleted deleted && deleted.Id == made.Id).ConfigureAwait(false);
            c.Require(seen.Exists(next => next is EventGap), "A watch goes on after its connection was lost and tells no gap.");
        }
    }

    private sealed record UnknownExtension(string BackendKind) : ISpecExtension;
}
