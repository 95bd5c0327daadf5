using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Hypervisor.Sdk.Jobs.Sqlite;

/// <summary>A connection with its prepared statements. Used by one thread at a time.</summary>
internal sealed class SqliteSession : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _counters = new(StringComparer.Ordinal);
    private readonly SqliteConnection _connection;

    public SqliteSession(string path, bool isReader)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Run("PRAGMA busy_timeout = 10000");
        Run("PRAGMA foreign_keys = ON");
        if (isReader)
        {
            Run("PRAGMA query_only = ON");
            return;
        }

        Run("PRAGMA synchronous = FULL");

        // 16 MiB instead of 2: the upper pages of all indexes beside a million jobs, and what was last appended. The log is written into the file every 16 MB instead of every 4, as its pages are mostly the same ones again.
        Run("PRAGMA cache_size = -16384");
        ReadWhile("PRAGMA wal_autocheckpoint = 4000", _ => false);
    }

    /// <summary>The file and its log stay as they are when this is disposed: without it the last connection writes the log into the file and removes it.</summary>
    public void LeaveLog()
    {
        // SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, https://www.sqlite.org/c3ref/c_dbconfig_defensive.html
        const int NoCheckpointOnClose = 1006;
        raw.sqlite3_db_config(_connection.Handle, NoCheckpointOnClose, 1, out _);
    }

    /// <summary>Runs a statement; the rows that it changed.</summary>
    public int Run(string sql, params ReadOnlySpan<object?> values) => Bind(sql, values).ExecuteNonQuery();

    /// <summary>The rows of a query, read to the end.</summary>
    public List<T> Read<T>(string sql, Func<SqliteDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        var rows = new List<T>();
        using var reader = Bind(sql, values).ExecuteReader();
        while (reader.Read())
            rows.Add(row(reader));
        return rows;
    }

    /// <summary>Offers the rows of a query until <paramref name="row"/> has had enough.</summary>
    public void ReadWhile(string sql, Func<SqliteDataReader, bool> row, params ReadOnlySpan<object?> values)
    {
        using var reader = Bind(sql, values).ExecuteReader();
        while (reader.Read() && row(reader))
        {
        }
    }

    /// <summary>The next number of a counter. Within a transaction, before the end of which <see cref="KeepCounters"/> is called: one that is undone leaves a gap at most.</summary>
    public long Next(string counter)
    {
        if (!_counters.TryGetValue(counter, out long value))
            value = Read("SELECT value FROM counters WHERE name = $0", row => row.GetInt64(0), counter)[0];
        return _counters[counter] = value + 1;
    }

    /// <summary>Writes the counters that moved. Another process may move them before the next transaction.</summary>
    public void KeepCounters()
    {
        foreach (var (name, value) in _counters)
            Run("UPDATE counters SET value = $1 WHERE name = $0", name, value);
        _counters.Clear();
    }

    /// <summary>Forgets what a transaction that was undone counted.</summary>
    public void ForgetCounters() => _counters.Clear();

    public void Dispose()
    {
        foreach (var command in _commands.Values)
            command.Dispose();
        _connection.Dispose();
    }

    private SqliteCommand Bind(string sql, ReadOnlySpan<object?> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            _commands[sql] = command = _connection.CreateCommand();
#pragma warning disable CA2100 // Every statement is a constant of this package; what varies is a parameter.
            command.CommandText = sql;
#pragma warning restore CA2100
            for (int i = 0; i < values.Length; i++)
                command.Parameters.Add(new SqliteParameter { ParameterName = "$" + i.ToString(CultureInfo.InvariantCulture) });
        }

        for (int i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return command;
    }
}
