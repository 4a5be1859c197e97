-- name: find_prefix_entry
SELECT p.*, e.name AS organisation, coalesce(a.number, e.number) AS enterprise_number, e.website, e.industry, e.address,
    f.organisation AS profile
FROM prefix p
LEFT JOIN enterprise e ON e.id = p.enterprise
LEFT JOIN enterprise_application a ON a.enterprise = e.id
LEFT JOIN enterprise_profile f ON f.enterprise = e.id
WHERE p.folded = $1;

-- name: list_prefix_entries
-- For prefix/page, newest first: those of enterprises; $1 are those that the asker may see, null for all.
SELECT p.*, e.name AS organisation, coalesce(a.number, e.number) AS enterprise_number, count(*) OVER () AS total
FROM prefix p
JOIN enterprise e ON e.id = p.enterprise
LEFT JOIN enterprise_application a ON a.enterprise = e.id
WHERE ($1::text[] IS NULL OR p.folded = ANY($1)) AND ($2::text IS NULL OR strpos(lower(e.name), lower($2)) > 0)
    AND ($3::text IS NULL OR strpos(p.folded, upper($3)) > 0)
    AND ($4::timestamptz IS NULL OR p.created >= $4) AND ($5::timestamptz IS NULL OR p.created <= $5)
ORDER BY p.number DESC
OFFSET $6 LIMIT $7;

-- name: count_prefix_entries
-- The same for a page beyond the last one, which has no row to tell the total.
SELECT count(*) AS total
FROM prefix p JOIN enterprise e ON e.id = p.enterprise
WHERE ($1::text[] IS NULL OR p.folded = ANY($1)) AND ($2::text IS NULL OR strpos(lower(e.name), lower($2)) > 0)
    AND ($3::text IS NULL OR strpos(p.folded, upper($3)) > 0)
    AND ($4::timestamptz IS NULL OR p.created >= $4) AND ($5::timestamptz IS NULL OR p.created <= $5);
