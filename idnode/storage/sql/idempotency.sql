-- name: find_answer
SELECT fingerprint, status, content_type, etag, location, body, is_sealed FROM idempotency WHERE owner = $1 AND token = $2;

-- name: keep_answers
-- In the transaction of the writes themselves. A key that is taken breaks the statement, and with it the transaction.
-- Sorted, so that two groups that share keys wait for each other in one order and never in a ring.
INSERT INTO idempotency (owner, token, fingerprint, status, content_type, etag, location, body, is_sealed, created)
SELECT * FROM unnest(
    $1::uuid[], $2::bytea[], $3::bytea[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::boolean[],
    $10::timestamptz[]
) AS kept (owner, token, fingerprint, status, content_type, etag, location, body, is_sealed, created)
ORDER BY owner, token;

-- name: forget_answers
-- Past the retention time the key may be used anew.
DELETE FROM idempotency WHERE created < $1;
