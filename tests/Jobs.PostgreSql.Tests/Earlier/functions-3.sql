-- What the schema of version 3 had beside its tables.
CREATE FUNCTION hvsdk_jobs.complete(ids text[], tokens bigint[], times bigint[], results text[]) RETURNS SETOF text LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off AS $function$
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
        r_token bigint, r_seq bigint) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off AS $function$
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
        PERFORM pg_notify('hvsdk_jobs', sender);
    END IF;
END $function$;

-- A schedule of a type that is not known to the asker is another worker's: it wakes nobody here.
CREATE FUNCTION hvsdk_jobs.next(at bigint, types text[], versions int[]) RETURNS bigint LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off AS $function$
BEGIN
    RETURN least((SELECT min(due_ms) FROM hvsdk_jobs.jobs WHERE state = 0 AND due_ms > at), (SELECT min(lease_ms) FROM hvsdk_jobs.jobs WHERE state = 1),
        (SELECT min(deadline_ms) FROM hvsdk_jobs.jobs WHERE state = 0 AND deadline_ms IS NOT NULL),
        (SELECT min(next_ms) FROM hvsdk_jobs.schedules WHERE type = ANY (types) AND args_version <= versions[array_position(types, type)]));
END $function$;
