-- What the probes saw, and the events they raised. A subject is a folded prefix; '' is the node. A day is the node's (UTC+8).

-- One row for each round: whether resolution and registration were up by the 51 % rule. every_seconds is how often rounds
-- were due then. follows is the round before; where others should have been between the two, gap_every_seconds says how
-- often. Thirteen months are kept.
CREATE TABLE probe_round (
    at timestamptz PRIMARY KEY,
    every_seconds integer NOT NULL,
    points integer NOT NULL,
    resolution_points_up integer NOT NULL,
    registration_points_up integer NOT NULL,
    is_resolution_up boolean NOT NULL,
    is_registration_up boolean NOT NULL,
    follows timestamptz,
    gap_every_seconds integer
);
CREATE INDEX probe_round_after_gap ON probe_round (at) WHERE gap_every_seconds IS NOT NULL;

-- The same added up, so that a report over twelve months reads no million of rounds.
CREATE TABLE probe_round_day (
    day date PRIMARY KEY,
    rounds bigint NOT NULL,
    rounds_up bigint NOT NULL,
    seconds_working bigint NOT NULL
);

-- What each probe found; kept until the report of its month is due, then probe_day stands for it.
CREATE TABLE probe_result (
    at timestamptz NOT NULL,
    point text COLLATE "C" NOT NULL,
    kind text NOT NULL CHECK (kind IN ('resolution', 'registration')),
    subject text COLLATE "C" NOT NULL,
    is_success boolean NOT NULL,
    latency_us bigint NOT NULL,
    error text,
    PRIMARY KEY (at, subject, kind, point)
);
-- The first success after a prefix was approved.
CREATE INDEX probe_result_of_subject ON probe_result (subject, at) WHERE subject <> '' AND is_success;

CREATE TABLE probe_day (
    day date NOT NULL,
    subject text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    point text COLLATE "C" NOT NULL,
    probes bigint NOT NULL,
    successes bigint NOT NULL,
    latency_us bigint NOT NULL,
    PRIMARY KEY (day, subject, kind, point)
);

-- The last result of each, so that the state of everyone is one small read.
CREATE TABLE probe_last (
    subject text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    point text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    is_success boolean NOT NULL,
    latency_us bigint NOT NULL,
    error text,
    PRIMARY KEY (subject, kind, point)
);

-- Annex 2, 13 to 18. An abnormal event is open until a recovered one closes it, which only one can.
CREATE TABLE monitoring_event (
    id uuid PRIMARY KEY,
    closes uuid CONSTRAINT monitoring_event_closed_once UNIQUE REFERENCES monitoring_event,
    subject text COLLATE "C" NOT NULL,
    source text NOT NULL CHECK (source IN ('probe', 'operator')),
    kind text NOT NULL CHECK (kind IN ('network', 'system', 'attack', 'other')),
    at timestamptz NOT NULL,
    reason text NOT NULL,
    remedy text,
    actor text NOT NULL,
    version integer NOT NULL,
    is_open boolean NOT NULL,
    is_reported boolean NOT NULL DEFAULT false,
    CHECK (closes IS NULL OR NOT is_open)
);
CREATE INDEX monitoring_event_at ON monitoring_event (at, id);
-- The probes have one event of a subject open at most, whoever the relay is.
CREATE UNIQUE INDEX monitoring_event_open ON monitoring_event (subject) WHERE is_open AND source = 'probe';
CREATE INDEX monitoring_event_unreported ON monitoring_event (id) WHERE NOT is_reported;

-- Stops of the service that the operator announced or noted afterwards.
CREATE TABLE maintenance_stop (
    id uuid PRIMARY KEY,
    begins timestamptz NOT NULL,
    ends timestamptz NOT NULL CHECK (ends > begins),
    reason text NOT NULL,
    announced timestamptz NOT NULL,
    actor text NOT NULL
);
CREATE INDEX maintenance_stop_ends ON maintenance_stop (ends);
