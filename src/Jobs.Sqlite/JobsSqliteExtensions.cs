using Hypervisor.Sdk.Jobs.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs;

/// <summary>Keeps jobs in a SQLite file.</summary>
public static class JobsSqliteExtensions
{
    /// <summary>Keeps jobs in the file at <paramref name="path"/>, made where it is not there. Its directory has to be there. A backup is kept beside it (<see cref="JobsSqliteBackup"/>).</summary>
    public static JobsBuilder UseSqlite(this JobsBuilder builder, string path) => UseSqlite(builder, path, _ => { });

    /// <summary>The same, set otherwise.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static JobsBuilder UseSqlite(this JobsBuilder builder, string path, Action<JobsSqliteOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new JobsSqliteOptions();
        configure(options);
        options.Validate();
        return builder.UseStore(services => SqliteJobStore.Open(path, options.BackupInterval, services.GetService<ILoggerFactory>()?.CreateLogger<JobsSqliteOptions>(),
            services.GetRequiredService<JobsOptions>().TimeProvider));
    }
}
