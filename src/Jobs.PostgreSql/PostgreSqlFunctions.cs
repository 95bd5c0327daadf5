namespace Hypervisor.Sdk.Jobs.PostgreSql;

/// <summary>
/// What makes, takes and ends many jobs, as functions of the schema: the server plans them once a connection, which no state of a session that a pooler could lose has to be kept for. Their plans do not depend on
/// statistics: a queue that has just filled, or was just emptied, has none that are true, and one plan that reads all that wait makes each claim as slow as the queue is long.
/// </summary>
internal static class PostgreSqlFunctions
{
    /// <summary>The head where nothing is known of it: all is looked through.</summary>
    public const string NoHead = "-9223372036854775808";

    // How often all leases are looked through, in milliseconds; the literal of a constant string.
    private const string LeasesSeenMs = "10000";

    // JIT goes by the estimated costs, which are without meaning where ways are forbidden.
    private const string AllPlans = "SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off SET enable_sort = off SET jit = off";
    private const string Plans = AllPlans + " SET enable_hashjoin = off";

    // What is known of a job that was taken, as functions answer with it.
    private const string Taken = """
        is_more boolean, r_id text, r_type text, r_args text, r_attempts int, r_counted int, r_max_attempts int, r_deadline_ms bigint, r_undo int, r_args_version int, r_due_ms bigint, r_trace text, r_token bigint, r_seq bigint
        """;

    // What a job keeps whatever state it goes to.
    private const string Kept = "seq, order_ms, due_ms, created_ms, retention_ms, deadline_ms, waiting, type, args_version, lanes, rate_key, rate_limit, rate_ms, unique_key, cancel, undo, error, progress, progress_part";

    /// <summary>
    /// The functions. Who renews a lease takes no turn: what ends a job therefore deletes the row that it finds in the end, and goes on with what that held. Rows of a table are found by the one index that can
    /// find them, and joined to nothing before they are: what is put together with a table may be done the other way round, by going through the table.
    /// </summary>
    public const string All = $"""
        CREATE FUNCTION hvsdk_jobs.make(ids text[], types text[], many_args text[], priorities int[], orders bigint[], dues bigint[], made bigint[], attempt_limits int[], retentions bigint[], many_lanes text[],
            deadlines bigint[], lost_limits int[], versions int[], traces text[], rate_keys text[], rate_limits int[], rate_times bigint[], sender text) RETURNS void LANGUAGE plpgsql AS $function$
        DECLARE
            place bigint;
            first_ms bigint;
        BEGIN
            SELECT min(order_ms) INTO first_ms FROM unnest(orders) AS line (order_ms);
            UPDATE hvsdk_jobs.counters SET change = change + cardinality(ids), head_ms = least(head_ms, first_ms), head_seq = CASE WHEN first_ms < head_ms THEN 0 ELSE head_seq END
                RETURNING change - cardinality(ids) INTO place;
            INSERT INTO hvsdk_jobs.jobs (seq, id, type, args, args_version, priority, max_attempts, max_lost, trace)
                SELECT place + n, id, type, args, args_version, priority, max_attempts, max_lost, trace
                FROM unnest(ids, types, many_args, versions, priorities, attempt_limits, lost_limits, traces)
                    WITH ORDINALITY AS job (id, type, args, args_version, priority, max_attempts, max_lost, trace, n);
            INSERT INTO hvsdk_jobs.pending (seq, state, change, order_ms, due_ms, created_ms, retention_ms, deadline_ms, type, args_version, lanes, rate_key, rate_limit, rate_ms)
                SELECT place + n, 0, place + n, order_ms, due_ms, created_ms, retention_ms, deadline_ms, type, args_version, lanes, rate_key, rate_limit, rate_ms
                FROM unnest(orders, dues, made, retentions, deadlines, types, versions, many_lanes, rate_keys, rate_limits, rate_times)
                    WITH ORDINALITY AS job (order_ms, due_ms, created_ms, retention_ms, deadline_ms, type, args_version, lanes, rate_key, rate_limit, rate_ms, n);
            PERFORM pg_notify('{PostgreSqlJobStore.Channel}', sender);
        END $function$;

        -- Answers with the places of those that it ended, from 1. A token is that of one job.
        CREATE FUNCTION hvsdk_jobs.finish(seqs bigint[], tokens bigint[], times bigint[], results text[], sender text) RETURNS SETOF bigint LANGUAGE plpgsql {AllPlans} SET enable_nestloop = off AS $function$
        DECLARE
            place bigint;
            last_at bigint;
        BEGIN
            -- The turn is a statement of its own: what follows sees all that was committed before it.
            UPDATE hvsdk_jobs.counters SET change = change + cardinality(seqs) RETURNING change - cardinality(seqs) INTO place;
            SELECT max(at) INTO last_at FROM unnest(times) AS line (at);
            RETURN QUERY WITH gone AS (DELETE FROM hvsdk_jobs.running WHERE seq = ANY (seqs) AND token = ANY (tokens) AND lease_ms > last_at
                        AND (SELECT on_job FROM hvsdk_jobs.waits WHERE on_job = running.seq LIMIT 1) IS NULL
                    RETURNING *),
                moved AS (INSERT INTO hvsdk_jobs.ended ({Kept}, state, change, attempts, counted, token, worker, started_ms, closed_ms, how, ended_ms, keep_ms, result)
                    SELECT {Kept}, 2, place + n, attempts, counted, token, worker, started_ms, at, 0, at, at + retention_ms, json
                    FROM gone JOIN unnest(tokens, times, results) WITH ORDINALITY AS line (ended, at, json, n) ON line.ended = gone.token RETURNING change)
                SELECT change - place FROM moved;
            PERFORM pg_notify('{PostgreSqlJobStore.Channel}', sender);
        END $function$;

        -- Begins an attempt at each of these, which wait, in their order; place and mark are the last change and the last token before them. Nobody else writes what waits within a turn: it is found by where it is (ctid),
        -- which leaves the planner one way.
        CREATE FUNCTION hvsdk_jobs.start(found_at tid[], was_run boolean, at bigint, until bigint, who text, place bigint, mark bigint) RETURNS TABLE ({Taken}) LANGUAGE plpgsql {Plans} AS $function$
        BEGIN
            UPDATE hvsdk_jobs.counters SET lease_ms = until WHERE lease_ms > until;
            -- The newest attempt stands in the row of the state; the one before goes to the table of attempts.
            IF was_run THEN
                INSERT INTO hvsdk_jobs.attempts (job, number, worker, token, started_ms, ended_ms, how, reason)
                    SELECT seq, attempts, worker, token, started_ms, closed_ms, how, reason FROM unnest(found_at) AS line (there) JOIN hvsdk_jobs.pending ON pending.ctid = line.there WHERE attempts > 0;
            END IF;
            RETURN QUERY WITH moved AS (INSERT INTO hvsdk_jobs.running ({Kept}, state, change, attempts, counted, lost, undone, token, worker, lease_ms, started_ms)
                    SELECT {Kept}, 1, place + n, attempts + 1, counted + 1, lost, undone, mark + n, who, until, at FROM unnest(found_at) WITH ORDINALITY AS line (there, n) JOIN hvsdk_jobs.pending ON pending.ctid = line.there
                    RETURNING seq, attempts, counted, deadline_ms, undo, due_ms, token)
                SELECT false, job.id, job.type, job.args, moved.attempts, moved.counted, job.max_attempts, moved.deadline_ms, moved.undo, job.args_version, moved.due_ms, job.trace, moved.token, moved.seq
                FROM moved, LATERAL (SELECT * FROM hvsdk_jobs.jobs WHERE jobs.seq = moved.seq OFFSET 0) AS job;
            DELETE FROM hvsdk_jobs.pending WHERE ctid = ANY (found_at);
        END $function$;

        -- Takes what comes first in the order and has neither lanes nor a rate. The last row has no job: it says whether there is something else to be done (a lease or a deadline that passed, a job with lanes), and when
        -- there may be something though nobody writes. A schedule of a type that is not known to the asker is another worker's: it wakes nobody here.
        -- The counters know the head of the queue, before which nothing waits. What was taken stands in the index of what waits until the table is vacuumed, and each claim would walk over all of it first, and be as
        -- slow as many were taken since. Whatever makes a job wait before the head puts the head back; who takes jobs moves it on. A job at the head that nobody can take (its type is paused, it waits for others)
        -- holds the head where it is. For the same reason they know a time before which no lease ends: what ended stands in the index of leases. A renewal takes no turn and does not move it back, though it may be by a clock
        -- that was put back: every so often all leases are looked through.
        CREATE FUNCTION hvsdk_jobs.hand_out(at bigint, until bigint, who text, types text[], versions int[], places int, sender text) RETURNS TABLE ({Taken}) LANGUAGE plpgsql {Plans} AS $function$
        DECLARE
            paused text[];
            found_at tid[];
            bound bigint;
            was_run boolean;
            taken int := 0;
            place bigint;
            mark bigint;
            known_ms bigint;
            known_seq bigint;
            first_ms bigint;
            first_seq bigint;
            known_lease bigint;
            first_lease bigint;
            seen bigint;
        BEGIN
            SELECT change, token, head_ms, head_seq, lease_ms, leases_seen_ms INTO place, mark, known_ms, known_seq, known_lease, seen FROM hvsdk_jobs.counters FOR UPDATE;
            IF at NOT BETWEEN seen AND seen + {LeasesSeenMs} THEN
                known_lease := {NoHead};
                seen := at;
            END IF;
            SELECT lease_ms INTO first_lease FROM hvsdk_jobs.running WHERE lease_ms + 0 >= known_lease ORDER BY lease_ms + 0 LIMIT 1;
            SELECT coalesce(array_agg(type), ARRAY[]::text[]) INTO paused FROM hvsdk_jobs.paused;
            IF first_lease <= at OR EXISTS (SELECT 1 FROM hvsdk_jobs.pending WHERE deadline_ms IS NOT NULL AND deadline_ms <= at) THEN
                is_more := true;
            ELSIF NOT '' = ANY (paused) THEN
                SELECT order_ms, seq INTO first_ms, first_seq FROM hvsdk_jobs.pending WHERE (order_ms, seq) >= (known_ms, known_seq) ORDER BY order_ms, seq LIMIT 1;
            END IF;
            IF first_seq IS NOT NULL THEN
                SELECT array_agg(page.there), min(page.n) FILTER (WHERE page.is_bound), bool_or(page.attempts > 0) INTO found_at, bound, was_run
                    FROM (SELECT line.*, row_number() OVER () AS n FROM (
                        SELECT ctid AS there, attempts, lanes IS NOT NULL OR rate_key IS NOT NULL AS is_bound FROM hvsdk_jobs.pending
                        WHERE (order_ms, seq) >= (first_ms, first_seq) AND waiting = 0 AND (due_ms <= at OR attempts = 0 AND due_ms <= created_ms) AND type = ANY (types) AND NOT type = ANY (paused) AND args_version <= versions[array_position(types, type)]
                        ORDER BY order_ms, seq LIMIT places) AS line) AS page;
                is_more := bound IS NOT NULL;
                taken := coalesce(bound - 1, cardinality(found_at), 0);
            END IF;
            IF taken > 0 OR seen = at OR (first_ms, first_seq) > (known_ms, known_seq) THEN
                UPDATE hvsdk_jobs.counters SET change = change + taken, token = token + taken, head_ms = coalesce(first_ms, head_ms), head_seq = coalesce(first_seq, head_seq), lease_ms = least(first_lease, until),
                    leases_seen_ms = seen;
            END IF;
            IF taken > 0 THEN
                RETURN QUERY SELECT * FROM hvsdk_jobs.start(found_at[:taken], was_run, at, until, who, place, mark);
                -- Nobody is woken by one who took nothing, or all would wake each other without end.
                PERFORM pg_notify('{PostgreSqlJobStore.Channel}', sender);
            END IF;
            RETURN QUERY SELECT coalesce(is_more, false), NULL::text, NULL::text, NULL::text, NULL::int, NULL::int, NULL::int, NULL::bigint, NULL::int, NULL::int, hvsdk_jobs.next(at, types, versions), NULL::text,
                NULL::bigint, NULL::bigint;
        END $function$;

        CREATE FUNCTION hvsdk_jobs.next(at bigint, types text[], versions int[]) RETURNS bigint LANGUAGE plpgsql STABLE {Plans} AS $function$
        BEGIN
            RETURN least((SELECT due_ms FROM hvsdk_jobs.pending WHERE due_ms > at ORDER BY due_ms LIMIT 1), (SELECT lease_ms FROM hvsdk_jobs.running WHERE lease_ms + 0 >= (SELECT lease_ms FROM hvsdk_jobs.counters) ORDER BY lease_ms + 0 LIMIT 1),
                (SELECT deadline_ms FROM hvsdk_jobs.pending WHERE deadline_ms IS NOT NULL ORDER BY deadline_ms LIMIT 1),
                (SELECT min(next_ms) FROM hvsdk_jobs.schedules WHERE type = ANY (types) AND args_version <= versions[array_position(types, type)]));
        END $function$;

        CREATE FUNCTION hvsdk_jobs.wait_again() RETURNS trigger LANGUAGE plpgsql AS $function$
        BEGIN
            UPDATE hvsdk_jobs.counters SET head_ms = NEW.order_ms, head_seq = NEW.seq WHERE (NEW.order_ms, NEW.seq) < (head_ms, head_seq);
            RETURN NULL;
        END $function$;
        -- A job that was just made has its number as its change: who makes it looks after the head.
        CREATE TRIGGER pending_again AFTER INSERT ON hvsdk_jobs.pending FOR EACH ROW WHEN (NEW.change <> NEW.seq) EXECUTE FUNCTION hvsdk_jobs.wait_again()
        """;
}
