-- Challenges and sessions of the native Handle protocol, valid at every worker: clients answer a challenge on another
-- connection than they got it on. Nothing of it outlives a crash: clients begin anew.

-- request is the challenged message whole; id names the challenge, or the session within which it was made.
CREATE UNLOGGED TABLE native_challenge (
    id bigint NOT NULL,
    nonce bytea NOT NULL,
    in_session boolean NOT NULL,
    address text NOT NULL,
    request bytea NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (id, nonce)
);
CREATE INDEX native_challenge_expires ON native_challenge (expires);

-- identity is index:handle once it is proved; timeout in seconds without use. Of the counters of messages, highest is the
-- highest one seen, and bit n of seen, from the left, stands for highest - n.
CREATE UNLOGGED TABLE native_session (
    id bigint PRIMARY KEY,
    key bytea NOT NULL,
    address text NOT NULL,
    identity text,
    timeout integer NOT NULL,
    expires timestamptz NOT NULL,
    highest bigint NOT NULL DEFAULT -1,
    seen bit(256) NOT NULL DEFAULT repeat('0', 256)::bit(256)
);
CREATE INDEX native_session_expires ON native_session (expires);
CREATE INDEX native_session_unproved ON native_session (address) WHERE identity IS NULL;
