-- name: take_migration_lock
-- One migrator at a time over all hosts; the number is "idnode" in ASCII.
SELECT pg_advisory_xact_lock(115880070440037);

-- name: create_migration_table
CREATE TABLE IF NOT EXISTS schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied timestamptz NOT NULL DEFAULT now()
);

-- name: list_migrations
SELECT number, name, sha256 FROM schema_migration ORDER BY number;

-- name: record_migration
INSERT INTO schema_migration (number, name, sha256) VALUES ($1, $2, $3);
