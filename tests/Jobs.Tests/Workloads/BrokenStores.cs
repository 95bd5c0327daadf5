using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>Stores that break one rule each: what looks at histories has to see it.</summary>
internal static class BrokenStores
{
    public static IJobStore Break(IJobStore store, string rule) => rule switch
    {
        "loses a job" => new Changing(store, (job, number) => number == 3 ? null : job),
        "knows no lanes" => new Changing(store, (job, _) => With(job, lanes: [])),
        "prefers high priorities for ever" => new Changing(store, (job, _) => With(job, priority: job.Priority * 1_000_000)),
        "lets every second job overtake" => new Changing(store, (job, number) => With(job, priority: job.Priority + (number % 2))),
        "tries for ever" => new Changing(store, (job, _) => With(job, maxAttempts: 1000)),
        "forgives lost workers" => new Changing(store, (job, _) => With(job, maxLostWorkers: 1000, maxAttempts: job.MaxAttempts)),
        "knows no rates" => new Changing(store, (job, _) => With(job, rate: null)),
        "waits for nobody" => new Changing(store, (job, _) => With(job, after: [])),
        "knows no unique keys" => new Changing(store, (job, _) => With(job, uniqueKey: null)),
        "forgets steps" => new Forgetful(store),
        "takes what is held" => new Hasty(store),
        "gives a token twice" => new Repeating(store),
        "hears the dead" => new Credulous(store),
        "closes no lanes" => new TypeByType(store),
        _ => throw new ArgumentException(rule, nameof(rule)),
    };

    private static readonly JobRate s_unchanged = new() { Key = "unchanged", Limit = 1, Period = TimeSpan.FromSeconds(1) };

    private static NewJob With(NewJob job, IReadOnlyList<LaneClaim>? lanes = null, int? priority = null, int? maxAttempts = null, int? maxLostWorkers = null, IReadOnlyList<JobId>? after = null, string? uniqueKey = "unchanged") =>
        With(job, s_unchanged, lanes, priority, maxAttempts, maxLostWorkers, after, uniqueKey);

    private static NewJob With(NewJob job, JobRate? rate, IReadOnlyList<LaneClaim>? lanes = null, int? priority = null, int? maxAttempts = null, int? maxLostWorkers = null, IReadOnlyList<JobId>? after = null,
        string? uniqueKey = "unchanged") => new()
    {
        Id = job.Id, Type = job.Type, Args = job.Args, ArgsVersion = job.ArgsVersion, CreatedAt = job.CreatedAt, DueAt = job.DueAt, MaxAttempts = maxAttempts ?? job.MaxAttempts, Retention = job.Retention,
        Priority = priority ?? job.Priority, Lanes = lanes ?? job.Lanes, UniqueKey = uniqueKey == "unchanged" ? job.UniqueKey : uniqueKey, Uniqueness = job.Uniqueness, Rate = rate == s_unchanged ? job.Rate : rate,
        DeadlineAt = job.DeadlineAt, MaxLostWorkers = maxLostWorkers ?? job.MaxLostWorkers, After = after ?? job.After, AfterRule = job.AfterRule,
    };

    // Says that it made what it did not.
    private sealed class Changing(IJobStore store, Func<NewJob, int, NewJob?> change) : StoreDecorator(store)
    {
        private int _number;

        public override async Task<IReadOnlyList<JobId>> EnqueueAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken) =>
            change(jobs.Single(), ++_number) is { } job ? await base.EnqueueAsync([job], cancellationToken) : [jobs[0].Id];
    }

    private sealed class Forgetful(IJobStore store) : StoreDecorator(store)
    {
        public override async Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
        {
            var claimed = await base.ClaimAsync(request, cancellationToken);
            return new ClaimedJobs { Jobs = [.. claimed.Jobs.Select(job => With(job, job.FencingToken, []))], LeasesLost = claimed.LeasesLost, NextAt = claimed.NextAt };
        }

        public static ClaimedJob With(ClaimedJob job, long token, IReadOnlyList<StoredStep> steps) => new()
        {
            Id = job.Id, Type = job.Type, Args = job.Args, DueAt = job.DueAt, Attempt = job.Attempt, CountedAttempts = job.CountedAttempts, MaxAttempts = job.MaxAttempts, CompensatesTo = job.CompensatesTo,
            DeadlineAt = job.DeadlineAt, FencingToken = token, Steps = steps,
        };
    }

    // Ends attempts whose leases have not run out.
    private sealed class Hasty(IJobStore store) : StoreDecorator(store)
    {
        public override Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => base.ClaimAsync(
            new ClaimRequest { Worker = request.Worker, Types = request.Types, Limit = request.Limit, Now = request.Now.AddSeconds(25), LeaseUntil = request.LeaseUntil }, cancellationToken);
    }

    private sealed class Repeating(IJobStore store) : StoreDecorator(store)
    {
        private long _last;

        public override async Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
        {
            var claimed = await base.ClaimAsync(request, cancellationToken);
            return new ClaimedJobs { Jobs = [.. claimed.Jobs.Select(job => Forgetful.With(job, _last = _last == 0 ? job.FencingToken : _last, job.Steps))], LeasesLost = claimed.LeasesLost, NextAt = claimed.NextAt };
        }
    }

    // Takes for true whatever is written by whomever.
    private sealed class Credulous(IJobStore store) : StoreDecorator(store)
    {
        public override async Task<bool> BeginStepAsync(JobId id, long fencingToken, StoredStep step, DateTimeOffset now) => await base.BeginStepAsync(id, fencingToken, step, now) || true;

        public override async Task<bool> EndStepAsync(JobId id, long fencingToken, string name, string result, DateTimeOffset now) => await base.EndStepAsync(id, fencingToken, name, result, now) || true;

        public override async Task<bool> EndAttemptAsync(EndedAttempt attempt) => await base.EndAttemptAsync(attempt) || true;
    }

    // Who waits for a lane closes it to those of his type only.
    private sealed class TypeByType(IJobStore store) : StoreDecorator(store)
    {
        public override async Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
        {
            var jobs = new List<ClaimedJob>();
            ClaimedJobs? claimed = null;
            foreach (var type in request.Types)
            {
                claimed = await base.ClaimAsync(new ClaimRequest
                {
                    Worker = request.Worker, Types = new Dictionary<string, int> { [type.Key] = type.Value }, Limit = request.Limit - jobs.Count, Now = request.Now, LeaseUntil = request.LeaseUntil,
                }, cancellationToken);
                jobs.AddRange(claimed.Jobs);
            }

            return new ClaimedJobs { Jobs = jobs, LeasesLost = claimed!.LeasesLost, NextAt = claimed.NextAt };
        }
    }
}
