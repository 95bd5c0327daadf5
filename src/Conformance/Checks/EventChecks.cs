namespace Hypervisor.Sdk.Conformance;

/// <summary>EVT: what happens to instances, as it is told.</summary>
internal static class EventChecks
{
    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "EVT-01", Sentence = "Everything that happens after a watch was confirmed is in it: creation, states, deletion, in the order in which they happened to an instance.", Needs = [CheckNeed.Compute], Body = EverythingInOrder },
        new() { Id = "EVT-02", Sentence = "A watch with a snapshot observes every instance once, then says that it is synchronized, then tells the changes.", Needs = [CheckNeed.Compute], Body = SnapshotThenChanges },
        new() { Id = "EVT-03", Sentence = "A change of the configuration is told, and the revision that it led to: by the event, or where that says none, by the instance as it is found when the event comes.", Needs = [CheckNeed.Compute], Body = ChangesAreTold },
        new() { Id = "EVT-04", Sentence = "When more events come than may wait, the oldest are dropped and a gap stands in their place; what follows is still told.", Needs = [CheckNeed.Compute], Body = OverflowIsLoud },
        new() { Id = "EVT-05", Sentence = "A watch that is resumed after an event goes on with the next, without loss and without repetition.", Needs = [CheckNeed.Compute], Body = Resume },
        new() { Id = "EVT-06", Sentence = "A watch after a position that is not kept is refused (not-found).", Needs = [CheckNeed.Compute], Body = UnknownPositionIsRefused },
        new() { Id = "EVT-07", Sentence = "A subscription has one reader: a second is refused, and disposing it twice ends it once.", Needs = [CheckNeed.Compute], Body = OneReader },
        new() { Id = "EVT-08", Sentence = "A watch in which no event may wait is misuse.", Needs = [CheckNeed.Compute], Body = NoCapacityIsMisuse },
        new() { Id = "EVT-09", Sentence = "What another client does is told too.", Needs = [CheckNeed.Compute], Body = OthersAreTold },
        new() { Id = "EVT-10", Sentence = "A crash is told, with its reason.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.CrashGuests)], Body = CrashIsTold },
        new() { Id = "EVT-11", Sentence = "A state that is told to have been before is the one that was told last.", Needs = [CheckNeed.Compute], Body = StatesChain },
    ];

    /// <summary>Reads until an event is there; what came before it is returned with it.</summary>
    public static async Task<List<BackendEvent>> UntilAsync(CheckContext c, Subscription subscription, string what, Func<BackendEvent, bool> isIt)
    {
        var seen = new List<BackendEvent>();
        try
        {
            await foreach (var next in subscription.WithCancellation(c.Token).ConfigureAwait(false))
            {
                seen.Add(next);
                if (isIt(next))
                    return seen;
            }
        }
        catch (OperationCanceledException) when (c.Token.IsCancellationRequested)
        {
            throw new CheckFailedException($"The watch never told {what}; it told {CheckContext.Print(seen.Select(Describe))}.");
        }

        throw new CheckFailedException($"The watch ended and never told {what}; it told {CheckContext.Print(seen.Select(Describe))}.");
    }

    /// <summary>The states of an instance that a watch tells, up to one.</summary>
    public static async Task<IReadOnlyList<PowerState>> StatesAsync(CheckContext c, Subscription subscription, InstanceId id, PowerState last)
    {
        var seen = await UntilAsync(c, subscription, $"that '{id}' is {last}", next => next is InstanceStateChanged changed && changed.Id == id && changed.To == last).ConfigureAwait(false);
        return [.. seen.OfType<InstanceStateChanged>().Where(changed => changed.Id == id).Select(changed => changed.To)];
    }

    private static string Describe(BackendEvent next) => next switch
    {
        InstanceCreated created => $"created {created.Id}",
        InstanceDeleted deleted => $"deleted {deleted.Id}",
        InstanceStateChanged changed => $"{changed.Id} {changed.From}->{changed.To}",
        InstanceChanged changed => $"changed {changed.Id}",
        InstanceObserved observed => $"observed {observed.Instance.Id}",
        EventGap gap => $"gap ({gap.Reason})",
        _ => next.GetType().Name,
    };

    private static InstanceId? IdOf(BackendEvent next) => next switch
    {
        InstanceCreated created => created.Id,
        InstanceDeleted deleted => deleted.Id,
        InstanceStateChanged changed => changed.Id,
        InstanceChanged changed => changed.Id,
        InstanceObserved observed => observed.Instance.Id,
        _ => null,
    };

    private static async Task EverythingInOrder(CheckContext c)
    {
        var subscription = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            var made = await c.CreateAsync().ConfigureAwait(false);
            await c.StartAsync(made.Id).ConfigureAwait(false);
            await c.StopAsync(made.Id).ConfigureAwait(false);
            await c.DeleteAsync(made.Id).ConfigureAwait(false);
            var seen = await UntilAsync(c, subscription, "the deletion", next => next is InstanceDeleted deleted && deleted.Id == made.Id).ConfigureAwait(false);
            var own = seen.Where(next => IdOf(next) == made.Id).ToList();
            var told = own.Select(Told).OfType<string>().ToList();
            c.RequireEqual("created, running, stopped, deleted", string.Join(", ", told), "What a watch told of an instance that was created, started, stopped and deleted");
            c.Require(own.TrueForAll(next => !next.Position.IsDefault), "An event has no position.");
        }
    }

    private static async Task SnapshotThenChanges(CheckContext c)
    {
        var first = await c.CreateAsync().ConfigureAwait(false);
        var second = await c.CreateAsync().ConfigureAwait(false);
        var subscription = await c.Compute.WatchAsync(new WatchOptions { IncludeSnapshot = true }, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            await c.StartAsync(second.Id).ConfigureAwait(false);
            var seen = await UntilAsync(c, subscription, "the start after the snapshot", next => next is InstanceStateChanged changed && changed.Id == second.Id && changed.To == PowerState.Running).ConfigureAwait(false);
            int synchronized = seen.FindIndex(next => next is Synchronized);
            c.Require(synchronized >= 0, $"A watch with a snapshot never said that it is synchronized: {CheckContext.Print(seen.Select(Describe))}.");
            c.Require(!seen.Skip(synchronized + 1).Any(next => next is InstanceObserved or Synchronized), "Something is observed, or synchronized again, after Synchronized.");
            foreach (var id in new[] { first.Id, second.Id })
                c.RequireEqual(1, seen.Take(synchronized).Count(next => next is InstanceObserved observed && observed.Instance.Id == id), $"How often the snapshot observes '{id}'");
            c.Require(!seen.Take(synchronized).Any(next => next is InstanceStateChanged or InstanceCreated or InstanceDeleted), "A change is told before Synchronized.");
        }
    }

    private static async Task ChangesAreTold(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var subscription = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            var changed = await c.ChangeAsync(made.Id, change => change.Description = "told").ConfigureAwait(false);
            var seen = await UntilAsync(c, subscription, "the change of the description", next => next is InstanceChanged told && told.Id == made.Id).ConfigureAwait(false);
            var revision = ((InstanceChanged)seen[^1]).Revision ?? (await c.GetAsync(made.Id).ConfigureAwait(false)).Revision;
            c.RequireEqual(changed.Revision, revision, "The revision that a watch tells of a change");
        }
    }

    private static async Task OverflowIsLoud(CheckContext c)
    {
        const int Capacity = 4;
        var subscription = await c.Compute.WatchAsync(new WatchOptions { Capacity = Capacity }, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            var witness = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
            await using (((IAsyncDisposable)witness).ConfigureAwait(false))
            {
                var made = await c.CreateAsync().ConfigureAwait(false);
                for (int i = 0; i < 2 * Capacity; i++)
                    await c.ChangeAsync(made.Id, change => change.Labels["turn"] = i.ToString(System.Globalization.CultureInfo.InvariantCulture)).ConfigureAwait(false);
                await c.DeleteAsync(made.Id).ConfigureAwait(false);
                // What a patient reader has been told has been offered to the other one as well.
                await UntilAsync(c, witness, "the deletion", next => next is InstanceDeleted deleted && deleted.Id == made.Id).ConfigureAwait(false);
                var seen = await UntilAsync(c, subscription, "the deletion after an overflow", next => next is InstanceDeleted deleted && deleted.Id == made.Id).ConfigureAwait(false);
                c.Require(seen[0] is EventGap, $"More than {Capacity} events came and nobody read; the first that is told is '{Describe(seen[0])}' and not a gap.");
                c.Require(seen.Count <= Capacity + 1, $"{Capacity} events may wait, and {seen.Count - 1} did.");
                c.Require(!string.IsNullOrWhiteSpace(((EventGap)seen[0]).Reason), "A gap has no reason.");
            }
        }
    }

    private static async Task Resume(CheckContext c)
    {
        var first = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        List<BackendEvent> before;
        InstanceId id;
        await using (((IAsyncDisposable)first).ConfigureAwait(false))
        {
            id = (await c.CreateAsync().ConfigureAwait(false)).Id;
            before = await UntilAsync(c, first, "the creation", next => next is InstanceCreated created && created.Id == id).ConfigureAwait(false);
        }

        await c.StartAsync(id).ConfigureAwait(false);
        await c.StopAsync(id).ConfigureAwait(false);
        var after = await ResumedAsync(c, before[^1].Position, id, "created, so running, stopped, deleted", () => c.DeleteAsync(id)).ConfigureAwait(false);
        // From the middle too: what was told before it is not told again.
        var middle = after.OfType<InstanceStateChanged>().First(changed => changed.Id == id && changed.To == PowerState.Running);
        await ResumedAsync(c, middle.Position, id, "running, so stopped, deleted", null).ConfigureAwait(false);
    }

    /// <summary>Resumes a watch and requires that it tells each thing once, and nothing else.</summary>
    private static async Task<List<BackendEvent>> ResumedAsync(CheckContext c, EventPosition after, InstanceId id, string expected, Func<Task>? then)
    {
        var subscription = await c.Compute.WatchAsync(new WatchOptions { After = after }, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            if (then is not null)
                await then().ConfigureAwait(false);
            var seen = await UntilAsync(c, subscription, "the deletion", next => next is InstanceDeleted deleted && deleted.Id == id).ConfigureAwait(false);
            var told = seen.Where(next => IdOf(next) == id).Select(Told).OfType<string>();
            c.RequireEqual(expected[(expected.IndexOf(", so ", StringComparison.Ordinal) + 5)..], string.Join(", ", told), $"What is told by a watch that is resumed after '{expected[..expected.IndexOf(',', StringComparison.Ordinal)]}'");
            c.Require(seen.TrueForAll(next => next.Position != after), "A watch that was resumed after an event tells that event again.");
            c.RequireEqual(seen.Count, seen.Select(next => next.Position).Distinct().Count(), "The number of positions of the events of a watch that was resumed");
            return seen;
        }
    }

    /// <summary>What an event tells of the life of an instance; null of what may come or not.</summary>
    private static string? Told(BackendEvent next) => next switch
    {
        InstanceCreated => "created",
        InstanceDeleted => "deleted",
        InstanceStateChanged changed when changed.To == PowerState.Running || changed.To == PowerState.Stopped => changed.To.ToString(),
        _ => null,
    };

    private static Task<HypervisorException> UnknownPositionIsRefused(CheckContext c) =>
        c.RefusedAsync("A watch after a position that never was", () => c.Compute.WatchAsync(new WatchOptions { After = EventPosition.Parse("no-such-position") }, c.Token), ErrorCode.NotFound);

    private static async Task OneReader(CheckContext c)
    {
        var subscription = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        var reader = subscription.GetAsyncEnumerator(c.Token);
        await using (reader.ConfigureAwait(false))
        {
            bool isRefused = false;
            try
            {
                var second = subscription.GetAsyncEnumerator(c.Token);
                await second.DisposeAsync().ConfigureAwait(false);
            }
            catch (InvalidOperationException)
            {
                isRefused = true;
            }

            c.Require(isRefused, "A second reader of a subscription is not refused with an InvalidOperationException.");
            await subscription.DisposeAsync().ConfigureAwait(false);
            await subscription.DisposeAsync().ConfigureAwait(false);
            while (await reader.MoveNextAsync().ConfigureAwait(false))
            {
                // What was queued may still be read.
            }
        }
    }

    private static Task NoCapacityIsMisuse(CheckContext c) => c.MisusedAsync("A watch in which no event may wait", () => c.Compute.WatchAsync(new WatchOptions { Capacity = 0 }, c.Token));

    private static async Task OthersAreTold(CheckContext c)
    {
        var other = await c.ConnectAsync().ConfigureAwait(false);
        var made = await c.CreateAsync().ConfigureAwait(false);
        var subscription = await c.Compute.WatchAsync(new WatchOptions { IncludeSnapshot = true }, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            await c.ComputeOf(other).StartAsync(made.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
            await UntilAsync(c, subscription, "that another client started an instance", next => next is InstanceStateChanged changed && changed.Id == made.Id && changed.To == PowerState.Running).ConfigureAwait(false);
        }
    }

    private static async Task CrashIsTold(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        var subscription = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            await c.Target.Guests!.CrashAsync(running.Id, c.Token).ConfigureAwait(false);
            var seen = await UntilAsync(c, subscription, "the crash", next => next is InstanceStateChanged changed && changed.Id == running.Id && changed.To == PowerState.Crashed).ConfigureAwait(false);
            c.Require(!string.IsNullOrWhiteSpace(((InstanceStateChanged)seen[^1]).Reason), "The event of a crash has no reason.");
        }
    }

    private static async Task StatesChain(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var subscription = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            await c.StartAsync(made.Id).ConfigureAwait(false);
            await c.RestartAsync(made.Id).ConfigureAwait(false);
            await c.StopAsync(made.Id).ConfigureAwait(false);
            await c.DeleteAsync(made.Id).ConfigureAwait(false);
            var seen = await UntilAsync(c, subscription, "the deletion", next => next is InstanceDeleted deleted && deleted.Id == made.Id).ConfigureAwait(false);
            PowerState last = PowerState.Stopped;
            foreach (var changed in seen.OfType<InstanceStateChanged>().Where(changed => changed.Id == made.Id))
            {
                c.Require(changed.From is null || changed.From == last, $"An event says that '{made.Id}' went from {changed.From} to {changed.To}, after it was told to be {last}.");
                c.Require(changed.To != last, $"An event says that '{made.Id}' is {changed.To}, which was told before.");
                last = changed.To;
            }

            c.RequireEqual(PowerState.Stopped, last, "The last state that was told before the deletion");
        }
    }
}
