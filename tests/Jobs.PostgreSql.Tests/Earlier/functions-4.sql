-- What the schema of version 4 had beside its tables.
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
    PERFORM pg_notify('hvsdk_jobs', sender);
END $function$;

-- Answers with the places of those that it ended, from 1.
CREATE FUNCTION hvsdk_jobs.finish(ids text[], tokens bigint[], times bigint[], results text[], sender text) RETURNS SETOF bigint LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off AS $function$
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
    PERFORM pg_notify('hvsdk_jobs', sender);
END $function$;

-- Takes what comes first in the order and has neither lanes nor a rate. The last row has no job: it says whether there is something else to be done (a lease or a deadline that passed, a job with lanes), and when
-- there may be something though nobody writes. A schedule of a type that is not known to the asker is another worker's: it wakes nobody here.
CREATE FUNCTION hvsdk_jobs.take(at bigint, until bigint, who text, types text[], versions int[], places int, sender text)
    RETURNS TABLE (is_more boolean, r_id text, r_type text, r_args text, r_attempts int, r_counted int, r_max_attempts int, r_deadline_ms bigint, r_undo int, r_args_version int, r_due_ms bigint, r_trace text,
        r_token bigint, r_seq bigint) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off AS $function$
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
        PERFORM pg_notify('hvsdk_jobs', sender);
    END IF;
    wakes := least((SELECT due_ms FROM hvsdk_jobs.jobs WHERE state = 0 AND due_ms > at ORDER BY due_ms LIMIT 1), (SELECT lease_ms FROM hvsdk_jobs.jobs WHERE state = 1 ORDER BY lease_ms LIMIT 1),
        (SELECT deadline_ms FROM hvsdk_jobs.jobs WHERE state = 0 AND deadline_ms IS NOT NULL ORDER BY deadline_ms LIMIT 1),
        (SELECT min(next_ms) FROM hvsdk_jobs.schedules WHERE type = ANY (types) AND args_version <= versions[array_position(types, type)]));
    RETURN QUERY SELECT coalesce(is_more, false), NULL::text, NULL::text, NULL::text, NULL::int, NULL::int, NULL::int, NULL::bigint, NULL::int, NULL::int, wakes, NULL::text, NULL::bigint, NULL::bigint;
END $function$;
