namespace Hypervisor.Sdk.Jobs;

/// <summary>How jobs are kept in a SQLite file.</summary>
public sealed class JobsSqliteOptions
{
    /// <summary>
    /// How old the backup beside the file gets before another one takes its place; made by a process that runs jobs, while it works. 1 min to 30 days; null makes none. Default 1 h.
    /// </summary>
    public TimeSpan? BackupInterval { get; set; } = TimeSpan.FromHours(1);

    internal void Validate()
    {
        if (BackupInterval is { } interval && (interval < TimeSpan.FromMinutes(1) || interval > TimeSpan.FromDays(30)))
            throw new ArgumentException($"{nameof(BackupInterval)} is {interval}; it is 1 min to 30 days, or null.");
    }
}
