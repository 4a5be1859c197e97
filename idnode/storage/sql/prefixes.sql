-- name: find_prefix
-- With the place of the key that its records are signed with: writes need to know whether there is one, and ask nothing more.
SELECT *, (SELECT place FROM signing_key WHERE prefix = $1 AND sealed IS NOT NULL) AS signing_index
FROM prefix WHERE folded = $1;

-- name: list_prefixes
SELECT * FROM prefix
WHERE folded > $1 AND ($2::text[] IS NULL OR folded = ANY($2)) AND ($3::uuid IS NULL OR enterprise = $3)
    AND ($4::text IS NULL OR state = $4)
ORDER BY folded
LIMIT $5;

-- name: enterprises_of_prefixes
SELECT DISTINCT enterprise FROM prefix WHERE folded = ANY($1::text[]) AND enterprise IS NOT NULL;

-- name: insert_prefix
INSERT INTO prefix (
    folded, shown, enterprise, state, hosting, site_ip, site_tcp_port, site_udp_port, site_http_port, version, created, updated,
    review_note
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (folded) DO NOTHING
RETURNING folded;

-- name: update_prefix
UPDATE prefix
SET shown = $2, enterprise = $3, state = $4, hosting = $5, site_ip = $6, site_tcp_port = $7, site_udp_port = $8,
    site_http_port = $9, version = $10, created = $11, updated = $12, review_note = $13
WHERE folded = $1 AND version = $10 - 1
RETURNING folded;
