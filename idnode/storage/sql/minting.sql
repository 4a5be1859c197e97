-- name: find_pattern
SELECT m.*, p.shown FROM mint_pattern m JOIN prefix p ON p.folded = m.prefix WHERE m.id = $1;

-- name: list_patterns
SELECT m.*, p.shown
FROM mint_pattern m
JOIN prefix p ON p.folded = m.prefix
WHERE ($1::uuid IS NULL OR m.id > $1) AND ($2::text[] IS NULL OR m.prefix = ANY($2)) AND ($3::text IS NULL OR m.state = $3)
ORDER BY m.id
LIMIT $4;

-- name: insert_pattern
INSERT INTO mint_pattern (id, prefix, name, pattern, is_gapless, restart, first, state, version, created, updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (prefix, name) DO NOTHING
RETURNING id;

-- name: update_pattern
-- Only its state ever changes: what was minted from it stays true.
UPDATE mint_pattern SET state = $2, version = $3, updated = $4 WHERE id = $1 AND version = $3 - 1 RETURNING id;

-- name: read_counter
SELECT next FROM mint_counter WHERE pattern = $1 AND period = $2;

-- name: lock_counter
-- Where the sequence stands, begun at $3 if it has not been; nobody else moves it until this transaction ends.
INSERT INTO mint_counter AS c (pattern, period, next) VALUES ($1, $2, $3)
ON CONFLICT (pattern, period) DO UPDATE SET next = c.next
RETURNING next;

-- name: move_counter
UPDATE mint_counter SET next = $3 WHERE pattern = $1 AND period = $2;

-- name: advance_counter
-- From $3, where a plan found it, to $4; no row where somebody else has moved it meanwhile.
INSERT INTO mint_counter AS c (pattern, period, next) VALUES ($1, $2, $4)
ON CONFLICT (pattern, period) DO UPDATE SET next = $4 WHERE c.next = $3
RETURNING next;

-- name: find_range
SELECT r.*, m.prefix, m.name, m.pattern AS template, m.is_gapless, m.restart, m.first AS begins, m.state AS pattern_state,
    m.version AS pattern_version, m.created AS pattern_created, m.updated AS pattern_updated, p.shown
FROM mint_range r
JOIN mint_pattern m ON m.id = r.pattern
JOIN prefix p ON p.folded = m.prefix
WHERE r.id = $1;

-- name: list_ranges
SELECT r.*, m.prefix, m.name, m.pattern AS template, m.is_gapless, m.restart, m.first AS begins, m.state AS pattern_state,
    m.version AS pattern_version, m.created AS pattern_created, m.updated AS pattern_updated, p.shown
FROM mint_range r
JOIN mint_pattern m ON m.id = r.pattern
JOIN prefix p ON p.folded = m.prefix
WHERE ($1::uuid IS NULL OR r.id > $1) AND ($2::text[] IS NULL OR m.prefix = ANY($2)) AND ($3::uuid IS NULL OR r.pattern = $3)
    AND ($4::text IS NULL OR r.state = $4)
ORDER BY r.id
LIMIT $5;

-- name: insert_range
INSERT INTO mint_range (id, pattern, day, first, size, line, state, used, version, created, updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: close_range
UPDATE mint_range SET state = $2, used = $3, version = $4, updated = $5 WHERE id = $1 AND version = $4 - 1 RETURNING id;
