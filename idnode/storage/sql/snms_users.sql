-- name: find_snms_user
SELECT * FROM snms_user WHERE id = $1;

-- name: find_snms_user_by_name
SELECT * FROM snms_user WHERE name = $1;

-- name: list_snms_users
SELECT * FROM snms_user WHERE ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2;

-- name: insert_snms_user
INSERT INTO snms_user (
    id, name, email, mobile, remarks, is_admin, enterprise, prefixes, state, version, created, updated, sealed_password
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: update_snms_user
UPDATE snms_user
SET name = $2, email = $3, mobile = $4, remarks = $5, is_admin = $6, enterprise = $7, prefixes = $8, state = $9, version = $10,
    created = $11, updated = $12
WHERE id = $1 AND version = $10 - 1
RETURNING id;

-- name: insert_snms_token
INSERT INTO snms_token (token_sha256, snms_user, created, expires) VALUES ($1, $2, $3, $4);

-- name: forget_snms_tokens
-- What has expired at $1, and of one user what is older than their $3 newest: a client that logs in for every request
-- fills no table.
DELETE FROM snms_token
WHERE expires <= $1 OR token_sha256 IN (
    SELECT token_sha256 FROM snms_token WHERE snms_user = $2 ORDER BY created DESC OFFSET $3
);

-- name: revoke_snms_tokens
DELETE FROM snms_token WHERE snms_user = $1;

-- name: find_snms_token
-- Every few seconds for each token in use: its user, and the prefixes of the user's enterprise as they are now.
SELECT u.*, t.expires, ARRAY(SELECT p.shown FROM prefix p WHERE p.enterprise = u.enterprise ORDER BY p.folded) AS inherited
FROM snms_token t
JOIN snms_user u ON u.id = t.snms_user
WHERE t.token_sha256 = $1 AND t.expires > $2 AND u.state = 'active';
