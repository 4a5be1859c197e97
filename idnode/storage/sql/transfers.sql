-- name: find_transfer
SELECT * FROM transfer WHERE id = $1;

-- name: list_transfers
-- $2: those that one of these enterprises gives or receives. $3 is a state as it is shown at $4: what nobody answered in
-- time has expired, written down or not.
SELECT *
FROM transfer
WHERE ($1::uuid IS NULL OR id > $1) AND ($2::uuid[] IS NULL OR giver = ANY($2) OR receiver = ANY($2))
    AND ($3::text IS NULL
        OR $3 = CASE WHEN state IN ('requested', 'accepted') AND expires <= $4::timestamptz THEN 'expired' ELSE state END)
ORDER BY id
LIMIT $5;

-- name: list_expired_transfers
SELECT * FROM transfer WHERE state IN ('requested', 'accepted') AND expires <= $1 ORDER BY expires LIMIT $2;

-- name: insert_transfer
INSERT INTO transfer (id, prefix, identifiers, giver, receiver, state, steps, expires, version, created, updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: update_transfer
UPDATE transfer SET state = $2, steps = $3, version = $4, updated = $5
WHERE id = $1 AND version = $4 - 1
RETURNING id;

-- name: open_names
-- Sorted, so that two requests that share names wait for each other in one order.
INSERT INTO transfer_open (name, transfer)
SELECT name, $2 FROM (SELECT unnest($1::text[]) AS name ORDER BY 1) n
ON CONFLICT (name) DO NOTHING
RETURNING name;

-- name: close_names
DELETE FROM transfer_open WHERE transfer = $1;

-- name: lock_enterprise
-- Is it active now? It is not retired until this transaction ends.
SELECT state FROM enterprise WHERE id = $1 FOR SHARE;

-- name: lock_holders
-- Who holds these prefixes. They are not moved until this transaction ends.
SELECT folded, enterprise FROM prefix WHERE folded = ANY($1::text[]) ORDER BY folded FOR SHARE;

-- name: list_keys_of_prefix
-- Keys whose scope names a prefix and that are not revoked at $2. Letters of the scope are folded as the node folds them.
SELECT id, version
FROM api_key
WHERE EXISTS (SELECT FROM unnest(prefixes) AS scope WHERE upper(scope COLLATE "C") = $1)
    AND (revoked IS NULL OR revoked > $2)
ORDER BY id;

-- name: end_handle_sessions
-- identity is index:handle. Otherwise the former holder of a key would become whoever is given one at the same index.
DELETE FROM handle_session WHERE upper(substr(identity, position(':' IN identity) + 1)) = $1;

-- name: end_native_sessions
-- The same of the native protocol.
DELETE FROM native_session WHERE upper(substr(identity, position(':' IN identity) + 1)) = $1;
