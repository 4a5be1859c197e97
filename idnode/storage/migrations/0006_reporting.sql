-- What the contract asks to be reported and the directory does not hold. Documents are JSON objects of the tables' fields,
-- as far as they are known: an operator fills them step by step.

-- Tables T1 and T2: one row, none before anything was said.
CREATE TABLE operator (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    version integer NOT NULL,
    organisation bytea NOT NULL,
    resolution bytea NOT NULL,
    updated timestamptz NOT NULL
);

-- Table T6, but for what the enterprise's own row says.
CREATE TABLE enterprise_profile (
    enterprise uuid PRIMARY KEY REFERENCES enterprise,
    version integer NOT NULL,
    organisation bytea NOT NULL,
    updated timestamptz NOT NULL
);

-- Tables T5 (enterprise is null: the node's own) and T10. kind is the contract's number.
CREATE TABLE application (
    id uuid PRIMARY KEY,
    enterprise uuid REFERENCES enterprise,
    name text NOT NULL,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    description text,
    users text,
    recursive_node text,
    developed_by text,
    state text NOT NULL CHECK (state IN ('active', 'retired')),
    version integer NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL
);
CREATE INDEX application_of_enterprise ON application (enterprise);
