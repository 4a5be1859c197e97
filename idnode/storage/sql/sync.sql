-- name: lead
-- One relay at a time over all hosts: the lock ends with the connection, and whatever the relay writes goes through it.
SELECT pg_try_advisory_lock(115880070440038);

-- name: describe_cluster
-- Another cluster counts transactions of its own: there a snapshot means nothing.
SELECT system_identifier FROM pg_control_system();

-- name: defer_changes
-- Where adopt_changes has something to do, what was written here before goes to its end, so that no version of a thing
-- comes before an earlier one from there. Positions go on where those of the other cluster ended.
WITH foreign_rows AS MATERIALIZED (
    SELECT max(position) AS last FROM change WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())
)
UPDATE change
SET xid = '18446744073709551615'
WHERE (SELECT last FROM foreign_rows) IS NOT NULL AND xid < pg_snapshot_xmax(pg_current_snapshot())
    AND position > (SELECT last FROM foreign_rows);

-- name: adopt_changes
-- Rows that came from another cluster (dump and restore) may have ids that this one has not reached: they would look new
-- until it has. They get the id of this transaction, $1 rows at a time in the order of their own.
UPDATE change
SET xid = pg_current_xact_id()
WHERE (subject, name, version, at) IN (
    SELECT subject, name, version, at
    FROM change
    WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())
    ORDER BY xid, position
    LIMIT $1
);

-- name: begin_ledger
-- Who leads, and where the change log is gone on with: from the beginning where nothing was taken yet, on another cluster,
-- and when the database was set back behind the snapshot; otherwise $3 ids before it, because the ids of transactions
-- that failed last before a crash are given out again. What comes twice is there already.
UPDATE sync_state
SET snapshot = CASE
        WHEN snapshot IS NULL OR cluster <> $1 OR pg_snapshot_xmax(snapshot) > pg_snapshot_xmax(pg_current_snapshot())
            THEN '3:3:'::pg_snapshot
        ELSE snapshot_below(
            snapshot, greatest(pg_snapshot_xmax(snapshot)::text::numeric - $3::integer, 3)::text::xid8
        )
    END,
    cluster = coalesce($1, cluster),
    relay = $2,
    relay_since = now(),
    relay_seen = now();

-- name: collect
-- One step of taking committed changes in, all of it or nothing. One statement has one snapshot, so what it takes is
-- exactly what the snapshot that it leaves has seen and the one that it found has not: transactions that were not begun
-- then (from xmax on) or under way (xip). The oldest transaction under way holds nothing up, and is not read past again.
-- Where there are more than $1 rows, the step ends with the transaction that has the last of them.
--
-- Rows are numbered in the order of position, and that is the order of versions of a thing: a position is drawn while its
-- transaction holds the lock on the thing's row, so the next version's is higher. Between steps it holds, too: what writes
-- the next version has read the committed one before its own transaction began; so it has the higher id, and who sees it
-- sees the one before.
--
-- What the node's own probes register (sync/monitoring/probes) is nobody's product, and goes to no table. Nor does a name
-- that is reserved or given back: it was never active, and its first content is the add. A transfer changes no field.
--
-- Enterprise and profile count versions of their own, and both make T6: its version is the position. An older record of
-- the same thing that waits is superseded, by an earlier or by this statement, where a record tells all of its subject.
WITH found AS MATERIALIZED (
    SELECT snapshot, pg_snapshot_xmax(snapshot) AS beginning FROM sync_state
), span AS MATERIALIZED (
    SELECT (
        SELECT (xid::text::numeric + 1)::text::xid8
        FROM change
        WHERE xid >= (SELECT beginning FROM found)
        ORDER BY xid
        OFFSET $1
        LIMIT 1
    ) AS ending
), taken AS MATERIALIZED (
    SELECT position, at, subject, name, version, operation,
        CASE WHEN subject = 'prefix' THEN substring(convert_from(new, 'UTF8') FROM '"state":"([a-z_]+)"') END AS state
    FROM change
    WHERE xid >= (SELECT beginning FROM found)
        AND xid < (SELECT coalesce(ending, '18446744073709551615') FROM span)
    UNION ALL
    SELECT position, at, subject, name, version, operation,
        CASE WHEN subject = 'prefix' THEN substring(convert_from(new, 'UTF8') FROM '"state":"([a-z_]+)"') END
    FROM change
    WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip(snapshot) FROM found))
), identifiers AS (
    INSERT INTO sync_record (report, subject, version, operation, occurred, updated, change_subject)
    SELECT 'T9', name, version, operation, at, now(), subject
    FROM taken
    WHERE subject = 'identifier' AND operation NOT IN ('reserve', 'release', 'transfer')
        AND name NOT LIKE coalesce((SELECT folded FROM prefix WHERE enterprise IS NULL LIMIT 1), '') || '/PROBE-%'
        AND name NOT LIKE '0.NA/%'
    ORDER BY position
    ON CONFLICT (subject, report, version) DO NOTHING
    RETURNING subject, version, operation, occurred
), counted AS (
    -- Restored is also what was suspended, and that was never gone.
    INSERT INTO identifier_count AS c (prefix, day, added, removed)
    SELECT split_part(subject, '/', 1), (occurred AT TIME ZONE INTERVAL '+08:00')::date AS day,
        count(*) FILTER (WHERE operation <> 'delete'), count(*) FILTER (WHERE operation = 'delete')
    FROM identifiers
    WHERE operation IN ('register', 'activate', 'delete') OR operation = 'restore' AND EXISTS (
        SELECT FROM change b
        WHERE b.subject = 'identifier' AND b.name = identifiers.subject AND b.version = identifiers.version - 1
            AND b.operation = 'delete'
    )
    GROUP BY 1, 2
    ORDER BY 1, 2
    ON CONFLICT (prefix, day) DO UPDATE SET added = c.added + excluded.added, removed = c.removed + excluded.removed
), owed AS MATERIALIZED (
    SELECT t.position, t.at, t.subject, t.name, t.version, t.operation, reports.report,
        lead(t.position) OVER (PARTITION BY reports.report, t.name ORDER BY t.position) IS NULL AS is_last
    FROM taken t
    LEFT JOIN prefix own ON own.folded = split_part(t.name, '/', 1) AND own.enterprise IS NULL
    CROSS JOIN LATERAL unnest(CASE
        WHEN t.subject = 'operator' THEN ARRAY['T1', 'T2']
        WHEN t.subject IN ('enterprise', 'profile') THEN ARRAY['T6']
        WHEN t.subject = 'template' AND own.folded IS NOT NULL THEN ARRAY['T4']
        WHEN t.subject = 'template' THEN ARRAY['T11']
        WHEN own.folded IS NOT NULL THEN ARRAY[]::text[]
        WHEN t.state IN ('active', 'stopped', 'to_delete') THEN ARRAY['T7']
        WHEN t.state = 'in_review' THEN ARRAY['prefix-application']
    END) AS reports (report)
    WHERE t.subject IN ('operator', 'enterprise', 'profile', 'template', 'prefix')
), directory AS (
    INSERT INTO sync_record (
        report, subject, version, operation, occurred, updated, state, change_subject, change_name, change_version
    )
    SELECT report, CASE WHEN subject = 'operator' THEN '' ELSE name END,
        CASE WHEN report = 'T6' THEN position ELSE version END, operation, at, now(),
        CASE WHEN is_last THEN 'pending' ELSE 'superseded' END, subject,
        CASE WHEN subject = 'operator' THEN name END, CASE WHEN report = 'T6' THEN version END
    FROM owed
    ORDER BY position
    ON CONFLICT (subject, report, version) DO NOTHING
    RETURNING report, subject, version, state
), older AS MATERIALIZED (
    -- By subject, not by state: IS TRUE keeps the index of open records out of it, and OFFSET the join in this order.
    SELECT o.number
    FROM (SELECT report, subject, max(version) AS version FROM directory GROUP BY report, subject) n
    CROSS JOIN LATERAL (
        SELECT number FROM sync_record o
        WHERE o.subject = n.subject AND o.report = n.report AND o.version < n.version AND (o.state = 'pending') IS TRUE
        OFFSET 0
    ) o
), superseded AS (
    UPDATE sync_record SET state = 'superseded', updated = now()
    WHERE number IN (SELECT number FROM older) AND (state = 'pending') IS TRUE
    RETURNING report
), moved AS (
    UPDATE sync_state
    SET snapshot = coalesce(
        snapshot_below(pg_current_snapshot(), (SELECT ending FROM span)), pg_current_snapshot()
    )
    WHERE EXISTS (SELECT FROM taken)
)
SELECT NULL AS report, count(*) AS changes FROM taken
UNION ALL
SELECT report, count(*)
FROM (SELECT report FROM directory WHERE state = 'superseded' UNION ALL SELECT report FROM superseded) needless
GROUP BY report;

-- name: release
-- Everything that has a number now; never moved back, unless the time was noted by a clock that was wrong ($3: how far
-- clocks may differ). Rows are locked in one order by whoever changes several: nobody waits in a ring.
UPDATE sync_release a
SET number = greatest(number, (SELECT coalesce(max(number), 0) FROM sync_record)),
    at = CASE WHEN at - $2 > $3::interval THEN $2 ELSE greatest(at, $2) END
FROM (SELECT report FROM sync_release WHERE report = ANY($1::text[]) ORDER BY report FOR UPDATE) o
WHERE a.report = o.report;

-- name: list_releases
SELECT report, at FROM sync_release WHERE at IS NOT NULL;

-- name: claim
-- The first of the reports $1 that has released pending records (those in $2 need no release), and the oldest $3 of them
-- with their change rows. No locks: one relay leads. $4 says per report that nothing pending lies below, known as of the
-- reopening $5: entries of what was sent stay in the index as long as any transaction is open (a backup), and a walk past
-- all of them would take longer each time. is_overtaken: it was refused before, and a later version went up.
WITH bounds AS (
    SELECT r.report, place, reopened, CASE WHEN reopened = known THEN beginning ELSE 0 END AS beginning,
        CASE WHEN r.report = ANY($2::text[]) THEN 9223372036854775807 ELSE number END AS ending
    FROM unnest($1::text[], $4::bigint[], $5::bigint[]) WITH ORDINALITY AS r (report, beginning, known, place)
    JOIN sync_release USING (report)
), chosen AS MATERIALIZED (
    SELECT report, reopened, first.number AS beginning, ending
    FROM bounds b
    CROSS JOIN LATERAL (
        SELECT number
        FROM sync_record s
        WHERE s.report = b.report AND s.state = 'pending' AND s.number BETWEEN b.beginning AND b.ending
        ORDER BY number
        LIMIT 1
    ) first
    ORDER BY place
    LIMIT 1
)
SELECT s.number, s.report, s.subject, s.version, s.operation, s.occurred, s.attempts, s.payload, c.old, c.new, s.reopened,
    s.is_retried AND s.report = ANY($6::text[]) AND EXISTS (
        SELECT FROM sync_record n
        WHERE n.subject = s.subject AND n.report = s.report AND n.version > s.version AND n.state IN ('sent', 'accepted')
    ) AS is_overtaken
FROM (
    SELECT s.*, h.reopened
    FROM chosen h
    CROSS JOIN LATERAL (
        SELECT *
        FROM sync_record s
        WHERE s.report = h.report AND s.state = 'pending' AND s.number BETWEEN h.beginning AND h.ending
        ORDER BY s.number
        LIMIT $3
    ) s
) s
LEFT JOIN change c ON c.subject = s.change_subject AND c.name = coalesce(s.change_name, s.subject)
    AND c.version = coalesce(s.change_version, s.version::integer) AND c.at = s.occurred
ORDER BY s.number;

-- name: settle
-- Records $1 into the state $4 where theirs is among $5. A receipt stays when a later verdict has none. The time of the last
-- acceptance is noted once a second: row versions stay, and are read past, as long as any transaction is open.
WITH settled AS (
    UPDATE sync_record s
    SET state = $4, receipt = coalesce(n.receipt, s.receipt), reason = n.reason, updated = now(), is_retried = false
    FROM unnest($1::bigint[], $2::text[], $3::text[]) AS n (number, receipt, reason)
    WHERE s.number = n.number AND s.state = ANY($5::text[])
    RETURNING s.report
), noted AS (
    UPDATE sync_release
    SET accepted_at = now()
    WHERE $4 = 'accepted' AND report IN (SELECT report FROM settled)
        AND (accepted_at IS NULL OR accepted_at < now() - INTERVAL '1 second')
)
SELECT count(*) FROM settled;

-- name: supersede_overtaken
-- What was refused of the subjects of $1 that a later version was accepted of. Looks nowhere when nothing was refused, and
-- otherwise by subject.
UPDATE sync_record o
SET state = 'superseded', updated = now()
FROM sync_record n
WHERE n.number = ANY($1::bigint[]) AND n.report = ANY($2::text[]) AND n.state = 'accepted'
    AND o.subject = n.subject AND o.report = n.report AND o.version < n.version
    AND (o.state IN ('rejected', 'dead')) IS TRUE
    AND EXISTS (
        SELECT FROM unnest($2::text[]) AS r (report), sync_record s
        WHERE s.report = r.report AND s.state IN ('rejected', 'dead')
    )
RETURNING o.report;

-- name: count_tries
-- $2 tries and it is dead.
UPDATE sync_record
SET attempts = attempts + 1, reason = $3, updated = now(), state = CASE WHEN attempts + 1 >= $2 THEN 'dead' ELSE state END
WHERE number = ANY($1::bigint[]) AND state = 'pending'
RETURNING state;

-- name: recall_overdue
-- Sent before $1 and not judged: among the next $3 after number $4, so that no look grows with what waits for a verdict.
-- `reached` is where the next look goes on, null at the end. In the order of reports, as in `release`.
WITH looked AS MATERIALIZED (
    SELECT s.*
    FROM unnest($2::text[]) AS r (report)
    CROSS JOIN LATERAL (
        SELECT o.number, o.report, o.updated
        FROM sync_record o
        WHERE o.report = r.report AND o.state = 'sent' AND o.number > $4
        ORDER BY o.number
        LIMIT $3
    ) s
    ORDER BY s.number
    LIMIT $3
), recalled AS (
    UPDATE sync_record s
    SET state = 'pending', updated = now()
    FROM (SELECT number FROM looked WHERE updated < $1 ORDER BY report, number OFFSET 0) late
    WHERE s.number = late.number AND s.state = 'sent'
    RETURNING s.number
)
SELECT (SELECT count(*) FROM recalled) AS recalled, CASE WHEN count(*) = $3 THEN max(number) END AS reached FROM looked;

-- name: find_numbers
SELECT s.subject, s.version, s.number
FROM unnest($2::text[], $3::bigint[]) AS k (subject, version)
JOIN sync_record s ON s.subject = k.subject AND s.report = $1 AND s.version = k.version;

-- name: find_state
SELECT snapshot::text, verdict_cursor, paused_at, paused_by, relay, relay_since, relay_seen, breaker, last_error,
    last_error_at
FROM sync_state;

-- name: keep_cursor
UPDATE sync_state SET verdict_cursor = $1;

-- name: heartbeat
-- The last error stays to be read until another one comes.
UPDATE sync_state
SET relay_seen = now(), breaker = $1, last_error = coalesce($2, last_error),
    last_error_at = CASE WHEN $2::text IS NULL THEN last_error_at ELSE now() END;
