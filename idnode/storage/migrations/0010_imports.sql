-- Imports. home names the directory in which the file lies: only processes of that home can read it. scope holds the
-- prefixes of the key that asked, none for an admin's. next_* is where the import goes on: chunks are committed in order, and
-- each moves next_row on in the transaction that writes its rows, so that none is written twice or left out. Rows are lines of
-- the file of lines here, counted from 1.
-- paced_*: since when, and from which row on, the rate is counted.
CREATE TABLE import_job (
    id uuid PRIMARY KEY,
    owner uuid NOT NULL,
    actor text NOT NULL,
    scope text[] NOT NULL,
    name text NOT NULL,
    options bytea NOT NULL,
    mode text NOT NULL CHECK (mode IN ('register', 'upsert')),
    is_dry_run boolean NOT NULL,
    sha256 bytea NOT NULL,
    size bigint NOT NULL,
    home uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'reading', 'running', 'paused', 'cancelled', 'done', 'failed')),
    created timestamptz NOT NULL,
    started timestamptz,
    updated timestamptz NOT NULL,
    ended timestamptz,
    rows_total bigint,
    bytes_total bigint,
    next_chunk integer NOT NULL DEFAULT 0,
    next_row bigint NOT NULL DEFAULT 1,
    next_offset bigint NOT NULL DEFAULT 0,
    registered bigint NOT NULL DEFAULT 0,
    replaced bigint NOT NULL DEFAULT 0,
    patched bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    paced_since timestamptz,
    paced_rows bigint NOT NULL DEFAULT 0,
    failure text,
    version integer NOT NULL DEFAULT 1
) WITH (fillfactor = 30);
CREATE INDEX import_job_file ON import_job (sha256);

-- What became of the rows that were committed together: compressed JSON (registry/imports/verdicts.py).
CREATE TABLE import_verdicts (
    job uuid NOT NULL REFERENCES import_job ON DELETE CASCADE,
    first_row bigint NOT NULL,
    refused integer NOT NULL,
    verdicts bytea NOT NULL,
    PRIMARY KEY (job, first_row)
);
-- Compressed already.
ALTER TABLE import_verdicts ALTER COLUMN verdicts SET STORAGE EXTERNAL;
