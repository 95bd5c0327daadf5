using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>Jobs, over a store.</summary>
internal sealed partial class JobClient(IJobStore store, IEnumerable<JobRegistration> registrations, JobsOptions options, JobSignals signals) : IJobs
{
    private const int MaxLanes = 64;

    private readonly Dictionary<Type, JobRegistration> _byArgs = registrations.ToDictionary(registration => registration.ArgsType);

    private readonly Dictionary<string, JobRegistration> _byType = registrations.ToDictionary(registration => registration.Type, StringComparer.Ordinal);

    private DateTimeOffset Now => options.TimeProvider.GetUtcNow();

    public async Task<JobHandle> EnqueueAsync<TArgs>(TArgs args, JobOptions? job = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(args);
        if (!_byArgs.TryGetValue(typeof(TArgs), out var registration))
            throw new ArgumentException($"No handler for {typeof(TArgs).Name} is registered: AddJobs().AddHandler<...>() does it.", nameof(args));
        job ??= new JobOptions();
        Validate(job);

        var now = Now;
        var made = new NewJob
        {
            Id = JobId.New(options.TimeProvider),
            Type = registration.Type,
            Args = ((JobRegistration<TArgs>)registration).Write(args, options.MaxPayloadBytes),
            CreatedAt = now,
            DueAt = now + job.Delay,
            MaxAttempts = registration.Options.MaxAttempts,
            Priority = job.Priority,
            Lanes = [.. job.Lanes.OrderBy(lane => lane.Key.ToString(), StringComparer.Ordinal)],
            UniqueKey = job.UniqueKey,
            Retention = registration.Options.Retention,
        };
        var id = await store.EnqueueAsync(made, cancellationToken).ConfigureAwait(false);
        if (id != made.Id && job.Uniqueness == JobUniqueness.Reject)
        {
            throw new HypervisorException($"Job {id} has the unique key '{job.UniqueKey}' and has not ended. Wait for it, cancel it, or take another key.",
                ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = id.ToString() };
        }

        signals.PulseJob(id);
        signals.PulseWork();
        return new JobHandle(this, id, id == made.Id);
    }

    public async Task<bool> CancelAsync(JobId id, CancellationToken cancellationToken = default)
    {
        bool asked = await store.CancelAsync(id, Now, cancellationToken).ConfigureAwait(false);
        signals.RequestCancel(id);
        signals.PulseJob(id);
        signals.PulseWork();
        return asked;
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
        if (job.Priority is < -1000 or > 1000)
            throw new ArgumentException($"The priority is {job.Priority}; it is -1,000 to 1,000.", nameof(job));
        if (job.Delay < TimeSpan.Zero || job.Delay > TimeSpan.FromDays(3650))
            throw new ArgumentException($"The delay is {job.Delay}; it is zero to ten years.", nameof(job));
        if (job.UniqueKey is { Length: 0 or > 256 })
            throw new ArgumentException($"The unique key has {job.UniqueKey.Length} characters; it has 1 to 256.", nameof(job));
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
