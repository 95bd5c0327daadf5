using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>
/// Makes every request that begins work on a machine a job: durable before it is done, in the lanes that its backend names, shown on the page, and settled after a crash. The
/// caller gets the answer of the API as ever, when the job has begun.
/// </summary>
internal static class MachineJobs
{
    private const int MaxBodyBytes = 1024 * 1024;
    private const int Concurrency = 32;
    private const string Machines = MachineWorkHandler.Api + "/instances/";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    // These answer with what they did, and begin no work that goes on.
    private static readonly string[] s_other = ["planChange", "runCommand", "createGraphicsSession", "uploadFile", "deleteFile", "addPort", "removePort"];

    public static JobsBuilder AddMachineJobs(this IServiceCollection services, StateDirectory state, SharedDirectory? shared)
    {
        services.AddSingleton<WaitingCallers>().AddSingleton<InProcessApi>().AddHostedService<HostSchedules>();
        // In a file of this host's alone nobody else changes anything, and an idle host asks for nothing.
        var jobs = shared is null
            ? services.AddJobs(jobs => (jobs.Concurrency, jobs.PollInterval, jobs.MaxPayloadBytes) = (Concurrency, TimeSpan.FromMinutes(1), 2 * MaxBodyBytes)).UseSqlite(state.Jobs)
            : services.AddJobs(jobs => (jobs.Concurrency, jobs.MaxPayloadBytes) = (Concurrency, 2 * MaxBodyBytes)).UsePostgreSql(shared.ConnectionString);
        // A body may hold a password for a new machine.
        return jobs.EncryptPayloads(shared?.JobKey ?? state.JobKey)
            .AddHandler<MachineWorkHandler, MachineWork, string>(MachineWorkHandler.JobType, HostJobsJson.Default.MachineWork, HostJobsJson.Default.String)
            .AddHandler<TidyJobsHandler, TidyJobs, int>(TidyJobsHandler.JobType, HostJobsJson.Default.TidyJobs, HostJobsJson.Default.Int32);
    }

    public static async Task RunAsync(HttpContext http, RequestDelegate next)
    {
        if (WorkOf(http) is not { } what || http.Request.ContentLength > MaxBodyBytes || await BackendAsync(http) is not { } backend)
        {
            // The API says itself what is wrong with it.
            await next(http);
            return;
        }

        if (await ReadAsync(http.Request) is not { } body)
        {
            await Refusal.WriteAsync(http, StatusCodes.Status413PayloadTooLarge, ErrorCode.InvalidArgument, $"The body is longer than {MaxBodyBytes} bytes.");
            return;
        }

        var request = http.Request;
        string given = request.Headers["Idempotency-Key"].ToString().Trim('"');
        var time = http.RequestServices.GetRequiredService<TimeProvider>();
        var key = RequestId.New(time);
        if (given.Length > 0 && !RequestId.TryParse(given, null, out key))
        {
            request.Body = new MemoryStream(body);
            await next(http);
            return;
        }

        var machine = MachineOf(request.Path.Value!);
        var work = new MachineWork(what, await NameAsync(backend, machine, body, time, http.RequestAborted), request.Method, request.Path.Value!, request.QueryString.Value ?? "", request.ContentType,
            Header(request, "If-Match"), Header(request, "Prefer"), key.ToString(), body);
        await MakeAsync(http, work, await LanesAsync(backend, what, machine, http.RequestAborted), next);
    }

    /// <summary>The name of the backend in the path of a machine.</summary>
    public static BackendName BackendOf(string path) => BackendName.Parse(Part(path, 0)!);

    private static async Task MakeAsync(HttpContext http, MachineWork work, IReadOnlyList<LaneClaim> lanes, RequestDelegate next)
    {
        var jobs = http.RequestServices.GetRequiredService<IJobs>();
        var callers = http.RequestServices.GetRequiredService<WaitingCallers>();
        var answer = callers.Expect(work.RequestId);
        try
        {
            var job = await jobs.EnqueueAsync(work, new JobOptions { UniqueKey = work.Key, Lanes = lanes, Progress = work.Say() }, http.RequestAborted);
            if (!job.IsNew && (await jobs.GetAsync(job.Id, http.RequestAborted))?.State != JobState.Pending)
            {
                // The same request again, when the first has begun: the API knows it by its id. Before, it waits for the same answer.
                http.Request.Body = new MemoryStream(work.Body);
                await next(http);
                return;
            }

            http.Response.Headers["X-Job-Id"] = job.Id.ToString();
            var ended = jobs.WaitAsync(job.Id, http.RequestAborted);
            await Task.WhenAny(answer, ended);
            if (answer.IsCompletedSuccessfully)
                await WriteAsync(http, await answer);
            else if ((await ended).State == JobState.Completed)
                await WriteAsync(http, Ended(await jobs.WaitAsync<string>(job.Id, http.RequestAborted)));
            else
                await Refusal.WriteAsync(http, StatusCodes.Status409Conflict, ErrorCode.Conflict, (await ended).Error ?? "It was cancelled before it began.");
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone; the job is there.
        }
        finally
        {
            callers.Forget(work.RequestId);
        }
    }

    /// <summary>Another host that shares the jobs has done it: nobody told the caller here of its beginning, and its end is what there is to say.</summary>
    private static ApiAnswer Ended(string operation) => new(StatusCodes.Status200OK, "application/json", null, null, null, Encoding.UTF8.GetBytes(operation));

    private static async Task WriteAsync(HttpContext http, ApiAnswer answer)
    {
        http.Response.StatusCode = answer.Status;
        http.Response.ContentType = answer.ContentType;
        http.Response.Headers.CacheControl = "no-store";
        if (answer.Location is not null)
            http.Response.Headers.Location = answer.Location;
        if (answer.RetryAfter is not null)
            http.Response.Headers.RetryAfter = answer.RetryAfter;
        if (answer.PreferenceApplied is not null)
            http.Response.Headers["Preference-Applied"] = answer.PreferenceApplied;
        http.Response.ContentLength = answer.Body.Length;
        await http.Response.Body.WriteAsync(answer.Body, http.RequestAborted);
    }

    /// <summary>What the request is for, in words: <c>startInstance</c> is "start instance"; null where it is not work on a machine.</summary>
    private static string? WorkOf(HttpContext http)
    {
        if (HttpMethods.IsGet(http.Request.Method) || !http.Request.Path.StartsWithSegments(MachineWorkHandler.Api + "/instances", StringComparison.Ordinal))
            return null;
        string? id = http.GetEndpoint()?.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName.Split(' ')[^1];
        return id is null || s_other.Contains(id) ? null : string.Concat(id.Select(letter => char.IsUpper(letter) ? " " + char.ToLowerInvariant(letter) : letter.ToString()));
    }

    private static async Task<IBackend?> BackendAsync(HttpContext http)
    {
        try
        {
            return BackendName.TryParse(Part(http.Request.Path.Value!, 0), null, out var name) ? await http.RequestServices.GetRequiredService<IBackendRegistry>().GetAsync(name, http.RequestAborted) : null;
        }
        catch (HypervisorException)
        {
            // There is none, or it cannot be reached: the API tries again, and says so.
            return null;
        }
    }

    private static async Task<byte[]?> ReadAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        byte[] block = new byte[16 * 1024];
        for (int read; (read = await request.Body.ReadAsync(block, request.HttpContext.RequestAborted)) > 0;)
        {
            if (body.Length + read > MaxBodyBytes)
                return null;
            body.Write(block, 0, read);
        }

        return body.ToArray();
    }

    private static string? Header(HttpRequest request, string name) => request.Headers.TryGetValue(name, out var values) ? values.ToString() : null;

    private static InstanceId? MachineOf(string path) => InstanceId.TryParse(Part(path, 1), null, out var id) ? id : null;

    private static string? Part(string path, int index) => path[Machines.Length..].Split('/') is var parts && parts.Length > index ? parts[index].Replace("%2F", "/", StringComparison.OrdinalIgnoreCase) : null;

    /// <summary>How the machine is called. One that does not answer is called by its id: a job does not wait for that.</summary>
    private static async Task<string> NameAsync(IBackend backend, InstanceId? machine, byte[] body, TimeProvider time, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(s_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            if (machine is { } id)
                return backend.TryGet<IHypervisor>(out var hypervisor) && await hypervisor.FindAsync(id, either.Token) is { } there ? there.Name.ToString() : id.ToString();
            using var spec = JsonDocument.Parse(body);
            return spec.RootElement.ValueKind == JsonValueKind.Object && spec.RootElement.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString()! : "a new machine";
        }
        catch (Exception failure) when (failure is HypervisorException or JsonException || (failure is OperationCanceledException && patience.IsCancellationRequested))
        {
            return machine?.ToString() ?? "a new machine";
        }
    }

    /// <summary>What the backend would lock for it; where it has no hints, the machine.</summary>
    private static async Task<IReadOnlyList<LaneClaim>> LanesAsync(IBackend backend, string what, InstanceId? machine, CancellationToken cancellationToken)
    {
        string action = what.Split(' ')[0] switch
        {
            "create" when what.EndsWith("instance", StringComparison.Ordinal) => "create",
            "delete" when what.EndsWith("instance", StringComparison.Ordinal) => "delete",
            "clone" => "clone",
            _ when what.EndsWith("snapshot", StringComparison.Ordinal) => "snapshot",
            "apply" or "convert" => "change",
            _ => "power",
        };
        var query = new LaneQuery { Action = action, Instance = action == "clone" ? null : machine, Source = action == "clone" ? machine : null };
        IReadOnlyList<LaneClaim> claims = backend.TryGet<ILaneHints>(out var hints) ? await hints.GetClaimsAsync(query, cancellationToken)
            : machine is { } id ? [new LaneClaim { Key = LaneKey.Parse($"instance:{id}"), Mode = LaneMode.Exclusive }] : [];
        return [.. claims.Select(claim => new LaneClaim { Key = LaneKey.Parse($"{backend.Name}/{claim.Key}"), Mode = claim.Mode, Weight = claim.Weight, Capacity = claim.Capacity })];
    }
}
