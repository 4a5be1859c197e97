-- name: open_session
-- No row: too many wait for their proof already ($4), which is the most that strangers can make of them.
INSERT INTO handle_session (token, nonce, used)
SELECT $1, $2, $3
WHERE (SELECT count(*) FROM handle_session WHERE identity IS NULL) < $4
RETURNING token;

-- name: use_session
-- Found and kept alive in one step; $3 is the moment after which it must have been used last, $4 the same for a session
-- without an identity. Written once a minute at most: not every request is to cost a commit.
WITH found AS (
    SELECT nonce, identity, used
    FROM handle_session
    WHERE token = $1 AND used > CASE WHEN identity IS NULL THEN $4::timestamptz ELSE $3::timestamptz END
), kept AS (
    UPDATE handle_session SET used = $2::timestamptz
    WHERE token = $1 AND (SELECT identity IS NOT NULL AND used < $2::timestamptz - interval '1 minute' FROM found)
)
SELECT nonce, identity FROM found;

-- name: verify_session
-- The proof has been given; a session has one identity at a time.
UPDATE handle_session SET identity = $2, used = $3 WHERE token = $1 RETURNING token;

-- name: end_session
DELETE FROM handle_session WHERE token = $1 RETURNING token;

-- name: forget_sessions
-- Those that have ended by themselves.
DELETE FROM handle_session WHERE used <= $1 OR identity IS NULL AND used <= $2;
