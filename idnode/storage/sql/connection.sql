-- name: server_version
SHOW server_version_num;

-- name: ping
SELECT 1;
