using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Discards what failed long ago: somebody has seen it by then, or nobody will; and what was kept for uploads that are over.</summary>
internal sealed class TidyJobsHandler(IServiceProvider services, UploadStore uploads, TimeProvider time) : IJobHandler<TidyJobs, int>
{
    public const string JobType = "tidy-jobs";

    public async Task<int> RunAsync(JobContext job, TidyJobs args, CancellationToken cancellationToken)
    {
        var jobs = services.GetRequiredService<IJobs>();
        var limit = time.GetUtcNow() - TimeSpan.FromDays(args.Days);
        int discarded = 0;
        await foreach (var failed in jobs.ListAsync(new JobQuery { State = JobState.Failed }, cancellationToken))
        {
            if (failed.EndedAt < limit && await jobs.DiscardAsync(failed.Id, cancellationToken))
                discarded++;
        }

        await uploads.TidyAsync(jobs, time.GetUtcNow(), cancellationToken);
        await job.ReportAsync($"{discarded} failed jobs discarded", 1);
        return discarded;
    }
}
