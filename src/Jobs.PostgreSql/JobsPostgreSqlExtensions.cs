using Hypervisor.Sdk.Jobs.PostgreSql;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs;

/// <summary>Keeps jobs in a PostgreSQL database.</summary>
public static class JobsPostgreSqlExtensions
{
    /// <summary>Keeps jobs in a database, in its schema <c>hvsdk_jobs</c>. The server is asked for nothing before the first use; while it does not answer, calls fail and workers look again.</summary>
    /// <param name="builder">The jobs.</param>
    /// <param name="connectionString">As Npgsql takes it. The user makes the schema, where it is not there, and owns it.</param>
    /// <param name="notifications">False where notifications cannot come through, as with a pooler in transaction mode: what other processes do is then found by polling. Default true.</param>
    /// <exception cref="ArgumentException">The connection string is none.</exception>
    public static JobsBuilder UsePostgreSql(this JobsBuilder builder, string connectionString, bool notifications = true)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionString);
        return builder.UseStore(services => new PostgreSqlJobStore(connectionString, notifications, services.GetRequiredService<JobsOptions>().TimeProvider));
    }
}
