#!/bin/sh
# Copy the initialised cluster to PGDATA (a tmpfs when dbkit starts us), set the password, become the server.
set -eu
bin=/usr/local/lib/dbkit/bin

mkdir -p "$PGDATA"
cp -a /var/lib/dbkit/cluster/. "$PGDATA/"
chown postgres: "$PGDATA"
chmod 700 "$PGDATA"

as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

printf "alter role postgres password '%s'" "${POSTGRES_PASSWORD:?must be set}" \
    | as_postgres "$bin/postgres" --single -D "$PGDATA" postgres > /dev/null

exec setpriv --reuid=postgres --regid=postgres --init-groups \
    "$bin/postgres" -D "$PGDATA" -c listen_addresses='*' -c log_min_duration_statement=1000 "$@"
