"""Check of kind `load`: how long a caller waits for a screen while many work at the same time, by pgbench."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from dbkit.errors import DbkitError
from dbkit.readiness.measured import Measured

if TYPE_CHECKING:
    from dbkit.postgres import Database
    from dbkit.readiness.stage import Stage

__all__ = ["Load", "Screen", "pgbench", "quantile", "script"]

_THREADS = 2


@dataclass(frozen=True)
class Screen:
    """What a caller does in one transaction.

    Attributes:
        weight: how often beside the others.
    """

    name: str
    weight: int
    sql: str


@dataclass(frozen=True)
class Load:
    """The 95th percentile of all screens, whole transactions with their context.

    Attributes:
        clients: how many work at the same time, each on a connection of its own; every transaction is of any caller.
        seconds: for how long.
        p95_ms: the most it may be.
    """

    ROWS: ClassVar[Mapping[str, type]] = {"screens": Screen}
    clients: int
    seconds: int
    p95_ms: float
    screens: tuple[Screen, ...]

    @property
    def alone(self) -> str | None:
        return None

    def measure(self, stage: Stage) -> Measured:
        stage.tell(f"{self.clients} clients work for {self.seconds} s")
        target = f"≤ {self.p95_ms:g} ms with {self.clients} at work"
        with stage.database() as database:
            try:
                waited = self.waits(stage, database)
            except subprocess.CalledProcessError as failed:
                return Measured(f"a screen failed under {self.clients} clients", target, "missed", detail=failed.stderr)
        idle = [name for name, values in waited.items() if not values]
        if idle:
            raise DbkitError(
                f"no transaction of screen {idle[0]} ended",
                detail=f"In {self.seconds} s every screen has to be seen at least once.",
                hint="Raise seconds or the screen's weight.",
            )
        all_of_them = sorted(value for values in waited.values() for value in values)
        p95 = quantile(all_of_them, 0.95)
        slowest = max(waited, key=lambda name: quantile(waited[name], 0.95))
        return Measured(
            value=f"p95 {p95:.0f} ms of {len(all_of_them):,} screens",
            target=target,
            verdict="met" if p95 <= self.p95_ms else "missed",
            figures={
                "clients": self.clients,
                "transactions": len(all_of_them),
                "p50_ms": round(quantile(all_of_them, 0.5), 1),
                "p95_ms": round(p95, 1),
                "p99_ms": round(quantile(all_of_them, 0.99), 1),
                "p95_ms_by_screen": {name: round(quantile(values, 0.95), 1) for name, values in waited.items()},
            },
            detail=f"Slowest is {slowest}." if p95 > self.p95_ms else None,
        )

    def waits(self, stage: Stage, database: Database) -> dict[str, list[float]]:
        """Screen -> milliseconds of each of its transactions, sorted.

        Raises:
            DbkitError: there is no pgbench.
            subprocess.CalledProcessError: a transaction failed; `stderr` says how.
        """
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for number, screen in enumerate(self.screens):
                path = Path(folder) / f"screen{number}"
                path.write_text(script(stage, screen.sql), encoding="utf-8")
                files += ["-f", f"{path}@{screen.weight}"]
            log = ["-l", f"--log-prefix={Path(folder) / 'log'}"]
            pgbench(stage, database, self.clients, *files, "-T", str(self.seconds), *log)
            # client, number, microseconds, file, epoch seconds, microseconds
            lines = [line.split() for path in Path(folder).glob("log.*") for line in path.read_text().splitlines()]
        waited: dict[str, list[float]] = {screen.name: [] for screen in self.screens}
        for _client, _number, microseconds, file, *_ in lines:
            waited[self.screens[int(file)].name].append(int(microseconds) / 1e3)
        return {name: sorted(values) for name, values in waited.items()}


def script(stage: Stage, sql: str) -> str:
    """A transaction of any caller, as pgbench runs it: its context first, as the application does."""
    claim = stage.claim
    begin = f"\\set n random(1, {claim.callers})\nbegin;\n"
    return f"{begin}{claim.written(claim.context, ':n')};\n{claim.written(sql, ':n')};\ncommit;\n"


def pgbench(stage: Stage, database: Database, clients: int, *arguments: str) -> None:
    """Run pgbench as the claim's role to its end.

    Raises:
        DbkitError: there is none on this machine.
        subprocess.CalledProcessError: a transaction failed.
    """
    from dbkit.backup.programs import client_program

    beside = stage.server.bin_dir / "pgbench" if stage.server.bin_dir else None
    program = beside if beside and beside.exists() else client_program(stage.config, "pgbench", 15)
    command = [str(program), "-n", "-c", str(clients), "-j", str(_THREADS), *arguments, stage.conninfo(database)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or "number of failed transactions: 0" not in done.stdout:
        complaint = next((line for line in done.stderr.splitlines() if "ERROR" in line or "error" in line), done.stderr)
        raise subprocess.CalledProcessError(done.returncode or 1, "pgbench", done.stdout, complaint)


def quantile(values: list[float], q: float) -> float:
    """The value of a sorted list below which the share `q` of it lies."""
    return values[min(int(len(values) * q), len(values) - 1)]
