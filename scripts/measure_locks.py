"""Measure which locks DDL takes on every PostgreSQL major this machine offers, and write lint/locks.toml.

    python scripts/measure_locks.py [--check]

Servers come from the system's packages and from the wheels, as `dbkit doctor` lists them. With --check nothing is
written; the exit code is 1 where the file differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dbkit.config import load_config
from dbkit.lint import locks
from dbkit.lint.lock_forms import as_toml, measure
from dbkit.postgres.binaries import MINIMUM_MAJOR, find_binaries
from dbkit.postgres.local import LocalServer

TABLE = Path(locks.__file__).parent / "locks.toml"


def main() -> int:
    config = load_config(Path(__file__).parent.parent / "dbkit.toml")
    by_major = {}
    for binaries in find_binaries(config):
        if binaries.major < MINIMUM_MAJOR or binaries.major in by_major:
            continue
        server = LocalServer.start(binaries)
        try:
            with server.database() as database:
                by_major[binaries.major] = measure(database.conninfo)
        finally:
            server.stop()
        print(f"measured {binaries}: {sum(map(len, by_major[binaries.major].values()))} forms")
    text = as_toml(by_major)
    if text == TABLE.read_text():
        print(f"{TABLE.name} agrees")
        return 0
    if "--check" in sys.argv:
        print(f"{TABLE.name} differs: run python scripts/measure_locks.py", file=sys.stderr)
        return 1
    TABLE.write_text(text)
    print(f"wrote {TABLE}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
