using System.Diagnostics;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>How many statements Npgsql sends: it writes a span for each command, a batch with all its statements as its text.</summary>
internal sealed class StatementCount : IDisposable
{
    private readonly ActivityListener _listener;
    private int _count;
    private int _calls;

    /// <param name="connection">Only what is sent to this database counts: other tests may run beside. Default: everything.</param>
    public StatementCount(string? connection = null)
    {
        string? database = connection is null ? null : new NpgsqlConnectionStringBuilder(connection).Database;
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (database is not null && (activity.GetTagItem("db.namespace") ?? activity.GetTagItem("db.name"))?.ToString() != database)
                    return;
                string text = (activity.GetTagItem("db.query.text") ?? activity.GetTagItem("db.statement"))?.ToString() ?? "";
                Interlocked.Increment(ref _calls);
                Interlocked.Add(ref _count, Math.Max(1, text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Length));
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>Round trips, each of which has one commit at most.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public int Count => Volatile.Read(ref _count);

    public void Dispose() => _listener.Dispose();
}
