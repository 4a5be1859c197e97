-- name: add_records
-- Those that are not there yet. Of one subject and report the last supersedes those before, where $7 says so. Their numbers
-- may become visible after higher ones: hence the reopening.
WITH input AS (
    SELECT *, lead(version) OVER (PARTITION BY report, subject ORDER BY version) IS NULL AS is_last
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bytea[])
        WITH ORDINALITY AS t (report, subject, version, operation, occurred, payload, place)
), written AS (
    INSERT INTO sync_record (report, subject, version, operation, occurred, updated, payload, state)
    SELECT report, subject, version, operation, occurred, now(), payload,
        CASE WHEN is_last OR report <> ALL($7::text[]) THEN 'pending' ELSE 'superseded' END
    FROM input
    ORDER BY place
    ON CONFLICT (subject, report, version) DO NOTHING
    RETURNING report, subject, version
), older AS MATERIALIZED (
    -- As in `collect`.
    SELECT o.number
    FROM (SELECT report, subject, max(version) AS version FROM written GROUP BY report, subject) n
    CROSS JOIN LATERAL (
        SELECT number FROM sync_record o
        WHERE o.subject = n.subject AND o.report = n.report AND o.version < n.version AND (o.state = 'pending') IS TRUE
        OFFSET 0
    ) o
    WHERE n.report = ANY($7::text[])
), superseded AS (
    UPDATE sync_record SET state = 'superseded', updated = now()
    WHERE number IN (SELECT number FROM older) AND (state = 'pending') IS TRUE
), noted AS (
    -- In one order, as in `release`.
    UPDATE sync_release a
    SET reopened = pg_current_xact_id()::text::bigint
    FROM (SELECT report FROM sync_release WHERE report IN (SELECT report FROM written) ORDER BY report FOR UPDATE) o
    WHERE a.report = o.report
)
SELECT count(*) FROM written;

-- name: find_sync_record
SELECT number, report, subject, version, operation, occurred, state, attempts, receipt, reason, updated
FROM sync_record
WHERE number = $1;

-- name: page_by_number
-- All of them, or the mass, which is dense among them.
SELECT number, report, subject, version, operation, occurred, state, attempts, receipt, reason, updated
FROM sync_record
WHERE number > $1 AND ($3::text IS NULL OR report = $3) AND ($4::text IS NULL OR state = $4)
ORDER BY number
LIMIT $2;

-- name: page_among
-- Those of a time ($5, $6) among the next $7 numbers: a page of them, where such records are dense from $1 on.
SELECT number, report, subject, version, operation, occurred, state, attempts, receipt, reason, updated
FROM (SELECT * FROM sync_record WHERE number > $1 ORDER BY number LIMIT $7) s
WHERE occurred >= coalesce($5::timestamptz, '-infinity') AND occurred < coalesce($6::timestamptz, 'infinity')
    AND ($3::text IS NULL OR report = $3) AND ($4::text IS NULL OR state = $4)
ORDER BY number
LIMIT $2;

-- name: page_by_time
-- Where they are not, or end. The sum keeps the planner from walking the primary key, as in find_replay_span.
SELECT number, report, subject, version, operation, occurred, state, attempts, receipt, reason, updated
FROM sync_record
WHERE occurred >= coalesce($5::timestamptz, '-infinity') AND occurred < coalesce($6::timestamptz, 'infinity')
    AND number > $1 AND ($3::text IS NULL OR report = $3) AND ($4::text IS NULL OR state = $4)
ORDER BY number + 0
LIMIT $2;

-- name: page_by_state
-- What is not the mass: of each report and state a page is read from the index, and the first of them all are shown. Of a
-- time: $5, $6.
SELECT s.*
FROM unnest($3::text[]) AS r (report)
CROSS JOIN unnest($4::text[]) AS t (state)
CROSS JOIN LATERAL (
    SELECT number, report, subject, version, operation, occurred, state, attempts, receipt, reason, updated
    FROM sync_record o
    WHERE o.report = r.report AND o.state = t.state AND o.number > $1 AND (o.report <> 'T9' OR o.state <> 'accepted')
        AND o.occurred >= coalesce($5::timestamptz, '-infinity') AND o.occurred < coalesce($6::timestamptz, 'infinity')
    ORDER BY number
    LIMIT $2
) s
ORDER BY s.number
LIMIT $2;

-- name: page_by_subject
SELECT number, report, subject, version, operation, occurred, state, attempts, receipt, reason, updated
FROM sync_record
WHERE subject = $7 AND number > $1 AND ($3::text IS NULL OR report = $3) AND ($4::text IS NULL OR state = $4)
    AND occurred >= coalesce($5::timestamptz, '-infinity') AND occurred < coalesce($6::timestamptz, 'infinity')
ORDER BY number
LIMIT $2;

-- name: summarize
-- What is open is counted from the index, each number up to $3; what is done is not counted at all.
SELECT r.report, e.pending, e.waiting, e.sent, e.rejected, e.dead, e.oldest_pending, a.accepted_at, a.number, a.at
FROM unnest($1::text[]) WITH ORDINALITY AS r (report, place)
JOIN sync_release a USING (report)
CROSS JOIN LATERAL (
    SELECT CASE WHEN r.report = ANY($2::text[]) THEN 9223372036854775807 ELSE a.number END AS ending
) b
CROSS JOIN LATERAL (
    SELECT
        (SELECT count(*) FROM (
            SELECT FROM sync_record s
            WHERE s.report = r.report AND s.state = 'pending' AND s.number <= b.ending LIMIT $3
        ) c) AS pending,
        (SELECT count(*) FROM (
            SELECT FROM sync_record s
            WHERE s.report = r.report AND s.state = 'pending' AND s.number > b.ending LIMIT $3
        ) c) AS waiting,
        (SELECT count(*) FROM (
            SELECT FROM sync_record s WHERE s.report = r.report AND s.state = 'sent' LIMIT $3
        ) c) AS sent,
        (SELECT count(*) FROM (
            SELECT FROM sync_record s WHERE s.report = r.report AND s.state = 'rejected' LIMIT $3
        ) c) AS rejected,
        (SELECT count(*) FROM (
            SELECT FROM sync_record s WHERE s.report = r.report AND s.state = 'dead' LIMIT $3
        ) c) AS dead,
        (
            SELECT s.occurred FROM sync_record s
            WHERE s.report = r.report AND s.state = 'pending' AND s.number <= b.ending
            ORDER BY s.number LIMIT 1
        ) AS oldest_pending
) e
ORDER BY r.place;

-- name: retry_records
-- Refused records that match become pending; or superseded, where sending them now would put an older state in the place
-- of a newer one ($5: any later version that was sent) or is needless ($6: also one that will be). Of report $1 the next $7
-- after number $8: what is refused again at once is not retried in a ring. `reached` is null at the end.
WITH chosen AS MATERIALIZED (
    SELECT s.number, s.report = ANY($5::text[]) AND EXISTS (
            SELECT FROM sync_record n
            WHERE n.subject = s.subject AND n.report = s.report AND n.version > s.version
                AND (n.state IN ('sent', 'accepted') OR n.state = 'pending' AND n.report = ANY($6::text[]))
        ) AS is_overtaken
    FROM (
        SELECT o.*
        FROM unnest($2::text[]) AS t (state)
        CROSS JOIN LATERAL (
            SELECT number, report, subject, version
            FROM sync_record o
            WHERE o.report = $1 AND o.state = t.state AND o.state IN ('rejected', 'dead') AND o.number > $8
                AND ($3::text IS NULL OR o.subject = $3) AND ($4::bigint IS NULL OR o.number = $4)
            ORDER BY number
            LIMIT $7
        ) o
        ORDER BY o.number
        LIMIT $7
    ) s
), moved AS (
    UPDATE sync_record s
    SET state = CASE WHEN c.is_overtaken THEN 'superseded' ELSE 'pending' END, attempts = 0, updated = now(), is_retried = true
    FROM chosen c
    WHERE s.number = c.number AND s.state IN ('rejected', 'dead')
    RETURNING s.state
)
SELECT
    (SELECT count(*) FROM moved WHERE state = 'pending') AS pending,
    (SELECT count(*) FROM moved WHERE state = 'superseded') AS superseded,
    CASE WHEN count(*) = $7 THEN max(number) END AS reached
FROM chosen;

-- name: find_replay_span
-- The sum keeps the planner from walking the primary key from its beginning: the times have an index of their own.
SELECT min(number + 0) AS beginning, max(number + 0) AS ending FROM sync_record WHERE occurred >= $1;

-- name: replay_records
-- Accepted records become pending, numbers from $1 to below $2. Where one tells all of its subject ($5), the last will do.
-- The rows that the trigger will write are locked before, in one order, as in `release`.
WITH noted AS MATERIALIZED (
    SELECT report FROM sync_release WHERE $4::text IS NULL OR report = $4 ORDER BY report FOR UPDATE
), chosen AS MATERIALIZED (
    SELECT s.number
    FROM sync_record s
    WHERE s.number >= $1 AND s.number < $2 AND s.occurred >= $3 AND s.state = 'accepted'
        AND s.report IN (SELECT report FROM noted)
        AND (s.report <> ALL($5::text[]) OR NOT EXISTS (
            SELECT FROM sync_record n
            WHERE n.subject = s.subject AND n.report = s.report AND n.version > s.version
                AND n.state IN ('pending', 'sent', 'accepted')
        ))
), moved AS (
    UPDATE sync_record s
    SET state = 'pending', attempts = 0, reason = NULL, updated = now()
    FROM chosen c
    WHERE s.number = c.number AND s.state = 'accepted'
    RETURNING s.number
)
SELECT count(*) FROM moved;

-- name: pause_relay
-- Who paused it first is remembered.
UPDATE sync_state SET paused_at = now(), paused_by = $1 WHERE paused_at IS NULL;

-- name: resume_relay
-- Who let it go on is remembered likewise.
UPDATE sync_state SET paused_at = NULL, paused_by = $1 WHERE paused_at IS NOT NULL;
