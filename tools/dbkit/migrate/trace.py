"""Run the pending migrations on a disposable database with rows in it and say what each statement did.

    history applied -> rows made -> each pending file, statement by statement -> what it did to what was there before
                                                                              -> against its header, against the linter

The given database is only read: for its ledger and for the row counts of its tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.lint.locks import Lock, locks_of
from dbkit.lint.sizes import Sizes
from dbkit.migrate import control, ledger, runner
from dbkit.migrate.files import Migration, Script, read_header, show_path
from dbkit.migrate.layouts import discover
from dbkit.migrate.plan import choose_line, make_plan, up_to
from dbkit.migrate.session import ServerError, Session, usable_role
from dbkit.migrate.steps import WANTS_NO_TRANSACTION
from dbkit.migrate.trace_observe import Effects, existing_objects, observe, observe_alone
from dbkit.migrate.trace_rows import Filled, fill
from dbkit.report import Finding, Location, Severity
from dbkit.sqltext import Statement

__all__ = ["Trace", "Traced", "trace"]

_MODE = re.compile(
    r"\b(?:" + "|".join(str(lock).replace(" ", r"\s+") for lock in reversed(Lock)) + r")\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Traced:
    """One statement that ran.

    Attributes:
        line, last_line: where it stands in the file.
        transaction: number of its transaction within the file.
        rows: rows of the tables it worked on, as made for the trace.
    """

    migration: Migration
    text: str
    line: int
    last_line: int
    transaction: int
    effects: Effects
    rows: dict[str, int]

    @property
    def place(self) -> Location:
        return Location(show_path(self.migration.path), self.line)

    @property
    def tables(self) -> list[str]:
        """Tables whose rows it read, rewrote or indexed."""
        return sorted({*self.effects.rewrites, *self.effects.builds, *self.effects.scans})


@dataclass
class Trace:
    """What a trace found.

    Attributes:
        pending: the files, in the order they ran.
        statements: every statement, in order.
        filled: the rows that were made, and the tables for which none could be.
        wanted: the row counts that were asked for.
        findings: headers and lock facts that the trace contradicts.
    """

    pending: list[Migration]
    statements: list[Traced]
    filled: Filled
    wanted: Sizes
    server: str
    findings: list[Finding]


def trace(
    config: Config,
    *,
    database: str | None = None,
    module: str | None = None,
    migrations: Path | None = None,
    to: str | None = None,
    allow_late: bool = False,
    wanted: Sizes,
) -> Trace:
    """Apply the pending migrations to a disposable database that holds rows.

    Args:
        database: its ledger says what is applied already; without it every file is pending.
        module, migrations, to, allow_late: as `runner.plan`.
        wanted: rows of each table.

    Raises:
        DbkitError: bad input, a migration that fails, no disposable server.
    """
    import psycopg

    from dbkit.equalities.common import fresh_database
    from dbkit.postgres import open_server

    pending, applied = _pending(config, database, module, migrations, to, allow_late)
    with open_server(config) as server, fresh_database(server, config, None) as clone:
        with Session.connect(clone.conninfo) as preparing:
            ledger.ensure(preparing, config.migrations.role)
        if applied:
            runner.apply(clone.conninfo, config, migrations=migrations, allow_late=True, only=applied)
        filled, statements = Filled(), []
        with (
            psycopg.connect(clone.conninfo, autocommit=True) as connection,
            Session.connect(clone.conninfo) as watching,
            Session.connect(clone.conninfo) as holding,
        ):
            version = connection.info.parameter_status("server_version") or ""
            for migration in pending:
                fill(connection, wanted, filled)
                with Session.connect(clone.conninfo) as session:
                    run = _Run(session, watching, holding, config, migration, filled)
                    statements += run.file()
    findings = [*_header_findings(pending, statements), *_fact_findings(statements)]
    return Trace(pending, statements, filled, wanted, f"PostgreSQL {version}", findings)


def _pending(
    config: Config, database: str | None, module: str | None, migrations: Path | None, to: str | None, late: bool
) -> tuple[list[Migration], set[tuple[str, str]]]:
    """What would run, and (line, version) of what ran before."""
    if database is not None:
        found = runner.plan(database, config, module=module, migrations=migrations, to=to, allow_late=late)
    else:
        folder = discover(config, folder=migrations, line=module)
        line = choose_line(folder, module)
        found = make_plan(folder, {}, line=line)
        if to is not None:
            reached = up_to(folder, to, line)
            found.pending = [migration for migration in found.pending if migration in reached]
    if found.problems:
        raise found.problems[0].as_error()
    return found.pending, {key for key, row in found.rows.items() if row.applied}


class _Run:
    """One file on its way."""

    def __init__(
        self,
        session: Session,
        watching: Session,
        holding: Session,
        config: Config,
        migration: Migration,
        filled: Filled,
    ) -> None:
        self.session, self.watching, self.holding = session, watching, holding
        self.migration, self.script, self.filled = migration, migration.up, filled
        role = usable_role(session, config.migrations.role)
        # The trace shall see the work, not race for it; parallel workers would not be seen.
        session.run(
            "set lock_timeout = 0; set statement_timeout = 0; set max_parallel_maintenance_workers = 0;"
            "set max_parallel_workers_per_gather = 0; set client_min_messages = warning;"
            + (f"set role {session.identifier(role)}" if role else "")
        )
        self.existing = existing_objects(watching)
        self.transaction = 0

    def file(self) -> list[Traced]:
        """Run it; returns its statements."""
        statements = control.statements_of(self.script)
        units = control.units_of(self.script, statements)
        if self.script.transaction is not False and all(unit.opening is None for unit in units):
            units = [control.Unit(tuple(item for unit in units for item in unit.statements))] if units else []
            if self.script.transaction is None and self._refuses(units):
                units = control.units_of(self.script, statements)
        return [item for unit in units for item in self._unit(unit)]

    def _refuses(self, units: Sequence[control.Unit]) -> bool:
        """Whether the server wants no transaction around the file, which the layout leaves open."""
        try:
            for unit in units:
                self.session.run(f"begin; {unit.text}")
        except ServerError as error:
            return error.sqlstate in WANTS_NO_TRANSACTION
        finally:
            self.session.rollback()
        return False

    def _unit(self, unit: control.Unit) -> Iterator[Traced]:
        self.transaction += 1
        self.session.run("begin")
        for statement in unit.statements:
            try:
                yield self._traced(statement, observe(self.session, statement.text, self.existing, data=statement.data))
            except ServerError as error:
                self.session.rollback()
                alone = len(unit.statements) == 1 and unit.opening is None
                if error.sqlstate not in WANTS_NO_TRANSACTION or not alone or self.script.transaction is True:
                    raise self._failed(statement, error) from None
                yield self._traced(statement, self._alone(statement))
                return
        self.session.run("rollback" if unit.undone else "commit")

    def _alone(self, statement: Statement) -> Effects:
        try:
            return observe_alone(self.session, self.watching, self.holding, statement.text, self.existing)
        except ServerError as error:
            raise self._failed(statement, error) from None

    def _traced(self, statement: Statement, effects: Effects) -> Traced:
        line = _line(self.script, statement)
        rows = {
            table: self.filled.rows[table]
            for table in {*effects.rewrites, *effects.builds, *effects.scans, *effects.held}
            if table in self.filled.rows
        }
        last = line + statement.text.count("\n")
        return Traced(self.migration, statement.text, line, last, self.transaction, effects, rows)

    def _failed(self, statement: Statement, error: ServerError) -> DbkitError:
        line = _line(self.script, statement)
        made = " The rows are made up: they may break what the file asks of them." if error.sqlstate[:2] == "23" else ""
        return DbkitError(
            f"migration {self.migration} fails in the trace",
            detail=f"{show_path(self.migration.path)}:{line}: {error.primary} ({error.sqlstate}).{made}",
            hint="Run it without rows: --rows 0." if made else "Correct the file, or the files before it.",
        )


def _line(script: Script, statement: Statement) -> int:
    return script.first_line + statement.line - 1


def _header_findings(pending: Iterable[Migration], statements: Sequence[Traced]) -> Iterator[Finding]:
    """Strong locks that a header with a `Locks` line does not name, table and mode."""
    for migration in pending:
        declared = migration.header.get("Locks")
        if declared is None:
            continue
        strongest: dict[str, Lock] = {}
        for item in statements:
            if item.migration is migration:
                for relation, lock in item.effects.locks.items():
                    strongest[relation] = max(lock, strongest.get(relation, lock))
        modes = {" ".join(mode.upper().split()) for mode in _MODE.findall(declared)}
        missing = [
            f"{lock} on {relation}"
            for relation, lock in sorted(strongest.items())
            if lock >= Lock.SHARE and not (str(lock) in modes and _names(declared, relation))
        ]
        if missing:
            yield Finding(
                rule="locks_header_differs",
                message=f"the Locks header of {migration} leaves out {', '.join(missing)}",
                severity=Severity.WARNING,
                object=str(migration),
                location=Location(show_path(migration.path), read_header(migration.text)[1].get("Locks", 1)),
                detail=f"The header says: {declared}.",
                hint=f"Write -- Locks: {'; '.join(missing)}.",
            )


def _names(declared: str, relation: str) -> bool:
    return (
        re.search(rf"(?<![\w.])(?:{re.escape(relation)}|{re.escape(relation.partition('.')[2])})(?!\w)", declared)
        is not None
    )


def _fact_findings(statements: Sequence[Traced]) -> Iterator[Finding]:
    """Statements that locked a table otherwise than lint/locks.toml says."""
    from dbkit.parse import parse

    for item in statements:
        if not item.effects.locks:
            continue
        for parsed in parse(f"{item.text};").statements:
            for relation, expected in locks_of(parsed):
                measured = _measured(relation, item)
                if measured is not None and measured[1] is not expected:
                    yield Finding(
                        rule="lock_fact_differs",
                        message=f"{measured[0]} was locked in {measured[1]}; the linter's table says {expected}",
                        severity=Severity.NOTE,
                        object=measured[0],
                        location=item.place,
                        hint="Measure the table anew: python scripts/measure_locks.py",
                    )


def _measured(relation: dict[str, str], item: Traced) -> tuple[str, Lock] | None:
    for name, lock in item.effects.locks.items():
        if item.effects.held[name] > lock:
            continue  # what it would have asked for too, its transaction has already
        schema, _, table = name.partition(".")
        if table == relation["relname"] and relation.get("schemaname", schema) == schema:
            return name, lock
    return None
