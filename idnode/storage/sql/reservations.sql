-- name: reserve_group
-- Many names that did not exist, and the change row of each; sorted and rung like register_group.
WITH input AS (
    SELECT *
    FROM unnest($1::text[], $2::integer[], $3::bytea[]) AS t (folded, values_at, record)
), written AS (
    INSERT INTO identifier (folded, version, state, is_public, values_at, record, created, updated)
    SELECT folded, 1, 'reserved', true, values_at, record, $4, $4 FROM input ORDER BY folded
    ON CONFLICT (folded) DO NOTHING
    RETURNING folded
), logged AS (
    INSERT INTO change (at, subject, name, version, operation, actor, request_id, old, new)
    SELECT $4, 'identifier', folded, 1, 'reserve', $5, $6, NULL, record
    FROM input JOIN written USING (folded)
), rung AS (
    SELECT pg_notify('idnode_change', '')
)
SELECT folded FROM written CROSS JOIN rung;
