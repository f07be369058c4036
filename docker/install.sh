#!/bin/sh
# Runs inside the image build: server where the base has none, extensions, an initialised cluster.
set -eu
export DEBIAN_FRONTEND=noninteractive

apt-get update -qq
if [ -z "${PG_MAJOR:-}" ]; then
    # A plain Debian: its newest server, without the cluster its package would create.
    apt-get install -y -qq --no-install-recommends postgresql-common locales
    sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    apt-get install -y -qq --no-install-recommends postgresql postgresql-contrib
    PG_MAJOR=$(ls /usr/lib/postgresql | sort -n | tail -n 1)
fi
apt-get install -y -qq --no-install-recommends \
    "postgresql-$PG_MAJOR-pgtap" "postgresql-$PG_MAJOR-cron" "postgresql-$PG_MAJOR-plpgsql-check"
rm -rf /var/lib/apt/lists/*

bin=/usr/lib/postgresql/$PG_MAJOR/bin
ln -sfn "$bin" /usr/local/lib/dbkit/bin
mkdir -p /var/lib/dbkit
chown postgres: /var/lib/dbkit
setpriv --reuid=postgres --regid=postgres --init-groups \
    "$bin/initdb" -D /var/lib/dbkit/cluster --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local=trust --auth-host=scram-sha-256 --no-sync --wal-segsize=1
echo 'host all all all scram-sha-256' >> /var/lib/dbkit/cluster/pg_hba.conf
