using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Does something to a machine, and follows it to its end, which is its result: the operation, as the API shows it. After a crash the backend is asked what became of the request before it is sent again.</summary>
internal sealed class MachineWorkHandler(InProcessApi api, IBackendRegistry backends, WaitingCallers callers, DirectWork direct, IServiceProvider services) : IJobHandler<MachineWork, string>
{
    public const string JobType = "machine";
    public const string Api = "/api/v1";

    // These say where a machine is to be: what was broken off midway is gone on with by saying it again.
    private static readonly string[] s_destinations = ["start instance", "stop instance", "pause instance", "resume instance"];

    public async Task<string> RunAsync(JobContext job, MachineWork args, CancellationToken cancellationToken)
    {
        if (args.IsDirect)
            return await direct.RunAsync(job, args, null, cancellationToken);
        await job.ReportAsync(args.Say(), 0);
        // The first attempt goes by the caller's own id, so that the same request again is the same; one that was refused is sent again by a new one.
        RequestId? key = job.Attempt == 1 ? args.RequestId : null;
        return await job.StepAsync("do", HostJobsJson.Default.String, options => DoAsync(job, args, key ?? options.RequestId ?? args.RequestId, options.FencingToken, cancellationToken), async request =>
        {
            var log = await LogAsync(args, cancellationToken);
            if (log is null)
                return StepLookup<string>.Unknown;
            var known = await log.LookUpAsync(request, cancellationToken);
            if (known.State == RequestState.NeverSeen)
            {
                known = await log.LookUpAsync(args.RequestId, cancellationToken);
                key = known.State == RequestState.Running ? args.RequestId : null;
            }

            return known.State switch
            {
                // Of a deletion some backends know no more than whether the machine is there; who else works on it waits in its lane.
                RequestState.Expired when args.What == "delete instance" => await IsThereAsync(args, cancellationToken) ? StepLookup<string>.Refused : StepLookup<string>.Done(Succeeded(request)),
                RequestState.NeverSeen => StepLookup<string>.NotHappened,
                RequestState.Running => StepLookup<string>.Running,
                RequestState.Succeeded => StepLookup<string>.Done(Succeeded(request)),
                RequestState.Failed when known.Error?.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected => StepLookup<string>.Refused,
                RequestState.Failed when known.Error?.Outcome == RequestOutcome.FailedMidway && s_destinations.Contains(args.What) => StepLookup<string>.Refused,
                _ => StepLookup<string>.Unknown,
            };
        });
    }

    private async Task<bool> IsThereAsync(MachineWork args, CancellationToken cancellationToken) => (await api.SendAsync("GET", args.Path, cancellationToken: cancellationToken)).Status switch
    {
        StatusCodes.Status200OK => true,
        StatusCodes.Status404NotFound => false,
        var status => throw new HypervisorException($"Whether {args.Target} is there is not known: its backend answers with {status}.", ErrorCode.Unavailable, RequestOutcome.Unknown),
    };

    /// <summary>The operation itself is lost with the process that began it; that it has succeeded is known by its request.</summary>
    private static string Succeeded(RequestId request) => new JsonObject { ["id"] = request.ToString(), ["state"] = "succeeded", ["requestId"] = request.ToString() }.ToJsonString();

    private async Task<IRequestLog?> LogAsync(MachineWork args, CancellationToken cancellationToken)
    {
        var backend = await backends.GetAsync(MachineJobs.BackendOf(args.Path), cancellationToken);
        return backend.TryGet<IRequestLog>(out var log) ? log : null;
    }

    private async Task<string> DoAsync(JobContext job, MachineWork args, RequestId key, long? fencingToken, CancellationToken cancellationToken)
    {
        var headers = new Dictionary<string, string> { ["Idempotency-Key"] = key.ToString() };
        if (args.IfMatch is not null)
            headers["If-Match"] = args.IfMatch;
        if (args.Prefer is not null)
            headers["Prefer"] = args.Prefer;
        // Not cut off midway: what was sent is followed, or cancelled where it runs.
        var answer = await api.SendAsync(args.Method, args.Path, args.Query, args.Body, args.ContentType, headers, fencingToken, CancellationToken.None);
        callers.Answer(args.RequestId, answer);
        await job.LogAsync($"{args.Method} {args.Path} was answered with {answer.Status}.");
        using var document = JsonDocument.Parse(answer.Body);
        if (answer.Status >= 400)
            throw Failure(document.RootElement);
        return await FollowAsync(job, args, document.RootElement.GetProperty("id").GetString()!, cancellationToken);
    }

    private async Task<string> FollowAsync(JobContext job, MachineWork args, string operation, CancellationToken cancellationToken)
    {
        string path = $"{Api}/operations/{Uri.EscapeDataString(operation)}";
        var patience = new Dictionary<string, string> { ["Prefer"] = "wait=1" };
        string said = "";
        bool isCancelled = false;
        while (true)
        {
            var answer = await api.SendAsync("GET", path, headers: patience, cancellationToken: CancellationToken.None);
            using var document = JsonDocument.Parse(answer.Body);
            var now = document.RootElement;
            if (answer.Status >= 400)
                throw Failure(now);
            switch (now.GetProperty("state").GetString())
            {
                case "succeeded":
                    return Encoding.UTF8.GetString(answer.Body);
                case "running":
                    break;
                case "cancelled":
                    // Whoever cancelled the operation has cancelled the job.
                    await services.GetRequiredService<IJobs>().CancelAsync(job.Id, CancellationToken.None);
                    cancellationToken.ThrowIfCancellationRequested();
                    throw new HypervisorException("It was cancelled.", ErrorCode.Cancelled, RequestOutcome.Rejected);
                default:
                    throw now.TryGetProperty("error", out var error) ? Failure(error) : new HypervisorException("Nobody can tell how it ended.", ErrorCode.Unavailable, RequestOutcome.Unknown);
            }

            string stage = now.TryGetProperty("stage", out var word) ? word.GetString()! : "";
            double? fraction = now.TryGetProperty("fraction", out var part) ? part.GetDouble() : null;
            if (said != $"{stage} {fraction}")
            {
                said = $"{stage} {fraction}";
                await job.ReportAsync(args.Say(stage), fraction);
                await job.LogAsync(fraction is { } at ? string.Create(CultureInfo.InvariantCulture, $"{(stage.Length > 0 ? stage : "running")} ({at:P0})") : stage.Length > 0 ? stage : "running");
            }

            if (!cancellationToken.IsCancellationRequested || isCancelled)
                continue;
            // A host that only shuts down leaves the work to go on, and finds it again.
            isCancelled = (await services.GetRequiredService<IJobs>().GetAsync(job.Id, CancellationToken.None))?.IsCancelRequested == true;
            if (!isCancelled)
                cancellationToken.ThrowIfCancellationRequested();
            await api.SendAsync("POST", path + "/cancel", cancellationToken: CancellationToken.None);
        }
    }

    // Problem details, as an exception again. What is over is not tried by itself: whoever asked has been told.
    internal static HypervisorException Failure(JsonElement problem)
    {
        string message = problem.TryGetProperty("detail", out var detail) || problem.TryGetProperty("message", out detail) || problem.TryGetProperty("title", out detail) ? detail.GetString() ?? "" : "";
        bool isUnknown = problem.TryGetProperty("outcome", out var outcome) && string.Equals(outcome.GetString(), nameof(RequestOutcome.Unknown), StringComparison.OrdinalIgnoreCase);
        return new HypervisorException(message.Length > 0 ? message : "It failed.", ErrorCode.InvalidState, isUnknown ? RequestOutcome.Unknown : RequestOutcome.Rejected);
    }
}
