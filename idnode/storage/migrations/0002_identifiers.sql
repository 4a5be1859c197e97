-- The identifier family: keyed by the folded identifier, no constraint across identifiers (ARCHITECTURE.md).

-- record is the JSON document that /v1 serves, its member "values" last: bytes [values_at, length - 1) are the array
-- that the Handle REST interface serves. One stored form, two faces, no decoding on the way out.
CREATE TABLE identifier (
    folded text COLLATE "C" PRIMARY KEY,
    version integer NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended', 'deleted')),
    is_public boolean NOT NULL,
    values_at integer NOT NULL,
    record bytea NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL
);

-- History, audit trail, invalidation feed and sync source at once. Order of position is not the order of commits:
-- who follows the log compares xid with pg_snapshot_xmin(pg_current_snapshot()).
CREATE SEQUENCE change_position;
CREATE TABLE change (
    position bigint NOT NULL DEFAULT nextval('change_position'),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL,
    subject text NOT NULL,
    name text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    operation text NOT NULL,
    actor text NOT NULL,
    request_id text NOT NULL,
    old bytea,
    new bytea,
    PRIMARY KEY (subject, name, version, at)
) PARTITION BY RANGE (at);
CREATE TABLE change_default PARTITION OF change DEFAULT;

-- Months are made ahead of time; a row outside them goes to change_default, so that no write ever fails for want of one,
-- and moves to its month when that is made after all. The lock is what ATTACH takes: two nodes at once make a month once.
CREATE FUNCTION ensure_change_partition(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first_day date := date_trunc('month', month);
    beginning timestamptz := first_day::timestamp AT TIME ZONE 'UTC';
    ending timestamptz := (first_day + interval '1 month')::timestamp AT TIME ZONE 'UTC';
    partition text := 'change_' || to_char(first_day, 'YYYY_MM');
BEGIN
    LOCK TABLE change IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass(partition) IS NULL THEN
        LOCK TABLE change_default IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE %I (LIKE change INCLUDING ALL)', partition);
        EXECUTE format('INSERT INTO %I SELECT * FROM change_default WHERE at >= %L AND at < %L', partition, beginning, ending);
        DELETE FROM change_default WHERE at >= beginning AND at < ending;
        EXECUTE format('ALTER TABLE change ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, beginning, ending);
    END IF;
END $$;

-- Answers to writes that carried an Idempotency-Key. token is the SHA-256 of the key; a sealed body holds a secret and is
-- encrypted under the key itself, which only the caller knows.
CREATE TABLE idempotency (
    owner uuid NOT NULL,
    token bytea NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    content_type text NOT NULL,
    etag text,
    location text,
    body bytea NOT NULL,
    is_sealed boolean NOT NULL,
    created timestamptz NOT NULL,
    CONSTRAINT idempotency_once PRIMARY KEY (owner, token)
);
CREATE INDEX idempotency_created ON idempotency (created);
