using System.Globalization;
using System.Text.Json;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>Generates calls from a seed, sends each to a store and to the model, and compares the answers, then everything that can be read. A failure names the seed and the calls.</summary>
/// <param name="store">What is tested.</param>
/// <param name="model">What it is compared with.</param>
/// <param name="seed">Where all chance comes from.</param>
/// <param name="hasFaults">
/// Whether something goes wrong between the caller and the store: an answer is lost, of a claim too (whose jobs then wait for their leases to run out), or the call is, which is then made again or not; a call is made twice, as one
/// does who does not know; the clock goes back.
/// </param>
internal sealed class StoreModel(IJobStore store, IJobStore model, int seed, bool hasFaults = false)
{
    private static readonly string[] Types = ["build", "scan"];
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Random _random = new(seed);
    private readonly List<string> _calls = [];
    private readonly List<JobId> _ids = [];
    private readonly List<ClaimedJob> _claims = [];
    private DateTimeOffset _now = Start;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async Task RunAsync(int calls)
    {
        for (int i = 0; i < calls; i++)
        {
            await StepAsync();
            if (i % 25 == 24)
                await CompareAllAsync();
        }

        await CompareAllAsync();
    }

    private Task StepAsync() => _random.Next(22) switch
    {
        < 4 => EnqueueAsync(_random.Next(5) == 0 ? 3 : 1),
        < 8 => ClaimAsync(),
        8 => OnClaimAsync("renew", (one, job) => one.RenewAsync(job.Id, job.FencingToken, _now, _now.AddSeconds(30))),
        9 or 10 => BeginStepAsync(),
        11 => EndStepAsync(),
        12 => OnClaimAsync("report", (one, job) => one.ReportAsync(job.Id, job.FencingToken, $"at {_now:O}", 0.5)),
        13 => OnClaimAsync("log", (one, job) => one.LogAsync(job.Id, job.FencingToken, _now, $"line at {_now:O}", 3)),
        < 18 => EndAttemptAsync(),
        18 => OnJobAsync(),
        19 => OnAllAsync(),
        20 => ScheduleAsync(),
        _ => Advance(),
    };

    private Task Advance()
    {
        // Back by as much as the clocks of workers may differ.
        bool isBack = hasFaults && _random.Next(4) == 0;
        _now = _now.AddMilliseconds(isBack ? -_random.Next(10_000) : _random.Next(20_000));
        return Task.CompletedTask;
    }

    private async Task EnqueueAsync(int count)
    {
        var jobs = Enumerable.Range(0, count).Select(_ => NewJob()).ToList();
        _ids.AddRange(jobs.Select(job => job.Id));
        await BothAsync("enqueue " + JsonSerializer.Serialize(jobs.Select(job => new { Id = job.Id.ToString(), job.Type, job.UniqueKey, job.Uniqueness, After = job.After.Count })), one => one.EnqueueAsync(jobs, Token));
    }

    private NewJob NewJob()
    {
        bool isChild = _ids.Count > 0 && _random.Next(6) == 0;
        return new NewJob
        {
            Id = JobId.New(TimeProvider.System),
            Type = Types[_random.Next(2)],
            Args = "{}",
            ArgsVersion = _random.Next(6) == 0 ? 2 : 1,
            Rate = _random.Next(4) == 0 ? new JobRate { Key = $"rate{_random.Next(2)}", Limit = _random.Next(1, 3), Period = TimeSpan.FromSeconds(_random.Next(5, 40)) } : null,
            TraceParent = _random.Next(3) == 0 ? "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" : null,
            CreatedAt = _now,
            DueAt = _random.Next(4) == 0 ? _now.AddSeconds(_random.Next(60)) : _now,
            MaxAttempts = _random.Next(1, 4),
            MaxLostWorkers = _random.Next(1, 4),
            Retention = TimeSpan.FromSeconds(_random.Next(120)),
            Priority = _random.Next(-2, 3),
            Lanes = [.. new[] { "a", "b", "c" }.Where(_ => _random.Next(3) == 0).Select(Lane)],
            UniqueKey = _random.Next(4) == 0 ? $"key{_random.Next(3)}" : null,
            Uniqueness = (JobUniqueness)_random.Next(3),
            DeadlineAt = _random.Next(5) == 0 ? _now.AddSeconds(_random.Next(1, 90)) : null,
            After = [.. Enumerable.Range(0, _random.Next(4) == 0 ? _random.Next(1, 3) : 0).Where(_ => _ids.Count > 0).Select(_ => AnyId()).Distinct()],
            AfterRule = (JobAfterRule)_random.Next(2),
            Parent = isChild ? AnyId() : null,
            ChildName = isChild ? $"child{_random.Next(2)}" : null,
        };
    }

    private LaneClaim Lane(string key) => _random.Next(2) == 0
        ? new LaneClaim { Key = LaneKey.Parse(key), Mode = LaneMode.Exclusive }
        : new LaneClaim { Key = LaneKey.Parse(key), Mode = LaneMode.Shared, Weight = _random.Next(1, 3), Capacity = _random.Next(2) == 0 ? 3 : null };

    private JobId AnyId() => _ids[_random.Next(_ids.Count)];

    private async Task ClaimAsync()
    {
        var request = new ClaimRequest { Worker = $"w{_random.Next(2)}", Types = (_random.Next(4) == 0 ? ["build"] : Types).ToDictionary(type => type, _ => _random.Next(1, 3)), Limit = _random.Next(4), Now = _now, LeaseUntil = _now.AddSeconds(30) };
        if (IsLost("claim"))
            return;
        var claimed = await BothAsync($"claim {request.Limit}", one => one.ClaimAsync(request, Token));
        // Who took them does not know it.
        if (!IsLost("the answer of the claim"))
            _claims.AddRange(claimed.Jobs);
    }

    private async Task OnClaimAsync<T>(string what, Func<IJobStore, ClaimedJob, Task<T>> call)
    {
        if (_claims.Count == 0)
            return;
        // Mostly one of the last: the others have mostly lost their lease.
        var job = _random.Next(5) == 0 ? _claims[_random.Next(_claims.Count)] : _claims[^Math.Min(_claims.Count, _random.Next(1, 5))];
        if (IsLost(what))
            return;
        await BothAsync($"{what} {job.Id}", one => call(one, job));
        if (hasFaults && _random.Next(8) == 0)
            await BothAsync($"{what} {job.Id} again", one => call(one, job));
    }

    private bool IsLost(string what)
    {
        bool isLost = hasFaults && _random.Next(12) == 0;
        if (isLost)
            _calls.Add($"{what} is lost");
        return isLost;
    }

    private Task BeginStepAsync()
    {
        var step = new StoredStep { Name = $"step{_random.Next(2)}", Request = RequestId.New(), HasCompensation = _random.Next(4) == 0 };
        return OnClaimAsync("begin " + step.Name, (one, job) => one.BeginStepAsync(job.Id, job.FencingToken, step, _now));
    }

    private Task EndStepAsync()
    {
        string name = $"step{_random.Next(2)}";
        return OnClaimAsync("end " + name, (one, job) => one.EndStepAsync(job.Id, job.FencingToken, name, "1", _now));
    }

    private Task EndAttemptAsync()
    {
        var end = (AttemptEnd)_random.Next(8);
        if (end == AttemptEnd.LeaseLost)
            end = AttemptEnd.Completed;
        var named = new[] { JobState.Pending, JobState.Failed, JobState.Cancelled }[_random.Next(3)];
        var due = _now.AddSeconds(_random.Next(20));
        return OnClaimAsync($"{end}", (one, job) => one.EndAttemptAsync(new EndedAttempt
        {
            Id = job.Id,
            FencingToken = job.FencingToken,
            End = end,
            State = end == AttemptEnd.Abandoned ? named : end == AttemptEnd.Compensated ? job.CompensatesTo ?? JobState.Failed : JobState.InProgress,
            Now = _now,
            DueAt = due,
            Reason = end == AttemptEnd.Completed ? null : $"because {end}",
            Result = end == AttemptEnd.Completed ? "{\"done\":true}" : null,
        }));
    }

    private async Task OnJobAsync()
    {
        if (_ids.Count == 0)
            return;
        var id = AnyId();
        switch (_random.Next(4))
        {
            case 0:
                await BothAsync($"cancel {id}", async one => (await one.CancelAsync(id, _now, Token)).Select(asked => asked.ToString()).Order(StringComparer.Ordinal).ToList());
                await BothAsync("cancel requests", async one => (await one.ListCancelRequestsAsync(_ids, Token)).Select(asked => asked.ToString()).Order(StringComparer.Ordinal).ToList());
                break;
            case 1:
                await BothAsync($"discard {id}", one => one.DiscardAsync(id, Token));
                break;
            default:
                await BothAsync($"retry {id}", one => one.RetryAsync(id, _now, Token));
                break;
        }
    }

    private async Task OnAllAsync()
    {
        string? type = _random.Next(3) == 0 ? null : Types[_random.Next(2)];
        if (_random.Next(3) > 0)
            await BothAsync($"resume {type}", one => one.PauseAsync(type, false, _now, Token));
        else if (_random.Next(2) == 0)
            await BothAsync($"pause {type}", one => one.PauseAsync(type, true, _now, Token));
        else
            await BothAsync("purge", one => one.PurgeAsync(_now, 1000));
    }

    private async Task ScheduleAsync()
    {
        string name = $"schedule{_random.Next(2)}";
        var rate = _random.Next(2) == 0 ? null : new JobRate { Key = "api", Limit = _random.Next(1, 4), Period = TimeSpan.FromSeconds(_random.Next(1, 9)) };
        var schedule = new JobSchedule { Name = name, Cron = "@hourly", CatchUp = (CronCatchUp)_random.Next(3), Rate = rate, NextAt = _now.AddSeconds(_random.Next(-5, 60)) };
        var stored = new StoredSchedule { Schedule = schedule, Type = Types[_random.Next(2)], Args = "{}", ArgsVersion = _random.Next(1, 3) };
        int choice = _random.Next(4);
        if (choice == 0)
        {
            await BothAsync($"put {name}", one => one.PutScheduleAsync(stored, Token));
        }
        else if (choice == 1)
        {
            await BothAsync($"remove {name}", one => one.RemoveScheduleAsync(name, Token));
        }
        else if (await model.ListSchedulesAsync(null, Token) is [{ Schedule: { NextAt: { } next } found }, ..])
        {
            var job = NewJob();
            var fired = new NewJob { Id = job.Id, Type = job.Type, Args = "{}", CreatedAt = _now, DueAt = _now, MaxAttempts = 2, UniqueKey = job.UniqueKey, Rate = found.Rate };
            _ids.Add(job.Id);
            await BothAsync($"fire {found.Name}", one => one.FireAsync(found.Name, choice == 2 ? next : next.AddSeconds(1), next.AddHours(1), [fired]));
            if (hasFaults && _random.Next(2) == 0)
                await BothAsync($"fire {found.Name} again", one => one.FireAsync(found.Name, choice == 2 ? next : next.AddSeconds(1), next.AddHours(1), [fired]));
        }
    }

    private async Task CompareAllAsync()
    {
        var jobs = await BothAsync("list", one => one.ListAsync(new JobQuery(), 10_000, Token));
        await BothAsync("list failed", one => one.ListAsync(new JobQuery { State = JobState.Failed, Type = "build" }, 5, Token));
        await BothAsync("lanes", one => one.ListLanesAsync(Token));
        await BothAsync("paused", one => one.ListPausedAsync(Token));
        await BothAsync("running", one => one.CountRunningAsync("build", Token));
        await BothAsync("ready", one => one.ListReadyAsync(_now, Token));
        await BothAsync("schedules", one => one.ListSchedulesAsync(null, Token));
        foreach (var job in jobs)
        {
            await BothAsync($"attempts {job.Id}", one => one.ListAttemptsAsync(job.Id, Token));
            await BothAsync($"log {job.Id}", one => one.ListLogAsync(job.Id, 0, 10, Token));
            await BothAsync($"result {job.Id}", one => one.GetResultAsync(job.Id, Token));
            await BothAsync($"reason {job.Id}", one => one.GetPendingReasonAsync(job.Id, _now, Token));
        }

        // Places differ by how many were left out; that they grow, and are each one's own, does not.
        long last = 0;
        foreach (var job in await store.ListChangesAsync(0, 10_000, Token))
        {
            Assert.True(job.Position > last);
            last = job.Position;
        }

        Assert.True(await store.GetPositionAsync(Token) >= last);
    }

    private async Task<T> BothAsync<T>(string call, Func<IJobStore, Task<T>> send)
    {
        _calls.Add($"{(_now - Start).TotalSeconds.ToString(CultureInfo.InvariantCulture)} s: {call}");
        var (expected, wanted) = await SendAsync(model, send);
        var (_, actual) = await SendAsync(store, send);
        if (wanted != actual)
            Assert.Fail($"Seed {seed}: the model answers\n{wanted}\nand the store\n{actual}\nafter\n{string.Join('\n', _calls.TakeLast(60))}");
        return expected!;
    }

    private static async Task<(T? Result, string Text)> SendAsync<T>(IJobStore one, Func<IJobStore, Task<T>> send)
    {
        try
        {
            var result = await send(one);
            return (result, Text(result));
        }
        catch (HypervisorException exception)
        {
            return (default, $"{exception.Code} {exception.Outcome} {exception.Resource}");
        }
    }

    private static string Text(object? value) => value switch
    {
        null => "nothing",
        string text => text,
        JobInfo job => JsonSerializer.Serialize(new
        {
            Id = job.Id.ToString(), job.Type, job.ArgsVersion, job.State, job.Priority, job.Attempts, job.CreatedAt, job.DueAt, job.DeadlineAt, Parent = job.Parent?.ToString(), job.EndedAt, job.Worker, job.IsCompensating,
            job.IsCancelRequested, job.Error, job.Progress, job.ProgressFraction,
        }),
        ClaimedJobs claimed => $"next {claimed.NextAt:O} lost {claimed.LeasesLost}: {Text(claimed.Jobs)}",
        ClaimedJob job => $"{job.Id} {job.Type} {job.Args} {job.ArgsVersion} {job.DueAt:O} {job.TraceParent} {job.Attempt} {job.CountedAttempts} {job.MaxAttempts} {job.CompensatesTo} {job.DeadlineAt:O} {job.FencingToken} "
            + string.Join(',', job.Steps.OrderBy(step => step.Name, StringComparer.Ordinal).Select(step => $"{step.Name}={step.Request}{step.HasCompensation}{step.Result}")),
        JobAttempt attempt => $"{attempt.Number} {attempt.Worker} {attempt.FencingToken} {attempt.StartedAt:O} {attempt.EndedAt:O} {attempt.End} {attempt.Reason}",
        JobLogLine line => $"{line.Number} {line.Attempt} {line.At:O} {line.Text}",
        StoredResult result => $"{result.Type} {result.Json}",
        StoredSchedule stored => $"{stored.Schedule.Name} {stored.Schedule.CatchUp} {stored.Schedule.NextAt:O} {stored.Schedule.Rate?.Key} {stored.Schedule.Rate?.Limit} {stored.Schedule.Rate?.Period} {stored.Type} {stored.ArgsVersion}",
        ReadyJobs ready => $"{ready.Type} {ready.ArgsVersion} {ready.Count} {ready.OldestDueAt:O}",
        PendingReason reason => reason.ToString(),
        System.Collections.IEnumerable many => string.Join('\n', many.Cast<object>().Select(Text)),
        _ => value.ToString()!,
    };
}
