-- Keys that records are signed with (HS_SIGNATURE): the public half is the value `place` of 0.NA/{prefix}, the private half
-- is sealed under the node's key. A retired key has none any more; its public half stays known, so that what it signed can
-- still be checked. chain holds index:handle of certificates up to the root.
CREATE TABLE signing_key (
    prefix text COLLATE "C" NOT NULL REFERENCES prefix (folded),
    place integer NOT NULL,
    public bytea NOT NULL,
    sealed bytea,
    chain text[] NOT NULL,
    version integer NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    PRIMARY KEY (prefix, place)
);
CREATE UNIQUE INDEX signing_key_in_force ON signing_key (prefix) WHERE sealed IS NOT NULL;
