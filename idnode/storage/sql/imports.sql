-- name: lock_same_import
-- Two uploads of one file at once: the second one sees the first.
SELECT pg_advisory_xact_lock($1);

-- name: find_same_import
-- An import of this file under this key that wrote rows, or may yet.
SELECT id FROM import_job
WHERE sha256 = $1 AND owner = $2 AND NOT is_dry_run AND state NOT IN ('cancelled', 'failed')
ORDER BY id
LIMIT 1;

-- name: insert_import
INSERT INTO import_job (id, owner, actor, scope, name, options, mode, is_dry_run, sha256, size, home, state, created, updated,
    bytes_total)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'waiting', $12, $12, $13);

-- name: find_import
SELECT * FROM import_job WHERE id = $1;

-- name: list_imports
-- The newest first. $2: those of this key, or whose scope lies within $3; null: everybody's.
SELECT * FROM import_job
WHERE ($1::uuid IS NULL OR id < $1)
    AND ($2::uuid IS NULL OR owner = $2 OR (scope <> '{}' AND scope <@ $3::text[]))
    AND ($4::text IS NULL OR state = $4)
ORDER BY id DESC
LIMIT $5;

-- name: list_open_imports
-- What the import processes of a home have to do, the oldest first.
SELECT * FROM import_job WHERE home = $1 AND state IN ('waiting', 'reading', 'running') ORDER BY id;

-- name: set_import_state
-- From the state that it was seen in, and from one version alone when $3 says so: the version moves with every chunk. The
-- rate is counted anew from here on, because nothing happened in a pause.
UPDATE import_job
SET state = $4, ended = $5, version = version + 1, updated = $6,
    paced_since = $6, paced_rows = registered + replaced + patched + deleted + refused
WHERE id = $1 AND state = $2 AND ($3::integer IS NULL OR version = $3)
RETURNING *;

-- name: fail_import
UPDATE import_job SET state = 'failed', failure = $2, ended = $3, updated = $3, version = version + 1
WHERE id = $1 AND state IN ('waiting', 'reading', 'running');

-- name: begin_import
-- From waiting on, once.
UPDATE import_job
SET state = $2, started = coalesce(started, $3), version = version + 1, updated = $3, paced_since = $3,
    paced_rows = registered + replaced + patched + deleted + refused
WHERE id = $1 AND state IN ('waiting', 'reading') AND state <> $2;

-- name: lines_made
-- The rows of a file that is no plain NDJSON stand in lines now.
UPDATE import_job
SET state = 'running', rows_total = $2, bytes_total = $3, version = version + 1, updated = $4, paced_since = $4
WHERE id = $1 AND state = 'reading';

-- name: advance_import
-- In the transaction that writes the rows from $2 on: no row comes back, and the transaction has to fall, when another
-- process has written them or the import was paused or cancelled.
WITH job AS (
    UPDATE import_job
    SET next_chunk = $3, next_row = $4, next_offset = $5, registered = registered + $6,
        replaced = replaced + $7, patched = patched + $8, deleted = deleted + $9, refused = refused + $10,
        version = version + 1, updated = $11
    WHERE id = $1 AND next_row = $2 AND state = 'running'
    RETURNING id
)
INSERT INTO import_verdicts (job, first_row, refused, verdicts)
SELECT id, $2, $10::integer, $12 FROM job
RETURNING first_row;

-- name: finish_import
UPDATE import_job
SET state = 'done', ended = $2, updated = $2, version = version + 1,
    rows_total = registered + replaced + patched + deleted + refused
WHERE id = $1 AND state = 'running' AND next_offset >= bytes_total;

-- name: take_chunk
-- Whether the chunk is this connection's now, and where the import stands. The lock ends with the connection, however that
-- ends: nobody has to guess whether a process still works on its chunk.
SELECT pg_try_advisory_lock($2) AS is_taken, next_row, state FROM import_job WHERE id = $1;

-- name: await_chunk
-- Returns when nobody works on the chunk any more; bounded by the connection's lock_timeout.
SELECT pg_advisory_lock_shared($1), pg_advisory_unlock_shared($1);

-- name: leave_chunk
SELECT pg_advisory_unlock($1);

-- name: tell_progress
SELECT next_row, state FROM import_job WHERE id = $1;

-- name: list_verdicts
SELECT first_row, verdicts FROM import_verdicts WHERE job = $1 AND first_row > $2 ORDER BY first_row LIMIT $3;

-- name: list_refusals
-- Of chunks in which a row was refused.
SELECT first_row, verdicts FROM import_verdicts
WHERE job = $1 AND first_row > $2 AND refused > 0
ORDER BY first_row
LIMIT $3;

-- name: forget_imports
-- Finished ones whose time is over; their verdicts go with them.
DELETE FROM import_job WHERE home = $1 AND ended < $2;

-- name: known_imports
-- Of these ids, those that still have a row.
SELECT id FROM import_job WHERE id = ANY($1::uuid[]);

-- name: count_imports
SELECT state, count(*) AS imports FROM import_job WHERE home = $1 GROUP BY state;
