-- name: add_deposit
INSERT INTO deposit (id, kind, base, snapshot, lineage, seen_at, made, files, bytes, sha256, updated)
VALUES ($1, $2, $3, $4::text::pg_snapshot, $5, $6, $7, $8, $9, $10, $7);

-- name: list_deposits
-- The latest first.
SELECT id, kind, base, snapshot::text AS snapshot, lineage, seen_at, made, files, bytes, sha256, state, reason, resend, updated
FROM deposit
ORDER BY id DESC
LIMIT $1;

-- name: find_deposit
SELECT id, kind, base, snapshot::text AS snapshot, lineage, seen_at, made, files, bytes, sha256, state, reason, resend, updated
FROM deposit
WHERE id = $1;

-- name: move_deposit
-- Only from a state that may be left for this one: $5.
UPDATE deposit SET state = $2, reason = $3, updated = $4 WHERE id = $1 AND state = ANY($5::text[]) RETURNING id;

-- name: number_resend
-- The same deposit goes up again under the next number.
UPDATE deposit SET resend = resend + 1, state = 'made', reason = NULL, updated = $2 WHERE id = $1 RETURNING id;

-- name: take_watermark
-- First in its transaction: all that the deposit reads is of this snapshot.
SELECT pg_current_snapshot()::text AS snapshot, now() AS seen_at, (SELECT max(number) FROM schema_migration) AS schema;

-- name: describe_deposit_lineage
-- Transaction ids mean something on one cluster and timeline only.
SELECT system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS lineage FROM pg_control_system();

-- name: list_deposit_tables
-- Every table, and its columns but for transaction ids and snapshots, which mean nothing on another cluster.
SELECT c.relname::text AS name,
    array_agg(a.attname::text ORDER BY a.attnum) AS columns,
    array_agg(a.atttypid = 'bytea'::regtype ORDER BY a.attnum) AS are_bytes
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND a.atttypid NOT IN ('xid8'::regtype, 'pg_snapshot'::regtype)
GROUP BY c.relname
ORDER BY c.relname;

-- name: list_deposit_references
-- Which table must be filled before which.
SELECT child.relname::text AS child, parent.relname::text AS parent
FROM pg_constraint k
JOIN pg_class child ON child.oid = k.conrelid
JOIN pg_class parent ON parent.oid = k.confrelid
WHERE k.contype = 'f' AND k.conrelid <> k.confrelid AND child.relnamespace = current_schema()::regnamespace;

-- name: list_deposit_sequences
SELECT sequencename::text AS name, last_value AS value
FROM pg_sequences
WHERE schemaname = current_schema() AND last_value IS NOT NULL
ORDER BY sequencename;

-- name: select_changed_identifiers
-- The present rows of what was changed by transactions that the snapshot $1 did not see. No row is ever removed.
SELECT i.*
FROM identifier i
WHERE i.folded IN (
    SELECT name
    FROM change
    WHERE subject = 'identifier'
        AND xid >= pg_snapshot_xmin($1::text::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot)
);

-- name: select_later_changes
-- Without xid, which the restoring transaction gives anew.
SELECT position, at, subject, name, version, operation, actor, request_id, old, new
FROM change
WHERE xid >= pg_snapshot_xmin($1::text::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot);

-- name: select_later_sync_records
-- A sequential scan, on purpose (storage/deposit_rows says why). A state that is missed here is at worst reported once
-- more, under the same id.
SELECT r.* FROM sync_record r WHERE r.updated >= $1;

-- name: select_usage_days
SELECT u.* FROM usage_day u WHERE u.day >= $1;

-- name: select_usage_sources
SELECT u.* FROM usage_source u WHERE u.day >= $1;

-- name: select_later_probe_rounds
SELECT r.* FROM probe_round r WHERE r.at >= $1;

-- name: select_later_probe_results
SELECT r.* FROM probe_result r WHERE r.at >= $1;

-- name: lock_for_restore
-- Nobody else writes until the restore is committed.
LOCK TABLE enterprise, prefix, api_key, template, identifier, change, sync_record IN EXCLUSIVE MODE;

-- name: find_present_rows
-- A database that somebody's node has worked with is not overwritten.
SELECT name
FROM (
    VALUES
        ('enterprise', EXISTS (SELECT FROM enterprise)),
        ('prefix', EXISTS (SELECT FROM prefix)),
        ('api_key', EXISTS (SELECT FROM api_key)),
        ('template', EXISTS (SELECT FROM template)),
        ('identifier', EXISTS (SELECT FROM identifier)),
        ('change', EXISTS (SELECT FROM change)),
        ('sync_record', EXISTS (SELECT FROM sync_record))
) AS t (name, is_present)
WHERE is_present;

-- name: empty_for_restore
SELECT empty_for_restore($1);

-- name: stage_for_restore
SELECT stage_for_restore($1);

-- name: merge_for_restore
SELECT merge_for_restore($1, $2);

-- name: restore_sequence
SELECT setval($1::text::regclass, $2);

-- name: partition_restored_changes
-- Months that were not made ahead.
SELECT ensure_change_partition(month)
FROM (SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC')::date AS month FROM change_default) AS months;

-- name: note_restore
-- What the top node was told after the deposit was made is not in it: the comparison with the top node has to know.
UPDATE sync_state SET restored_at = now();

-- name: ring_after_restore
SELECT pg_notify('idnode_change', '');
