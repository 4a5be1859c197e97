-- name: find_key
SELECT id, name, role, prefixes, hint, created, expires, revoked, last_used, replaces, version FROM api_key WHERE id = $1;

-- name: find_key_by_secret
SELECT id, name, role, prefixes, hint, created, expires, revoked, last_used, replaces, version
FROM api_key WHERE secret_sha256 = $1;

-- name: list_keys
SELECT id, name, role, prefixes, hint, created, expires, revoked, last_used, replaces, version
FROM api_key
WHERE ($1::uuid IS NULL OR id > $1)
ORDER BY id
LIMIT $2;

-- name: any_admin_key
-- Whether an admin can still get in at $1: a key that was revoked or has expired opens nothing.
SELECT EXISTS (
    SELECT FROM api_key
    WHERE role = 'admin' AND (revoked IS NULL OR revoked > $1) AND (expires IS NULL OR expires > $1)
);

-- name: insert_key
INSERT INTO api_key (id, name, role, prefixes, hint, created, expires, revoked, replaces, version, secret_sha256)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: update_key
UPDATE api_key
SET name = $2, role = $3, prefixes = $4, hint = $5, created = $6, expires = $7, revoked = $8, replaces = $9, version = $10
WHERE id = $1 AND version = $10 - 1
RETURNING id;

-- name: record_uses
-- Last use only ever moves forward, whichever worker writes last.
UPDATE api_key k SET last_used = greatest(k.last_used, u.at)
FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, at)
WHERE k.id = u.id;
