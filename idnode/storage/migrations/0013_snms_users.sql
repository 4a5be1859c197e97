-- Users of the SNMS interface, and the tokens they log in with. A password is kept as its SHA-256, encrypted under a key
-- that is not in the database: POST /identity/token/v1 cannot be checked with less.

CREATE TABLE snms_user (
    id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    email text NOT NULL,
    mobile text NOT NULL,
    remarks text,
    is_admin boolean NOT NULL,
    enterprise uuid REFERENCES enterprise,
    prefixes text[] NOT NULL,
    sealed_password bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'disabled')),
    version integer NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    CONSTRAINT snms_user_name_once UNIQUE (name),
    CONSTRAINT snms_user_mobile_once UNIQUE (mobile),
    CHECK (NOT is_admin OR (enterprise IS NULL AND cardinality(prefixes) = 0))
);
CREATE UNIQUE INDEX snms_user_email_once ON snms_user (lower(email));
CREATE INDEX snms_user_of_enterprise ON snms_user (enterprise);

-- A token is 256 random bits: its SHA-256 is enough, no salt and no stretching.
CREATE TABLE snms_token (
    token_sha256 bytea PRIMARY KEY,
    snms_user uuid NOT NULL REFERENCES snms_user,
    created timestamptz NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX snms_token_of_user ON snms_token (snms_user, created);
CREATE INDEX snms_token_expires ON snms_token (expires);
