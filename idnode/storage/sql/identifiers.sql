-- name: find_records
-- Hot path: one probe by primary key for each identifier asked for.
SELECT folded, version, state, is_public, values_at, record FROM identifier WHERE folded = ANY($1::text[]);

-- name: list_records
-- A page of one prefix in key order: $1 <= folded < $2 is the prefix with its slash, $3 the last key of the page before.
SELECT folded, version, state, is_public, values_at, record
FROM identifier
WHERE folded >= $1 AND folded < $2 AND folded > $3 AND ($4::text IS NULL OR state = $4)
ORDER BY folded
LIMIT $5;

-- name: lock_records
-- The rows of a batch that others were faster with, as they stand now: those to be changed ($1), and of those to be
-- registered ($2) the ones that were only reserved. What others hold is left out: to wait for it, holding rows of our
-- own, could close a ring.
SELECT folded, version, state, is_public, values_at, record
FROM identifier
WHERE folded = ANY($1::text[]) OR folded = ANY($2::text[]) AND state IN ('reserved', 'released')
ORDER BY folded
FOR UPDATE SKIP LOCKED;

-- name: register_group
-- Many registrations, one statement: the rows that did not exist, and the change row of each. They come sorted, so that
-- two groups that share identifiers wait for each other in one order and never in a ring. The doorbell rings once, at
-- commit, and if something was written. One row comes back: what was written, unless that is everything.
WITH written AS (
    INSERT INTO identifier (folded, version, state, is_public, values_at, record, created, updated)
    SELECT folded, 1, 'active', is_public, values_at, record, at, at
    FROM unnest($1::text[], $2::boolean[], $3::integer[], $4::bytea[], $5::timestamptz[])
        AS t (folded, is_public, values_at, record, at)
    ON CONFLICT (folded) DO NOTHING
    RETURNING folded
), logged AS (
    INSERT INTO change (at, subject, name, version, operation, actor, request_id, old, new)
    SELECT at, 'identifier', folded, 1, 'register', actor, request_id, NULL, record
    FROM unnest($1::text[], $4::bytea[], $5::timestamptz[], $6::text[], $7::text[])
        AS t (folded, record, at, actor, request_id)
    JOIN written USING (folded)
)
SELECT
    CASE WHEN (SELECT count(*) FROM written) < cardinality($1) THEN ARRAY(SELECT folded FROM written) END AS written,
    CASE WHEN EXISTS (SELECT FROM written) THEN pg_notify('idnode_change', '') END;

-- name: register_batch
-- As register_group, for rows that share their instant, their actor and their request.
WITH written AS (
    INSERT INTO identifier (folded, version, state, is_public, values_at, record, created, updated)
    SELECT folded, 1, 'active', is_public, values_at, record, $5::timestamptz, $5
    FROM unnest($1::text[], $2::boolean[], $3::integer[], $4::bytea[]) AS t (folded, is_public, values_at, record)
    ON CONFLICT (folded) DO NOTHING
    RETURNING folded, record
), logged AS (
    INSERT INTO change (at, subject, name, version, operation, actor, request_id, old, new)
    SELECT $5, 'identifier', folded, 1, 'register', $6::text, $7::text, NULL, record FROM written
)
SELECT
    CASE WHEN (SELECT count(*) FROM written) < cardinality($1) THEN ARRAY(SELECT folded FROM written) END AS written,
    CASE WHEN EXISTS (SELECT FROM written) THEN pg_notify('idnode_change', '') END;

-- name: revise_group
-- Many revisions, one statement: those whose version is still the one they were planned on. Locked in key order first.
-- Rings like register_group.
WITH input AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::boolean[], $3::integer[], $4::bytea[], $5::timestamptz[], $6::text[], $7::text[],
        $8::integer[], $9::text[], $10::text[]
    ) AS t (folded, is_public, values_at, record, at, actor, request_id, expected_version, state, operation)
), before AS (
    SELECT i.folded, i.record
    FROM identifier i
    JOIN input n ON n.folded = i.folded AND n.expected_version = i.version
    ORDER BY i.folded
    FOR UPDATE OF i
), written AS (
    UPDATE identifier i
    SET version = n.expected_version + 1, state = n.state, is_public = n.is_public, values_at = n.values_at,
        record = n.record, updated = n.at
    FROM input n JOIN before b USING (folded)
    WHERE i.folded = n.folded
    RETURNING i.folded
), logged AS (
    INSERT INTO change (at, subject, name, version, operation, actor, request_id, old, new)
    SELECT n.at, 'identifier', n.folded, n.expected_version + 1, n.operation, n.actor, n.request_id, b.record, n.record
    FROM input n JOIN before b USING (folded)
), rung AS (
    SELECT pg_notify('idnode_change', '')
)
SELECT folded FROM written CROSS JOIN rung;
