"""Equality 2: each migration goes down to what was before it, and up again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from dbkit import drift
from dbkit.catalog import Snapshot, snapshot
from dbkit.config import Config
from dbkit.equalities.common import Outcome, apply_exactly, fresh_database, lines_of
from dbkit.errors import DbkitError
from dbkit.migrate import runner
from dbkit.migrate.files import Migration, show_path
from dbkit.migrate.layouts import Folder, discover
from dbkit.migrate.plan import make_plan
from dbkit.postgres import Database, Server
from dbkit.report import Finding, Location

__all__ = ["every_migration_reverts"]


def every_migration_reverts(
    server: Server, config: Config, modules: Sequence[str] | None = None, *, say: Callable[[str], None] | None = None
) -> Outcome:
    """Equality 2: each migration, applied in order on a database that has all before it, goes down and up again.

    Args:
        modules: lines to check, with what they need; None takes all.
        say: gets the name of each migration as it begins.

    Raises:
        DbkitError: a migration does not apply in the first place.
    """
    outcome = Outcome("up, down, up again", unit="migration")
    folder = discover(config)
    lines = lines_of(config, folder, modules)
    order = [migration for migration in make_plan(folder, {}).pending if migration.line in lines]
    with ExitStack() as databases:
        database = databases.enter_context(fresh_database(server, config, modules))
        before = snapshot(database.conninfo)
        for number, migration in enumerate(order):
            if say:
                say(f"{migration} ({number + 1} of {len(order)})")
            apply_exactly(database, config, [migration])
            after = snapshot(database.conninfo)
            if migration.down is None:
                outcome.exempt[str(migration)] = _why_irreversible(migration, folder)
            else:
                outcome.checked += 1
                findings, intact = _down_and_up(database, config, migration, before, after)
                outcome.findings += findings
                if not intact:  # the database is in nobody's state: go on with one that replays what worked
                    database = databases.enter_context(fresh_database(server, config, modules))
                    apply_exactly(database, config, order[: number + 1])
            before = after
    return outcome


def _down_and_up(
    database: Database, config: Config, migration: Migration, before: Snapshot, after: Snapshot
) -> tuple[list[Finding], bool]:
    """Revert and apply again; what differs, and whether the database is as `after` says."""
    try:
        runner.revert(database.conninfo, config)
    except DbkitError as error:
        return [_failed("down_fails", "does not go down", migration, error)], False
    down = drift.compare(before, snapshot(database.conninfo), left="before", right="after down")
    findings = [_of_migration("down_is_not_inverse", "down leaves", finding, migration) for finding in down]
    try:
        apply_exactly(database, config, [migration])
    except DbkitError as error:
        return [*findings, _failed("up_again_fails", "does not go up again", migration, error)], False
    again = drift.compare(after, snapshot(database.conninfo), left="up", right="up again")
    findings += [_of_migration("up_again_differs", "up again gives", finding, migration) for finding in again]
    return findings, not again


def _of_migration(rule: str, what: str, finding: Finding, migration: Migration) -> Finding:
    """A difference between snapshots as a complaint about a migration file."""
    return finding._replace(
        rule=rule,
        message=f"{what} a difference: {finding.object} {finding.message}",
        location=Location(show_path(migration.path)),
        hint=f"Correct the migrate:down section of {migration}, or declare it irreversible with the reason.",
    )


def _failed(rule: str, what: str, migration: Migration, error: DbkitError) -> Finding:
    return Finding(
        rule=rule,
        message=f"{migration} {what}: {error.message}",
        object=str(migration),
        location=Location(show_path(migration.path)),
        detail=error.detail,
        hint=error.hint,
    )


def _why_irreversible(migration: Migration, folder: Folder) -> str:
    return migration.parsed.irreversible or f"it has no way back in layout {folder.layout}"
