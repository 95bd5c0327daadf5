using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.Testing.Jobs;

/// <summary>Does it in steps that the backend remembers.</summary>
internal sealed class MachineHandler(MachineSite site) : IJobHandler<MachineJob, MachineJob>, IJobWork<MachineJob>
{
    private static readonly StopOptions s_atOnce = new() { GracePeriod = TimeSpan.Zero };

    public IEnumerable<BackendWork> GetWork(MachineJob args) => [new BackendWork(site.Backend, site.Work(args))];

    public async Task<MachineJob> RunAsync(JobContext job, MachineJob args, CancellationToken cancellationToken)
    {
        var machines = site.Machines;
        var id = InstanceId.Parse(args.End == MachineJob.Cycled ? (await FindAsync())! : await StepAsync(
            job, "create", async options => (await site.CreateAsync(args.Name, options).WaitForCompletionAsync(CancellationToken.None)).Id.ToString(), FindAsync));
        if (args.End == MachineJob.Made)
            return args;
        await StepAsync(job, "start", options => DoAsync(machines.StartAsync(id, options, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None)), () => LookAsync(PowerState.Running));
        if (args.End != MachineJob.Running)
            await StepAsync(job, "stop", options => DoAsync(machines.StopAsync(id, s_atOnce, options, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None)), () => LookAsync(PowerState.Stopped));
        if (args.End == MachineJob.Deleted)
            await StepAsync(job, "delete", options => DoAsync(machines.DeleteAsync(id, null, options, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None)), async () => await machines.FindAsync(id, CancellationToken.None) is null ? id.ToString() : null);
        return args;

        async Task<string?> FindAsync() => (await machines.List().FirstOrDefaultAsync(instance => instance.Name == args.Name, CancellationToken.None))?.Id.ToString();

        async Task<string> DoAsync(Task work)
        {
            await work;
            return id.ToString();
        }

        async Task<string?> LookAsync(PowerState state) => (await machines.GetAsync(id, CancellationToken.None)).State == state ? id.ToString() : null;
    }

    // What the backend says that it broke off midway, or that it may have forgotten, is looked at: it is there, or it is sent again.
    private Task<string> StepAsync(JobContext job, string name, Func<RequestOptions, Task<string>> effect, Func<Task<string?>> look) => job.StepAsync(name, MachineJson.Default.String, effect, async request =>
    {
        var known = await site.Backend.Get<IRequestLog>().LookUpAsync(request, CancellationToken.None);
        return known.State switch
        {
            RequestState.NeverSeen => StepLookup<string>.NotHappened,
            RequestState.Running => StepLookup<string>.Running,
            RequestState.Succeeded => StepLookup<string>.Done(known.Instance!.Value.ToString()),
            RequestState.Failed when known.Error?.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected => StepLookup<string>.Refused,
            RequestState.Failed => await look() is { } there ? StepLookup<string>.Done(there) : StepLookup<string>.Refused,
            RequestState.Expired => await look() is { } there ? StepLookup<string>.Done(there) : StepLookup<string>.NotHappened,
            _ => StepLookup<string>.Unknown,
        };
    });
}
