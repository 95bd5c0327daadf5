using Hypervisor.Sdk.Simulation;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Makes a machine in the simulated data centre and starts it, each in a step that the backend remembers.</summary>
internal sealed class MakeMachine(SimulatedDatacenter dc) : IJobHandler<MachineArgs, string>
{
    public async Task<string> RunAsync(JobContext job, MachineArgs args, CancellationToken cancellationToken)
    {
        var hypervisor = dc.Backend.Get<IHypervisor>();
        var log = dc.Backend.Get<IRequestLog>();
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(args.Name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(512)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromGiB(1)) });
        string id = await job.StepAsync("create", JobsJson.Default.String,
            async options => (await hypervisor.CreateAsync(spec, options, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None)).Id.ToString(), log, found => found.Instance!.Value.ToString());
        return await job.StepAsync("start", JobsJson.Default.String,
            async options => (await hypervisor.StartAsync(InstanceId.Parse(id), options, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None)).State.ToString(), log, _ => "running");
    }
}
