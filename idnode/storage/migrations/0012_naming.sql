-- Patterns that suffixes are minted from, how far each has come, and what printing lines have reserved.
CREATE TABLE mint_pattern (
    id uuid PRIMARY KEY,
    prefix text COLLATE "C" NOT NULL REFERENCES prefix,
    name text NOT NULL,
    pattern text NOT NULL,
    is_gapless boolean NOT NULL,
    restart text NOT NULL CHECK (restart IN ('none', 'yearly', 'monthly', 'daily')),
    first bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'retired')),
    version integer NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    CONSTRAINT mint_pattern_once UNIQUE (prefix, name)
);

-- period is what the sequence restarts with: 2026, 2026-11, 2026-11-24, or empty. next is the first number that nobody has:
-- workers take blocks, ranges take theirs, and what was taken never comes back.
CREATE TABLE mint_counter (
    pattern uuid NOT NULL REFERENCES mint_pattern,
    period text COLLATE "C" NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (pattern, period)
);

CREATE TABLE mint_range (
    id uuid PRIMARY KEY,
    pattern uuid NOT NULL REFERENCES mint_pattern,
    day date NOT NULL,
    first bigint NOT NULL,
    size integer NOT NULL CHECK (size > 0),
    line text,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    used integer,
    version integer NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL
);
CREATE INDEX mint_range_of_pattern ON mint_range (pattern);

-- Transfers between enterprises. identifiers are as registered; steps is a JSON array: who did what, when, with which note.
CREATE TABLE transfer (
    id uuid PRIMARY KEY,
    prefix text,
    identifiers text[] NOT NULL,
    giver uuid NOT NULL REFERENCES enterprise,
    receiver uuid NOT NULL REFERENCES enterprise,
    state text NOT NULL CHECK (state IN ('requested', 'accepted', 'approved', 'rejected', 'cancelled', 'expired')),
    steps bytea NOT NULL,
    expires timestamptz NOT NULL,
    version integer NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    CHECK (giver <> receiver),
    CHECK ((prefix IS NULL) = (cardinality(identifiers) > 0))
);
CREATE INDEX transfer_of_giver ON transfer (giver);
CREATE INDEX transfer_of_receiver ON transfer (receiver);
CREATE INDEX transfer_waiting ON transfer (expires) WHERE state IN ('requested', 'accepted');

-- What is in an open transfer: a folded prefix, or folded identifiers. One transfer at a time, whoever asks at once.
CREATE TABLE transfer_open (
    name text COLLATE "C" PRIMARY KEY,
    transfer uuid NOT NULL REFERENCES transfer
);
CREATE INDEX transfer_open_of_transfer ON transfer_open (transfer);
