using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>What the host does by the clock.</summary>
internal sealed class HostSchedules(IJobs jobs) : IHostedService
{
    private const int KeptDays = 30;

    public Task StartAsync(CancellationToken cancellationToken) => jobs.ScheduleAsync(new JobSchedule { Name = TidyJobsHandler.JobType, Cron = "15 3 * * *" }, new TidyJobs(KeptDays), cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
