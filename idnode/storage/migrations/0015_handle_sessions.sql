-- Sessions of Handle clients, valid at every worker. token is the SHA-256 of the session id, which only the client has.
-- identity is index:handle once it is verified. Without use a session ends (registry/handle_sessions).
CREATE TABLE handle_session (
    token bytea PRIMARY KEY,
    nonce bytea NOT NULL,
    identity text,
    used timestamptz NOT NULL
);
CREATE INDEX handle_session_used ON handle_session (used);
CREATE INDEX handle_session_unverified ON handle_session (used) WHERE identity IS NULL;
