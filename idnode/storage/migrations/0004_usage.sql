-- What was asked and registered, for the daily reports. prefix is folded; '' is the node as a whole, what is asked of
-- foreign prefixes included. A day is the node's (UTC+8). Times are nanoseconds: a bigint holds the sum of 100,000 requests
-- under way at every moment of a day. Of equal extremes the earliest stands.
CREATE TABLE usage_day (
    day date NOT NULL,
    prefix text COLLATE "C" NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    successes bigint NOT NULL DEFAULT 0,
    latency_ns bigint NOT NULL DEFAULT 0,
    latency_max_ns bigint,
    latency_max_at timestamptz,
    latency_min_ns bigint,
    latency_min_at timestamptz,
    peak_per_second bigint,
    peak_at timestamptz,
    registrations bigint NOT NULL DEFAULT 0,
    registration_ns bigint NOT NULL DEFAULT 0,
    registration_max_ns bigint,
    registration_max_at timestamptz,
    registration_min_ns bigint,
    registration_min_at timestamptz,
    sources integer NOT NULL DEFAULT 0,
    PRIMARY KEY (day, prefix)
);

-- Who asked; '' are all addresses beyond those that are stored one by one, which usage_day.sources counts.
CREATE TABLE usage_source (
    day date NOT NULL,
    prefix text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    requests bigint NOT NULL,
    PRIMARY KEY (day, prefix, address)
);

-- Requests of whole seconds (epoch) that workers may still add to; then the busiest goes to its day and all are removed.
CREATE TABLE resolution_second (
    prefix text COLLATE "C" NOT NULL,
    second bigint NOT NULL,
    day date NOT NULL,
    requests bigint NOT NULL,
    PRIMARY KEY (prefix, second)
);

-- The last batch of each worker, so that one that is sent again counts once, and the second (epoch) it was taken in.
CREATE TABLE usage_flush (
    worker uuid PRIMARY KEY,
    number bigint NOT NULL,
    taken bigint NOT NULL
);
