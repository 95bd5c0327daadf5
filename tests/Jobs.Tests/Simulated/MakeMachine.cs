namespace Hypervisor.Sdk.Jobs.Tests.Simulated;

/// <summary>Makes a machine and starts it, and where it is not to be kept stops and deletes it, each in a step that the backend remembers. A crash may have broken a step off midway: then it looks at what is there.</summary>
internal sealed class MakeMachine(ISite site) : IJobHandler<MachineArgs, string>, IJobWork<MachineArgs>
{
    /// <summary>What a site says of the state of a machine that is not there.</summary>
    public const string Absent = "absent";

    public IEnumerable<BackendWork> GetWork(MachineArgs args) => site.WorkOf(args.Name);

    public async Task<string> RunAsync(JobContext job, MachineArgs args, CancellationToken cancellationToken)
    {
        string id = await StepAsync(job, "create", args.Name, "");
        await StepAsync(job, "start", id, PowerState.Running.ToString());
        if (NearSite.IsKept(args.Name))
            return args.Name;
        await StepAsync(job, "stop", id, PowerState.Stopped.ToString());
        await StepAsync(job, "delete", id, Absent);
        return args.Name;
    }

    private Task<string> StepAsync(JobContext job, string verb, string what, string end) => job.StepAsync(
        verb, JobsJson.Default.String, options => SendAsync(verb, options.RequestId!.Value, what, options.FencingToken!.Value), request => LookUpAsync(request, verb, what, end));

    private async Task<StepLookup<string>> LookUpAsync(RequestId request, string verb, string what, string end)
    {
        string[] words = (await SendAsync("look", request, "-", 0)).Split(' ');
        return Enum.Parse<RequestState>(words[0]) switch
        {
            RequestState.NeverSeen => StepLookup<string>.NotHappened,
            RequestState.Running => StepLookup<string>.Running,
            RequestState.Succeeded => StepLookup<string>.Done(words[1]),
            // Nothing is left of it. Under the same id, so that a worker that was paused before it sent this makes no second one when it wakes up: what is only to be there remembers no fencing token.
            RequestState.Failed when verb == "create" => StepLookup<string>.NotHappened,
            RequestState.Failed when words[2] is nameof(RequestOutcome.NotSent) or nameof(RequestOutcome.Rejected) => StepLookup<string>.Refused,
            RequestState.Failed => await SendAsync("state", request, what, 0) == end ? StepLookup<string>.Done(what) : StepLookup<string>.Refused,
            _ => StepLookup<string>.Unknown,
        };
    }

    private async Task<string> SendAsync(string verb, RequestId request, string what, long token)
    {
        string answer = await site.SendAsync(verb, request.ToString(), what, token);
        string[] words = answer.Split(' ', 4);
        if (words[0] == "ok")
            return answer[3..];
        // What was broken off midway would end the job at once, as nothing is known of what is left. These steps can look: they are asked by the next attempt.
        var outcome = Enum.Parse<RequestOutcome>(words[2]);
        throw new HypervisorException(words[3], ErrorCode.Unavailable, outcome == RequestOutcome.FailedMidway ? RequestOutcome.Unknown : outcome);
    }
}
