-- What the schema of version 7 had beside its tables.
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
    PERFORM pg_notify('hvsdk_jobs', sender);
END $function$;

-- Answers with the places of those that it ended, from 1.
CREATE FUNCTION hvsdk_jobs.finish(seqs bigint[], tokens bigint[], times bigint[], results text[], sender text) RETURNS SETOF bigint LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off AS $function$
DECLARE
    place bigint;
BEGIN
    -- The turn is a statement of its own: what follows sees all that was committed before it.
    UPDATE hvsdk_jobs.counters SET change = change + cardinality(seqs) RETURNING change - cardinality(seqs) INTO place;
    RETURN QUERY WITH gone AS (DELETE FROM hvsdk_jobs.running USING unnest(seqs, tokens, times, results) WITH ORDINALITY AS line (seq, token, at, json, n)
            WHERE running.seq = line.seq AND running.token = line.token AND running.lease_ms > line.at AND NOT EXISTS (SELECT 1 FROM hvsdk_jobs.waits WHERE on_job = line.seq)
            RETURNING running.*, line.n, line.at, line.json),
        moved AS (INSERT INTO hvsdk_jobs.ended (seq, order_ms, due_ms, created_ms, retention_ms, deadline_ms, waiting, type, args_version, lanes, rate_key, rate_limit, rate_ms, unique_key, cancel, undo, error, progress, progress_part, state, change, attempts, counted, token, worker, started_ms, closed_ms, how, ended_ms, keep_ms, result)
            SELECT seq, order_ms, due_ms, created_ms, retention_ms, deadline_ms, waiting, type, args_version, lanes, rate_key, rate_limit, rate_ms, unique_key, cancel, undo, error, progress, progress_part, 2, place + n, attempts, counted, token, worker, started_ms, at, 0, at, at + retention_ms, json FROM gone RETURNING change)
        SELECT change - place FROM moved;
    PERFORM pg_notify('hvsdk_jobs', sender);
END $function$;

-- Begins an attempt at each of these, which wait, in their order; place and mark are the last change and the last token before them. Nobody else writes what waits within a turn: it is found by where it is (ctid),
-- which leaves the planner one way.
CREATE FUNCTION hvsdk_jobs.start(found_at tid[], was_run boolean, at bigint, until bigint, who text, place bigint, mark bigint) RETURNS TABLE (is_more boolean, r_id text, r_type text, r_args text, r_attempts int, r_counted int, r_max_attempts int, r_deadline_ms bigint, r_undo int, r_args_version int, r_due_ms bigint, r_trace text, r_token bigint, r_seq bigint) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off AS $function$
BEGIN
    -- The newest attempt stands in the row of the state; the one before goes to the table of attempts.
    IF was_run THEN
        INSERT INTO hvsdk_jobs.attempts (job, number, worker, token, started_ms, ended_ms, how, reason)
            SELECT seq, attempts, worker, token, started_ms, closed_ms, how, reason FROM unnest(found_at) AS line (there) JOIN hvsdk_jobs.pending ON pending.ctid = line.there WHERE attempts > 0;
    END IF;
    RETURN QUERY WITH moved AS (INSERT INTO hvsdk_jobs.running (seq, order_ms, due_ms, created_ms, retention_ms, deadline_ms, waiting, type, args_version, lanes, rate_key, rate_limit, rate_ms, unique_key, cancel, undo, error, progress, progress_part, state, change, attempts, counted, lost, undone, token, worker, lease_ms, started_ms)
            SELECT seq, order_ms, due_ms, created_ms, retention_ms, deadline_ms, waiting, type, args_version, lanes, rate_key, rate_limit, rate_ms, unique_key, cancel, undo, error, progress, progress_part, 1, place + n, attempts + 1, counted + 1, lost, undone, mark + n, who, until, at FROM unnest(found_at) WITH ORDINALITY AS line (there, n) JOIN hvsdk_jobs.pending ON pending.ctid = line.there
            RETURNING seq, attempts, counted, deadline_ms, undo, due_ms, token)
        SELECT false, job.id, job.type, job.args, moved.attempts, moved.counted, job.max_attempts, moved.deadline_ms, moved.undo, job.args_version, moved.due_ms, job.trace, moved.token, moved.seq
        FROM moved JOIN hvsdk_jobs.jobs AS job ON job.seq = moved.seq;
    DELETE FROM hvsdk_jobs.pending WHERE ctid = ANY (found_at);
END $function$;

-- Takes what comes first in the order and has neither lanes nor a rate. The last row has no job: it says whether there is something else to be done (a lease or a deadline that passed, a job with lanes), and when
-- there may be something though nobody writes. A schedule of a type that is not known to the asker is another worker's: it wakes nobody here.
-- The counters know the head of the queue, before which nothing waits. What was taken stands in the index of what waits until the table is vacuumed, and each claim would walk over all of it first, and be as
-- slow as many were taken since. Whatever makes a job wait before the head puts the head back; who takes jobs moves it on. A job at the head that nobody can take (its type is paused, it waits for others)
-- holds the head where it is.
CREATE FUNCTION hvsdk_jobs.hand_out(at bigint, until bigint, who text, types text[], versions int[], places int, sender text) RETURNS TABLE (is_more boolean, r_id text, r_type text, r_args text, r_attempts int, r_counted int, r_max_attempts int, r_deadline_ms bigint, r_undo int, r_args_version int, r_due_ms bigint, r_trace text, r_token bigint, r_seq bigint) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off AS $function$
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
BEGIN
    SELECT change, token, head_ms, head_seq INTO place, mark, known_ms, known_seq FROM hvsdk_jobs.counters FOR UPDATE;
    SELECT coalesce(array_agg(type), ARRAY[]::text[]) INTO paused FROM hvsdk_jobs.paused;
    IF EXISTS (SELECT 1 FROM hvsdk_jobs.running WHERE lease_ms <= at) OR EXISTS (SELECT 1 FROM hvsdk_jobs.pending WHERE deadline_ms IS NOT NULL AND deadline_ms <= at) THEN
        is_more := true;
    ELSIF NOT '' = ANY (paused) THEN
        SELECT order_ms, seq INTO first_ms, first_seq FROM hvsdk_jobs.pending WHERE (order_ms, seq) >= (known_ms, known_seq) ORDER BY order_ms, seq LIMIT 1;
    END IF;
    IF first_seq IS NOT NULL THEN
        SELECT array_agg(page.there), min(page.n) FILTER (WHERE page.is_bound), bool_or(page.attempts > 0) INTO found_at, bound, was_run
            FROM (SELECT line.*, row_number() OVER () AS n FROM (
                SELECT ctid AS there, attempts, lanes IS NOT NULL OR rate_key IS NOT NULL AS is_bound FROM hvsdk_jobs.pending
                WHERE (order_ms, seq) >= (first_ms, first_seq) AND waiting = 0 AND due_ms <= at AND type = ANY (types) AND NOT type = ANY (paused) AND args_version <= versions[array_position(types, type)]
                ORDER BY order_ms, seq LIMIT places) AS line) AS page;
        is_more := bound IS NOT NULL;
        taken := coalesce(bound - 1, cardinality(found_at), 0);
    END IF;
    IF taken > 0 OR (first_ms, first_seq) > (known_ms, known_seq) THEN
        UPDATE hvsdk_jobs.counters SET change = change + taken, token = token + taken, head_ms = first_ms, head_seq = first_seq;
    END IF;
    IF taken > 0 THEN
        RETURN QUERY SELECT * FROM hvsdk_jobs.start(found_at[:taken], was_run, at, until, who, place, mark);
        -- Nobody is woken by one who took nothing, or all would wake each other without end.
        PERFORM pg_notify('hvsdk_jobs', sender);
    END IF;
    RETURN QUERY SELECT coalesce(is_more, false), NULL::text, NULL::text, NULL::text, NULL::int, NULL::int, NULL::int, NULL::bigint, NULL::int, NULL::int, hvsdk_jobs.next(at, types, versions), NULL::text,
        NULL::bigint, NULL::bigint;
END $function$;

CREATE FUNCTION hvsdk_jobs.next(at bigint, types text[], versions int[]) RETURNS bigint LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off SET jit = off AS $function$
BEGIN
    RETURN least((SELECT due_ms FROM hvsdk_jobs.pending WHERE due_ms > at ORDER BY due_ms LIMIT 1), (SELECT lease_ms FROM hvsdk_jobs.running ORDER BY lease_ms LIMIT 1),
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
