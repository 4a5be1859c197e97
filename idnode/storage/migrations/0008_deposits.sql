-- Which deposits were made, what each builds on, and how far it got. snapshot, lineage and seen_at are the watermark: what
-- the deposit has seen of the database, on which cluster and timeline (null: the server does not tell), and when.
CREATE TABLE deposit (
    id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('full', 'differential')),
    base text COLLATE "C" REFERENCES deposit,
    snapshot pg_snapshot NOT NULL,
    lineage text,
    seen_at timestamptz NOT NULL,
    made timestamptz NOT NULL,
    files integer NOT NULL,
    bytes bigint NOT NULL,
    sha256 text NOT NULL,
    state text NOT NULL DEFAULT 'made' CHECK (state IN ('made', 'submitted', 'confirmed', 'refused')),
    reason text,
    resend integer NOT NULL DEFAULT 0,
    updated timestamptz NOT NULL,
    CHECK ((kind = 'full') = (base IS NULL))
);

-- A restore knows its tables from the catalogue, so that none can be forgotten; what runs on a table by name stands here.
CREATE FUNCTION empty_for_restore(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %I', name);
END $$;

CREATE FUNCTION stage_for_restore(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TEMP TABLE IF NOT EXISTS %I (LIKE %I INCLUDING DEFAULTS) ON COMMIT DROP', 'restore_' || name, name);
END $$;

-- What is staged takes the place of what has the same key.
CREATE FUNCTION merge_for_restore(name text, keys text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stage text := 'restore_' || name;
    present text := (SELECT string_agg(format('t.%I', key), ', ') FROM unnest(keys) AS key);
    staged text := (SELECT string_agg(format('s.%I', key), ', ') FROM unnest(keys) AS key);
BEGIN
    EXECUTE format('DELETE FROM %I t USING %I s WHERE (%s) = (%s)', name, stage, present, staged);
    EXECUTE format('INSERT INTO %I OVERRIDING SYSTEM VALUE SELECT * FROM %I', name, stage);
    EXECUTE format('TRUNCATE %I', stage);
END $$;
