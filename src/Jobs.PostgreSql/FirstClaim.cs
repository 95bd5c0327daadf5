using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

/// <summary>What the first look at the queue took.</summary>
/// <param name="Jobs">The jobs, in order.</param>
/// <param name="NextMs">When there may be something to do though nobody writes.</param>
/// <param name="HasMore">There is something that has to be looked at one by one: a lease or a deadline that passed, a job with lanes or a rate.</param>
internal sealed record FirstClaim(IReadOnlyList<TakenJob> Jobs, long? NextMs, bool HasMore);

/// <summary>A job that was taken, without what its earlier attempts left.</summary>
internal sealed record TakenJob(long Seq, long Token, JobId Id, string Type, string Args, int Attempts, int Counted, int MaxAttempts, DateTimeOffset? Deadline, JobState? Undo, int ArgsVersion, DateTimeOffset Due,
    string? Trace)
{
    public ClaimedJob ToClaimed(IEnumerable<StoredStep> steps) => new()
    {
        Id = Id, Type = Type, Args = Args, Attempt = Attempts, CountedAttempts = Counted, MaxAttempts = MaxAttempts, FencingToken = Token, Steps = [.. steps], DeadlineAt = Deadline, CompensatesTo = Undo,
        ArgsVersion = ArgsVersion, DueAt = Due, TraceParent = Trace,
    };
}
