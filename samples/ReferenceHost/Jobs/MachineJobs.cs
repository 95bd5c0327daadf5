using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Jobs;
using Microsoft.AspNetCore.Http.Features;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>
/// Makes every request that does something to a machine or a volume a job: durable before it is done, in the lanes that its backend names, shown on the page, and settled after a crash. The
/// caller gets the answer of the API as ever: when the job has begun, or when it has ended where the API answers with what was done.
/// </summary>
internal static class MachineJobs
{
    private const int MaxBodyBytes = 1024 * 1024;
    private const int Concurrency = 32;
    private const int MaxPayloadBytes = 8 * 1024 * 1024;

    /// <summary>How many places for jobs what goes on within guests may take: a command takes its time, and a machine that is to be stopped does not wait for it.</summary>
    private const int GuestPlaces = Concurrency / 2;

    private const string Instances = MachineWorkHandler.Api + "/instances";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    // The first looks, the second gives a ticket, and the third makes a volume from a stream of any length: no machine has it yet.
    private static readonly string[] s_other = ["planChange", "createGraphicsSession", "uploadVolume"];

    public static JobsBuilder AddMachineJobs(this IServiceCollection services, StateDirectory state, SharedDirectory? shared)
    {
        services.AddSingleton<WaitingCallers>().AddSingleton<InProcessApi>().AddSingleton<DirectWork>().AddSingleton(new UploadStore(state.Uploads)).AddHostedService<HostSchedules>();
        // In a file of this host's alone nobody else changes anything, and an idle host asks for nothing.
        var jobs = shared is null
            ? services.AddJobs(jobs => (jobs.Concurrency, jobs.PollInterval, jobs.MaxPayloadBytes) = (Concurrency, TimeSpan.FromMinutes(1), MaxPayloadBytes)).UseSqlite(state.Jobs)
            : services.AddJobs(jobs => (jobs.Concurrency, jobs.MaxPayloadBytes) = (Concurrency, MaxPayloadBytes)).UsePostgreSql(shared.ConnectionString);
        // A body may hold a password for a new machine.
        return jobs.EncryptPayloads(shared?.JobKey ?? state.JobKey)
            .AddHandler<MachineWorkHandler, MachineWork, string>(MachineWorkHandler.JobType, HostJobsJson.Default.MachineWork, HostJobsJson.Default.String)
            // What is to be uploaded is here and nowhere else: of hosts that share their jobs only this one takes its own.
            .AddHandler<UploadHandler, UploadWork, string>(shared is null ? UploadHandler.JobType : $"{UploadHandler.JobType}-{state.Identity()}", HostJobsJson.Default.UploadWork, HostJobsJson.Default.String)
            .AddHandler<TidyJobsHandler, TidyJobs, int>(TidyJobsHandler.JobType, HostJobsJson.Default.TidyJobs, HostJobsJson.Default.Int32);
    }

    /// <summary>Whether jobs of a type are requests to the API.</summary>
    public static bool IsMachineWork(string type) => type == MachineWorkHandler.JobType || type.StartsWith(UploadHandler.JobType, StringComparison.Ordinal);

    public static async Task RunAsync(HttpContext http, RequestDelegate next)
    {
        var request = http.Request;
        bool isUpload = WorkOf(http) == MachineWork.UploadFile;
        if (WorkOf(http) is not { } what || (!isUpload && request.ContentLength > MaxBodyBytes) || await BackendAsync(http) is not { } backend)
        {
            // The API says itself what is wrong with it.
            await next(http);
            return;
        }

        byte[] body = [];
        if (!isUpload)
        {
            if (await ReadAsync(request) is not { } read)
            {
                await Refusal.WriteAsync(http, StatusCodes.Status413PayloadTooLarge, ErrorCode.InvalidArgument, $"The body is longer than {MaxBodyBytes} bytes.");
                return;
            }

            body = read;
        }

        string given = request.Headers["Idempotency-Key"].ToString().Trim('"');
        var time = http.RequestServices.GetRequiredService<TimeProvider>();
        var key = RequestId.New(time);
        // What takes no such key does not mind a wrong one.
        if (given.Length > 0 && !RequestId.TryParse(given, null, out key))
        {
            if (what is not (MachineWork.RunCommand or MachineWork.UploadFile or MachineWork.DeleteFile))
            {
                request.Body = new MemoryStream(body);
                await next(http);
                return;
            }

            key = RequestId.New(time);
        }

        string path = request.Path.Value!;
        var work = new MachineWork(what, await NameAsync(backend, path, body, time, http.RequestAborted), request.Method, path, request.QueryString.Value ?? "", request.ContentType,
            Header(request, "If-Match"), Header(request, "Prefer"), key.ToString(), body);
        var options = new JobOptions { UniqueKey = work.Key, Lanes = await LanesAsync(backend, what, path, http.RequestAborted), Progress = work.Say() };
        if (isUpload)
            await UploadAsync(http, work, options, next);
        else
            await MakeAsync(http, work, jobs => jobs.EnqueueAsync(work, options, http.RequestAborted), next);
    }

    /// <summary>The name of the backend in the path of a machine.</summary>
    public static BackendName BackendOf(string path) => BackendName.Parse(Part(path, 1)!);

    /// <summary>The answer that a job has kept as its result: an operation, or all that the API said.</summary>
    public static ApiAnswer AnswerOf(string result)
    {
        using var kept = JsonDocument.Parse(result);
        return kept.RootElement.TryGetProperty("status", out _) ? kept.Deserialize(HostJobsJson.Default.ApiAnswer)! : Ended(result);
    }

    private static async Task UploadAsync(HttpContext http, MachineWork work, JobOptions options, RequestDelegate next)
    {
        var uploads = http.RequestServices.GetRequiredService<UploadStore>();
        // Streamed to a file, so without the server's limit.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        UploadWork? upload;
        try
        {
            upload = http.Request.ContentLength > UploadStore.MaxBytes ? null : await uploads.KeepAsync(work, http.Request.Body, http.RequestAborted);
        }
        catch (IOException) when (!http.RequestAborted.IsCancellationRequested)
        {
            await Refusal.WriteAsync(http, StatusCodes.Status507InsufficientStorage, ErrorCode.Exhausted, "The host has no room to keep what was sent until it is written.");
            return;
        }

        if (upload is null)
        {
            await Refusal.WriteAsync(http, StatusCodes.Status413PayloadTooLarge, ErrorCode.InvalidArgument,
                $"The file is longer than {UploadStore.MaxBytes} bytes, or than what {UploadStore.MaxAllBytes} bytes for all uploads at once leave for it.");
            return;
        }

        JobId? made = null;
        try
        {
            await MakeAsync(http, work, async jobs =>
            {
                var job = await jobs.EnqueueAsync(upload, options, http.RequestAborted);
                if (job.IsNew)
                    uploads.Name(upload.File, (made = job.Id).Value);
                return job;
            }, next);
        }
        finally
        {
            // Not made, or made before by the same request; or cancelled before it began.
            if (made is not { } id || await http.RequestServices.GetRequiredService<IJobs>().GetAsync(id, CancellationToken.None) is not { HasEnded: false })
                uploads.Delete(upload.File);
        }
    }

    private static async Task MakeAsync(HttpContext http, MachineWork work, Func<IJobs, Task<JobHandle>> make, RequestDelegate next)
    {
        var jobs = http.RequestServices.GetRequiredService<IJobs>();
        var callers = http.RequestServices.GetRequiredService<WaitingCallers>();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
        var answer = callers.Expect(work.RequestId);
        string made = "";
        try
        {
            var job = await make(jobs);
            if (!job.IsNew && !work.IsDirect && (await jobs.GetAsync(job.Id, http.RequestAborted))?.State != JobState.Pending)
            {
                // The same request again, when the first has begun: the API knows it by its id. Before, it waits for the same answer; and so it does where the API keeps no ids.
                http.Request.Body = new MemoryStream(work.Body);
                await next(http);
                return;
            }

            http.Response.Headers["X-Job-Id"] = made = job.Id.ToString();
            var ended = jobs.WaitAsync(job.Id, over.Token);
            await Task.WhenAny(answer, ended);
            if (answer.IsCompletedSuccessfully)
                await (await answer).WriteAsync(http);
            else if ((await ended).State == JobState.Completed)
                await AnswerOf(await jobs.WaitAsync<string>(job.Id, over.Token)).WriteAsync(http);
            else
                await Refusal.WriteAsync(http, StatusCodes.Status409Conflict, ErrorCode.Conflict, (await ended).Error ?? "It was cancelled before it began.");
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone; the job is there.
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested && !http.Response.HasStarted)
        {
            await Refusal.WriteAsync(http, StatusCodes.Status503ServiceUnavailable, ErrorCode.Unavailable, $"The host stops. What was asked for is job {made}, with which its next start goes on.");
        }
        finally
        {
            callers.Forget(work.RequestId);
        }
    }

    /// <summary>Another host that shares the jobs has done it: nobody told the caller here of its beginning, and its end is what there is to say.</summary>
    private static ApiAnswer Ended(string operation) => new(StatusCodes.Status200OK, "application/json", null, null, null, Encoding.UTF8.GetBytes(operation));

    /// <summary>What the request is for, in words: <c>startInstance</c> is "start instance"; null where it is not work on a machine.</summary>
    private static string? WorkOf(HttpContext http)
    {
        if (HttpMethods.IsGet(http.Request.Method)
            || !(http.Request.Path.StartsWithSegments(Instances, StringComparison.Ordinal) || http.Request.Path.StartsWithSegments(MachineWorkHandler.Api + "/storage", StringComparison.Ordinal)))
            return null;
        string? id = http.GetEndpoint()?.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName.Split(' ')[^1];
        return id is null || s_other.Contains(id) ? null : string.Concat(id.Select(letter => char.IsUpper(letter) ? " " + char.ToLowerInvariant(letter) : letter.ToString()));
    }

    private static async Task<IBackend?> BackendAsync(HttpContext http)
    {
        try
        {
            return BackendName.TryParse(Part(http.Request.Path.Value!, 1), null, out var name) ? await http.RequestServices.GetRequiredService<IBackendRegistry>().GetAsync(name, http.RequestAborted) : null;
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

    private static bool IsStorage(string path) => Part(path, 0) == "storage";

    private static InstanceId? MachineOf(string path) => !IsStorage(path) && InstanceId.TryParse(Part(path, 2), null, out var id) ? id : null;

    /// <summary>A volume that is there: <c>storage/BACKEND/volumes/ID</c>.</summary>
    private static string? VolumeOf(string path) => IsStorage(path) && Part(path, 2) == "volumes" ? Part(path, 3) : null;

    /// <summary>A part of the path behind the API's own.</summary>
    private static string? Part(string path, int index) => path[(MachineWorkHandler.Api.Length + 1)..].Split('/') is var parts && parts.Length > index ? parts[index].Replace("%2F", "/", StringComparison.OrdinalIgnoreCase) : null;

    /// <summary>How the machine, or the volume, is called. A machine that does not answer is called by its id: a job does not wait for that.</summary>
    private static async Task<string> NameAsync(IBackend backend, string path, byte[] body, TimeProvider time, CancellationToken cancellationToken)
    {
        if (VolumeOf(path) is { } volume)
            return volume;
        var machine = MachineOf(path);
        string unnamed = machine?.ToString() ?? (IsStorage(path) ? "something new" : "a new machine");
        using var patience = new CancellationTokenSource(s_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            if (machine is { } id)
                return (await FindAsync<IHypervisor>(backend, id, either.Token) ?? await FindAsync<IContainerRuntime>(backend, id, either.Token))?.Name.ToString() ?? unnamed;
            using var spec = JsonDocument.Parse(body);
            return spec.RootElement.ValueKind == JsonValueKind.Object && spec.RootElement.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString()! : unnamed;
        }
        catch (Exception failure) when (failure is HypervisorException or JsonException || (failure is OperationCanceledException && patience.IsCancellationRequested))
        {
            return unnamed;
        }
    }

    private static async Task<Instance?> FindAsync<TCompute>(IBackend backend, InstanceId id, CancellationToken cancellationToken)
        where TCompute : class, ICompute => backend.TryGet<TCompute>(out var compute) ? await compute.FindAsync(id, cancellationToken) : null;

    /// <summary>What the backend would lock for it; where it has no hints, the machine. What goes on within a guest locks nothing of the machine: who switches it off does not wait for a command that hangs.</summary>
    private static async Task<IReadOnlyList<LaneClaim>> LanesAsync(IBackend backend, string what, string path, CancellationToken cancellationToken)
    {
        var machine = MachineOf(path);
        if (what is MachineWork.RunCommand or MachineWork.UploadFile or MachineWork.DeleteFile)
            return [.. Claims(backend, $"guest:{machine}", LaneMode.Shared), new LaneClaim { Key = LaneKey.Parse("guests"), Mode = LaneMode.Shared, Capacity = GuestPlaces }];
        if (IsStorage(path))
            return VolumeOf(path) is { } volume ? Claims(backend, $"volume:{volume}", what.StartsWith("clone", StringComparison.Ordinal) ? LaneMode.Shared : LaneMode.Exclusive) : [];
        string action = what.Split(' ')[0] switch
        {
            "create" when what.EndsWith("instance", StringComparison.Ordinal) => "create",
            "delete" when what.EndsWith("instance", StringComparison.Ordinal) => "delete",
            "clone" => "clone",
            _ when what.EndsWith("snapshot", StringComparison.Ordinal) => "snapshot",
            _ when what.EndsWith("port", StringComparison.Ordinal) => "change",
            "apply" or "convert" => "change",
            _ => "power",
        };
        var query = new LaneQuery { Action = action, Instance = action == "clone" ? null : machine, Source = action == "clone" ? machine : null };
        if (!backend.TryGet<ILaneHints>(out var hints))
            return machine is { } id ? Claims(backend, $"instance:{id}", LaneMode.Exclusive) : [];
        var claims = await hints.GetClaimsAsync(query, cancellationToken);
        return [.. claims.Select(claim => new LaneClaim { Key = LaneKey.Parse($"{backend.Name}/{claim.Key}"), Mode = claim.Mode, Weight = claim.Weight, Capacity = claim.Capacity })];
    }

    // What is no key is the id of nothing: the API says so.
    private static LaneClaim[] Claims(IBackend backend, string key, LaneMode mode) => LaneKey.TryParse($"{backend.Name}/{key}", null, out var lane) ? [new LaneClaim { Key = lane, Mode = mode }] : [];
}
