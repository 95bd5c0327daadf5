using System.Text.Json.Serialization;
using Hypervisor.Sdk;
using Hypervisor.Sdk.Jobs;

namespace Samples.JobsQuickStart;

internal sealed record CreateMachineArgs(string Name, int MiB);

/// <summary>Creates a machine and starts it. Each of the two is a step: after a crash the backend is asked what became of it before it is sent again.</summary>
internal sealed class CreateMachine(IBackend backend) : IJobHandler<CreateMachineArgs, string>, IJobWork<CreateMachineArgs>
{
    // What the backend would lock for this, the job waits for.
    public IEnumerable<BackendWork> GetWork(CreateMachineArgs args) => [new BackendWork(backend, new LaneQuery { Action = "create" })];

    public async Task<string> RunAsync(JobContext job, CreateMachineArgs args, CancellationToken cancellationToken)
    {
        var machines = backend.Get<IHypervisor>();
        var log = backend.Get<IRequestLog>();
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(args.Name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(args.MiB)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromGiB(10)) });
        await job.ReportAsync("creating", 0);
        string id = await job.StepAsync("create", SampleJson.Default.String,
            async options => (await machines.CreateAsync(spec, options, cancellationToken).WaitForCompletionAsync(cancellationToken)).Id.ToString(), log, found => found.Instance!.Value.ToString(),
            // Undone where the job fails or is cancelled.
            compensate: async (made, options) => await machines.DeleteAsync(InstanceId.Parse(made), new DeleteOptions { StopFirst = true }, options).WaitForCompletionAsync());
        await job.ReportAsync("starting", 0.5);
        await job.StepAsync("start", SampleJson.Default.String,
            async options => (await machines.StartAsync(InstanceId.Parse(id), options, cancellationToken).WaitForCompletionAsync(cancellationToken)).State.ToString(), log, _ => "running");
        return id;
    }
}

[JsonSerializable(typeof(CreateMachineArgs))]
[JsonSerializable(typeof(string))]
internal sealed partial class SampleJson : JsonSerializerContext;
