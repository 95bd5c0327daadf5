namespace Hypervisor.Sdk.Jobs.PostgreSql;

/// <summary>
/// What takes and ends many jobs, as functions of the schema: the server plans them once a connection, which no state of a session that a pooler could lose has to be kept for. Their plans do not depend on
/// statistics: a queue that has just filled, or was just emptied, has none that are true, and one plan that reads all that wait makes each claim as slow as the queue is long.
/// </summary>
internal static class PostgreSqlFunctions
{
    // JIT goes by the estimated costs, which are without meaning where ways are forbidden.
    private const string Plans = "SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off";

    /// <summary>As of the third version of the schema.</summary>
    public const string Version3 = $"""
        CREATE FUNCTION hvsdk_jobs.complete(ids text[], tokens bigint[], times bigint[], results text[]) RETURNS SETOF text LANGUAGE plpgsql {Plans} AS $function$
        DECLARE
            place bigint;
        BEGIN
            -- The turn is a statement of its own: what follows sees all that was committed before it.
            UPDATE hvsdk_jobs.counters SET change = change + cardinality(ids) RETURNING change - cardinality(ids) INTO place;
            RETURN QUERY UPDATE hvsdk_jobs.jobs AS job SET state = 2, lease_ms = NULL, ended_ms = said.at, result = said.json, lost = 0, keep_ms = said.at + retention_ms, undone = false, change = place + said.n,
                    closed_ms = said.at, how = 0
                FROM unnest(ids, tokens, times, results) WITH ORDINALITY AS said (id, token, at, json, n)
                WHERE job.id = said.id AND state = 1 AND job.token = said.token AND lease_ms > said.at AND NOT EXISTS (SELECT 1 FROM hvsdk_jobs.waits WHERE on_job = seq)
                RETURNING job.id;
        END $function$;

        -- Takes what comes first in the order and has neither lanes nor a rate. The first column is true in a row of its own where there is something else to be done: a lease or a deadline that passed, a job with lanes.
        CREATE FUNCTION hvsdk_jobs.claim(at bigint, until bigint, who text, types text[], versions int[], places int, sender text)
            RETURNS TABLE (is_more boolean, r_id text, r_type text, r_args text, r_attempts int, r_counted int, r_max_attempts int, r_deadline_ms bigint, r_undo int, r_args_version int, r_due_ms bigint, r_trace text,
                r_token bigint, r_seq bigint) LANGUAGE plpgsql {Plans} AS $function$
        DECLARE
            paused text[];
            first bigint;
        BEGIN
            SELECT token INTO first FROM hvsdk_jobs.counters FOR UPDATE;
            IF EXISTS (SELECT 1 FROM hvsdk_jobs.jobs WHERE state = 1 AND lease_ms <= at) OR EXISTS (SELECT 1 FROM hvsdk_jobs.jobs WHERE state = 0 AND deadline_ms IS NOT NULL AND deadline_ms <= at) THEN
                is_more := true;
                RETURN NEXT;
                RETURN;
            END IF;
            SELECT coalesce(array_agg(type), ARRAY[]::text[]) INTO paused FROM hvsdk_jobs.paused;
            IF '' = ANY (paused) THEN
                RETURN;
            END IF;
            RETURN QUERY
                WITH page AS MATERIALIZED (
                    SELECT seq, order_ms, lanes IS NOT NULL OR rate_key IS NOT NULL AS is_bound FROM hvsdk_jobs.jobs
                    WHERE state = 0 AND waiting = 0 AND due_ms <= at AND type = ANY (types) AND NOT type = ANY (paused) AND args_version <= versions[array_position(types, type)]
                    ORDER BY order_ms, seq LIMIT places),
                picked AS MATERIALIZED (SELECT seq, n FROM (SELECT seq, row_number() OVER line AS n, bool_or(is_bound) OVER line AS is_behind FROM page WINDOW line AS (ORDER BY order_ms, seq)) AS lined WHERE NOT is_behind),
                moved AS (UPDATE hvsdk_jobs.counters SET change = change + batch.n, token = token + batch.n FROM (SELECT count(*) AS n FROM picked) AS batch WHERE batch.n > 0
                    RETURNING change - batch.n AS change, token - batch.n AS token),
                kept AS (INSERT INTO hvsdk_jobs.attempts (job, number, worker, token, started_ms, ended_ms, how, reason)
                    SELECT job.seq, attempts, worker, token, started_ms, closed_ms, how, reason FROM picked JOIN hvsdk_jobs.jobs AS job ON job.seq = picked.seq WHERE attempts > 0),
                taken AS (UPDATE hvsdk_jobs.jobs AS job SET state = 1, token = moved.token + picked.n, worker = who, lease_ms = until, attempts = attempts + 1, counted = counted + 1, change = moved.change + picked.n,
                        started_ms = at, closed_ms = NULL, how = NULL, reason = NULL
                    FROM picked, moved WHERE job.seq = picked.seq
                    RETURNING id, type, args, attempts, counted, max_attempts, deadline_ms, undo, args_version, due_ms, trace, job.token, job.seq)
                SELECT false, taken.* FROM taken
                UNION ALL SELECT true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE EXISTS (SELECT 1 FROM page WHERE is_bound);
            -- Nobody is woken by one who took nothing, or all would wake each other without end.
            IF (SELECT token FROM hvsdk_jobs.counters) > first THEN
                PERFORM pg_notify('{PostgreSqlJobStore.Channel}', sender);
            END IF;
        END $function$;

        -- A schedule of a type that is not known to the asker is another worker's: it wakes nobody here.
        CREATE FUNCTION hvsdk_jobs.next(at bigint, types text[], versions int[]) RETURNS bigint LANGUAGE plpgsql STABLE {Plans} AS $function$
        BEGIN
            RETURN least((SELECT min(due_ms) FROM hvsdk_jobs.jobs WHERE state = 0 AND due_ms > at), (SELECT min(lease_ms) FROM hvsdk_jobs.jobs WHERE state = 1),
                (SELECT min(deadline_ms) FROM hvsdk_jobs.jobs WHERE state = 0 AND deadline_ms IS NOT NULL),
                (SELECT min(next_ms) FROM hvsdk_jobs.schedules WHERE type = ANY (types) AND args_version <= versions[array_position(types, type)]));
        END $function$
        """;

    /// <summary>
    /// As of the fourth version: <c>make</c>, <c>finish</c> and <c>take</c>. Those before stay for the processes of an earlier release. Rows are joined by where they are (ctid): that leaves the planner one way,
    /// while a join by an indexed column leaves it others, which are quick in an empty table and quadratic in a full one. Nobody else moves them meanwhile, but for who renews a lease: what is not found then
    /// is ended the long way.
    /// </summary>
    public const string Version4 = $"""
        CREATE FUNCTION hvsdk_jobs.make(ids text[], types text[], many_args text[], priorities int[], orders bigint[], dues bigint[], made bigint[], attempt_limits int[], retentions bigint[], many_lanes text[],
            deadlines bigint[], lost_limits int[], versions int[], traces text[], rate_keys text[], rate_limits int[], rate_times bigint[], sender text) RETURNS void LANGUAGE plpgsql AS $function$
        DECLARE
            place bigint;
        BEGIN
            UPDATE hvsdk_jobs.counters SET change = change + cardinality(ids) RETURNING change - cardinality(ids) INTO place;
            INSERT INTO hvsdk_jobs.jobs (seq, change, id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, lanes, deadline_ms, max_lost, args_version, trace, rate_key,
                    rate_limit, rate_ms)
                SELECT place + n, place + n, id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, lanes, deadline_ms, max_lost, args_version, trace, rate_key, rate_limit, rate_ms
                FROM unnest(ids, types, many_args, priorities, orders, dues, made, attempt_limits, retentions, many_lanes, deadlines, lost_limits, versions, traces, rate_keys, rate_limits, rate_times)
                    WITH ORDINALITY AS job (id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, lanes, deadline_ms, max_lost, args_version, trace, rate_key, rate_limit, rate_ms, n);
            PERFORM pg_notify('{PostgreSqlJobStore.Channel}', sender);
        END $function$;

        -- Answers with the places of those that it ended, from 1.
        CREATE FUNCTION hvsdk_jobs.finish(ids text[], tokens bigint[], times bigint[], results text[], sender text) RETURNS SETOF bigint LANGUAGE plpgsql {Plans} AS $function$
        DECLARE
            place bigint;
        BEGIN
            UPDATE hvsdk_jobs.counters SET change = change + cardinality(ids) RETURNING change - cardinality(ids) INTO place;
            -- What is added to the state keeps the index of those that run out of it.
            RETURN QUERY UPDATE hvsdk_jobs.jobs AS job SET state = 2, lease_ms = NULL, ended_ms = line.at, result = line.json, lost = 0, keep_ms = line.at + retention_ms, undone = false, change = place + line.n,
                    closed_ms = line.at, how = 0
                FROM (SELECT said.*, found.there FROM unnest(ids, tokens, times, results) WITH ORDINALITY AS said (id, token, at, json, n),
                    LATERAL (SELECT ctid AS there, EXISTS (SELECT 1 FROM hvsdk_jobs.waits WHERE on_job = seq) AS is_awaited FROM hvsdk_jobs.jobs WHERE jobs.id = said.id OFFSET 0) AS found
                    WHERE NOT found.is_awaited) AS line
                WHERE job.ctid = line.there AND job.state + 0 = 1 AND job.token = line.token AND job.lease_ms > line.at
                RETURNING line.n;
            PERFORM pg_notify('{PostgreSqlJobStore.Channel}', sender);
        END $function$;

        -- Takes what comes first in the order and has neither lanes nor a rate. The last row has no job: it says whether there is something else to be done (a lease or a deadline that passed, a job with lanes), and when
        -- there may be something though nobody writes. A schedule of a type that is not known to the asker is another worker's: it wakes nobody here.
        CREATE FUNCTION hvsdk_jobs.take(at bigint, until bigint, who text, types text[], versions int[], places int, sender text)
            RETURNS TABLE (is_more boolean, r_id text, r_type text, r_args text, r_attempts int, r_counted int, r_max_attempts int, r_deadline_ms bigint, r_undo int, r_args_version int, r_due_ms bigint, r_trace text,
                r_token bigint, r_seq bigint) LANGUAGE plpgsql {Plans} AS $function$
        DECLARE
            paused text[];
            found_at tid[];
            bound bigint;
            is_again boolean;
            taken int := 0;
            place bigint;
            mark bigint;
            wakes bigint;
        BEGIN
            -- The turn is a statement of its own: what follows sees all that was committed before it.
            SELECT change, token INTO place, mark FROM hvsdk_jobs.counters FOR UPDATE;
            SELECT coalesce(array_agg(type), ARRAY[]::text[]) INTO paused FROM hvsdk_jobs.paused;
            IF EXISTS (SELECT 1 FROM hvsdk_jobs.jobs WHERE state = 1 AND lease_ms <= at) OR EXISTS (SELECT 1 FROM hvsdk_jobs.jobs WHERE state = 0 AND deadline_ms IS NOT NULL AND deadline_ms <= at) THEN
                is_more := true;
            ELSIF NOT '' = ANY (paused) THEN
                SELECT array_agg(page.there), min(page.n) FILTER (WHERE page.is_bound), bool_or(page.attempts > 0) INTO found_at, bound, is_again
                    FROM (SELECT line.*, row_number() OVER () AS n FROM (
                        SELECT ctid AS there, attempts, lanes IS NOT NULL OR rate_key IS NOT NULL AS is_bound FROM hvsdk_jobs.jobs
                        WHERE state = 0 AND waiting = 0 AND due_ms <= at AND type = ANY (types) AND NOT type = ANY (paused) AND args_version <= versions[array_position(types, type)]
                        ORDER BY order_ms, seq LIMIT places) AS line) AS page;
                is_more := bound IS NOT NULL;
                taken := coalesce(bound - 1, cardinality(found_at), 0);
            END IF;
            IF taken > 0 THEN
                found_at := found_at[:taken];
                UPDATE hvsdk_jobs.counters SET change = change + taken, token = token + taken;
                IF is_again THEN
                    INSERT INTO hvsdk_jobs.attempts (job, number, worker, token, started_ms, ended_ms, how, reason)
                        SELECT job.seq, job.attempts, job.worker, job.token, job.started_ms, job.closed_ms, job.how, job.reason
                        FROM unnest(found_at) AS line (there) JOIN hvsdk_jobs.jobs AS job ON job.ctid = line.there WHERE job.attempts > 0;
                END IF;
                RETURN QUERY UPDATE hvsdk_jobs.jobs AS job SET state = 1, token = mark + line.n, worker = who, lease_ms = until, attempts = attempts + 1, counted = counted + 1, change = place + line.n,
                        started_ms = at, closed_ms = NULL, how = NULL, reason = NULL
                    FROM unnest(found_at) WITH ORDINALITY AS line (there, n) WHERE job.ctid = line.there
                    RETURNING false, id, type, args, attempts, counted, max_attempts, deadline_ms, undo, args_version, due_ms, trace, job.token, job.seq;
                -- Nobody is woken by one who took nothing, or all would wake each other without end.
                PERFORM pg_notify('{PostgreSqlJobStore.Channel}', sender);
            END IF;
            wakes := least((SELECT due_ms FROM hvsdk_jobs.jobs WHERE state = 0 AND due_ms > at ORDER BY due_ms LIMIT 1), (SELECT lease_ms FROM hvsdk_jobs.jobs WHERE state = 1 ORDER BY lease_ms LIMIT 1),
                (SELECT deadline_ms FROM hvsdk_jobs.jobs WHERE state = 0 AND deadline_ms IS NOT NULL ORDER BY deadline_ms LIMIT 1),
                (SELECT min(next_ms) FROM hvsdk_jobs.schedules WHERE type = ANY (types) AND args_version <= versions[array_position(types, type)]));
            RETURN QUERY SELECT coalesce(is_more, false), NULL::text, NULL::text, NULL::text, NULL::int, NULL::int, NULL::int, NULL::bigint, NULL::int, NULL::int, wakes, NULL::text, NULL::bigint, NULL::bigint;
        END $function$
        """;

    /// <summary>
    /// As of the sixth version: the counters know the head of the queue, before which nothing waits. What was taken stands in the index of what waits until the table is vacuumed, and each claim would walk over
    /// all of it first, and be as slow as many were taken since. Whatever makes a job wait before the head puts the head back; who takes jobs moves it on. A job of the whole queue's beginning that nobody can take (its type is paused, it waits
    /// for others) holds the head where it is.
    /// </summary>
    public const string Version6 = $"""
        ALTER TABLE hvsdk_jobs.counters ADD COLUMN head_ms bigint NOT NULL DEFAULT {NoHead}, ADD COLUMN head_seq bigint NOT NULL DEFAULT 0;

        CREATE OR REPLACE FUNCTION hvsdk_jobs.make(ids text[], types text[], many_args text[], priorities int[], orders bigint[], dues bigint[], made bigint[], attempt_limits int[], retentions bigint[], many_lanes text[],
            deadlines bigint[], lost_limits int[], versions int[], traces text[], rate_keys text[], rate_limits int[], rate_times bigint[], sender text) RETURNS void LANGUAGE plpgsql AS $function$
        DECLARE
            place bigint;
            first_ms bigint;
        BEGIN
            SELECT min(order_ms) INTO first_ms FROM unnest(orders) AS line (order_ms);
            UPDATE hvsdk_jobs.counters SET change = change + cardinality(ids), head_ms = least(head_ms, first_ms), head_seq = CASE WHEN first_ms < head_ms THEN 0 ELSE head_seq END
                RETURNING change - cardinality(ids) INTO place;
            INSERT INTO hvsdk_jobs.jobs (seq, change, id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, lanes, deadline_ms, max_lost, args_version, trace, rate_key,
                    rate_limit, rate_ms)
                SELECT place + n, place + n, id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, lanes, deadline_ms, max_lost, args_version, trace, rate_key, rate_limit, rate_ms
                FROM unnest(ids, types, many_args, priorities, orders, dues, made, attempt_limits, retentions, many_lanes, deadlines, lost_limits, versions, traces, rate_keys, rate_limits, rate_times)
                    WITH ORDINALITY AS job (id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, lanes, deadline_ms, max_lost, args_version, trace, rate_key, rate_limit, rate_ms, n);
            PERFORM pg_notify('{PostgreSqlJobStore.Channel}', sender);
        END $function$;

        CREATE FUNCTION hvsdk_jobs.wait_again() RETURNS trigger LANGUAGE plpgsql AS $function$
        BEGIN
            UPDATE hvsdk_jobs.counters SET head_ms = NEW.order_ms, head_seq = NEW.seq WHERE (NEW.order_ms, NEW.seq) < (head_ms, head_seq);
            RETURN NULL;
        END $function$;
        CREATE TRIGGER jobs_wait_again AFTER UPDATE OF state ON hvsdk_jobs.jobs FOR EACH ROW WHEN (NEW.state = 0 AND OLD.state <> 0) EXECUTE FUNCTION hvsdk_jobs.wait_again();

        -- As before, from the head on.
        CREATE OR REPLACE FUNCTION hvsdk_jobs.take(at bigint, until bigint, who text, types text[], versions int[], places int, sender text)
            RETURNS TABLE (is_more boolean, r_id text, r_type text, r_args text, r_attempts int, r_counted int, r_max_attempts int, r_deadline_ms bigint, r_undo int, r_args_version int, r_due_ms bigint, r_trace text,
                r_token bigint, r_seq bigint) LANGUAGE plpgsql {Plans} AS $function$
        DECLARE
            paused text[];
            found_at tid[];
            bound bigint;
            is_again boolean;
            taken int := 0;
            place bigint;
            mark bigint;
            wakes bigint;
            known_ms bigint;
            known_seq bigint;
            first_ms bigint;
            first_seq bigint;
        BEGIN
            -- The turn is a statement of its own: what follows sees all that was committed before it.
            SELECT change, token, head_ms, head_seq INTO place, mark, known_ms, known_seq FROM hvsdk_jobs.counters FOR UPDATE;
            SELECT coalesce(array_agg(type), ARRAY[]::text[]) INTO paused FROM hvsdk_jobs.paused;
            IF EXISTS (SELECT 1 FROM hvsdk_jobs.jobs WHERE state = 1 AND lease_ms <= at) OR EXISTS (SELECT 1 FROM hvsdk_jobs.jobs WHERE state = 0 AND deadline_ms IS NOT NULL AND deadline_ms <= at) THEN
                is_more := true;
            ELSIF NOT '' = ANY (paused) THEN
                SELECT order_ms, seq INTO first_ms, first_seq FROM hvsdk_jobs.jobs WHERE state = 0 AND (order_ms, seq) >= (known_ms, known_seq) ORDER BY order_ms, seq LIMIT 1;
            END IF;
            IF first_seq IS NOT NULL THEN
                SELECT array_agg(page.there), min(page.n) FILTER (WHERE page.is_bound), bool_or(page.attempts > 0) INTO found_at, bound, is_again
                    FROM (SELECT line.*, row_number() OVER () AS n FROM (
                        SELECT ctid AS there, attempts, lanes IS NOT NULL OR rate_key IS NOT NULL AS is_bound FROM hvsdk_jobs.jobs
                        WHERE state = 0 AND (order_ms, seq) >= (first_ms, first_seq) AND waiting = 0 AND due_ms <= at AND type = ANY (types) AND NOT type = ANY (paused) AND args_version <= versions[array_position(types, type)]
                        ORDER BY order_ms, seq LIMIT places) AS line) AS page;
                is_more := bound IS NOT NULL;
                taken := coalesce(bound - 1, cardinality(found_at), 0);
            END IF;
            IF taken > 0 OR (first_ms, first_seq) > (known_ms, known_seq) THEN
                UPDATE hvsdk_jobs.counters SET change = change + taken, token = token + taken, head_ms = first_ms, head_seq = first_seq;
            END IF;
            IF taken > 0 THEN
                found_at := found_at[:taken];
                IF is_again THEN
                    INSERT INTO hvsdk_jobs.attempts (job, number, worker, token, started_ms, ended_ms, how, reason)
                        SELECT job.seq, job.attempts, job.worker, job.token, job.started_ms, job.closed_ms, job.how, job.reason
                        FROM unnest(found_at) AS line (there) JOIN hvsdk_jobs.jobs AS job ON job.ctid = line.there WHERE job.attempts > 0;
                END IF;
                RETURN QUERY UPDATE hvsdk_jobs.jobs AS job SET state = 1, token = mark + line.n, worker = who, lease_ms = until, attempts = attempts + 1, counted = counted + 1, change = place + line.n,
                        started_ms = at, closed_ms = NULL, how = NULL, reason = NULL
                    FROM unnest(found_at) WITH ORDINALITY AS line (there, n) WHERE job.ctid = line.there
                    RETURNING false, id, type, args, attempts, counted, max_attempts, deadline_ms, undo, args_version, due_ms, trace, job.token, job.seq;
                -- Nobody is woken by one who took nothing, or all would wake each other without end.
                PERFORM pg_notify('{PostgreSqlJobStore.Channel}', sender);
            END IF;
            wakes := least((SELECT due_ms FROM hvsdk_jobs.jobs WHERE state = 0 AND due_ms > at ORDER BY due_ms LIMIT 1), (SELECT lease_ms FROM hvsdk_jobs.jobs WHERE state = 1 ORDER BY lease_ms LIMIT 1),
                (SELECT deadline_ms FROM hvsdk_jobs.jobs WHERE state = 0 AND deadline_ms IS NOT NULL ORDER BY deadline_ms LIMIT 1),
                (SELECT min(next_ms) FROM hvsdk_jobs.schedules WHERE type = ANY (types) AND args_version <= versions[array_position(types, type)]));
            RETURN QUERY SELECT coalesce(is_more, false), NULL::text, NULL::text, NULL::text, NULL::int, NULL::int, NULL::int, NULL::bigint, NULL::int, NULL::int, wakes, NULL::text, NULL::bigint, NULL::bigint;
        END $function$
        """;

    /// <summary>The head where nothing is known of it: all is looked through.</summary>
    public const string NoHead = "-9223372036854775808";
}
