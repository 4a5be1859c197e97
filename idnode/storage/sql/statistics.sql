-- name: find_first_day
-- The day (UTC+8) on which the node began.
SELECT (min(created) AT TIME ZONE 'UTC' + interval '8 hours')::date AS day FROM prefix WHERE enterprise IS NULL;

-- name: list_told_versions
-- Days of the node's statistics that are in the ledger already.
SELECT version FROM sync_record WHERE subject = $2 AND report = $1 AND version BETWEEN $3 AND $4;

-- name: list_prefix_figures
-- Enterprise prefixes that had been granted by the end of day $1 (UTC+8), and what became of their identifiers. A prefix is
-- granted when it is first in one of the states of $2, which an application that is still under review is not; where the log
-- does not reach back so far, with its row.
WITH granted AS (
    SELECT p.folded, p.shown, (coalesce(first.at, p.created) AT TIME ZONE 'UTC' + interval '8 hours')::date AS day
    FROM prefix p
    CROSS JOIN LATERAL (
        SELECT min(c.at) AS at
        FROM change c
        WHERE c.subject = 'prefix' AND c.name = p.folded AND convert_from(c.new, 'UTF8')::jsonb ->> 'state' = ANY($2::text[])
    ) AS first
    WHERE p.enterprise IS NOT NULL AND p.state = ANY($2::text[])
), counted AS (
    SELECT prefix, sum(added) FILTER (WHERE day = $1) AS added, sum(added - removed) AS total
    FROM identifier_count
    WHERE day <= $1
    GROUP BY prefix
)
SELECT g.folded, g.shown, g.day = $1 AS is_new, coalesce(c.added, 0)::bigint AS added, coalesce(c.total, 0)::bigint AS total
FROM granted g LEFT JOIN counted c ON c.prefix = g.folded
WHERE g.day <= $1
ORDER BY g.folded;
