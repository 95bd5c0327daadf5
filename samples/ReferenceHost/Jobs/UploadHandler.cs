using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Writes a file of a guest from what was kept of the request's body, and deletes that when it is over.</summary>
internal sealed class UploadHandler(DirectWork work, UploadStore uploads, IServiceProvider services) : IJobHandler<UploadWork, string>
{
    public const string JobType = "upload";

    public async Task<string> RunAsync(JobContext job, UploadWork args, CancellationToken cancellationToken)
    {
        try
        {
            string done = await work.RunAsync(job, args.Work, () => (uploads.Open(args), args.Length), cancellationToken);
            uploads.Delete(args.File);
            return done;
        }
        catch (HypervisorException failure) when (failure is { IsTransient: false, Outcome: not RequestOutcome.Unknown })
        {
            // It is not tried again by itself.
            uploads.Delete(args.File);
            throw;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // A host that only shuts down goes on with it.
            if ((await services.GetRequiredService<IJobs>().GetAsync(job.Id, CancellationToken.None))?.IsCancelRequested != false)
                uploads.Delete(args.File);
            throw;
        }
    }
}
