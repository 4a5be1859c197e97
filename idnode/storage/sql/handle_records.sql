-- name: count_handles
-- What a Handle client can see below a prefix: $1 <= folded < $2.
SELECT count(*) FROM identifier WHERE folded >= $1 AND folded < $2 AND state = 'active';

-- name: list_handles
-- In key order, after $3 and past $4 of them.
SELECT folded FROM identifier
WHERE folded >= $1 AND folded < $2 AND folded > $3 AND state = 'active'
ORDER BY folded
OFFSET $4
LIMIT $5;
