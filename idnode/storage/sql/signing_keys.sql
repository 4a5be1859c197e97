-- name: find_signing_keys
-- Every key that a prefix ever had, the newest first.
SELECT place, public, sealed, chain, version, created, updated FROM signing_key WHERE prefix = $1 ORDER BY place DESC;

-- name: find_signing_key
-- The one in force: asked for once by each process that signs.
SELECT place, public, sealed, chain, version, created, updated FROM signing_key
WHERE prefix = $1 AND place = $2 AND sealed IS NOT NULL;

-- name: retire_signing_keys
-- What it signed can still be checked; it signs nothing more.
UPDATE signing_key SET sealed = NULL, version = version + 1, updated = $2
WHERE prefix = $1 AND sealed IS NOT NULL
RETURNING place, public, sealed, chain, version, created, updated;

-- name: insert_signing_key
-- The one before must have been retired in the same transaction; a second one in force is refused.
INSERT INTO signing_key (prefix, place, public, sealed, chain, version, created, updated)
VALUES ($1, $2, $3, $4, $5, 1, $6, $6)
ON CONFLICT DO NOTHING
RETURNING place;
