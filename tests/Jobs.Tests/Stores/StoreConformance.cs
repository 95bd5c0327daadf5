using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>What every store keeps: the same tests for each.</summary>
public abstract class StoreConformance
{
    private protected static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>True where two processes can have the store open.</summary>
    protected virtual bool IsShared => true;

    /// <summary>A new place for jobs; each call of what is returned opens it.</summary>
    protected abstract Task<Func<IJobStore>> PrepareAsync();

    [Fact(Timeout = 120_000)]
    public async Task Who_was_paused_beyond_his_lease_can_write_nothing()
    {
        await using var store = (await PrepareAsync())();
        var id = await EnqueueAsync(store, Job());
        var late = Start.AddMinutes(1);
        var paused = Assert.Single(await ClaimAsync(store, Start));
        Assert.Empty(await ClaimAsync(store, Start.AddSeconds(29)));
        Assert.Null(await store.RenewAsync(id, paused.FencingToken, late, late.AddSeconds(30)));

        var next = Assert.Single(await ClaimAsync(store, late));
        Assert.True(next.FencingToken > paused.FencingToken);
        Assert.False(await store.BeginStepAsync(id, paused.FencingToken, new StoredStep { Name = "s", Request = RequestId.New() }, late));
        Assert.False(await store.ReportAsync(id, paused.FencingToken, "half", 0.5));
        Assert.False(await store.LogAsync(id, paused.FencingToken, late, "line", 10));
        Assert.False(await store.EndAttemptAsync(End(paused, AttemptEnd.Completed, late)));
        Assert.True(await store.BeginStepAsync(id, next.FencingToken, new StoredStep { Name = "s", Request = RequestId.New() }, late));
        Assert.False(await store.EndStepAsync(id, paused.FencingToken, "s", "1", late));
        Assert.True(await store.EndAttemptAsync(End(next, AttemptEnd.Completed, late)));
        Assert.Equal(JobState.Completed, (await store.GetAsync(id, Token))!.State);
        Assert.False(await store.EndAttemptAsync(End(next, AttemptEnd.Completed, late)));
    }

    [Fact(Timeout = 120_000)]
    public async Task What_is_said_of_a_job_when_it_is_made_stays_until_its_handler_says_something()
    {
        await using var store = (await PrepareAsync())();
        var made = Job();
        var id = await EnqueueAsync(store, new NewJob { Id = made.Id, Type = made.Type, Args = made.Args, CreatedAt = Start, DueAt = Start, MaxAttempts = 1, Progress = "start: web1" });
        Assert.Null((await store.GetAsync(await EnqueueAsync(store, Job(due: Start.AddHours(1))), Token))!.Progress);
        Assert.Equal("start: web1", (await store.GetAsync(id, Token))!.Progress);
        var claimed = Assert.Single(await ClaimAsync(store, Start));
        Assert.Equal("start: web1", Assert.Single(await store.ListAsync(new JobQuery { State = JobState.InProgress }, 10, Token)).Progress);
        Assert.True(await store.ReportAsync(id, claimed.FencingToken, "start: web1, waits for its agent", 0.5));
        Assert.Equal("start: web1, waits for its agent", (await store.GetAsync(id, Token))!.Progress);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_list_of_each_state_has_those_that_are_in_it_newest_first()
    {
        await using var store = (await PrepareAsync())();
        var ids = new Dictionary<JobState, List<string>>();
        foreach (var state in Enum.GetValues<JobState>())
        {
            ids[state] = [];
            for (int i = 0; i < 3; i++)
            {
                // What is to be PENDING is left for later, so that nobody takes it.
                var id = await EnqueueAsync(store, Job(due: state == JobState.Pending ? Start.AddHours(1) : Start));
                ids[state].Add(id.ToString());
                if (state == JobState.Pending)
                    continue;
                if (state == JobState.Cancelled)
                {
                    Assert.Single(await store.CancelAsync(id, Start, Token));
                }
                else
                {
                    var claimed = Assert.Single(await ClaimAsync(store, Start));
                    if (state == JobState.Completed)
                        Assert.True(await store.EndAttemptAsync(End(claimed, AttemptEnd.Completed, Start)));
                    else if (state == JobState.Failed)
                        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = claimed.FencingToken, End = AttemptEnd.Failed, State = JobState.Failed, Now = Start, Reason = "no" }));
                }
            }
        }

        foreach (var (state, expected) in ids)
        {
            string[] newestFirst = [.. expected.OrderDescending(StringComparer.Ordinal)];
            Assert.Equal(newestFirst, (await store.ListAsync(new JobQuery { State = state }, 10, Token)).Select(job => job.Id.ToString()));
            Assert.Equal(newestFirst[1..], (await store.ListAsync(new JobQuery { State = state, Type = "build", Before = JobId.Parse(newestFirst[0]) }, 10, Token)).Select(job => job.Id.ToString()));
            Assert.Equal(newestFirst[..1], (await store.ListAsync(new JobQuery { State = state }, 1, Token)).Select(job => job.Id.ToString()));
            Assert.Empty(await store.ListAsync(new JobQuery { State = state, Type = "other" }, 10, Token));
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_job_that_has_something_to_undo_is_replaced_by_none()
    {
        var open = await PrepareAsync();
        await using var store = open();
        var id = await EnqueueAsync(store, Job(unique: "k"));
        var claimed = Assert.Single(await ClaimAsync(store, Start));
        Assert.True(await store.BeginStepAsync(id, claimed.FencingToken, new StoredStep { Name = "s", Request = RequestId.New(), HasCompensation = true }, Start));
        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = claimed.FencingToken, End = AttemptEnd.Retried, State = JobState.Pending, Now = Start, DueAt = Start.AddHours(1), Reason = "again" }));
        await RefusedAsync();

        // It is undone now, and waits to go on with that.
        Assert.Single(await store.CancelAsync(id, Start, Token));
        claimed = Assert.Single(await ClaimAsync(store, Start));
        Assert.Equal(JobState.Cancelled, claimed.CompensatesTo);
        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = claimed.FencingToken, End = AttemptEnd.Retried, State = JobState.Pending, Now = Start, DueAt = Start.AddHours(1), Reason = "again" }));
        await RefusedAsync();

        async Task RefusedAsync()
        {
            var refusal = await Assert.ThrowsAsync<HypervisorException>(() => store.EnqueueAsync([Job(unique: "k", uniqueness: JobUniqueness.Replace)], Token));
            Assert.Equal((ErrorCode.AlreadyExists, id.ToString()), (refusal.Code, refusal.Resource));
            Assert.Equal(JobState.Pending, (await store.GetAsync(id, Token))!.State);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Those_that_run_and_are_to_be_cancelled_are_found_by_one_question()
    {
        var open = await PrepareAsync();
        await using var store = open();
        for (int i = 0; i < 4; i++)
            await EnqueueAsync(store, Job());
        var running = await ClaimAsync(store, Start, limit: 3);
        var waits = (await store.ListAsync(new JobQuery { State = JobState.Pending }, 10, Token)).Single().Id;
        Assert.Empty(await AskAsync());
        foreach (var id in new[] { running[0].Id, running[2].Id, waits })
            await store.CancelAsync(id, Start, Token);
        Assert.Equal(new HashSet<JobId> { running[0].Id, running[2].Id }, await AskAsync());
        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = running[0].Id, FencingToken = running[0].FencingToken, End = AttemptEnd.Cancelled, State = JobState.Cancelled, Now = Start }));
        Assert.Equal([running[2].Id], await AskAsync());
        Assert.Empty(await store.ListCancelRequestsAsync([running[1].Id, JobId.New(TimeProvider.System)], Token));
        Assert.Empty(await store.ListCancelRequestsAsync([], Token));

        async Task<HashSet<JobId>> AskAsync() => [.. await store.ListCancelRequestsAsync([.. running.Select(job => job.Id), waits], Token)];
    }

    // By both ways: of jobs that are bound to nothing, and of those that are. Who has no place when he asks may have some when his turn comes.
    [Theory(Timeout = 120_000)]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    public async Task A_claim_goes_by_what_is_asked_when_its_turn_comes(bool isBound, int places)
    {
        var open = await PrepareAsync();
        await using var store = open();
        for (int i = 0; i < 4; i++)
            await EnqueueAsync(store, Job(lanes: isBound ? [new LaneClaim { Key = LaneKey.Parse($"instance:{i}"), Mode = LaneMode.Exclusive }] : []));
        var late = Start.AddMinutes(5);
        var claimed = await store.ClaimAsync(Ask(places, Start, () => Ask(3, late)), Token);
        Assert.Equal(3, claimed.Jobs.Count);

        // Leases of half a minute, from when the turn came.
        Assert.Single(await ClaimAsync(store, late.AddSeconds(29)));
        Assert.Equal(claimed.Jobs.Select(job => job.Id).ToHashSet(), (await ClaimAsync(store, late.AddSeconds(31))).Select(job => job.Id).ToHashSet());

        static ClaimRequest Ask(int places, DateTimeOffset now, Func<ClaimRequest>? then = null) =>
            new() { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = places, Now = now, LeaseUntil = now.AddSeconds(30), AtItsTurn = then };
    }

    [Fact(Timeout = 120_000)]
    public async Task Two_workers_never_get_the_same_job_and_leave_what_they_do_not_know()
    {
        var open = await PrepareAsync();
        await using var one = open();
        await using var other = IsShared ? open() : null;
        var two = other ?? one;
        for (int i = 0; i < 60; i++)
            await EnqueueAsync(one, Job(type: i % 3 == 0 ? "foreign" : "build"));
        var both = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => ClaimAsync(i % 2 == 0 ? one : two, Start, limit: 4)));
        var claimed = both.SelectMany(jobs => jobs).ToList();
        Assert.Equal(40, claimed.Count);
        Assert.Equal(40, claimed.Select(job => job.Id).Distinct().Count());
        Assert.Equal(40, claimed.Select(job => job.FencingToken).Distinct().Count());
        Assert.Equal(20, (await one.ListAsync(new JobQuery { State = JobState.Pending }, 100, Token)).Count);
    }

    [Fact(Timeout = 120_000)]
    public async Task Callers_who_write_together_get_places_of_their_own_that_only_grow_and_none_is_missed()
    {
        var open = await PrepareAsync();
        await using var one = open();
        await using var other = IsShared ? open() : null;
        var made = Task.WhenAll(Enumerable.Range(0, 16).Select(async i =>
        {
            var ids = new List<JobId>();
            for (int job = 0; job < 20; job++)
                ids.Add(await EnqueueAsync(i % 2 == 0 ? one : other ?? one, Job()));
            return ids;
        }));
        // Read while they write: who goes on after the last place that he saw misses nobody.
        var seen = new HashSet<JobId>();
        long after = 0;
        for (bool isLast = false; !isLast;)
        {
            isLast = made.IsCompleted;
            foreach (var job in await one.ListChangesAsync(after, 50, Token))
            {
                Assert.True(job.Position > after);
                after = job.Position;
                Assert.True(seen.Add(job.Id));
                isLast = false;
            }
        }

        Assert.Equal((await made).SelectMany(ids => ids).Order(IdOrder).ToList(), seen.Order(IdOrder).ToList());
        Assert.Equal(after, await one.GetPositionAsync(Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_priority_counts_as_minutes_of_waiting()
    {
        await using var store = (await PrepareAsync())();
        var old = await EnqueueAsync(store, Job(due: Start.AddMinutes(-10)));
        var urgent = await EnqueueAsync(store, Job(priority: 11));
        var mild = await EnqueueAsync(store, Job(priority: 9));
        Assert.Equal([urgent, old, mild], (await ClaimAsync(store, Start)).Select(job => job.Id));
    }

    [Fact(Timeout = 120_000)]
    public async Task Nobody_overtakes_in_a_lane_even_behind_hundreds_who_wait()
    {
        await using var store = (await PrepareAsync())();
        var held = new LaneClaim { Key = LaneKey.Parse("instance:web1"), Mode = LaneMode.Exclusive };
        var first = await EnqueueAsync(store, Job(lanes: [held]));
        Assert.Equal(first, Assert.Single(await ClaimAsync(store, Start)).Id);
        await store.EnqueueAsync([.. Enumerable.Range(0, 600).Select(_ => Job(lanes: [held]))], Token);
        var free = await EnqueueAsync(store, Job(lanes: [new LaneClaim { Key = LaneKey.Parse("instance:web 2"), Mode = LaneMode.Shared, Weight = 2, Capacity = 4 }]));
        Assert.Equal(free, Assert.Single(await ClaimAsync(store, Start)).Id);
    }

    [Fact(Timeout = 120_000)]
    public async Task No_more_jobs_of_a_key_are_handed_out_within_a_period_than_its_rate_allows()
    {
        var open = await PrepareAsync();
        await using var one = open();
        await using var other = IsShared ? open() : null;
        var rate = new JobRate { Key = "api \ud83d\ude00", Limit = 2, Period = TimeSpan.FromSeconds(10) };
        var lane = new LaneClaim { Key = LaneKey.Parse("instance:web1"), Mode = LaneMode.Exclusive };
        await one.EnqueueAsync([.. Enumerable.Range(0, 5).Select(_ => Job(rate: rate))], Token);
        var held = await EnqueueAsync(one, Job(rate: rate, lanes: [lane]));
        var free = await EnqueueAsync(one, Job(lanes: [lane]));
        // Who waits for his rate does not close his lane.
        var first = await one.ClaimAsync(Request(Start), Token);
        Assert.Equal(3, first.Jobs.Count);
        Assert.Equal(free, first.Jobs[2].Id);
        Assert.Equal(Start.AddSeconds(10), first.NextAt);
        Assert.Equal((PendingKind.WaitsForRate, Start.AddSeconds(10)), (await one.GetPendingReasonAsync(held, Start.AddSeconds(4), Token)) is { } reason ? (reason.Kind, reason.Until!.Value) : default);
        Assert.Empty(await ClaimAsync(other ?? one, Start.AddMilliseconds(9_999)));
        await one.PurgeAsync(Start.AddMilliseconds(9_999), 10);
        Assert.Equal(2, (await ClaimAsync(other ?? one, Start.AddSeconds(10))).Count);
        Assert.Empty(await ClaimAsync(one, Start.AddSeconds(11)));

        static ClaimRequest Request(DateTimeOffset now) => new() { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = 10, Now = now, LeaseUntil = now.AddMinutes(30) };
    }

    [Fact(Timeout = 120_000)]
    public async Task Jobs_with_newer_arguments_are_left_and_counted()
    {
        await using var store = (await PrepareAsync())();
        var old = await EnqueueAsync(store, Job());
        var newer = await EnqueueAsync(store, Job(version: 2));
        await EnqueueAsync(store, Job(version: 2, due: Start.AddHours(1)));
        Assert.Equal([("build", 1, 1L), ("build", 2, 1L)], (await store.ListReadyAsync(Start, Token)).Select(ready => (ready.Type, ready.ArgsVersion, ready.Count)));
        Assert.Equal(old, Assert.Single(await ClaimAsync(store, Start)).Id);
        var claimed = await store.ClaimAsync(new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 2 }, Limit = 10, Now = Start, LeaseUntil = Start.AddSeconds(30) }, Token);
        Assert.Equal((newer, 2), (Assert.Single(claimed.Jobs).Id, claimed.Jobs[0].ArgsVersion));
        Assert.Equal(2, (await store.GetAsync(newer, Token))!.ArgsVersion);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_batch_that_is_refused_in_its_middle_leaves_nothing()
    {
        await using var store = (await PrepareAsync())();
        var there = await EnqueueAsync(store, Job(unique: "k"));
        var refusal = await Assert.ThrowsAsync<HypervisorException>(() => store.EnqueueAsync([Job(), Job(unique: "k", uniqueness: JobUniqueness.Reject), Job()], Token));
        Assert.Equal((ErrorCode.AlreadyExists, there.ToString()), (refusal.Code, refusal.Resource));
        Assert.Equal(there, Assert.Single(await store.ListAsync(new JobQuery(), 10, Token)).Id);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_one_of_those_who_write_together_is_refused_the_others_do_not_feel()
    {
        await using var store = (await PrepareAsync())();
        await EnqueueAsync(store, Job(unique: "k"));
        var calls = Enumerable.Range(0, 40).Select(i => store.EnqueueAsync([Job(unique: i % 4 == 0 ? "k" : $"own{i}", uniqueness: JobUniqueness.Reject)], Token)).ToList();
        for (int i = 0; i < calls.Count; i++)
        {
            if (i % 4 == 0)
                Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => calls[i])).Code);
            else
                Assert.Single(await calls[i]);
        }

        Assert.Equal(31, (await store.ListAsync(new JobQuery(), 100, Token)).Count);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_schedule_is_fired_by_the_first_who_saw_its_time()
    {
        var open = await PrepareAsync();
        await using var one = open();
        await using var other = IsShared ? open() : null;
        await one.PutScheduleAsync(new StoredSchedule { Schedule = new JobSchedule { Name = "nightly", Cron = "@daily", NextAt = Start }, Type = "build", Args = "{}" }, Token);
        var fired = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => (i % 2 == 0 ? one : other ?? one).FireAsync("nightly", Start, Start.AddDays(1), [Job()])));
        Assert.Single(fired, wasFirst => wasFirst);
        Assert.Single(await one.ListAsync(new JobQuery(), 10, Token));
        Assert.Equal(Start.AddDays(1), Assert.Single(await one.ListSchedulesAsync(null, Token)).Schedule.NextAt);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_dead_letter_that_waited_waits_no_longer_for_what_has_ended_meanwhile()
    {
        await using var store = (await PrepareAsync())();
        var on = await EnqueueAsync(store, Job());
        var waiter = await EnqueueAsync(store, Job(after: [on], deadline: Start.AddSeconds(1)));
        Assert.Equal(on, Assert.Single(await ClaimAsync(store, Start.AddSeconds(2))).Id);
        Assert.Equal(JobState.Failed, (await store.GetAsync(waiter, Token))!.State);
        Assert.NotEmpty(await store.CancelAsync(on, Start.AddSeconds(3), Token));
        Assert.Empty(await ClaimAsync(store, Start.AddMinutes(1)));
        Assert.Equal(JobState.Cancelled, (await store.GetAsync(on, Token))!.State);
        Assert.True(await store.RetryAsync(waiter, Start.AddMinutes(1), Token));
        Assert.Equal(waiter, Assert.Single(await ClaimAsync(store, Start.AddMinutes(1))).Id);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_dead_letter_whose_deadline_passed_with_that_of_what_it_waited_for_runs_again()
    {
        await using var store = (await PrepareAsync())();
        var on = await EnqueueAsync(store, Job(deadline: Start.AddSeconds(1)));
        var waiter = await EnqueueAsync(store, Job(after: [on], deadline: Start.AddSeconds(1)));
        Assert.Empty(await ClaimAsync(store, Start.AddSeconds(2)));
        Assert.Equal(JobState.Failed, (await store.GetAsync(on, Token))!.State);
        Assert.True(await store.RetryAsync(waiter, Start.AddSeconds(3), Token));
        Assert.Equal(waiter, Assert.Single(await ClaimAsync(store, Start.AddSeconds(3))).Id);
    }

    // A clock that is behind that of who made the jobs: what was made without a delay is due, and of the other the answer says when to ask again, as nothing else will.
    [Fact(Timeout = 120_000)]
    public async Task A_job_of_a_moment_that_is_still_to_come_here_is_said_to_be_due_then()
    {
        await using var store = (await PrepareAsync())();
        await EnqueueAsync(store, Job(due: Start.AddSeconds(1)));
        var ready = await EnqueueAsync(store, Job());
        var claimed = await store.ClaimAsync(new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = 10, Now = Start.AddSeconds(-5), LeaseUntil = Start.AddSeconds(25) }, Token);
        Assert.Equal(ready, Assert.Single(claimed.Jobs).Id);
        Assert.Equal(Start.AddSeconds(1), claimed.NextAt);
    }

    // By a clock that was put back since it was made.
    [Fact(Timeout = 120_000)]
    public async Task What_is_tried_again_waits_its_time_though_that_is_before_it_was_made()
    {
        await using var store = (await PrepareAsync())();
        var id = await EnqueueAsync(store, Job());
        var back = Start.AddHours(-1);
        var taken = Assert.Single(await ClaimAsync(store, back));
        var due = back.AddMinutes(5);
        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = taken.FencingToken, End = AttemptEnd.Retried, State = JobState.Pending, Now = back, DueAt = due }));
        Assert.Empty(await ClaimAsync(store, due.AddMilliseconds(-1)));
        Assert.Equal((PendingKind.WaitsForRetry, due), await store.GetPendingReasonAsync(id, back, Token) is { } reason ? (reason.Kind, reason.Until!.Value) : default);
        Assert.Equal(id, Assert.Single(await ClaimAsync(store, due)).Id);
    }

    [Fact(Timeout = 120_000)]
    public async Task Whatever_a_handler_says_can_be_kept()
    {
        await using var store = (await PrepareAsync())();
        var id = await EnqueueAsync(store, Job());
        var claimed = Assert.Single(await ClaimAsync(store, Start));
        const string Odd = "nul \0, half \ud800, 'quote', \u202e, 😀";
        Assert.True(await store.ReportAsync(id, claimed.FencingToken, Odd, null));
        Assert.True(await store.LogAsync(id, claimed.FencingToken, Start, Odd, 10));
        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = claimed.FencingToken, End = AttemptEnd.Failed, Now = Start, Reason = Odd }));
        Assert.Contains("😀", (await store.GetAsync(id, Token))!.Error, StringComparison.Ordinal);
        Assert.Contains("😀", Assert.Single(await store.ListLogAsync(id, 0, 10, Token)).Text, StringComparison.Ordinal);
    }

    /// <summary>Generated calls give the same answers, and leave the same jobs, as in the model.</summary>
    [Theory(Timeout = 120_000)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Generated_calls_are_answered_as_the_model_answers_them(int seed)
    {
        await using var store = (await PrepareAsync())();
        // Where a store's tokens begin is its own.
        await using var model = new InMemoryJobStore(await FirstTokenAsync(store) - 1);
        await FirstTokenAsync(model);
        await new StoreModel(store, model, seed).RunAsync(calls: 250);
    }

    /// <summary>The same where calls and answers are lost, calls are made twice and the clock goes back.</summary>
    [Theory(Timeout = 300_000)]
    [InlineData(101)]
    [InlineData(102)]
    [InlineData(103)]
    [InlineData(104)]
    [InlineData(105)]
    [InlineData(106)]
    [InlineData(107)]
    [InlineData(108)]
    public async Task Generated_calls_with_faults_are_answered_as_the_model_answers_them(int seed)
    {
        await using var store = (await PrepareAsync())();
        await using var model = new InMemoryJobStore(await FirstTokenAsync(store) - 1);
        await FirstTokenAsync(model);
        await new StoreModel(store, model, seed, hasFaults: true).RunAsync(calls: 250);
    }

    private protected static IComparer<JobId> IdOrder { get; } = Comparer<JobId>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()));

    private protected static NewJob Job(string type = "build", int priority = 0, DateTimeOffset? due = null, IReadOnlyList<LaneClaim>? lanes = null, string? unique = null,
        JobUniqueness uniqueness = JobUniqueness.Ignore, IReadOnlyList<JobId>? after = null, DateTimeOffset? deadline = null, JobRate? rate = null, int version = 1) => new()
    {
        Id = JobId.New(TimeProvider.System), Type = type, Args = "{}", CreatedAt = Start, DueAt = due ?? Start, MaxAttempts = 100, Priority = priority, Lanes = lanes ?? [], UniqueKey = unique,
        Uniqueness = uniqueness, After = after ?? [], DeadlineAt = deadline, Rate = rate, ArgsVersion = version,
    };

    private protected static async Task<JobId> EnqueueAsync(IJobStore store, NewJob job) => Assert.Single(await store.EnqueueAsync([job], Token));

    private protected static async Task<IReadOnlyList<ClaimedJob>> ClaimAsync(IJobStore store, DateTimeOffset now, int limit = 10) =>
        (await store.ClaimAsync(new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = limit, Now = now, LeaseUntil = now.AddSeconds(30) }, Token)).Jobs;

    private static async Task<long> FirstTokenAsync(IJobStore store)
    {
        await EnqueueAsync(store, Job());
        var first = Assert.Single(await ClaimAsync(store, Start));
        Assert.True(await store.EndAttemptAsync(End(first, AttemptEnd.Completed, Start)));
        Assert.True(await store.DiscardAsync(first.Id, Token));
        return first.FencingToken;
    }

    private static EndedAttempt End(ClaimedJob job, AttemptEnd end, DateTimeOffset now) => new() { Id = job.Id, FencingToken = job.FencingToken, End = end, Now = now };
}
