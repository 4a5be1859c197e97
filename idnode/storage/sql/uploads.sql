-- name: insert_file
INSERT INTO uploaded_file (name, kind, bytes, uploaded_by, created) VALUES ($1, $2, $3, $4, $5) RETURNING *;

-- name: find_files
SELECT * FROM uploaded_file WHERE number = ANY($1::bigint[]);

-- name: list_files_of_application
SELECT * FROM uploaded_file WHERE application = $1 ORDER BY number;

-- name: bind_files
-- A file belongs to one application for good; that one may name it again.
UPDATE uploaded_file SET application = $2
WHERE number = ANY($1::bigint[]) AND (application IS NULL OR application = $2)
RETURNING number;

-- name: forget_file
DELETE FROM uploaded_file WHERE number = $1 AND application IS NULL;

-- name: forget_unused_files
-- Those that no application has named, some at a time; another worker's are left to it.
DELETE FROM uploaded_file
WHERE number IN (
    SELECT number FROM uploaded_file WHERE application IS NULL AND created < $1 ORDER BY created LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING *;
