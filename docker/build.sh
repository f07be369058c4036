#!/bin/sh
# Build the disposable image: docker/build.sh [BASE] [TAG].
# Where BASE cannot be pulled and we are root on Debian, a base made here with debootstrap takes its place.
set -eu
base=${1:-postgres:17}
tag=${2:-dbkit-postgres}
here=$(dirname "$0")

if ! docker image inspect "$base" > /dev/null 2>&1 && ! docker pull -q "$base" > /dev/null 2>&1; then
    if [ "$(id -u)" != 0 ] || ! command -v debootstrap > /dev/null; then
        echo "error: image $base is neither here nor can it be pulled" >&2
        echo "hint: Give another with BASE=…, or install debootstrap and run this as root." >&2
        exit 2
    fi
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    echo "$base cannot be pulled; making a $suite base with debootstrap"
    base=dbkit-base:$suite
    if ! docker image inspect "$base" > /dev/null 2>&1; then
        root=$(mktemp -d)
        trap 'rm -rf "$root"' EXIT
        debootstrap --variant=minbase "$suite" "$root" > "$root.log" || { tail -n 20 "$root.log" >&2; exit 1; }
        rm -f "$root.log"
        tar -C "$root" -c . | docker import - "$base" > /dev/null
    fi
fi
# The host's network: the build installs packages with whatever resolver and route this machine has.
docker build --network host --build-arg "BASE=$base" -t "$tag" "$here"
