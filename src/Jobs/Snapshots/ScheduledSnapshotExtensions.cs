using Hypervisor.Sdk.Jobs.Snapshots;

namespace Hypervisor.Sdk.Jobs;

/// <summary>Adds the job that takes snapshots by the clock.</summary>
public static class ScheduledSnapshotExtensions
{
    /// <summary>
    /// Adds the handler of <see cref="ScheduledSnapshot"/>. The backends are those of the application's <see cref="IBackendRegistry"/>; one that makes no snapshots fails the job. The job takes no lane: what the backend
    /// refuses for a lock is tried again.
    /// </summary>
    /// <param name="builder">The jobs.</param>
    /// <param name="configure">How it is tried again.</param>
    /// <exception cref="ArgumentException">It was added already, or an option is out of its range.</exception>
    public static JobsBuilder AddScheduledSnapshots(this JobsBuilder builder, Action<JobTypeOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddHandler<ScheduledSnapshotHandler, ScheduledSnapshot, string>("scheduled-snapshot", SnapshotJson.Default.ScheduledSnapshot, SnapshotJson.Default.String, configure);
    }
}
