#!/bin/sh
# Every statement may run any number of times.
set -eu
ensure() {
    psql -v ON_ERROR_STOP=1 -v role="$1" -v password="$2" <<'SQL'
SELECT format('CREATE ROLE %I LOGIN', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'role', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'role') \gexec
SQL
}
ensure ticketbot "$TICKETBOT_PASSWORD"
ensure streambot "$STREAMBOT_PASSWORD"
