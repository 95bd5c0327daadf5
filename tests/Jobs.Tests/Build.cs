namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Makes a disk and a machine, each in a step; a test may put something before the steps.</summary>
internal sealed class Build(World world) : IJobHandler<BuildArgs, BuildResult>
{
    public Func<JobContext, BuildArgs, CancellationToken, Task> Before { get; set; } = (_, _, _) => Task.CompletedTask;

    public async Task<BuildResult> RunAsync(JobContext job, BuildArgs args, CancellationToken cancellationToken)
    {
        await Before(job, args, cancellationToken);
        string disk = await MakeAsync(job, "disk", args.Name + "-disk");
        return new BuildResult(await MakeAsync(job, "machine", args.Name), disk);
    }

    private Task<string> MakeAsync(JobContext job, string step, string name) => job.StepAsync(step, JobsJson.Default.String,
        options => Task.FromResult(world.Make(options.RequestId!.Value, name)), request => Task.FromResult(world.LookUp(request)));
}
