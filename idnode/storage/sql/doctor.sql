-- name: describe_server
-- Reads nothing but settings: works on a database that no migration has touched.
SELECT
    current_setting('server_version') AS version,
    current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() AS is_standby,
    to_regclass('schema_migration') IS NOT NULL AS has_migrations;

-- name: read_clock
-- clock_timestamp() is now, not the beginning of the transaction.
SELECT clock_timestamp() AS at;
