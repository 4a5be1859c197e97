-- The ledger of what the top node is owed. One row per record; the order of number is the order of sending within a
-- report. What a record says is read from the change log when it is sent: change_name is null where it is the subject,
-- change_version where it is the version, and the change's time is always occurred. payload holds what has no change row
-- (statistics, monitoring, events). version is wide, because that of T6 is a position of the change log. is_retried: it was
-- refused before, and later versions may have gone up since.
CREATE TABLE sync_record (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version bigint NOT NULL,
    occurred timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    change_version integer,
    is_retried boolean NOT NULL DEFAULT false,
    report text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'sent', 'accepted', 'rejected', 'superseded', 'dead')),
    operation text NOT NULL,
    change_subject text,
    change_name text COLLATE "C",
    receipt text,
    reason text,
    payload bytea,
    CONSTRAINT sync_record_once UNIQUE (subject, report, version)
);
-- All but the mass, which is accepted identifiers: what is to be sent or judged is little beside what is done.
CREATE INDEX sync_record_open ON sync_record (report, state, number) WHERE report <> 'T9' OR state <> 'accepted';

-- One row per report. Up to number its records may be sent (moved at the end of its hour, day or month); accepted_at is
-- when one was accepted last. reopened is the transaction that made records of long ago pending last: who remembers where
-- pending records begin has to look again then.
CREATE TABLE sync_release (
    report text COLLATE "C" PRIMARY KEY,
    number bigint NOT NULL DEFAULT 0,
    at timestamptz,
    accepted_at timestamptz,
    reopened bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO sync_release (report) VALUES
    ('T1'), ('T2'), ('T3'), ('T4'), ('T5'), ('T6'), ('T7'), ('T8'), ('T9'), ('T10'), ('T11'),
    ('monitoring'), ('event'), ('prefix-application');

-- Whoever makes records pending again, and however.
CREATE FUNCTION note_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sync_release SET reopened = pg_current_xact_id()::text::bigint
    WHERE report = NEW.report AND reopened <> pg_current_xact_id()::text::bigint;
    RETURN NULL;
END $$;
CREATE TRIGGER sync_record_reopened AFTER UPDATE ON sync_record
FOR EACH ROW WHEN (NEW.state = 'pending' AND OLD.state <> 'pending') EXECUTE FUNCTION note_reopening();

-- One row: how far the change log was taken into the ledger (a snapshot, on a cluster), where the top node's verdicts
-- were read up to, and whether the operator has stopped the relay.
CREATE TABLE sync_state (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    snapshot pg_snapshot,
    cluster bigint,
    verdict_cursor text NOT NULL DEFAULT '',
    paused_at timestamptz,
    paused_by text,
    relay text,
    relay_since timestamptz,
    relay_seen timestamptz,
    breaker text NOT NULL DEFAULT 'closed',
    last_error text,
    last_error_at timestamptz,
    restored_at timestamptz
) WITH (fillfactor = 10);
INSERT INTO sync_state DEFAULT VALUES;

-- A snapshot that has seen what the whole one has, and nothing from a transaction id on: to take a log in steps.
CREATE FUNCTION snapshot_below(whole pg_snapshot, below xid8) RETURNS pg_snapshot LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT format(
        '%s:%s:%s',
        least(pg_snapshot_xmin(whole), below),
        least(pg_snapshot_xmax(whole), below),
        (SELECT string_agg(running::text, ',' ORDER BY running) FROM pg_snapshot_xip(whole) AS running WHERE running < below)
    )::pg_snapshot
$$;

-- Identifiers of a prefix (folded) that came and went on a day (UTC+8): T8, counted as the ledger takes changes in.
CREATE TABLE identifier_count (
    prefix text COLLATE "C" NOT NULL,
    day date NOT NULL,
    added bigint NOT NULL,
    removed bigint NOT NULL,
    PRIMARY KEY (prefix, day)
);
