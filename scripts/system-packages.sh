#!/bin/sh
# What the tests use beyond Python: as root on Debian or Ubuntu it is installed; what cannot be had is named, and the
# tests that need it are skipped by name.
set -eu

if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "skipped: system packages (needs root and apt-get); tests that need them say so"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive

installed() { dpkg-query -W -f '${Status}' "$1" 2> /dev/null | grep -q 'ok installed'; }

wanted=''
want() { installed "$1" || wanted="$wanted $1"; }

updated=''
available() {
    if [ -z "$updated" ]; then
        apt-get update -qq || true
        updated=yes
    fi
    apt-cache show "$1" > /dev/null 2>&1
}

# The newest server this distribution has, or the one that is here already.
major=$(ls /usr/lib/postgresql 2> /dev/null | sort -n | tail -n 1)
if [ -z "$major" ]; then
    available postgresql || true
    major=$(apt-cache depends postgresql 2> /dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
fi
for package in "postgresql-$major-pgtap" "postgresql-$major-cron" "postgresql-$major-plpgsql-check" \
    libtap-parser-sourcehandler-pgtap-perl pgbouncer docker.io debootstrap iptables; do
    want "$package"
done
[ -n "$wanted" ] || exit 0

# A server package would create and start a cluster of its own.
mkdir -p /etc/postgresql-common/createcluster.d
echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/dbkit.conf
# Nor shall packages start their services: tests start what they use and stop it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi

for package in $wanted; do
    if ! available "$package"; then
        echo "skipped: $package (not offered by this distribution)"
    elif ! apt-get install -y -qq --no-install-recommends "$package" > /dev/null 2>&1; then
        echo "skipped: $package (installation failed; see: apt-get install $package)"
    else
        echo "installed $package"
    fi
done
