-- name: find_template
SELECT document FROM template WHERE prefix = $1 AND version = $2;

-- name: list_templates
SELECT document FROM template
WHERE (prefix, version) > ($1, $2) AND ($3::text[] IS NULL OR prefix = ANY($3)) AND ($4::text IS NULL OR state = $4)
ORDER BY prefix, version
LIMIT $5;

-- name: insert_template
INSERT INTO template (prefix, version, state, revision, document) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (prefix, version) DO NOTHING
RETURNING version;

-- name: update_template
UPDATE template SET state = $3, revision = $4, document = $5
WHERE prefix = $1 AND version = $2 AND revision = $4 - 1
RETURNING version;
