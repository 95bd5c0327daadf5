using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>Jobs, over a store.</summary>
internal sealed partial class JobClient(IJobStore store, IEnumerable<JobRegistration> registrations, JobsOptions options, JobSignals signals, JobMeasures measures, ILogger<JobClient> logger) : IJobs
{
    private const int MaxLanes = 64;
    private const int MaxBatch = 10_000;
    private const int MaxAfter = 1024;

    private readonly Dictionary<Type, JobRegistration> _byArgs = registrations.ToDictionary(registration => registration.ArgsType);

    private readonly Dictionary<string, JobRegistration> _byType = registrations.ToDictionary(registration => registration.Type, StringComparer.Ordinal);

    private DateTimeOffset Now => options.TimeProvider.GetUtcNow();

    public async Task<JobHandle> EnqueueAsync<TArgs>(TArgs args, JobOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var span = StartSpan<TArgs>();
        return (await MakeAsync([await NewAsync(args, options ?? new JobOptions(), cancellationToken: cancellationToken).ConfigureAwait(false)], cancellationToken).ConfigureAwait(false))[0];
    }

    public async Task<IReadOnlyList<JobHandle>> EnqueueAllAsync<TArgs>(IReadOnlyList<TArgs> args, JobOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(args);
        if (args.Count > MaxBatch)
            throw new ArgumentException($"The batch has {args.Count} jobs; it has at most {MaxBatch}.", nameof(args));
        if (options?.UniqueKey is not null)
            throw new ArgumentException("The jobs of a batch cannot have one unique key: make them one by one.", nameof(options));
        options ??= new JobOptions();
        using var span = StartSpan<TArgs>();
        var jobs = new List<NewJob>(args.Count);
        foreach (var one in args)
            jobs.Add(await NewAsync(one, options, cancellationToken: cancellationToken).ConfigureAwait(false));
        return jobs.Count == 0 ? [] : await MakeAsync(jobs, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes a child once, however often its parent runs.</summary>
    public async Task<JobHandle> EnqueueChildAsync<TArgs>(JobId parent, string name, TArgs args, JobOptions? options, CancellationToken cancellationToken)
    {
        using var span = StartSpan<TArgs>();
        var child = (await MakeAsync([await NewAsync(args, options ?? new JobOptions(), parent, name, cancellationToken).ConfigureAwait(false)], cancellationToken).ConfigureAwait(false))[0];
        // Who cancelled the parent before the child was there did not see the child; who does so from now on does.
        if (await store.GetAsync(parent, cancellationToken).ConfigureAwait(false) is { } made && (made.IsCancelRequested || made.State == JobState.Cancelled))
            await CancelAsync(child.Id, cancellationToken).ConfigureAwait(false);
        return child;
    }

    private System.Diagnostics.Activity? StartSpan<TArgs>() => _byArgs.TryGetValue(typeof(TArgs), out var registration) ? JobSpans.StartEnqueue(registration.Type) : null;

    private async Task<List<JobHandle>> MakeAsync(List<NewJob> jobs, CancellationToken cancellationToken)
    {
        var ids = await store.EnqueueAsync(jobs, cancellationToken).ConfigureAwait(false);
        var handles = new List<JobHandle>(ids.Count);
        for (int i = 0; i < ids.Count; i++)
        {
            handles.Add(new JobHandle(this, ids[i], ids[i] == jobs[i].Id));
            signals.PulseJob(ids[i]);
        }

        measures.Made(jobs[0].Type, handles.Count(handle => handle.IsNew));
        signals.PulseWork();
        return handles;
    }

    private static IReadOnlyList<LaneClaim> Ordered(IReadOnlyList<LaneClaim> lanes) => lanes.Count < 2 ? lanes : [.. lanes.OrderBy(lane => lane.Key.ToString(), StringComparer.Ordinal)];

    private bool Knows(string type, int argsVersion) => _byType.TryGetValue(type, out var registration) && argsVersion <= registration.Options.ArgsVersion;

    private async ValueTask<NewJob> NewAsync<TArgs>(TArgs args, JobOptions job, JobId? parent = null, string? childName = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(args);
        if (!_byArgs.TryGetValue(typeof(TArgs), out var registration))
            throw new ArgumentException($"No handler for {typeof(TArgs).Name} is registered: AddJobs().AddHandler<...>() does it.", nameof(args));
        Validate(job);
        string json = ((JobRegistration<TArgs>)registration).Write(args, options.MaxPayloadBytes);
        var lanes = await WorkLanes.AskAsync(job.Lanes, ((JobRegistration<TArgs>)registration).GetWork(args), cancellationToken).ConfigureAwait(false);
        if (lanes.Count > MaxLanes)
            throw new ArgumentException($"The job needs {lanes.Count} lanes with those of its backend; it holds at most {MaxLanes}.", nameof(job));
        var now = Now;
        return new NewJob
        {
            Id = JobId.New(options.TimeProvider),
            Type = registration.Type,
            Args = json,
            ArgsVersion = registration.Options.ArgsVersion,
            CreatedAt = now,
            DueAt = now + job.Delay,
            DeadlineAt = now + job.Deadline,
            MaxAttempts = registration.Options.MaxAttempts,
            MaxLostWorkers = registration.Options.MaxLostWorkers,
            Priority = job.Priority,
            Lanes = Ordered(lanes),
            Rate = job.Rate,
            TraceParent = JobSpans.TraceParent,
            UniqueKey = job.UniqueKey,
            Uniqueness = job.Uniqueness,
            Retention = registration.Options.Retention,
            After = [.. job.After.Distinct()],
            AfterRule = job.AfterRule,
            Parent = parent,
            ChildName = childName,
            Progress = job.Progress is { } said ? JobContext.Said(said) : null,
        };
    }

    public async Task<bool> CancelAsync(JobId id, CancellationToken cancellationToken = default)
    {
        var asked = await store.CancelAsync(id, Now, cancellationToken).ConfigureAwait(false);
        foreach (var job in asked)
        {
            signals.RequestCancel(job);
            signals.PulseJob(job);
        }

        signals.PulseWork();
        return asked.Count > 0;
    }

    public async Task PauseAsync(string? type = null, CancellationToken cancellationToken = default) => await store.PauseAsync(type, true, Now, cancellationToken).ConfigureAwait(false);

    public async Task ResumeAsync(string? type = null, CancellationToken cancellationToken = default)
    {
        await store.PauseAsync(type, false, Now, cancellationToken).ConfigureAwait(false);
        signals.PulseWork();
    }

    public Task<IReadOnlyList<string>> ListPausedAsync(CancellationToken cancellationToken = default) => store.ListPausedAsync(cancellationToken);

    public async Task DrainAsync(string? type = null, CancellationToken cancellationToken = default)
    {
        await PauseAsync(type, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var change = signals.Change;
            if (await store.CountRunningAsync(type, cancellationToken).ConfigureAwait(false) == 0)
                return;
            await change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<bool> RetryAsync(JobId id, CancellationToken cancellationToken = default)
    {
        bool again = await store.RetryAsync(id, Now, cancellationToken).ConfigureAwait(false);
        signals.PulseJob(id);
        signals.PulseWork();
        return again;
    }

    public Task<bool> DiscardAsync(JobId id, CancellationToken cancellationToken = default) => store.DiscardAsync(id, cancellationToken);

    private static void Validate(JobOptions job)
    {
        if (job.Lanes is null || job.After is null)
            throw new ArgumentException($"{(job.Lanes is null ? nameof(job.Lanes) : nameof(job.After))} is null; it is empty where there are none.", nameof(job));
        if (job.Lanes.Any(lane => lane is null))
            throw new ArgumentException($"One of {nameof(job.Lanes)} is null.", nameof(job));
        if (job.Priority is < -1000 or > 1000)
            throw new ArgumentException($"The priority is {job.Priority}; it is -1,000 to 1,000.", nameof(job));
        if (job.Delay < TimeSpan.Zero || job.Delay > TimeSpan.FromDays(3650))
            throw new ArgumentException($"The delay is {job.Delay}; it is zero to ten years.", nameof(job));
        if (job.Deadline is { } deadline && (deadline <= TimeSpan.Zero || deadline > TimeSpan.FromDays(3650)))
            throw new ArgumentException($"The deadline is {deadline} from now; it is above zero and at most ten years.", nameof(job));
        if (job.After.Count > MaxAfter || job.After.Any(id => id.IsDefault))
            throw new ArgumentException($"The job waits for {job.After.Count} jobs; it names at most {MaxAfter}, and none by default.", nameof(job));
        if (job.UniqueKey is { Length: 0 or > 256 })
            throw new ArgumentException($"The unique key has {job.UniqueKey.Length} characters; it has 1 to 256.", nameof(job));
        if (job.Rate is { } rate && (rate.Key is not { Length: >= 1 and <= 256 } || rate.Limit is < 1 or > 1000 || rate.Period < TimeSpan.FromSeconds(1) || rate.Period > TimeSpan.FromDays(1)))
            throw new ArgumentException($"The rate is {rate.Limit} jobs in {rate.Period} for a key of {rate.Key?.Length ?? 0} characters; it is 1 to 1,000 in a second to a day, for a key of 1 to 256.", nameof(job));
        if (job.Lanes.Count > MaxLanes)
            throw new ArgumentException($"The job names {job.Lanes.Count} lanes; it names at most {MaxLanes}.", nameof(job));
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var lane in job.Lanes)
        {
            string key = lane.Key.ToString();
            if (lane.Key.IsDefault)
                throw new ArgumentException("A lane has no key.", nameof(job));
            if (!keys.Add(key))
                throw new ArgumentException($"The lane '{key}' is named twice: name it once, with the mode that holds.", nameof(job));
            if (lane.Weight < 1 || lane.Capacity is < 1)
                throw new ArgumentException($"The weight and the capacity of the lane '{key}' are {lane.Weight} and {lane.Capacity}; they are at least 1.", nameof(job));
        }
    }
}
