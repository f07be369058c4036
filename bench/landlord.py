"""The landlord platform at the size it was designed for: 100 landlords, 100,000 units, 4,000 renters, 20,000 tickets.

Three questions with their targets: how long does a landlord wait while 100 of them work at the same time, how long do
1,000 role look-ups take together, and how long does an import of 500 renters take, e-mails queued. Data and screens are
those of `dbkit readiness landlord`, which asks whether the promise is kept; here the figures are taken apart, and held
against targets of our own. Every transaction sets its context first, as the application does.

usage: bench/landlord.py [SECONDS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from dbkit.config import load_config
from dbkit.readiness.checks.imported import Imported
from dbkit.readiness.checks.load import Load, pgbench, quantile, script
from dbkit.readiness.declaration import Claim, load_claim
from dbkit.readiness.stage import Stage, open_stage
from harness import table, verdict

LOOK_UPS = 1_000
TARGET_LOOK_UPS = 2.0
TARGET_IMPORT = 10.0

T = TypeVar("T")
ROLES = "select rental.get_user_roles();"


def main(seconds: int) -> None:
    config = load_config()
    claim = load_claim(config, "landlord")
    (load,) = found(claim, Load)
    (renters,) = found(claim, Imported)
    with open_stage(config, claim) as stage:
        print(f"PostgreSQL {stage.server.version}, load average {os.getloadavg()[0]:.1f}")
        try:
            screens(stage, replace(load, seconds=seconds))
            look_ups(stage, load.clients)
        except subprocess.CalledProcessError as failed:
            sys.exit(f"error: pgbench failed\ndetail: {failed.stderr}")
        imported(stage, renters)


def found(claim: Claim, kind: type[T]) -> list[T]:
    return [check for criterion in claim.criteria for check in criterion.checks if isinstance(check, kind)]


def screens(stage: Stage, load: Load) -> None:
    with stage.database() as database:
        waited = load.waits(stage, database)
    waited["all"] = sorted(value for values in waited.values() for value in values)
    print(f"\n{load.clients} landlords at the same time, milliseconds a transaction with its context")
    print(
        table(
            ("screen", "transactions", "p50", "p95", "p99"),
            [(name, len(v), *(f"{quantile(v, q):.1f}" for q in (0.5, 0.95, 0.99))) for name, v in waited.items()],
        )
    )
    print(verdict("p95 of a screen", quantile(waited["all"], 0.95), load.p95_ms, " ms"))


def look_ups(stage: Stage, clients: int) -> None:
    with stage.database() as database, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roles"
        path.write_text(script(stage, ROLES))
        started = time.perf_counter()
        pgbench(stage, database, clients, "-f", str(path), "-t", str(LOOK_UPS // clients))
        took = time.perf_counter() - started
    print(f"\n{LOOK_UPS:,} role look-ups over {clients} connections, opening them included")
    print(verdict("all of them", took, TARGET_LOOK_UPS, " s"))


def imported(stage: Stage, renters: Imported) -> None:
    measured = renters.measure(stage)
    if measured.verdict != "met":
        sys.exit(f"error: {measured.value}\ndetail: {measured.detail}")
    print(f"\nimport of {renters.rows} renters, {renters.rows} {renters.then_says}")
    print(verdict("import", measured.figures["seconds"], TARGET_IMPORT, " s"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
