-- name: find_application
SELECT * FROM application WHERE id = $1;

-- name: list_applications
SELECT * FROM application
WHERE ($1::uuid IS NULL OR id > $1) AND ($2::uuid IS NULL OR enterprise = $2) AND ($3::text IS NULL OR state = $3)
ORDER BY id
LIMIT $4;

-- name: list_active_applications
-- For the month's T5 and T10: all of them, those of one enterprise together.
SELECT * FROM application WHERE state = 'active' ORDER BY enterprise NULLS FIRST, id;

-- name: insert_application
INSERT INTO application (
    id, enterprise, name, kind, description, users, recursive_node, developed_by, state, version, created, updated
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: update_application
UPDATE application
SET enterprise = $2, name = $3, kind = $4, description = $5, users = $6, recursive_node = $7, developed_by = $8, state = $9,
    version = $10, created = $11, updated = $12
WHERE id = $1 AND version = $10 - 1
RETURNING id;
