using System.Text.Json;
using System.Text.Json.Serialization;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>What the page shows of the jobs, and does to them.</summary>
internal static class JobEndpoints
{
    private const string Root = "/jobs";
    private const int MaxJobs = 200;
    private const int Firings = 5;

    public static void MapJobs(this IEndpointRouteBuilder endpoints)
    {
        var jobs = endpoints.MapGroup(Root).RequireAuthorization();
        jobs.MapGet("", async http => await http.Response.WriteAsJsonAsync(await ListAsync(http), JobPageJson.Default.JobPage));
        jobs.MapGet("/changes", WatchAsync);
        jobs.MapPost("/{id}/cancel", Change((all, id, token) => all.CancelAsync(id, token)));
        jobs.MapPost("/{id}/retry", Change((all, id, token) => all.RetryAsync(id, token)));
        jobs.MapDelete("/{id}", Change((all, id, token) => all.DiscardAsync(id, token)));
    }

    private static async Task<JobPage> ListAsync(HttpContext http)
    {
        var all = http.RequestServices.GetRequiredService<IJobs>();
        var query = http.Request.Query;
        JobState? state = Enum.TryParse<JobState>(query["state"], ignoreCase: true, out var asked) ? asked : null;
        string? type = query["type"].ToString() is { Length: > 0 } named ? named : null;
        // Read before the jobs: what changes meanwhile is told again.
        long position = await all.GetPositionAsync(http.RequestAborted);
        var shown = new List<JobRow>();
        await foreach (var job in all.ListAsync(new JobQuery { State = state, Type = type }, http.RequestAborted))
        {
            shown.Add(await RowAsync(all, job, http.RequestAborted));
            if (shown.Count == MaxJobs)
                break;
        }

        var lanes = await all.ListLanesAsync(http.RequestAborted);
        var schedules = await all.ListSchedulesAsync(http.RequestAborted);
        var now = http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        return new JobPage(position, shown, [.. lanes.Select(lane => new LaneRow(lane.Claim.Key.ToString(), lane.Claim.Mode == LaneMode.Exclusive, lane.Claim.Weight, lane.Claim.Capacity, lane.Holder.ToString()))],
            [.. schedules.Select(schedule => RowOf(schedule, now))]);
    }

    /// <summary>A schedule, with what comes; or why it cannot be fired by this host. It hides no other.</summary>
    internal static ScheduleRow RowOf(JobSchedule schedule, DateTimeOffset now)
    {
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(schedule.Zone, out var zone))
            return new(schedule.Name, schedule.Cron, schedule.Zone, [], $"There is no time zone '{schedule.Zone}' on this machine: install the zone data (tzdata).");
        try
        {
            return new(schedule.Name, schedule.Cron, schedule.Zone, CronExpression.Parse(schedule.Cron).Preview(now, zone, Firings), null);
        }
        catch (FormatException exception)
        {
            return new(schedule.Name, schedule.Cron, schedule.Zone, [], exception.Message);
        }
    }

    /// <summary>Every change, as it comes, as server-sent events.</summary>
    private static async Task WatchAsync(HttpContext http)
    {
        var all = http.RequestServices.GetRequiredService<IJobs>();
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
        _ = long.TryParse(http.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } last ? last : http.Request.Query["after"].ToString(), out long after);
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            await http.Response.Body.FlushAsync(stopping.Token);
            await foreach (var job in all.WatchAsync(Math.Max(0, after), stopping.Token))
            {
                string row = JsonSerializer.Serialize(await RowAsync(all, job, stopping.Token), JobPageJson.Default.JobRow);
                await http.Response.WriteAsync($"id: {job.Position}\ndata: {row}\n\n", stopping.Token);
                await http.Response.Body.FlushAsync(stopping.Token);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The page was closed, or the host stops.
        }
    }

    private static RequestDelegate Change(Func<IJobs, JobId, CancellationToken, Task<bool>> change) => async http =>
    {
        if (!JobId.TryParse((string?)http.Request.RouteValues["id"], out var id) || !await change(http.RequestServices.GetRequiredService<IJobs>(), id, http.RequestAborted))
            await Refusal.WriteAsync(http, StatusCodes.Status409Conflict, ErrorCode.InvalidState, "The job is not there, or no longer in a state in which this can be done.");
        else
            http.Response.StatusCode = StatusCodes.Status204NoContent;
    };

    private static async Task<JobRow> RowAsync(IJobs all, JobInfo job, CancellationToken cancellationToken)
    {
        var reason = job.State == JobState.Pending ? await all.GetPendingReasonAsync(job.Id, cancellationToken) : null;
        return new(job.Id.ToString(), job.Type, JsonNamingPolicy.CamelCase.ConvertName(job.State.ToString()), job.Attempts, job.CreatedAt, job.EndedAt, job.Worker, job.IsCancelRequested, job.Error, job.Progress,
            job.ProgressFraction, reason?.ToString(), job.Position);
    }
}

internal sealed record JobRow(string Id, string Type, string State, int Attempts, DateTimeOffset CreatedAt, DateTimeOffset? EndedAt, string? Worker, bool IsCancelRequested, string? Error, string? Progress,
    double? Fraction, string? Waits, long Position);

internal sealed record LaneRow(string Key, bool IsExclusive, int Weight, int? Capacity, string Holder);

internal sealed record ScheduleRow(string Name, string Cron, string Zone, IReadOnlyList<DateTimeOffset> Next, string? Error);

internal sealed record JobPage(long Position, IReadOnlyList<JobRow> Jobs, IReadOnlyList<LaneRow> Lanes, IReadOnlyList<ScheduleRow> Schedules);

[JsonSerializable(typeof(JobPage))]
[JsonSerializable(typeof(JobRow))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class JobPageJson : JsonSerializerContext;
