using Hypervisor.Sdk.Jobs.Sqlite;

namespace Hypervisor.Sdk.Jobs;

/// <summary>Keeps jobs in a SQLite file.</summary>
public static class JobsSqliteExtensions
{
    /// <summary>Keeps jobs in the file at <paramref name="path"/>, made where it is not there. Its directory has to be there.</summary>
    public static JobsBuilder UseSqlite(this JobsBuilder builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(path);
        return builder.UseStore(_ => SqliteJobStore.Open(path));
    }
}
