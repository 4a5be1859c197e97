-- name: find_operator
SELECT organisation, resolution, version, updated FROM operator;

-- name: insert_operator
INSERT INTO operator (organisation, resolution, version, updated) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING version;

-- name: update_operator
UPDATE operator SET organisation = $1, resolution = $2, version = $3, updated = $4 WHERE version = $3 - 1 RETURNING version;

-- name: find_profile
SELECT enterprise, organisation, version, updated FROM enterprise_profile WHERE enterprise = $1;

-- name: find_profiles
SELECT enterprise, organisation, version, updated FROM enterprise_profile WHERE enterprise = ANY($1::uuid[]);

-- name: insert_profile
INSERT INTO enterprise_profile (enterprise, organisation, version, updated) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING version;

-- name: update_profile
UPDATE enterprise_profile SET organisation = $2, version = $3, updated = $4
WHERE enterprise = $1 AND version = $3 - 1
RETURNING version;

-- name: reroute_prefixes
-- Prefixes whose routes are the node's own have a new version when those change: those that nobody has changed meanwhile.
UPDATE prefix p SET version = t.version + 1, updated = $1
FROM unnest($2::text[], $3::integer[]) AS t (folded, version)
WHERE p.folded = t.folded AND p.version = t.version
RETURNING p.folded;

-- name: log_reroutes
-- Their change rows; the doorbell rings with the operator's.
INSERT INTO change (at, subject, name, version, operation, actor, request_id, old, new)
SELECT $1, 'prefix', name, version, 'reroute', $2, $3, old, new
FROM unnest($4::text[], $5::integer[], $6::bytea[], $7::bytea[]) AS t (name, version, old, new);
