using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>What the host does by the clock, and once at its start.</summary>
internal sealed class HostSchedules(IJobs jobs, UploadStore uploads, TimeProvider time) : IHostedService
{
    private const int KeptDays = 30;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await jobs.ScheduleAsync(new JobSchedule { Name = TidyJobsHandler.JobType, Cron = "15 3 * * *" }, new TidyJobs(KeptDays), cancellationToken);
        await uploads.TidyAsync(jobs, time.GetUtcNow(), cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
