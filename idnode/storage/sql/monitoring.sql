-- name: insert_round
-- No row: the round was recorded before, and only the answer was lost. A round that comes late, because the database was
-- away from the relay that saw it, closes a gap that a later one has found.
WITH preceding AS (
    SELECT at, every_seconds FROM probe_round WHERE at < $1 ORDER BY at DESC LIMIT 1
), round AS (
    INSERT INTO probe_round (
        at, every_seconds, points, resolution_points_up, registration_points_up, is_resolution_up, is_registration_up,
        follows, gap_every_seconds
    )
    SELECT $1, $2, $3, $4, $5, $6, $7, p.at,
        CASE WHEN $1 - p.at >= make_interval(secs => greatest($8::integer * greatest(p.every_seconds, $2), $9::integer))
            THEN greatest(p.every_seconds, $2) END
    FROM (VALUES (1)) AS one
    LEFT JOIN preceding AS p ON true
    ON CONFLICT (at) DO NOTHING
    RETURNING *
), following AS (
    UPDATE probe_round AS f SET follows = r.at,
        gap_every_seconds = CASE
            WHEN f.at - r.at >= make_interval(secs => greatest($8::integer * greatest(f.every_seconds, $2), $9::integer))
            THEN greatest(f.every_seconds, $2) END
    FROM round AS r
    WHERE f.at = (SELECT min(at) FROM probe_round WHERE at > $1)
), day AS (
    INSERT INTO probe_round_day AS d (day, rounds, rounds_up, seconds_working)
    SELECT (at AT TIME ZONE interval '8 hours')::date, 1, (is_resolution_up AND is_registration_up)::integer,
        CASE WHEN is_resolution_up OR is_registration_up THEN every_seconds ELSE 0 END
    FROM round
    ON CONFLICT (day) DO UPDATE SET
        rounds = d.rounds + 1,
        rounds_up = d.rounds_up + EXCLUDED.rounds_up,
        seconds_working = d.seconds_working + EXCLUDED.seconds_working
)
SELECT at FROM round;

-- name: insert_results
-- Day and last result go with the results, so that no upkeep has to add them up before it removes them.
WITH result AS (
    INSERT INTO probe_result (at, point, kind, subject, is_success, latency_us, error)
    SELECT $1, point, kind, subject, is_success, latency_us, error
    FROM unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[], $7::text[])
        AS t (point, kind, subject, is_success, latency_us, error)
    RETURNING *
), day AS (
    INSERT INTO probe_day AS d (day, subject, kind, point, probes, successes, latency_us)
    SELECT (at AT TIME ZONE interval '8 hours')::date, subject, kind, point, 1, is_success::integer,
        CASE WHEN is_success THEN latency_us ELSE 0 END
    FROM result
    ON CONFLICT (day, subject, kind, point) DO UPDATE SET
        probes = d.probes + 1,
        successes = d.successes + EXCLUDED.successes,
        latency_us = d.latency_us + EXCLUDED.latency_us
)
INSERT INTO probe_last AS l (subject, kind, point, at, is_success, latency_us, error)
SELECT subject, kind, point, at, is_success, latency_us, error FROM result
ON CONFLICT (subject, kind, point) DO UPDATE SET
    at = EXCLUDED.at, is_success = EXCLUDED.is_success, latency_us = EXCLUDED.latency_us, error = EXCLUDED.error
WHERE l.at < EXCLUDED.at;

-- name: next_sites
-- Enterprises that answer for themselves, in rotation.
SELECT folded, site_ip, site_tcp_port, site_http_port FROM prefix
WHERE hosting = 'self' AND state = 'active' AND (site_tcp_port IS NOT NULL OR site_http_port IS NOT NULL) AND folded > $1
ORDER BY folded
LIMIT $2;

-- name: next_hosted
-- The next hosted prefix that has something to resolve, and the first of it: identifiers of a prefix lie between / and 0.
SELECT p.folded, i.folded AS identifier
FROM prefix p
CROSS JOIN LATERAL (
    SELECT folded FROM identifier
    WHERE folded > p.folded || '/' AND folded < p.folded || '0' AND state = 'active' AND is_public
    ORDER BY folded
    LIMIT 1
) AS i
WHERE p.hosting = 'hosted' AND p.state = 'active' AND p.enterprise IS NOT NULL AND p.folded > $1
ORDER BY p.folded
LIMIT 1;

-- name: last_round
SELECT * FROM probe_round ORDER BY at DESC LIMIT 1;

-- name: list_seen
-- Enterprises with what the probes saw last of each.
SELECT p.folded, p.shown, p.hosting, l.at, l.is_success
FROM prefix p
LEFT JOIN LATERAL (
    SELECT at, is_success FROM probe_last WHERE subject = p.folded ORDER BY at DESC LIMIT 1
) AS l ON true
WHERE p.enterprise IS NOT NULL AND p.state = 'active' AND p.folded > $1
ORDER BY p.folded
LIMIT $2;

-- name: count_rounds
-- By month of the node (UTC+8), of days from $1 to before $2. Rounds in stops that were announced before they began are few:
-- they are found by the stops, each once, and stand apart.
WITH announced AS (
    SELECT DISTINCT r.at, r.is_up
    FROM maintenance_stop AS m
    CROSS JOIN LATERAL (
        SELECT at, is_resolution_up AND is_registration_up AS is_up FROM probe_round
        WHERE at >= greatest(m.begins, $1::date::timestamp AT TIME ZONE interval '8 hours')
            AND at < least(m.ends, $2::date::timestamp AT TIME ZONE interval '8 hours')
    ) AS r
    WHERE m.announced < m.begins AND m.begins < $2::date::timestamp AT TIME ZONE interval '8 hours'
        AND m.ends > $1::date::timestamp AT TIME ZONE interval '8 hours'
), excused AS (
    SELECT date_trunc('month', at AT TIME ZONE interval '8 hours')::date AS month,
        count(*) AS rounds, count(*) FILTER (WHERE is_up) AS rounds_up
    FROM announced
    GROUP BY 1
), counted AS (
    SELECT date_trunc('month', day::timestamp)::date AS month,
        sum(rounds)::bigint AS rounds, sum(rounds_up)::bigint AS rounds_up, sum(seconds_working)::bigint AS seconds_working
    FROM probe_round_day
    WHERE day >= $1 AND day < $2
    GROUP BY 1
)
SELECT month, c.rounds - coalesce(e.rounds, 0) AS rounds, c.rounds_up - coalesce(e.rounds_up, 0) AS rounds_up,
    coalesce(e.rounds, 0) AS rounds_announced, seconds_working
FROM counted AS c
LEFT JOIN excused AS e USING (month)
ORDER BY month;

-- name: list_gaps
-- Between two rounds; and after the last one up to $2, if by then GAP_ROUNDS ($3) and GAP_SECONDS_MIN ($4) have passed.
SELECT follows AS begins, at AS ends, gap_every_seconds AS every_seconds
FROM probe_round
WHERE gap_every_seconds IS NOT NULL AND at > $1 AND follows < $2
UNION ALL
SELECT at, $2, every_seconds
FROM (SELECT at, every_seconds FROM probe_round ORDER BY at DESC LIMIT 1) AS last
WHERE $2 - at >= make_interval(secs => greatest($3::integer * every_seconds, $4::integer))
ORDER BY begins;

-- name: mean_latencies
-- Of successful probes of the node, by kind.
SELECT kind, sum(latency_us) AS latency_us, sum(successes) AS successes
FROM probe_day
WHERE subject = '' AND day >= $1 AND day < $2
GROUP BY kind;

-- name: list_approvals
-- Prefixes of enterprises that became active from an application or at once, and the first success of a probe since.
SELECT c.name, c.at, c.hosting, (
    SELECT min(r.at) FROM probe_result AS r WHERE r.subject = c.name AND r.is_success AND r.at >= c.at
) AS resolved
FROM (
    SELECT name, at, new_document ->> 'hosting' AS hosting, new_document ->> 'state' AS state,
        coalesce(old_document ->> 'state', 'waiting') AS state_before, new_document ->> 'enterprise' AS enterprise
    FROM change
    CROSS JOIN LATERAL (
        SELECT convert_from(new, 'UTF8')::jsonb AS new_document, convert_from(old, 'UTF8')::jsonb AS old_document
    ) AS d
    WHERE subject = 'prefix' AND at >= $1 AND at < $2
) AS c
WHERE c.state = 'active' AND c.state_before IN ('waiting', 'in_review') AND c.enterprise IS NOT NULL
ORDER BY c.at, c.name;

-- name: forget_results
DELETE FROM probe_result WHERE at < $1;

-- name: forget_rounds
DELETE FROM probe_round WHERE at < $1;

-- name: forget_round_days
DELETE FROM probe_round_day WHERE day < $1;

-- name: forget_days
DELETE FROM probe_day WHERE day < $1;

-- name: forget_last
-- Prefixes and probe points that are not probed any more.
DELETE FROM probe_last WHERE at < $1;

-- name: list_open_events
-- What the probes have raised and not closed, whichever relay did.
SELECT * FROM monitoring_event WHERE is_open AND source = 'probe' ORDER BY id;

-- name: list_orphaned_events
-- Of prefixes whose sites are not called any more: no probe will ever close them.
SELECT e.* FROM monitoring_event AS e
LEFT JOIN prefix AS p ON p.folded = e.subject AND p.hosting = 'self' AND p.state = 'active'
WHERE e.is_open AND e.source = 'probe' AND e.subject <> '' AND p.folded IS NULL
ORDER BY e.id;

-- name: list_events_open
-- Of whatever source.
SELECT * FROM monitoring_event WHERE is_open ORDER BY id LIMIT $1;

-- name: find_event
SELECT * FROM monitoring_event WHERE id = $1;

-- name: list_events
-- Newest first, before id $1.
SELECT * FROM monitoring_event
WHERE ($1::uuid IS NULL OR id < $1) AND ($2::boolean IS NULL OR is_open = $2)
ORDER BY id DESC
LIMIT $3;

-- name: open_event
-- No row: the probes have one open already.
INSERT INTO monitoring_event (id, closes, subject, source, kind, at, reason, remedy, actor, version, is_open)
VALUES ($1, NULL, $2, $3, $4, $5, $6, NULL, $7, 1, true)
ON CONFLICT (subject) WHERE is_open AND source = 'probe' DO NOTHING
RETURNING *;

-- name: close_event
-- No row: it is closed already. The event that closes says no earlier time than the one it closes.
WITH closed AS (
    UPDATE monitoring_event SET is_open = false, version = version + 1 WHERE id = $2 AND is_open RETURNING *
)
INSERT INTO monitoring_event (id, closes, subject, source, kind, at, reason, remedy, actor, version, is_open)
SELECT $1, id, subject, $3, kind, greatest(at, $4), $5, NULL, $6, 1, false FROM closed
RETURNING *;

-- name: set_remedy
-- No row: another version stands.
UPDATE monitoring_event SET remedy = $2, version = version + 1 WHERE id = $1 AND version = $3 RETURNING *;

-- name: list_unreported
-- An event comes before the one that closes it: that one is no earlier, and ids of one millisecond have no order.
SELECT * FROM monitoring_event WHERE NOT is_reported ORDER BY at, closes IS NOT NULL, id LIMIT $1;

-- name: mark_reported
UPDATE monitoring_event SET is_reported = true WHERE id = ANY($1::uuid[]);

-- name: list_emergencies
-- Abnormal events of a span, with when they ended.
SELECT a.*, r.at AS recovered
FROM monitoring_event AS a
LEFT JOIN monitoring_event AS r ON r.closes = a.id
WHERE a.closes IS NULL AND a.at < $2 AND (r.at IS NULL OR r.at >= $1)
ORDER BY a.at, a.id;

-- name: insert_stop
INSERT INTO maintenance_stop (id, begins, ends, reason, announced, actor) VALUES ($1, $2, $3, $4, $5, $6);

-- name: list_stops
-- Newest first, before id $1.
SELECT * FROM maintenance_stop WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2;

-- name: list_stops_within
SELECT * FROM maintenance_stop WHERE begins < $2 AND ends > $1 ORDER BY begins, id;
