-- name: append_change
-- The change row of a directory write; at commit the doorbell makes every process read the change feed.
WITH rung AS (SELECT pg_notify('idnode_change', ''))
INSERT INTO change (at, subject, name, version, operation, actor, request_id, old, new)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM rung;

-- name: list_changes
-- History of one thing, newest first, below version $3.
SELECT at, subject, name, version, operation, actor, request_id, old, new
FROM change
WHERE subject = $1 AND name = $2 AND version < $3
ORDER BY version DESC
LIMIT $4;

-- name: find_change_as_of
-- What the thing was at a time: the newest change not after it.
SELECT at, subject, name, version, operation, actor, request_id, old, new
FROM change
WHERE subject = $1 AND name = $2 AND at <= $3
ORDER BY version DESC
LIMIT 1;

-- name: ensure_change_partitions
-- This month and the next two.
SELECT ensure_change_partition(($1::date + make_interval(months => ahead))::date) FROM generate_series(0, 2) AS ahead;
