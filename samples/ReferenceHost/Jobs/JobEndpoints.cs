using System.Text.Json;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>What the page shows of the jobs, and does to them.</summary>
internal static class JobEndpoints
{
    private const string Root = "/jobs";
    private const int Firings = 5;

    public static void MapJobs(this IEndpointRouteBuilder endpoints)
    {
        var jobs = endpoints.MapGroup(Root).RequireAuthorization();
        jobs.MapGet("", ListAsync);
        jobs.MapGet("/changes", WatchAsync);
        jobs.MapGet("/{id}", GetAsync);
        jobs.MapGet("/{id}/answer", AnswerAsync);
        jobs.MapPost("/{id}/cancel", Change((all, id, token) => all.CancelAsync(id, token)));
        jobs.MapPost("/{id}/retry", Change((all, id, token) => all.RetryAsync(id, token)));
        jobs.MapDelete("/{id}", Change((all, id, token) => all.DiscardAsync(id, token)));
    }

    private static async Task ListAsync(HttpContext http)
    {
        if (!JobFilter.TryRead(http.Request.Query, out var filter, out string? problem))
        {
            await Refusal.WriteAsync(http, StatusCodes.Status400BadRequest, ErrorCode.InvalidArgument, problem);
            return;
        }

        var all = http.RequestServices.GetRequiredService<IJobs>();
        var rows = new JobRows(all);
        // Read before the jobs: what changes meanwhile is told again.
        long position = await all.GetPositionAsync(http.RequestAborted);
        var (jobs, next) = await rows.ListAsync(filter, http.RequestAborted);
        var lanes = await rows.LanesAsync(http.RequestAborted);
        var schedules = await all.ListSchedulesAsync(http.RequestAborted);
        var now = http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        await http.Response.WriteAsJsonAsync(new JobPage(position, jobs, next, lanes, [.. schedules.Select(schedule => RowOf(schedule, now))]), JobPageJson.Default.JobPage);
    }

    private static async Task GetAsync(HttpContext http)
    {
        var rows = new JobRows(http.RequestServices.GetRequiredService<IJobs>());
        if (!JobId.TryParse((string?)http.Request.RouteValues["id"], out var id) || await rows.DetailAsync(id, http.RequestAborted) is not { } detail)
            await Refusal.WriteAsync(http, StatusCodes.Status404NotFound, ErrorCode.NotFound, "There is no such job: it was never made here, or it was removed.");
        else
            await http.Response.WriteAsJsonAsync(detail, JobPageJson.Default.JobDetail);
    }

    /// <summary>What the API answered when the job was done, such as the output of a command: for who did not wait for it.</summary>
    private static async Task AnswerAsync(HttpContext http)
    {
        var jobs = http.RequestServices.GetRequiredService<IJobs>();
        try
        {
            if (JobId.TryParse((string?)http.Request.RouteValues["id"], out var id) && await jobs.GetAsync(id, http.RequestAborted) is { State: JobState.Completed } job && MachineJobs.IsMachineWork(job.Type))
            {
                await MachineJobs.AnswerOf(await jobs.WaitAsync<string>(id, http.RequestAborted)).WriteAsync(http);
                return;
            }
        }
        catch (ArgumentException)
        {
            // An upload is of a type that only the host knows that was sent the file.
        }

        await Refusal.WriteAsync(http, StatusCodes.Status404NotFound, ErrorCode.NotFound, "There is no such job on a machine that is COMPLETED; of an upload only the host knows the answer that was sent the file.");
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
                string row = JsonSerializer.Serialize(await new JobRows(all).RowAsync(job, stopping.Token), JobPageJson.Default.JobRow);
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
}
