using System.Text;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

/// <summary>A connection, perhaps within a transaction. Used by one call at a time.</summary>
internal sealed class PostgreSqlSession(NpgsqlConnection connection, NpgsqlTransaction? transaction = null)
{
    private long _change;
    private long _token;
    private bool _isMoved;

    /// <summary>Whether a statement fails that takes longer than the connection string says (30 s where it says nothing). What copies all jobs may take longer.</summary>
    public bool HasTimeLimit { get; init; } = true;

    /// <summary>Takes the turn to write: from here to the end of the transaction nobody else moves the counters.</summary>
    public async Task TakeTurnAsync()
    {
        // Settings of this transaction alone: a process that is stopped within its turn must not stop all others for ever.
        await RunAsync("SET LOCAL idle_in_transaction_session_timeout = 10000").ConfigureAwait(false);
        (_change, _token) = (await ReadAsync("SELECT change, token FROM hvsdk_jobs.counters FOR UPDATE", row => (row.GetInt64(0), row.GetInt64(1))).ConfigureAwait(false))[0];
    }

    /// <summary>The place in the queue before which nothing waits. Within a turn.</summary>
    public async Task<(long OrderMs, long Seq)> ReadHeadAsync() =>
        (await ReadAsync("SELECT head_ms, head_seq FROM hvsdk_jobs.counters", row => (row.GetInt64(0), row.GetInt64(1))).ConfigureAwait(false))[0];

    /// <summary>The next place of a change. Within a turn.</summary>
    public long NextChange()
    {
        _isMoved = true;
        return ++_change;
    }

    /// <summary>Keeps this many changes, and a fencing token with each; the last change and the last token before them. Within a turn.</summary>
    public (long Change, long Token) NextTokens(int count)
    {
        _isMoved = true;
        var before = (_change, _token);
        (_change, _token) = (_change + count, _token + count);
        return before;
    }

    /// <summary>Writes the counters where they moved, and tells the other processes at the commit.</summary>
    public async Task KeepCountersAsync(string sender)
    {
        if (_isMoved)
            await RunAsync($"WITH kept AS (UPDATE hvsdk_jobs.counters SET change = $1, token = $2 RETURNING one) SELECT pg_notify('{PostgreSqlJobStore.Channel}', $3) FROM kept", _change, _token, sender).ConfigureAwait(false);
    }

    /// <summary>Runs a statement; the rows that it changed.</summary>
    public async Task<int> RunAsync(string sql, params object?[] values)
    {
        var command = Command(sql, values);
        await using (command.ConfigureAwait(false))
            return await command.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    /// <summary>The rows of a query.</summary>
    public async Task<List<T>> ReadAsync<T>(string sql, Func<NpgsqlDataReader, T> row, params object?[] values)
    {
        var rows = new List<T>();
        var command = Command(sql, values);
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync().ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync().ConfigureAwait(false))
                    rows.Add(row(reader));
            }
        }

        return rows;
    }

    public static NpgsqlParameter Parameter(object? value) => new() { Value = value is string text ? Clean(text) : value ?? DBNull.Value };

    /// <summary>Text as PostgreSQL can keep it: it knows neither the character 0 nor halves of a pair.</summary>
    public static string Clean(string text)
    {
        if (!text.Contains('\0', StringComparison.Ordinal) && !text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return text;
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\0', '\uFFFD');
    }

    private NpgsqlCommand Command(string sql, object?[] values)
    {
#pragma warning disable CA2100 // Every statement is a constant of this package; what varies is a parameter.
        var command = new NpgsqlCommand(sql, connection, transaction);
#pragma warning restore CA2100
        if (!HasTimeLimit)
            command.CommandTimeout = 0;
        foreach (object? value in values)
            command.Parameters.Add(Parameter(value));
        return command;
    }
}
