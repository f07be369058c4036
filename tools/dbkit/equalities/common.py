"""What the equalities share: the outcome they report, and databases to find it out on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dbkit import build, groundwork, source
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.migrate import runner
from dbkit.migrate.files import Migration
from dbkit.migrate.layouts import Folder
from dbkit.postgres import Database, Server
from dbkit.report import Finding

__all__ = ["Outcome", "apply_exactly", "fresh_database", "lines_of"]


@dataclass
class Outcome:
    """What one equality found.

    Attributes:
        title: what was compared, for people.
        unit: what `checked` counts: object (1, 3) or migration (2).
        checked: how many were compared.
        findings: what differs; empty means equal.
        exempt: migrations that equality 2 does not cover, with the reason.
        skipped: why nothing was compared, None when it was.
    """

    title: str
    unit: str = "object"
    checked: int = 0
    findings: list[Finding] = field(default_factory=list)
    exempt: dict[str, str] = field(default_factory=dict)
    skipped: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For the JSON summary."""
        return {
            "unit": self.unit,
            "checked": self.checked,
            "findings": len(self.findings),
            "exempt": self.exempt,
            "skipped": self.skipped,
        }


@contextmanager
def fresh_database(server: Server, config: Config, modules: Sequence[str] | None) -> Iterator[Database]:
    """A database without migrations, on a server that has the roles they assume."""
    with server.database() as database:
        groundwork.lay(database.conninfo, config)
        if config.modules:
            build.bootstrap(database.conninfo, config, modules)
        yield database


def apply_exactly(database: Database, config: Config, migrations: Sequence[Migration]) -> None:
    """Run exactly these migrations."""
    result = runner.apply(database.conninfo, config, only={(m.line, m.version) for m in migrations})
    ran = [str(done.migration) for done in result.done]
    if sorted(ran) != sorted(str(migration) for migration in migrations):
        raise DbkitError(
            "a migration did not run on a fresh database",
            detail=f"Of {', '.join(map(str, migrations))} only {', '.join(ran) or 'none'} ran.",
            hint="Show what would run with: dbkit migrate plan",
        )


def lines_of(config: Config, folder: Folder, modules: Sequence[str] | None) -> set[str]:
    """The lines that belong to the modules asked for."""
    if modules is None:
        return set(folder.lines)
    return set(source.module_order(config, modules)) & set(folder.lines)
