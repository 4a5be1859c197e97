-- The directory: small tables that every worker keeps in memory. Rows are retired, never removed.

CREATE TABLE enterprise (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    uscc text NOT NULL CONSTRAINT enterprise_uscc_once UNIQUE,
    industry text NOT NULL,
    contact_name text,
    contact_phone text,
    contact_email text,
    website text,
    address text,
    state text NOT NULL CHECK (state IN ('active', 'retired')),
    version integer NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL
);

-- enterprise is null for the node's own prefix only.
CREATE TABLE prefix (
    folded text COLLATE "C" PRIMARY KEY,
    shown text NOT NULL,
    enterprise uuid REFERENCES enterprise,
    state text NOT NULL CHECK (state IN ('stopped', 'active', 'to_delete', 'rejected', 'waiting', 'in_review')),
    hosting text NOT NULL CHECK (hosting IN ('hosted', 'self')),
    site_ip text,
    site_tcp_port integer,
    site_udp_port integer,
    site_http_port integer,
    version integer NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL
);
CREATE INDEX prefix_of_enterprise ON prefix (enterprise);

-- A key is 256 random bits: its SHA-256 is enough, no salt and no stretching.
CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'reviewer', 'enterprise', 'reader')),
    prefixes text[] NOT NULL,
    secret_sha256 bytea NOT NULL UNIQUE,
    hint text NOT NULL,
    created timestamptz NOT NULL,
    expires timestamptz,
    revoked timestamptz,
    last_used timestamptz,
    replaces uuid REFERENCES api_key,
    version integer NOT NULL,
    CHECK (role <> 'enterprise' OR cardinality(prefixes) > 0)
);

CREATE TABLE template (
    prefix text COLLATE "C" NOT NULL REFERENCES prefix,
    version text COLLATE "C" NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'retired')),
    revision integer NOT NULL,
    document bytea NOT NULL,
    PRIMARY KEY (prefix, version)
);
