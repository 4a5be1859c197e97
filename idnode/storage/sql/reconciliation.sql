-- name: ask_reconciliation
INSERT INTO reconciliation (day, repair, asked_by, asked) VALUES ($1, $2, $3, $4) RETURNING *;

-- name: schedule_reconciliations
-- Once for each day and morning, whichever relay's clock comes first. Of the days up to a restore the top node may rightly
-- hold more than this node: what the one before reported after its last deposit. That is told, and not taken back.
INSERT INTO reconciliation (day, repair, asked_by, asked, scheduled)
SELECT day, $2 AND day > coalesce((restored_at AT TIME ZONE INTERVAL '+08:00')::date, '-infinity'), $3, $4, $5
FROM unnest($1::date[]) AS day CROSS JOIN sync_state
ON CONFLICT (scheduled, day) DO NOTHING;

-- name: begin_reconciliation
-- The oldest that has not ended; one that was begun before is begun anew: its relay has fallen. None while the relay is
-- paused: it is to leave the top node alone then.
WITH taken AS (
    SELECT number FROM reconciliation
    WHERE ended IS NULL AND NOT EXISTS (SELECT FROM sync_state WHERE paused_at IS NOT NULL)
    ORDER BY number
    LIMIT 1
), forgotten AS (
    DELETE FROM reconciliation_drift USING taken WHERE reconciliation = taken.number
)
UPDATE reconciliation SET begun = $1 FROM taken WHERE reconciliation.number = taken.number
RETURNING reconciliation.*;

-- name: end_reconciliation
UPDATE reconciliation SET ended = $2, prefixes = $3, records = $4, failure = $5 WHERE number = $1;

-- name: add_drift
INSERT INTO reconciliation_drift (reconciliation, prefix, missing, extra, changed, repaired)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: list_reconciliations
-- The newest first, below number $1; of one day or of all.
SELECT * FROM reconciliation
WHERE number < $1 AND ($2::date IS NULL OR day = $2)
ORDER BY number DESC
LIMIT $3;

-- name: find_reconciliation
SELECT * FROM reconciliation WHERE number = $1;

-- name: list_drift
SELECT * FROM reconciliation_drift WHERE reconciliation = ANY ($1::bigint[]) ORDER BY reconciliation, prefix;

-- name: sum_drift
-- Of all time, for counters.
SELECT coalesce(sum(missing), 0)::bigint AS missing, coalesce(sum(extra), 0)::bigint AS extra,
    coalesce(sum(changed), 0)::bigint AS changed, coalesce(sum(repaired), 0)::bigint AS repaired
FROM reconciliation_drift;

-- name: list_day
-- What the top node has accepted of a day, in the order of the ids within each prefix: the order of digest lines. Keys
-- only, because they are sorted; the documents are read by page.
SELECT number, subject, version, operation, occurred, attempts FROM sync_record
WHERE report = 'T9' AND state = 'accepted' AND occurred >= $1 AND occurred < $2
    AND ($3::text IS NULL OR subject >= $3 || '/' AND subject < $3 || '0')
ORDER BY split_part(subject, '/', 1) COLLATE "C", (subject || ':' || version) COLLATE "C";

-- name: list_day_records
-- The same for records that are known by number, with the documents of their change rows. $2 and $3 are the earliest and
-- the latest of them, so that only their partitions of the change log are looked at.
SELECT r.number, r.subject, r.version, r.operation, r.occurred, r.attempts, r.payload, c.old, c.new
FROM sync_record AS r
LEFT JOIN change AS c ON c.subject = 'identifier' AND c.name = r.subject AND c.version = r.version AND c.at = r.occurred
    AND c.at BETWEEN $2 AND $3
WHERE r.number = ANY ($1::bigint[]);

-- name: list_known
-- Which of these the ledger has, in whatever state: what is pending or sent here may be accepted there already.
SELECT r.subject, r.version
FROM unnest($1::text[], $2::bigint[]) AS held (subject, version)
JOIN sync_record AS r ON r.subject = held.subject AND r.report = 'T9' AND r.version = held.version;

-- name: return_records
-- What the top node has lost is delivered again, under the same id.
UPDATE sync_record SET state = 'pending', attempts = 0, receipt = NULL, reason = $2, updated = $3
WHERE number = ANY ($1::bigint[]) AND state = 'accepted'
RETURNING number;
