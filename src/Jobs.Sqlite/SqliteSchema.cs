using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Data.Sqlite;

namespace Hypervisor.Sdk.Jobs.Sqlite;

/// <summary>The tables, and the steps from one version of them to the next.</summary>
internal static class SqliteSchema
{
    // The number that says whose file this is: "HvJb".
    private const long ApplicationId = 0x48764A62;

    // A step is never changed once it has shipped: a new one is added.
    private static readonly string[][] Steps =
    [
        [
            """
            CREATE TABLE jobs (
                seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, args TEXT NOT NULL, state INTEGER NOT NULL, priority INTEGER NOT NULL,
                order_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, ended_ms INTEGER, attempts INTEGER NOT NULL, counted INTEGER NOT NULL,
                max_attempts INTEGER NOT NULL, token INTEGER, worker TEXT, lease_ms INTEGER, cancel INTEGER NOT NULL, unique_key TEXT, result TEXT, error TEXT, progress TEXT)
            """,
            "CREATE INDEX jobs_pending ON jobs (order_ms, seq) WHERE state = 0",
            "CREATE INDEX jobs_running ON jobs (lease_ms) WHERE state = 1",
            "CREATE INDEX jobs_failed ON jobs (seq) WHERE state = 3",
            "CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key) WHERE unique_key IS NOT NULL AND state < 2",
            """
            CREATE TABLE lanes (job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE, key TEXT NOT NULL, exclusive INTEGER NOT NULL, weight INTEGER NOT NULL, capacity INTEGER,
                PRIMARY KEY (job, key)) WITHOUT ROWID
            """,
            """
            CREATE TABLE attempts (job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE, number INTEGER NOT NULL, worker TEXT NOT NULL, token INTEGER NOT NULL,
                started_ms INTEGER NOT NULL, ended_ms INTEGER, end INTEGER, reason TEXT, PRIMARY KEY (job, number)) WITHOUT ROWID
            """,
            """
            CREATE TABLE steps (job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE, name TEXT NOT NULL, request TEXT NOT NULL, began_ms INTEGER NOT NULL, ended_ms INTEGER,
                result TEXT, PRIMARY KEY (job, name)) WITHOUT ROWID
            """,
            "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
            "INSERT INTO counters VALUES ('token', 0)",
        ],
        [
            "ALTER TABLE jobs ADD COLUMN change INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE jobs ADD COLUMN progress_part REAL",
            "ALTER TABLE jobs ADD COLUMN retention_ms INTEGER",
            "ALTER TABLE jobs ADD COLUMN keep_ms INTEGER",
            "ALTER TABLE jobs ADD COLUMN lane_count INTEGER NOT NULL DEFAULT 0",
            "UPDATE jobs SET change = seq, lane_count = (SELECT count(*) FROM lanes WHERE job = seq)",
            "INSERT INTO counters SELECT 'change', coalesce(max(seq), 0) FROM jobs",
            "DROP INDEX jobs_failed",
            "CREATE INDEX jobs_failed ON jobs (id) WHERE state = 3",
            "CREATE INDEX jobs_due ON jobs (due_ms) WHERE state = 0",
            "CREATE INDEX jobs_kept ON jobs (keep_ms) WHERE keep_ms IS NOT NULL",
            "CREATE UNIQUE INDEX jobs_change ON jobs (change)",
            """
            CREATE TABLE logs (job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE, number INTEGER NOT NULL, attempt INTEGER NOT NULL, at_ms INTEGER NOT NULL, text TEXT NOT NULL,
                PRIMARY KEY (job, number)) WITHOUT ROWID
            """,
        ],
        [
            "ALTER TABLE jobs ADD COLUMN deadline_ms INTEGER",
            "ALTER TABLE jobs ADD COLUMN lost INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE jobs ADD COLUMN max_lost INTEGER NOT NULL DEFAULT 3",
            "ALTER TABLE jobs ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE jobs ADD COLUMN parent TEXT",
            "ALTER TABLE jobs ADD COLUMN child TEXT",
            "CREATE INDEX jobs_deadline ON jobs (deadline_ms) WHERE state = 0 AND deadline_ms IS NOT NULL",
            "CREATE UNIQUE INDEX jobs_child ON jobs (parent, child) WHERE parent IS NOT NULL",
            """
            CREATE TABLE waits (job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE, on_job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE, rule INTEGER NOT NULL,
                PRIMARY KEY (job, on_job)) WITHOUT ROWID
            """,
            "CREATE INDEX waits_on ON waits (on_job)",
            "CREATE TABLE paused (type TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID",
        ],
        [
            "ALTER TABLE jobs ADD COLUMN undo INTEGER",
            "ALTER TABLE jobs ADD COLUMN undone INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE steps ADD COLUMN undo INTEGER NOT NULL DEFAULT 0",
        ],
        [
            """
            CREATE TABLE schedules (name TEXT PRIMARY KEY, cron TEXT NOT NULL, zone TEXT NOT NULL, catch_up INTEGER NOT NULL, overlap INTEGER NOT NULL, jitter_ms INTEGER NOT NULL, next_ms INTEGER,
                type TEXT NOT NULL, args TEXT NOT NULL) WITHOUT ROWID
            """,
        ],
        [
            "ALTER TABLE jobs ADD COLUMN args_version INTEGER NOT NULL DEFAULT 1",
            "ALTER TABLE jobs ADD COLUMN trace TEXT",
            "ALTER TABLE jobs ADD COLUMN rate_key TEXT",
            "ALTER TABLE jobs ADD COLUMN rate_limit INTEGER",
            "ALTER TABLE jobs ADD COLUMN rate_ms INTEGER",
            "ALTER TABLE schedules ADD COLUMN args_version INTEGER NOT NULL DEFAULT 1",
            "CREATE TABLE starts (key TEXT NOT NULL, at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL)",
            "CREATE INDEX starts_key ON starts (key, at_ms)",
            "CREATE INDEX starts_until ON starts (until_ms)",
        ],
        [
            "ALTER TABLE schedules ADD COLUMN rate_key TEXT",
            "ALTER TABLE schedules ADD COLUMN rate_limit INTEGER",
            "ALTER TABLE schedules ADD COLUMN rate_ms INTEGER",
        ],
        [
            "CREATE INDEX jobs_cancelled ON jobs (id) WHERE state = 4",
        ],
    ];

    /// <summary>The version that this release writes.</summary>
    public static int Newest => Steps.Length;

    /// <summary>Checks the file and brings it to <paramref name="target"/>, by default the newest version.</summary>
    public static void Prepare(SqliteSession session, string path, int? target = null, DateTimeOffset now = default)
    {
        int wanted = target ?? Steps.Length;
        string[] damage = [.. session.Read("PRAGMA quick_check(5)", row => row.GetString(0))];
        if (damage is not ["ok"])
        {
            session.LeaveLog();
            throw Refusal(path, $"is damaged ({string.Join("; ", damage)}). It was left as it is{Offer(path)}, or move it away to begin anew");
        }

        session.ReadWhile("PRAGMA journal_mode = WAL", row => row.GetString(0) == "wal" ? true
            : throw Refusal(path, "cannot be kept with a write-ahead log on this file system: put it on a local disk"));

        session.Run("BEGIN IMMEDIATE");
        try
        {
            long version = Number(session, "PRAGMA user_version");
            long application = Number(session, "PRAGMA application_id");
            if (application != ApplicationId && (application != 0 || version != 0 || Number(session, "SELECT count(*) FROM sqlite_schema") != 0))
                throw Refusal(path, "is a database of another program: name another file");
            if (version > Steps.Length)
                throw Refusal(path, $"has version {version} and was written by a newer release; this one knows up to {Steps.Length}: update the program");
            for (long step = version; step < wanted; step++)
            {
                foreach (string sql in Steps[step])
                    session.Run(sql);
            }

            if (version == 0)
                session.Run("UPDATE counters SET value = $0 WHERE name = 'token'", FencingTokens.First(now));

            // A pragma takes no parameter; both are numbers of ours.
            session.Run($"PRAGMA application_id = {ApplicationId}");
            session.Run($"PRAGMA user_version = {Math.Max(version, wanted)}");
            session.Run("COMMIT");
        }
        catch
        {
            session.Run("ROLLBACK");
            throw;
        }
    }

    public static HypervisorException Refusal(string path, string what, Exception? inner = null, RequestOutcome outcome = RequestOutcome.Rejected) =>
        new($"The job store '{path}' {what}.", ErrorCode.Unavailable, outcome, inner) { Resource = path };

    /// <summary>
    /// What a write comes to that SQLite refused. Where the disk did not confirm a commit that was written (the extended results SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC), it is not seen now, but may be there
    /// after a restart.
    /// </summary>
    public static HypervisorException WriteFailure(string path, SqliteException exception)
    {
        const int IoErrorFsync = 1034;
        const int IoErrorDirectoryFsync = 1290;
        bool isUnknown = exception.SqliteExtendedErrorCode is IoErrorFsync or IoErrorDirectoryFsync;
        return Refusal(path, $"cannot be written ({exception.Message.TrimEnd('.')}). {(isUnknown ? "Whether this was kept is not known" : "Nothing of this was kept")}", exception,
            isUnknown ? RequestOutcome.Unknown : RequestOutcome.Rejected);
    }

    /// <summary>What can be restored.</summary>
    public static string Offer(string path) => JobsSqliteBackup.TakenAt(path) is { } taken
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $": JobsSqliteBackup.Restore goes back to the backup of {taken:u}, without what was made since and with what has ended since to be run again")
        : ", and has no backup: restore a copy of your own";

    private static long Number(SqliteSession session, string sql) => session.Read(sql, row => row.GetInt64(0))[0];
}
