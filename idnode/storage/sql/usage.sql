-- name: claim_number
-- No row: the batch was added before, and only the answer was lost.
INSERT INTO usage_flush (worker, number, taken) VALUES ($1, $2, $3)
ON CONFLICT (worker) DO UPDATE SET number = EXCLUDED.number, taken = EXCLUDED.taken WHERE usage_flush.number < EXCLUDED.number
RETURNING worker;

-- name: add_seconds
-- Sorted, as everything here, so that two workers wait for each other in one order and never in a ring.
INSERT INTO resolution_second (prefix, second, day, requests)
SELECT prefix, second, day, requests
FROM unnest($1::text[], $2::bigint[], $3::date[], $4::bigint[]) AS t (prefix, second, day, requests)
ORDER BY prefix COLLATE "C", second
ON CONFLICT (prefix, second) DO UPDATE SET requests = resolution_second.requests + EXCLUDED.requests;

-- name: add_days
-- Sums are added; of each extreme the further one stands, and of equals the earlier.
INSERT INTO usage_day AS u (
    day, prefix, successes,
    requests, latency_ns, latency_max_ns, latency_max_at, latency_min_ns, latency_min_at,
    registrations, registration_ns, registration_max_ns, registration_max_at, registration_min_ns, registration_min_at
)
SELECT day, prefix, successes, requests, ns, max_ns, to_timestamp(max_at), min_ns, to_timestamp(min_at),
    registrations, r_ns, r_max_ns, to_timestamp(r_max_at), r_min_ns, to_timestamp(r_min_at)
FROM unnest(
    $1::date[], $2::text[], $3::bigint[],
    $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
    $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[]
) AS t (
    day, prefix, successes, requests, ns, max_ns, max_at, min_ns, min_at, registrations, r_ns, r_max_ns, r_max_at, r_min_ns, r_min_at
)
ORDER BY day, prefix COLLATE "C"
ON CONFLICT (day, prefix) DO UPDATE SET
    successes = u.successes + EXCLUDED.successes,
    requests = u.requests + EXCLUDED.requests,
    latency_ns = u.latency_ns + EXCLUDED.latency_ns,
    (latency_max_ns, latency_max_at) = (
        SELECT ns, at
        FROM (VALUES (u.latency_max_ns, u.latency_max_at), (EXCLUDED.latency_max_ns, EXCLUDED.latency_max_at)) AS v (ns, at)
        ORDER BY ns DESC NULLS LAST, at LIMIT 1
    ),
    (latency_min_ns, latency_min_at) = (
        SELECT ns, at
        FROM (VALUES (u.latency_min_ns, u.latency_min_at), (EXCLUDED.latency_min_ns, EXCLUDED.latency_min_at)) AS v (ns, at)
        ORDER BY ns, at LIMIT 1
    ),
    registrations = u.registrations + EXCLUDED.registrations,
    registration_ns = u.registration_ns + EXCLUDED.registration_ns,
    (registration_max_ns, registration_max_at) = (
        SELECT ns, at
        FROM (
            VALUES (u.registration_max_ns, u.registration_max_at), (EXCLUDED.registration_max_ns, EXCLUDED.registration_max_at)
        ) AS v (ns, at)
        ORDER BY ns DESC NULLS LAST, at LIMIT 1
    ),
    (registration_min_ns, registration_min_at) = (
        SELECT ns, at
        FROM (
            VALUES (u.registration_min_ns, u.registration_min_at), (EXCLUDED.registration_min_ns, EXCLUDED.registration_min_at)
        ) AS v (ns, at)
        ORDER BY ns, at LIMIT 1
    );

-- name: add_sources
-- After add_days, which has locked the days: so no two workers number new addresses of one prefix at once, and those beyond
-- $5 are added to ''. Of new addresses the busiest come first.
WITH input AS (
    SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::bigint[]) AS t (day, prefix, address, requests)
), fresh AS (
    SELECT i.day, i.prefix, i.address,
        u.sources + row_number() OVER (PARTITION BY i.day, i.prefix ORDER BY i.requests DESC, i.address) AS place
    FROM input i JOIN usage_day u USING (day, prefix)
    WHERE i.address <> '' AND NOT EXISTS (
        SELECT FROM usage_source s WHERE s.day = i.day AND s.prefix = i.prefix AND s.address = i.address
    )
), numbered AS (
    UPDATE usage_day u SET sources = least(f.places, $5)
    FROM (SELECT day, prefix, max(place) AS places FROM fresh GROUP BY day, prefix) AS f
    WHERE u.day = f.day AND u.prefix = f.prefix
)
INSERT INTO usage_source (day, prefix, address, requests)
SELECT i.day, i.prefix, stored.address, sum(i.requests)::bigint
FROM input i
LEFT JOIN fresh f ON f.day = i.day AND f.prefix = i.prefix AND f.address = i.address
CROSS JOIN LATERAL (SELECT CASE WHEN f.place > $5 THEN '' ELSE i.address END AS address) AS stored
GROUP BY i.day, i.prefix, stored.address
ON CONFLICT (day, prefix, address) DO UPDATE SET requests = usage_source.requests + EXCLUDED.requests;

-- name: see_worker
-- Nothing that the worker counted before $2 is missing.
INSERT INTO usage_flush (worker, number, taken) VALUES ($1, 0, $2)
ON CONFLICT (worker) DO UPDATE SET taken = greatest(usage_flush.taken, EXCLUDED.taken);

-- name: find_horizon
-- Up to where every worker that was heard of since $2 has added everything.
SELECT least($1::bigint, min(taken)) AS taken FROM usage_flush WHERE taken > $2;

-- name: settle_seconds
-- The busiest second of each prefix and day before $1 into its day, where one that is as busy and earlier stays.
WITH due AS (
    SELECT prefix, second FROM resolution_second WHERE second < $1 ORDER BY prefix, second FOR UPDATE
), settled AS (
    DELETE FROM resolution_second r USING due d WHERE r.prefix = d.prefix AND r.second = d.second
    RETURNING r.day, r.prefix, r.second, r.requests
)
INSERT INTO usage_day AS u (day, prefix, peak_per_second, peak_at)
SELECT DISTINCT ON (day, prefix) day, prefix, requests, to_timestamp(second)
FROM settled
ORDER BY day, prefix, requests DESC, second
ON CONFLICT (day, prefix) DO UPDATE SET (peak_per_second, peak_at) = (
    SELECT requests, at
    FROM (VALUES (u.peak_per_second, u.peak_at), (EXCLUDED.peak_per_second, EXCLUDED.peak_at)) AS v (requests, at)
    ORDER BY requests DESC NULLS LAST, at LIMIT 1
);

-- name: forget_worker
DELETE FROM usage_flush WHERE worker = $1;

-- name: forget_workers
-- Long gone: nothing of theirs can still be sent again.
DELETE FROM usage_flush WHERE taken < $1;

-- name: list_days
-- Seconds that are not settled yet may hold the peak.
SELECT u.day, u.prefix, u.requests, u.successes, u.latency_ns, u.latency_max_ns, u.latency_max_at, u.latency_min_ns,
    u.latency_min_at, peak.requests AS peak_per_second, peak.at AS peak_at, u.registrations, u.registration_ns,
    u.registration_max_ns, u.registration_max_at, u.registration_min_ns, u.registration_min_at
FROM usage_day u
CROSS JOIN LATERAL (
    SELECT requests, at
    FROM (
        SELECT u.peak_per_second, u.peak_at
        UNION ALL
        SELECT s.requests, to_timestamp(s.second) FROM resolution_second s WHERE s.prefix = u.prefix AND s.day = u.day
    ) AS v (requests, at)
    ORDER BY requests DESC NULLS LAST, at LIMIT 1
) AS peak
WHERE u.day BETWEEN $1 AND $2 AND ($3::text IS NULL OR u.prefix = $3)
ORDER BY u.day, u.prefix;

-- name: list_sources
SELECT day, prefix, address, requests FROM usage_source WHERE day = $1 AND prefix = $2 ORDER BY requests DESC, address;
