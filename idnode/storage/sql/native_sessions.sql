-- name: open_challenge
-- No row: too many wait for their answer already, in all ($7) or of this address ($8), or their requests take too many
-- bytes ($9, $10). Strangers can make no more of them.
INSERT INTO native_challenge (id, nonce, in_session, address, request, expires)
SELECT $1, $2, $3, $4::text, $5, $6
FROM (
    SELECT count(*) AS all_of_them, count(*) FILTER (WHERE address = $4::text) AS of_address,
        coalesce(sum(octet_length(request)), 0) AS bytes,
        coalesce(sum(octet_length(request)) FILTER (WHERE address = $4::text), 0) AS bytes_of_address
    FROM native_challenge
) AS pending
WHERE all_of_them < $7 AND of_address < $8 AND bytes < $9 AND bytes_of_address < $10
RETURNING id;

-- name: find_challenges
-- Several within a session, whose client may ask for more before it has answered.
SELECT nonce, request FROM native_challenge
WHERE id = $1 AND in_session = $2 AND expires > $3
ORDER BY expires DESC
LIMIT $4;

-- name: take_challenge
-- Of two that answer the same one gets the row: what was challenged is done once.
DELETE FROM native_challenge WHERE id = $1 AND nonce = $2 AND expires > $3 RETURNING id;

-- name: forget_challenges
DELETE FROM native_challenge WHERE expires <= $1;

-- name: count_unproved_sessions
-- Looked at before a key is agreed upon, which costs more than this.
SELECT count(*) AS all_of_them, count(*) FILTER (WHERE address = $1) AS of_address
FROM native_session WHERE identity IS NULL;

-- name: open_native_session
-- No row: the id is taken.
INSERT INTO native_session (id, key, address, timeout, expires) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: find_native_session
SELECT key FROM native_session WHERE id = $1 AND expires > $2;

-- name: use_native_session
-- A message with counter $2, checked and marked in one step at whichever worker it arrives. No row: the session has
-- ended, or the counter was there before, or lies $4 or more behind the highest one.
UPDATE native_session SET
    expires = CASE WHEN identity IS NULL THEN expires ELSE $3::timestamptz + make_interval(secs => timeout) END,
    highest = greatest(highest, $2::bigint),
    seen = CASE
        WHEN $2::bigint > highest THEN set_bit(seen >> least($2::bigint - highest, 256)::integer, 0, 1)
        ELSE set_bit(seen, (highest - $2::bigint)::integer, 1)
    END
WHERE id = $1 AND expires > $3::timestamptz AND CASE
    WHEN $2::bigint > highest THEN true
    WHEN highest - $2::bigint >= $4::bigint THEN false
    ELSE get_bit(seen, (highest - $2::bigint)::integer) = 0
END
RETURNING identity;

-- name: prove_native_session
-- The proof has been given; a session has one identity at a time.
UPDATE native_session SET identity = $2, expires = $3::timestamptz + make_interval(secs => timeout)
WHERE id = $1 AND expires > $3::timestamptz
RETURNING id;

-- name: end_native_session
DELETE FROM native_session WHERE id = $1 RETURNING id;

-- name: forget_native_sessions
DELETE FROM native_session WHERE expires <= $1;
