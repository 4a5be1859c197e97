-- name: schema
-- arrival is the order of first arrivals and makes the receipt. A record that was withdrawn or dropped stays as a row, so
-- that it is known when it comes again. sent: outcome is what its verdict will be, due when (NULL: a person decides).
CREATE TABLE IF NOT EXISTS record (
    arrival INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    report TEXT NOT NULL,
    subject TEXT NOT NULL,
    version INTEGER NOT NULL,
    prefix TEXT NOT NULL,
    day TEXT NOT NULL,
    occurred TEXT NOT NULL,
    sent_data BLOB NOT NULL,
    sha256 TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sent', 'accepted', 'rejected', 'withdrawn', 'dropped')),
    outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'rejected')),
    reason TEXT,
    due REAL,
    received INTEGER NOT NULL,
    arrived TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS record_subject ON record (report, subject, version);
CREATE INDEX IF NOT EXISTS record_day ON record (day, prefix) WHERE report = 'T9';
CREATE INDEX IF NOT EXISTS record_due ON record (due) WHERE state = 'sent';
CREATE TABLE IF NOT EXISTS verdict (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    arrival INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT
);
CREATE TABLE IF NOT EXISTS oddity (kind TEXT PRIMARY KEY, number INTEGER NOT NULL);

-- name: standings
-- What is known of the ids of a batch, one probe each.
SELECT record.id, arrival, sha256, state, outcome, reason FROM json_each(?1) JOIN record ON record.id = value;

-- name: versions
-- The highest version that was accepted, or will be, of the subjects of a batch.
SELECT value, (
    SELECT version FROM record
    WHERE report = ?1 AND subject = value AND outcome = 'accepted' ORDER BY version DESC LIMIT 1
) FROM json_each(?2);

-- name: last_arrival
-- Where numbering goes on after a restart.
SELECT coalesce(max(arrival), 0) FROM record;

-- name: counts
-- Read once, at the start; from then on they are counted along.
SELECT report, state, count(*) FROM record GROUP BY report, state;

-- name: oddities
-- Conflicts and breaches of order since the store was made.
SELECT kind, number FROM oddity;

-- name: add_oddities
-- Rare, so a row each is no burden.
INSERT INTO oddity (kind, number) VALUES (?1, ?2) ON CONFLICT (kind) DO UPDATE SET number = number + ?2;

-- name: take
-- Records that were not known.
INSERT INTO record (arrival, id, report, subject, version, prefix, day, occurred, sent_data, sha256, state, outcome,
    reason, due, received, arrived)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?);

-- name: take_again
-- A known record with what it now says: corrected, judged anew, or back after it was dropped.
UPDATE record SET sent_data = ?2, sha256 = ?3, state = ?4, outcome = ?5, reason = ?6, due = ?7, received = received + 1
WHERE arrival = ?1;

-- name: withdraw
-- It is no longer held.
UPDATE record SET state = 'withdrawn', received = received + 1 WHERE arrival = ?;

-- name: repeat
-- It came again and changed nothing.
UPDATE record SET received = received + 1 WHERE arrival = ?;

-- name: due
-- Whose verdict is due, in that order.
SELECT arrival, id, report, subject, version, outcome, reason FROM record
WHERE state = 'sent' AND due <= ? ORDER BY due, arrival LIMIT ?;

-- name: next_due
-- How long a long poll may sleep.
SELECT min(due) FROM record WHERE state = 'sent' AND due IS NOT NULL;

-- name: settle
-- The verdict stands.
UPDATE record SET state = outcome WHERE arrival = ?;

-- name: tell
-- One more verdict to be read; numbers only grow, also after rows are gone.
INSERT INTO verdict (arrival, state, reason) VALUES (?, ?, ?);

-- name: verdicts_after
-- A page of what was judged.
SELECT number, record.id, verdict.state, verdict.arrival, verdict.reason
FROM verdict JOIN record ON record.arrival = verdict.arrival WHERE number > ? ORDER BY number LIMIT ?;

-- name: prefixes_of_day
-- Of which prefixes a day has records.
SELECT DISTINCT prefix FROM record WHERE report = 'T9' AND day = ? ORDER BY prefix;

-- name: lines
-- What is held of a prefix and a day.
SELECT id, sha256 FROM record WHERE report = 'T9' AND day = ? AND prefix = ? AND state = 'accepted';

-- name: page
-- Records in the order of their first arrival.
SELECT arrival, id, subject, version, sha256, received, arrived, state FROM record
WHERE report = ? AND arrival > ? ORDER BY arrival LIMIT ?;

-- name: taken_after
-- What a journal has missed.
SELECT arrival, report, outcome, id, subject, version FROM record
WHERE arrival > ? AND NOT (state = 'sent' AND due IS NULL) ORDER BY arrival LIMIT ?;

-- name: waiting
-- Applications that a person has to decide on.
SELECT id, sent_data FROM record WHERE state = 'sent' AND due IS NULL ORDER BY arrival LIMIT ?;

-- name: decide
-- A person has decided.
UPDATE record SET outcome = ?2, reason = ?3, due = ?4 WHERE id = ?1 AND state = 'sent' AND due IS NULL;

-- name: held_identifiers
-- What drift can be planted in.
SELECT arrival FROM record WHERE report = 'T9' AND state = 'accepted' ORDER BY arrival;

-- name: held
-- One of them.
SELECT id, subject, version, prefix, day, occurred, sent_data FROM record WHERE arrival = ?;

-- name: drop
-- As if it had never been kept.
UPDATE record SET state = 'dropped' WHERE arrival = ?;

-- name: alter
-- As if it had been kept wrongly.
UPDATE record SET sent_data = ?2, sha256 = ?3 WHERE arrival = ?1;
