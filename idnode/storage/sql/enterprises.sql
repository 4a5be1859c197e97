-- name: find_enterprise
SELECT * FROM enterprise WHERE id = $1;

-- name: list_enterprises
SELECT * FROM enterprise
WHERE ($1::uuid IS NULL OR id > $1) AND ($2::uuid[] IS NULL OR id = ANY($2)) AND ($3::text IS NULL OR state = $3)
ORDER BY id
LIMIT $4;

-- name: find_enterprise_by_uscc
SELECT * FROM enterprise WHERE uscc = $1;

-- name: any_enterprise
SELECT EXISTS (SELECT FROM enterprise);

-- name: insert_enterprise
INSERT INTO enterprise (
    id, name, uscc, industry, contact_name, contact_phone, contact_email, website, address, state, version, created, updated
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: update_enterprise
UPDATE enterprise
SET name = $2, uscc = $3, industry = $4, contact_name = $5, contact_phone = $6, contact_email = $7, website = $8, address = $9,
    state = $10, version = $11, created = $12, updated = $13
WHERE id = $1 AND version = $11 - 1
RETURNING id;
