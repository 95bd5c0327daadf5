namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>
/// What jobs do things to. It remembers each request by its id, and of each thing (a job's own, and each lane that is held alone) the largest fencing token that has come: smaller ones are refused. Requests take time, whether or not
/// their sender lives on; they are lost, refused for the moment, or their replies are.
/// </summary>
internal sealed class WorkloadBackend(TimeProvider world, WorkloadHistory history, Random random, Func<JobId, IReadOnlyList<string>> thingsOf)
{
    private readonly Dictionary<RequestId, Request> _requests = [];
    private readonly Dictionary<string, long> _tokens = new(StringComparer.Ordinal);

    public double Faults { get; set; }

    public async Task<string> DoAsync(WorkloadProcess process, JobId job, string step, RequestOptions options)
    {
        double dice = random.NextDouble();
        if (dice < Faults / 3)
            throw await LostAsync(process);
        long token = options.FencingToken!.Value;
        var id = options.RequestId!.Value;
        if (!_requests.TryGetValue(id, out var request))
        {
            await AdmitAsync(process, job, token);
            _requests[id] = request = new Request();
            _ = WorkAsync(request, dice < Faults * 2 / 3, new EffectDone(job, step, id, token));
        }

        await request.Ended.Task;
        await process.ArriveAsync();
        if (random.NextDouble() < Faults / 3)
            throw await LostAsync(process);
        return request.State switch
        {
            RequestState.Done => step,
            // Who has joined what another attempt had sent is not who was refused.
            RequestState.Fenced when Known(job, token) is not null => throw new HypervisorException($"The token {token} is too small.", ErrorCode.Conflict, RequestOutcome.Rejected),
            _ => throw new HypervisorException("It is busy.", ErrorCode.Locked, RequestOutcome.Rejected),
        };
    }

    /// <summary>Says what became of a request. Who asks is known by his token from then on: an earlier attempt that wakes up later and sends what was not there yet is refused.</summary>
    public async Task<StepLookup<string>> LookUpAsync(WorkloadProcess process, JobId job, string step, RequestId id, long token)
    {
        await AdmitAsync(process, job, token);
        await process.ArriveAsync();
        if (random.NextDouble() < Faults / 3)
            return StepLookup<string>.Unknown;
        return !_requests.TryGetValue(id, out var request) ? StepLookup<string>.NotHappened : request.State switch
        {
            RequestState.Running => StepLookup<string>.Running,
            RequestState.Done => StepLookup<string>.Done(step),
            _ => StepLookup<string>.Refused,
        };
    }

    public async Task UndoAsync(WorkloadProcess process, JobId job, string step, RequestOptions options)
    {
        if (random.NextDouble() < Faults / 3)
            throw await LostAsync(process);
        long token = options.FencingToken!.Value;
        await AdmitAsync(process, job, token);
        var id = options.RequestId!.Value;
        if (_requests.TryAdd(id, new Request { State = RequestState.Done }))
            history.Add(new EffectUndone(job, step, token));
        await process.ArriveAsync();
        if (random.NextDouble() < Faults / 3)
            throw await LostAsync(process);
    }

    private async Task WorkAsync(Request request, bool isRefused, EffectDone effect)
    {
        if (random.Next(3) == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 5_000)), world);
        if (!isRefused && Known(effect.Job, effect.Token) is null)
        {
            history.Add(effect);
            request.State = RequestState.Done;
        }
        else
        {
            request.State = isRefused ? RequestState.Refused : RequestState.Fenced;
        }

        request.Ended.SetResult();
    }

    private async Task AdmitAsync(WorkloadProcess process, JobId job, long token)
    {
        if (Known(job, token) is { } known)
        {
            history.Add(new TokenRefused(job, token, known));
            await process.ArriveAsync();
            throw new HypervisorException($"The token {token} is smaller than {known}.", ErrorCode.Conflict, RequestOutcome.Rejected);
        }

        foreach (string thing in thingsOf(job))
            _tokens[thing] = token;
    }

    // The larger token that has come, where one has.
    private long? Known(JobId job, long token)
    {
        long largest = thingsOf(job).Max(thing => _tokens.GetValueOrDefault(thing));
        return largest > token ? largest : null;
    }

    private static async Task<HypervisorException> LostAsync(WorkloadProcess process)
    {
        await process.ArriveAsync();
        return new HypervisorException("The backend does not answer.", ErrorCode.Unavailable, RequestOutcome.Unknown);
    }

    private enum RequestState
    {
        Running,
        Done,
        Refused,
        Fenced,
    }

    private sealed class Request
    {
        public TaskCompletionSource Ended { get; } = new();

        public RequestState State { get; set; }
    }
}
