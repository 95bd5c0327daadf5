using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>A job by its id and what is said of it.</summary>
internal sealed record JobName(string Id, string Name);

internal sealed record JobRow(string Id, string Type, string State, int Attempts, DateTimeOffset CreatedAt, DateTimeOffset? EndedAt, string? Worker, bool IsCancelRequested, string? Error, string? Progress,
    double? Fraction, string? Waits, JobName? WaitsFor, long Position);

internal sealed record AttemptRow(int Number, string Worker, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, string? End, string? Reason);

internal sealed record LineRow(long Number, int Attempt, DateTimeOffset At, string Text);

/// <param name="Job">The job itself.</param>
/// <param name="Attempts">In order.</param>
/// <param name="Log">The newest lines, oldest first.</param>
/// <param name="IsLogCut">Whether there are older lines.</param>
internal sealed record JobDetail(JobRow Job, IReadOnlyList<AttemptRow> Attempts, IReadOnlyList<LineRow> Log, bool IsLogCut);

internal sealed record LaneRow(string Key, bool IsExclusive, int Weight, int? Capacity, JobName Holder, IReadOnlyList<JobName> Waiting);

internal sealed record ScheduleRow(string Name, string Cron, string Zone, IReadOnlyList<DateTimeOffset> Next, string? Error);

/// <param name="Position">Changes are told from here on.</param>
/// <param name="Jobs">Newest first.</param>
/// <param name="Next">What <c>before</c> says to go on; null where there are no more.</param>
/// <param name="Lanes">All that are held.</param>
/// <param name="Schedules">All there are.</param>
internal sealed record JobPage(long Position, IReadOnlyList<JobRow> Jobs, string? Next, IReadOnlyList<LaneRow> Lanes, IReadOnlyList<ScheduleRow> Schedules);

[JsonSerializable(typeof(JobPage))]
[JsonSerializable(typeof(JobDetail))]
[JsonSerializable(typeof(JobRow))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class JobPageJson : JsonSerializerContext;
