using System.Text.Json;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>
/// Does what the API answers with at once, and follows no operation: commands, files of guests, ports. Its result is the whole answer. What a crash broke off is sent again where that changes nothing (a file that is written or
/// deleted once more) or where the backend knows the request (ports); a command is not: nobody can tell whether it ran. Whoever runs such a job again has decided that it may.
/// </summary>
internal sealed class DirectWork(InProcessApi api, IBackendRegistry backends, WaitingCallers callers, IServiceProvider services, TimeProvider time)
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    /// <param name="job">The job.</param>
    /// <param name="args">What is to be done.</param>
    /// <param name="content">Opens the body where it is not in <paramref name="args"/>: with its length, for what is said of the progress.</param>
    /// <param name="cancellationToken">Ends the wait for the backend.</param>
    public async Task<string> RunAsync(JobContext job, MachineWork args, Func<(Stream Content, long Length)>? content, CancellationToken cancellationToken)
    {
        await job.ReportAsync(args.Say(), 0);
        var key = job.Attempt == 1 ? args.RequestId : default(RequestId?);
        bool isAgain = false;
        return await job.StepAsync("do", HostJobsJson.Default.String, async options =>
        {
            var answer = await SendAsync(job, args, content, key ?? options.RequestId ?? args.RequestId, options.FencingToken, cancellationToken);
            if (isAgain && args.What == MachineWork.DeleteFile && answer.Status == StatusCodes.Status404NotFound)
                answer = new ApiAnswer(StatusCodes.Status204NoContent, null, null, null, null, []);
            await job.LogAsync($"{args.Method} {args.Path} was answered with {answer.Status}.");
            callers.Answer(args.RequestId, answer);
            if (answer.Status >= StatusCodes.Status400BadRequest)
            {
                using var problem = JsonDocument.Parse(answer.Body);
                throw MachineWorkHandler.Failure(problem.RootElement);
            }

            return JsonSerializer.Serialize(answer.Bounded(), HostJobsJson.Default.ApiAnswer);
        }, async request =>
        {
            if (await WasToldAsync(job, cancellationToken))
                return StepLookup<string>.Refused;
            isAgain = true;
            if (args.What is MachineWork.UploadFile or MachineWork.DeleteFile)
                return StepLookup<string>.NotHappened;
            if (args.What != MachineWork.RunCommand && await LookUpAsync(args, request, cancellationToken) is { } known)
            {
                key = known.Request;
                return known.Lookup;
            }

            throw new HypervisorException($"It was broken off, and whether it happened is not known: {args.Say()} was not sent again. Run the job again if it may happen twice.", ErrorCode.InvalidState, RequestOutcome.FailedMidway);
        });
    }

    private async Task<ApiAnswer> SendAsync(JobContext job, MachineWork args, Func<(Stream Content, long Length)>? content, RequestId key, long? fencingToken, CancellationToken cancellationToken)
    {
        var headers = new Dictionary<string, string> { ["Idempotency-Key"] = key.ToString() };
        if (args.IfMatch is not null)
            headers["If-Match"] = args.IfMatch;
        if (content is null)
            return Answered(await api.SendAsync(args.Method, args.Path, args.Query, args.Body, args.ContentType, headers, fencingToken, cancellationToken));
        var (stream, length) = content();
        await using (stream)
        {
            var sending = api.SendAsync(args.Method, args.Path, args.Query, stream, args.ContentType, headers, fencingToken, cancellationToken);
            double said = 0;
            while (await Task.WhenAny(sending, Task.Delay(s_look, time, cancellationToken)) != sending && !cancellationToken.IsCancellationRequested)
            {
                double part = length == 0 ? 0 : Math.Round((double)stream.Position / length, 2);
                if (part > said)
                    await job.ReportAsync(args.Say(), said = Math.Min(part, 1));
            }

            return Answered(await sending);
        }

        // Who is cancelled is answered with nothing.
        ApiAnswer Answered(ApiAnswer answer)
        {
            if (answer is { Status: StatusCodes.Status200OK, Body.Length: 0 })
                cancellationToken.ThrowIfCancellationRequested();
            return answer;
        }
    }

    /// <summary>What the backend knows of the request, by which of its ids; null where it cannot say.</summary>
    private async Task<(RequestId? Request, StepLookup<string> Lookup)?> LookUpAsync(MachineWork args, RequestId request, CancellationToken cancellationToken)
    {
        var backend = await backends.GetAsync(MachineJobs.BackendOf(args.Path), cancellationToken);
        if (!backend.TryGet<IRequestLog>(out var log))
            return null;
        foreach (var id in new[] { request, args.RequestId })
        {
            var known = await log.LookUpAsync(id, cancellationToken);
            switch (known.State)
            {
                case RequestState.NeverSeen:
                    continue;
                case RequestState.Running or RequestState.Succeeded:
                    // What it has done is answered from its memory when it is sent by the same id again.
                    return (id, StepLookup<string>.Running);
                case RequestState.Failed when known.Error?.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected:
                    return (null, StepLookup<string>.Refused);
                default:
                    return null;
            }
        }

        return (null, StepLookup<string>.NotHappened);
    }

    /// <summary>Whether the attempt before came to an end that it told: then it was refused, or somebody has read that it is not known and runs it again nevertheless.</summary>
    private async Task<bool> WasToldAsync(JobContext job, CancellationToken cancellationToken)
    {
        var attempts = await services.GetRequiredService<IJobs>().ListAttemptsAsync(job.Id, cancellationToken);
        return attempts.LastOrDefault(attempt => attempt.End is not null)?.End == AttemptEnd.Failed;
    }
}
