using Npgsql;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

/// <summary>The tables, and the steps from one version of them to the next.</summary>
internal static class PostgreSqlSchema
{
    // Whose lock it is: "HvJb". Nobody else who takes advisory locks in this database should take the same.
    private const long MigrationLock = 0x48764A62;

    // A step is never changed once it has shipped: a new one is added.
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE hvsdk_jobs.jobs (
            seq bigint PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, type text NOT NULL, args text NOT NULL, state int NOT NULL DEFAULT 0, priority int NOT NULL, order_ms bigint NOT NULL,
            due_ms bigint NOT NULL, created_ms bigint NOT NULL, ended_ms bigint, attempts int NOT NULL DEFAULT 0, counted int NOT NULL DEFAULT 0, max_attempts int NOT NULL, token bigint, worker text,
            lease_ms bigint, cancel boolean NOT NULL DEFAULT false, unique_key text, result text, error text, progress text, progress_part double precision, change bigint NOT NULL,
            retention_ms bigint NOT NULL, keep_ms bigint, lanes text, deadline_ms bigint, lost int NOT NULL DEFAULT 0, max_lost int NOT NULL, waiting int NOT NULL DEFAULT 0, parent text, child text,
            undo int, undone boolean NOT NULL DEFAULT false);
        CREATE INDEX jobs_pending ON hvsdk_jobs.jobs (order_ms, seq) WHERE state = 0;
        CREATE INDEX jobs_due ON hvsdk_jobs.jobs (due_ms) WHERE state = 0;
        CREATE INDEX jobs_deadline ON hvsdk_jobs.jobs (deadline_ms) WHERE state = 0 AND deadline_ms IS NOT NULL;
        CREATE INDEX jobs_running ON hvsdk_jobs.jobs (lease_ms) WHERE state = 1;
        CREATE INDEX jobs_failed ON hvsdk_jobs.jobs (id) WHERE state = 3;
        CREATE INDEX jobs_kept ON hvsdk_jobs.jobs (keep_ms) WHERE keep_ms IS NOT NULL;
        CREATE UNIQUE INDEX jobs_change ON hvsdk_jobs.jobs (change);
        CREATE UNIQUE INDEX jobs_unique ON hvsdk_jobs.jobs (unique_key) WHERE unique_key IS NOT NULL AND state < 2;
        CREATE UNIQUE INDEX jobs_child ON hvsdk_jobs.jobs (parent, child) WHERE parent IS NOT NULL;
        CREATE TABLE hvsdk_jobs.attempts (
            job bigint NOT NULL REFERENCES hvsdk_jobs.jobs (seq) ON DELETE CASCADE, number int NOT NULL, worker text NOT NULL, token bigint NOT NULL, started_ms bigint NOT NULL, ended_ms bigint,
            how int, reason text, PRIMARY KEY (job, number));
        CREATE TABLE hvsdk_jobs.steps (
            job bigint NOT NULL REFERENCES hvsdk_jobs.jobs (seq) ON DELETE CASCADE, name text NOT NULL, request text NOT NULL, began_ms bigint NOT NULL, ended_ms bigint, result text,
            undo boolean NOT NULL DEFAULT false, PRIMARY KEY (job, name));
        CREATE TABLE hvsdk_jobs.logs (
            job bigint NOT NULL REFERENCES hvsdk_jobs.jobs (seq) ON DELETE CASCADE, number bigint NOT NULL, attempt int NOT NULL, at_ms bigint NOT NULL, line text NOT NULL, PRIMARY KEY (job, number));
        CREATE TABLE hvsdk_jobs.waits (
            job bigint NOT NULL REFERENCES hvsdk_jobs.jobs (seq) ON DELETE CASCADE, on_job bigint NOT NULL REFERENCES hvsdk_jobs.jobs (seq) ON DELETE CASCADE, rule int NOT NULL,
            PRIMARY KEY (job, on_job));
        CREATE INDEX waits_on ON hvsdk_jobs.waits (on_job);
        CREATE TABLE hvsdk_jobs.paused (type text PRIMARY KEY, at_ms bigint NOT NULL);
        CREATE TABLE hvsdk_jobs.schedules (
            name text COLLATE "C" PRIMARY KEY, cron text NOT NULL, zone text NOT NULL, catch_up int NOT NULL, overlap boolean NOT NULL, jitter_ms bigint NOT NULL, next_ms bigint, type text NOT NULL,
            args text NOT NULL);
        CREATE TABLE hvsdk_jobs.counters (one boolean PRIMARY KEY DEFAULT true CHECK (one), change bigint NOT NULL, token bigint NOT NULL) WITH (fillfactor = 10);
        INSERT INTO hvsdk_jobs.counters (change, token) VALUES (0, (extract(epoch FROM clock_timestamp()) * 1000)::bigint << 20);
        """,
        """
        ALTER TABLE hvsdk_jobs.jobs ADD COLUMN args_version int NOT NULL DEFAULT 1, ADD COLUMN trace text, ADD COLUMN rate_key text, ADD COLUMN rate_limit int, ADD COLUMN rate_ms bigint;
        ALTER TABLE hvsdk_jobs.schedules ADD COLUMN args_version int NOT NULL DEFAULT 1;
        CREATE TABLE hvsdk_jobs.starts (key text NOT NULL, at_ms bigint NOT NULL, until_ms bigint NOT NULL);
        CREATE INDEX starts_key ON hvsdk_jobs.starts (key, at_ms);
        CREATE INDEX starts_until ON hvsdk_jobs.starts (until_ms);
        """,
        // The newest attempt stands in the row of its job, and goes to the table of attempts when another begins: what begins and ends once is written twice and not four times. No foreign key there, which would be
        // looked up for each row.
        """
        ALTER TABLE hvsdk_jobs.jobs ADD COLUMN started_ms bigint, ADD COLUMN closed_ms bigint, ADD COLUMN how int, ADD COLUMN reason text;
        UPDATE hvsdk_jobs.jobs SET worker = newest.worker, token = newest.token, started_ms = newest.started_ms, closed_ms = newest.ended_ms, how = newest.how, reason = newest.reason
            FROM hvsdk_jobs.attempts AS newest WHERE newest.job = seq AND newest.number = attempts;
        DELETE FROM hvsdk_jobs.attempts USING hvsdk_jobs.jobs WHERE job = seq AND number = attempts;
        ALTER TABLE hvsdk_jobs.attempts DROP CONSTRAINT attempts_job_fkey;
        """,
        // Functions and an index of the releases before the seventh version, which makes its own.
        "",
        "ALTER TABLE hvsdk_jobs.schedules ADD COLUMN rate_key text, ADD COLUMN rate_limit int, ADD COLUMN rate_ms bigint",
        $"ALTER TABLE hvsdk_jobs.counters ADD COLUMN IF NOT EXISTS head_ms bigint NOT NULL DEFAULT {PostgreSqlFunctions.NoHead}, ADD COLUMN IF NOT EXISTS head_seq bigint NOT NULL DEFAULT 0",
        // What a job is never changes; where it stands is in a narrow row, which moves from one table to the next. An update of one wide row put the same keys into each of its indexes again, twice a job, and the server
        // spent more on the cleaning of these than on all else. The turn comes first, as with all who write. What processes of earlier releases call to take jobs is gone: they could not end them.
        $"""
        LOCK TABLE hvsdk_jobs.counters IN ACCESS EXCLUSIVE MODE;
        DROP FUNCTION IF EXISTS hvsdk_jobs.complete, hvsdk_jobs.claim, hvsdk_jobs.next, hvsdk_jobs.make, hvsdk_jobs.finish, hvsdk_jobs.take;
        DROP FUNCTION IF EXISTS hvsdk_jobs.wait_again CASCADE;
        ALTER TABLE hvsdk_jobs.jobs RENAME TO earlier;
        CREATE TABLE hvsdk_jobs.jobs (
            seq bigint PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, type text NOT NULL, args text NOT NULL, args_version int NOT NULL, priority int NOT NULL, max_attempts int NOT NULL, max_lost int NOT NULL,
            trace text, parent text, child text);
        CREATE TABLE hvsdk_jobs.states (
            seq bigint NOT NULL, state int NOT NULL, change bigint NOT NULL, order_ms bigint NOT NULL, due_ms bigint NOT NULL, created_ms bigint NOT NULL, retention_ms bigint NOT NULL, deadline_ms bigint, waiting int NOT NULL DEFAULT 0,
            type text NOT NULL, args_version int NOT NULL, lanes text, rate_key text, rate_limit int, rate_ms bigint, unique_key text, attempts int NOT NULL DEFAULT 0, counted int NOT NULL DEFAULT 0,
            lost int NOT NULL DEFAULT 0, token bigint, worker text, lease_ms bigint, started_ms bigint, closed_ms bigint, how int, reason text, cancel boolean NOT NULL DEFAULT false, undo int,
            undone boolean NOT NULL DEFAULT false, ended_ms bigint, keep_ms bigint, result text, error text, progress text, progress_part double precision) PARTITION BY LIST (state);
        CREATE TABLE hvsdk_jobs.pending PARTITION OF hvsdk_jobs.states FOR VALUES IN (0);
        CREATE TABLE hvsdk_jobs.running PARTITION OF hvsdk_jobs.states FOR VALUES IN (1);
        CREATE TABLE hvsdk_jobs.ended PARTITION OF hvsdk_jobs.states FOR VALUES IN (2, 3, 4);
        INSERT INTO hvsdk_jobs.jobs SELECT seq, id, type, args, args_version, priority, max_attempts, max_lost, trace, parent, child FROM hvsdk_jobs.earlier;
        INSERT INTO hvsdk_jobs.states SELECT seq, state, change, order_ms, due_ms, created_ms, retention_ms, deadline_ms, waiting, type, args_version, lanes, rate_key, rate_limit, rate_ms, unique_key, attempts, counted, lost, token,
            worker, lease_ms, started_ms, closed_ms, how, reason, cancel, undo, undone, ended_ms, keep_ms, result, error, progress, progress_part FROM hvsdk_jobs.earlier;
        DROP TABLE hvsdk_jobs.earlier CASCADE;
        DELETE FROM hvsdk_jobs.attempts WHERE NOT EXISTS (SELECT 1 FROM hvsdk_jobs.jobs WHERE seq = job);
        ALTER TABLE hvsdk_jobs.attempts ADD FOREIGN KEY (job) REFERENCES hvsdk_jobs.jobs (seq) ON DELETE CASCADE;
        ALTER TABLE hvsdk_jobs.steps ADD FOREIGN KEY (job) REFERENCES hvsdk_jobs.jobs (seq) ON DELETE CASCADE;
        ALTER TABLE hvsdk_jobs.logs ADD FOREIGN KEY (job) REFERENCES hvsdk_jobs.jobs (seq) ON DELETE CASCADE;
        ALTER TABLE hvsdk_jobs.waits ADD FOREIGN KEY (job) REFERENCES hvsdk_jobs.jobs (seq) ON DELETE CASCADE, ADD FOREIGN KEY (on_job) REFERENCES hvsdk_jobs.jobs (seq) ON DELETE CASCADE;
        CREATE UNIQUE INDEX jobs_child ON hvsdk_jobs.jobs (parent, child) WHERE parent IS NOT NULL;
        CREATE INDEX states_change ON hvsdk_jobs.states (change);
        CREATE INDEX states_unique ON hvsdk_jobs.states (unique_key) WHERE unique_key IS NOT NULL AND state < 2;
        CREATE UNIQUE INDEX pending_seq ON hvsdk_jobs.pending (seq);
        CREATE INDEX pending_order ON hvsdk_jobs.pending (order_ms, seq);
        CREATE INDEX pending_due ON hvsdk_jobs.pending (due_ms);
        CREATE INDEX pending_deadline ON hvsdk_jobs.pending (deadline_ms) WHERE deadline_ms IS NOT NULL;
        CREATE UNIQUE INDEX running_seq ON hvsdk_jobs.running (seq);
        CREATE INDEX running_lease ON hvsdk_jobs.running (lease_ms);
        CREATE UNIQUE INDEX ended_seq ON hvsdk_jobs.ended (seq);
        CREATE INDEX ended_failed ON hvsdk_jobs.ended (seq) WHERE state = 3;
        CREATE INDEX ended_kept ON hvsdk_jobs.ended (keep_ms) WHERE keep_ms IS NOT NULL;
        UPDATE hvsdk_jobs.counters SET head_ms = {PostgreSqlFunctions.NoHead}, head_seq = 0;
        """,
        // Leases are found by an index that no other question can use: with the statistics of an empty table the server took it to find a job by its number as well, and walked over all that had ended since the table was
        // vacuumed.
        $"""
        LOCK TABLE hvsdk_jobs.counters IN ACCESS EXCLUSIVE MODE;
        DROP FUNCTION IF EXISTS hvsdk_jobs.make, hvsdk_jobs.finish, hvsdk_jobs.start, hvsdk_jobs.hand_out, hvsdk_jobs.next;
        DROP FUNCTION IF EXISTS hvsdk_jobs.wait_again CASCADE;
        DROP INDEX hvsdk_jobs.running_lease;
        CREATE INDEX running_lease ON hvsdk_jobs.running ((lease_ms + 0));
        CREATE INDEX ended_cancelled ON hvsdk_jobs.ended (seq) WHERE state = 4;
        ALTER TABLE hvsdk_jobs.counters ADD COLUMN lease_ms bigint NOT NULL DEFAULT {PostgreSqlFunctions.NoHead}, ADD COLUMN leases_seen_ms bigint NOT NULL DEFAULT 0;
        """ + PostgreSqlFunctions.All,
    ];

    /// <summary>The version that this release writes.</summary>
    public static int Newest => Steps.Length;

    /// <summary>Brings the schema to a version, the newest by default; one process at a time, the others wait.</summary>
    public static async Task PrepareAsync(NpgsqlDataSource source, string name, CancellationToken cancellationToken, int? target = null)
    {
        int end = target ?? Newest;
        var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await using (transaction.ConfigureAwait(false))
            {
                var session = new PostgreSqlSession(connection, transaction) { HasTimeLimit = false };
                await session.ReadAsync("SELECT pg_advisory_xact_lock($1)", _ => true, MigrationLock).ConfigureAwait(false);
                // Who may not make schemas may still use one that is there.
                if ((await session.ReadAsync("SELECT 1 FROM pg_namespace WHERE nspname = 'hvsdk_jobs'", _ => true).ConfigureAwait(false)).Count == 0)
                    await session.RunAsync("CREATE SCHEMA hvsdk_jobs; CREATE TABLE hvsdk_jobs.version (version int NOT NULL); INSERT INTO hvsdk_jobs.version VALUES (0)").ConfigureAwait(false);
                if (await session.ReadAsync("SELECT version FROM hvsdk_jobs.version", row => row.GetInt32(0)).ConfigureAwait(false) is not [int version])
                    throw Refusal(name, "has a schema 'hvsdk_jobs' without a version: it is not that of this program. It was left as it is");
                if (version > Steps.Length)
                    throw Refusal(name, $"has version {version} and was written by a newer release; this one knows up to {Steps.Length}: update the program");
                foreach (string step in Steps[version..end].Where(step => step.Length > 0))
                    await session.RunAsync(step).ConfigureAwait(false);
                if (version < end)
                    await session.RunAsync("UPDATE hvsdk_jobs.version SET version = $1", end).ConfigureAwait(false);
                await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public static HypervisorException Refusal(string name, string what, RequestOutcome? outcome = null, Exception? inner = null) =>
        new($"The job store '{name}' {what}.", ErrorCode.Unavailable, outcome ?? RequestOutcome.Rejected, inner) { Resource = name };
}
