-- name: export_records
-- All records of one prefix in key order, taken by a cursor from one snapshot: $1 <= folded < $2 is the prefix with its
-- slash. A released name is to everybody as if it had never been there.
SELECT record
FROM identifier
WHERE folded >= $1 AND folded < $2 AND state <> 'released' AND ($3::text IS NULL OR state = $3)
ORDER BY folded;
