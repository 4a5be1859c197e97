-- name: lock_relations
-- Whoever writes relations waits for who does: two who close a ring together, each with a half, would not see it, and
-- rows are locked by one at a time. Readers wait for nobody. Ends with the transaction.
SELECT pg_advisory_xact_lock(115880070440039);

-- name: relate
-- Many relations, one statement: those that were not there, and the change row of each. A relation that was taken back and
-- comes again goes on counting its versions. Rung like register_group.
WITH input AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])
        AS t (subject, kind, object, subject_shown, object_shown, name, document)
), written AS (
    INSERT INTO relation (subject, kind, object, subject_shown, object_shown, created)
    SELECT subject, kind, object, subject_shown, object_shown, $8 FROM input
    ON CONFLICT (subject, kind, object) DO NOTHING
    RETURNING subject, kind, object
), logged AS (
    INSERT INTO change (at, subject, name, version, operation, actor, request_id, old, new)
    SELECT $8, 'relation', n.name, coalesce(before.version, 0) + 1, 'relate', $9, $10, NULL, n.document
    FROM input n
    JOIN written USING (subject, kind, object)
    CROSS JOIN LATERAL (
        SELECT max(version) AS version FROM change c WHERE c.subject = 'relation' AND c.name = n.name
    ) AS before
), rung AS (
    SELECT pg_notify('idnode_change', '')
)
SELECT subject FROM written CROSS JOIN rung;

-- name: unrelate
-- The same the other way round: those that were there.
WITH input AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
        AS t (subject, kind, object, name, document)
), gone AS (
    DELETE FROM relation r
    USING input n
    WHERE r.subject = n.subject AND r.kind = n.kind AND r.object = n.object
    RETURNING r.subject, r.kind, r.object
), logged AS (
    INSERT INTO change (at, subject, name, version, operation, actor, request_id, old, new)
    SELECT $6, 'relation', n.name, coalesce(before.version, 0) + 1, 'unrelate', $7, $8, n.document, NULL
    FROM input n
    JOIN gone USING (subject, kind, object)
    CROSS JOIN LATERAL (
        SELECT max(version) AS version FROM change c WHERE c.subject = 'relation' AND c.name = n.name
    ) AS before
), rung AS (
    SELECT pg_notify('idnode_change', '')
)
SELECT subject FROM gone CROSS JOIN rung;

-- name: reachable
-- Every relation of one kind on the way from the names $1, each once, which also ends the walk where there is a ring; $3
-- of them at most. Looked up name by name, as step_out is.
WITH RECURSIVE way (subject, object) AS (
    SELECT r.subject, r.object FROM relation r WHERE r.subject = ANY($1::text[]) AND r.kind = $2
    UNION
    SELECT w.object, r.object
    FROM way w
    CROSS JOIN LATERAL (SELECT o.object FROM relation o WHERE o.subject = w.object AND o.kind = $2 LIMIT $3) AS r
)
SELECT subject, object FROM way LIMIT $3;

-- name: page_out
-- What an identifier is to others, in the order of the primary key, after kind $3 and name $4; with what becomes of the
-- other one here, null for another node's.
SELECT r.kind, r.subject AS via, r.subject_shown AS via_shown, r.object AS folded, r.object_shown AS shown, i.state
FROM relation r LEFT JOIN identifier i ON i.folded = r.object
WHERE r.subject = $1 AND r.kind = ANY($2::text[]) AND (r.kind, r.object) > ($3, $4)
ORDER BY r.kind, r.object
LIMIT $5;

-- name: page_in
-- What others are to an identifier, in the order of the index relation_to.
SELECT r.kind, r.object AS via, r.object_shown AS via_shown, r.subject AS folded, r.subject_shown AS shown, i.state
FROM relation r LEFT JOIN identifier i ON i.folded = r.subject
WHERE r.object = $1 AND r.kind = ANY($2::text[]) AND (r.kind, r.subject) > ($3, $4)
ORDER BY r.kind, r.subject
LIMIT $5;

-- name: step_out
-- The next step of a walk from many at once, $3 relations at most. Each name is looked up by itself (LIMIT inside), because
-- a join on all of them would rather go through the whole index; whoever asks puts them in order.
SELECT r.kind, r.subject AS via, r.subject_shown AS via_shown, r.object AS folded, r.object_shown AS shown, i.state
FROM unnest($1::text[]) AS f (name)
CROSS JOIN LATERAL (
    SELECT * FROM relation o WHERE o.subject = f.name AND o.kind = ANY($2::text[]) LIMIT $3
) AS r
LEFT JOIN LATERAL (SELECT state FROM identifier WHERE folded = r.object LIMIT 1) AS i ON true
LIMIT $3;

-- name: step_in
-- The same towards the subjects.
SELECT r.kind, r.object AS via, r.object_shown AS via_shown, r.subject AS folded, r.subject_shown AS shown, i.state
FROM unnest($1::text[]) AS f (name)
CROSS JOIN LATERAL (
    SELECT * FROM relation o WHERE o.object = f.name AND o.kind = ANY($2::text[]) LIMIT $3
) AS r
LEFT JOIN LATERAL (SELECT state FROM identifier WHERE folded = r.subject LIMIT 1) AS i ON true
LIMIT $3;
