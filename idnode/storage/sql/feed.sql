-- name: begin_feed
-- Where a feed begins that has followed nothing yet.
SELECT pg_current_snapshot() AS snapshot;

-- name: read_feed
-- The present snapshot, and what it shows that $1, the one of the read before, did not: no position and no time tells
-- that, because transactions become visible in another order than they began. One statement has one snapshot, so nothing
-- falls between two reads and nothing is in both.
SELECT pg_current_snapshot() AS snapshot, NULL AS subject, NULL AS name, NULL AS operation
UNION ALL
(
    SELECT NULL, subject, name, operation
    FROM change
    WHERE xid >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)
    LIMIT $2
);

-- name: describe_lineage
-- Which cluster this is, and on which timeline: another one may never have had what a snapshot speaks of.
SELECT system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline FROM pg_control_system();
