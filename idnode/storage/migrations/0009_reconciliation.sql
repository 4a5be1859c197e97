-- Reconciliation with the top node: one row for each day (UTC+8) of T9 that was, or is to be, compared. Whoever asks adds
-- a row; the relay takes the oldest one that has not ended, also one that a relay before it had begun.
CREATE TABLE reconciliation (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day date NOT NULL,
    repair boolean NOT NULL,
    asked_by text NOT NULL,
    asked timestamptz NOT NULL,
    -- The day on which the relay's own clock asked; null for what a person asked.
    scheduled date,
    begun timestamptz,
    ended timestamptz,
    prefixes integer,
    records bigint,
    failure text,
    CONSTRAINT reconciliation_scheduled_once UNIQUE (scheduled, day)
);
CREATE INDEX reconciliation_open ON reconciliation (number) WHERE ended IS NULL;

-- What differed, by prefix; a prefix that agreed has no row. `repaired` counts what was put right, or is on its way.
CREATE TABLE reconciliation_drift (
    reconciliation bigint NOT NULL REFERENCES reconciliation ON DELETE CASCADE,
    prefix text COLLATE "C" NOT NULL,
    missing integer NOT NULL,
    extra integer NOT NULL,
    changed integer NOT NULL,
    repaired integer NOT NULL,
    PRIMARY KEY (reconciliation, prefix)
);

-- Which blocks of the ledger hold a day: rows are added nearly in the order in which they came about, so this index is
-- small and costs a writer next to nothing, however long the ledger grows.
CREATE INDEX sync_record_occurred ON sync_record USING brin (occurred) WITH (pages_per_range = 32, autosummarize = on);

-- Why an application for a prefix was turned down, by the node's reviewer or by the top node.
ALTER TABLE prefix ADD COLUMN review_note text;
