-- name: find_application
-- With the state of its prefix, once the prefix is that enterprise's.
SELECT a.*, p.state AS prefix_state, p.review_note AS prefix_note
FROM enterprise_application a LEFT JOIN prefix p ON p.folded = a.prefix AND p.enterprise = a.enterprise
WHERE a.id = $1;

-- name: find_application_by_number
SELECT a.*, p.state AS prefix_state, p.review_note AS prefix_note
FROM enterprise_application a LEFT JOIN prefix p ON p.folded = a.prefix AND p.enterprise = a.enterprise
WHERE a.number = $1;

-- name: find_application_by_certificate
SELECT a.*, p.state AS prefix_state, p.review_note AS prefix_note
FROM enterprise_application a LEFT JOIN prefix p ON p.folded = a.prefix AND p.enterprise = a.enterprise
WHERE a.certificate_type = $1 AND a.certificate_code = $2;

-- name: list_reviews
-- For reviewers, oldest first; $2 are the prefixes that they may decide on, null for all.
SELECT a.*, p.state AS prefix_state, p.review_note AS prefix_note
FROM enterprise_application a LEFT JOIN prefix p ON p.folded = a.prefix AND p.enterprise = a.enterprise
WHERE a.number > $1 AND ($2::text[] IS NULL OR a.prefix = ANY($2)) AND ($3::text IS NULL OR a.state = $3)
ORDER BY a.number
LIMIT $4;

-- name: list_applications_of
-- For ent/page, newest first. $1 (null: everybody) asks for what it handed in, and for what is of its prefixes $2.
SELECT a.*, p.state AS prefix_state, p.review_note AS prefix_note, count(*) OVER () AS total
FROM enterprise_application a LEFT JOIN prefix p ON p.folded = a.prefix AND p.enterprise = a.enterprise
WHERE ($1::text IS NULL OR a.applicant = $1 OR a.prefix = ANY($2::text[]))
    AND ($3::text IS NULL OR strpos(lower(a.organisation), lower($3)) > 0)
    AND ($4::timestamptz IS NULL OR a.created >= $4) AND ($5::timestamptz IS NULL OR a.created <= $5)
ORDER BY a.number DESC
OFFSET $6 LIMIT $7;

-- name: count_applications_of
-- The same for a page beyond the last one, which has no row to tell the total.
SELECT count(*) AS total
FROM enterprise_application a
WHERE ($1::text IS NULL OR a.applicant = $1 OR a.prefix = ANY($2::text[]))
    AND ($3::text IS NULL OR strpos(lower(a.organisation), lower($3)) > 0)
    AND ($4::timestamptz IS NULL OR a.created >= $4) AND ($5::timestamptz IS NULL OR a.created <= $5);

-- name: next_application_number
SELECT nextval('enterprise_number') AS number;

-- name: insert_application
INSERT INTO enterprise_application (
    id, number, enterprise, applicant, certificate_type, certificate_code, organisation, prefix, prefix_shown, state, reason,
    decided_by, content, sealed_password, warnings, version, created, updated
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: update_application
UPDATE enterprise_application
SET number = $2, enterprise = $3, applicant = $4, certificate_type = $5, certificate_code = $6, organisation = $7, prefix = $8,
    prefix_shown = $9, state = $10, reason = $11, decided_by = $12, content = $13, sealed_password = $14,
    warnings = $15, version = $16, created = $17, updated = $18
WHERE id = $1 AND version = $16 - 1
RETURNING id;
