"""Apply and revert migrations.

The ordinary file travels to the server in one piece: settings, BEGIN, the file, its ledger row, COMMIT. Either all of
it happened or nothing, whatever is killed in between. Files that cannot be one transaction go through `steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.migrate import ledger
from dbkit.migrate.files import Migration
from dbkit.migrate.layouts import Folder, discover
from dbkit.migrate.lock import refuse_pooler, run_lock
from dbkit.migrate.plan import Done, Plan, Result, choose_line, make_plan, to_revert, up_to
from dbkit.migrate.session import ConnectionLost, Interrupted, Session, connect, require_role

__all__ = ["Done", "Result", "apply", "baseline", "connect", "plan", "revert"]


def plan(
    conninfo: str,
    config: Config,
    *,
    module: str | None = None,
    migrations: Path | None = None,
    to: str | None = None,
    allow_late: bool = False,
) -> Plan:
    """What `apply` would run. Only reads; a database without a ledger counts as empty.

    Raises:
        DbkitError: bad input, or no server. What forbids applying is in `Plan.problems`.
    """
    folder, line = _folder(config, module, migrations)
    with connect(conninfo, config) as session:
        found = make_plan(folder, ledger.read(session), line=line, allow_late=allow_late)
    _limit(found, folder, to, line)
    return found


def apply(
    conninfo: str,
    config: Config,
    *,
    module: str | None = None,
    migrations: Path | None = None,
    to: str | None = None,
    allow_late: bool = False,
    only: Collection[tuple[str, str]] | None = None,
    dry_run: bool = False,
    say: Callable[[str], None] | None = None,
    on_done: Callable[[Done], None] | None = None,
) -> Result:
    """Run every pending migration.

    Args:
        conninfo: the database; empty takes the libpq variables.
        module: only this line, and what it needs of other lines.
        migrations: folder; None for the project's.
        to: stop after this version (of `module`, or of the only line), or at this time in all lines.
        allow_late: also run files older than the newest applied one of their line.
        only: of what is pending, run these (line, version) and no others; None for all.
        dry_run: stop before running anything; nothing is created either.
        say: gets notes (waiting for a lock, resuming, warnings of the server), one line each.
        on_done: called after each migration is committed.

    Raises:
        DbkitError: bad input, a failed migration, a lost connection, Ctrl-C. What was committed stays recorded.
    """
    folder, line = _folder(config, module, migrations)
    if dry_run:
        found = plan(conninfo, config, module=module, migrations=migrations, to=to, allow_late=allow_late)
        _refuse_problems(found)
        return Result("apply", folder, found.pending, dry_run=True)
    with _locked(conninfo, config, say) as session:
        found = make_plan(folder, ledger.read(session), line=line, allow_late=allow_late)
        _refuse_problems(found)
        _limit(found, folder, to, line)
        if only is not None:
            found.pending = [m for m in found.pending if (m.line, m.version) in only]
        result = Result("apply", folder, found.pending)
        if found.pending:
            _execute(session, config, result, found, "up", say, on_done)
    return result


def revert(
    conninfo: str,
    config: Config,
    *,
    module: str | None = None,
    migrations: Path | None = None,
    to: str | None = None,
    dry_run: bool = False,
    say: Callable[[str], None] | None = None,
    on_done: Callable[[Done], None] | None = None,
) -> Result:
    """Undo the last applied migration, or with `to` all that came after that version (`to="0"`: all).

    Raises:
        DbkitError: as `apply`; also when a migration has no way back or others depend on it.
    """
    from dbkit.migrate.execute import way_back

    folder, line = _folder(config, module, migrations)
    with _locked(conninfo, config, say) as session:
        found = make_plan(folder, ledger.read(session), line=line, allow_late=True)
        chosen = to_revert(found, line=line, to=to)
        for migration in chosen:
            way_back(migration, folder)
        result = Result("revert", folder, chosen, dry_run=dry_run)
        if chosen and not dry_run:
            _execute(session, config, result, found, "down", say, on_done)
    return result


def baseline(
    conninfo: str,
    config: Config,
    *,
    module: str | None = None,
    migrations: Path | None = None,
    to: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Result:
    """Record migrations as applied without running them: the database already has what they do.

    Args:
        to: the last version to record; None for all.

    Raises:
        DbkitError: a line already has a ledger, unless `to` is later than all that it has.
    """
    folder, line = _folder(config, module, migrations)
    with _locked(conninfo, config, say) as session:
        rows = ledger.read(session)
        reached = up_to(folder, to, line) if to else set(folder.migrations)
        chosen = [m for m in folder.migrations if m in reached and (line is None or m.line == line)]
        for name in {m.line for m in chosen}:
            _refuse_baseline(name, [m for m in chosen if m.line == name], rows, to)
        chosen = [m for m in chosen if not (row := rows.get((m.line, m.version))) or not row.applied]
        result = Result("baseline", folder, chosen)
        if chosen:
            ledger.ensure(session, config.migrations.role)
            session.run(
                "begin;"
                + ";".join(ledger.record(session, migration, "baseline", 0) for migration in chosen)
                + ";commit"
            )
            result.done = [Done(migration, 0) for migration in chosen]
    return result


def _execute(
    session: Session,
    config: Config,
    result: Result,
    found: Plan,
    direction: str,
    say: Callable[[str], None] | None,
    on_done: Callable[[Done], None] | None,
) -> None:
    # A run with nothing to do must not pay for what takes files apart.
    from dbkit.migrate.execute import Execution

    refuse_pooler(session)
    ledger.ensure(session, config.migrations.role)
    Execution(session, config, result, found, say, on_done).run(direction)


@contextmanager
def _locked(conninfo: str, config: Config, say: Callable[[str], None] | None) -> Iterator[Session]:
    """A session that holds the run lock, on a server that can be written to and has the role that migrates."""
    with connect(conninfo, config) as session:
        if session.value("select pg_is_in_recovery()") == "t":
            raise DbkitError(
                "the server is a read-only standby", hint="Give --database the connection string of the primary."
            )
        require_role(session, config.migrations.role)
        try:
            with run_lock(session, config.migrations.wait, say):
                yield session
        except (ConnectionLost, Interrupted) as error:
            raise DbkitError(
                "interrupted" if isinstance(error, Interrupted) else "connection to the server was lost",
                detail=f"{error}." if str(error) else "No migration was running.",
                hint="Run the command again.",
            ) from None


def _folder(config: Config, module: str | None, migrations: Path | None) -> tuple[Folder, str | None]:
    """The migrations, and the line to keep to. Over a folder of one line the module's name names that line."""
    folder = discover(config, folder=migrations, line=module)
    return folder, choose_line(folder, module)


def _refuse_problems(found: Plan) -> None:
    if found.problems:
        error = found.problems[0].as_error()
        if len(found.problems) > 1:
            error.detail = f"{error.detail} {len(found.problems) - 1} more; dbkit migrate verify lists them all."
        raise error


def _limit(found: Plan, folder: Folder, to: str | None, line: str | None) -> None:
    if to is not None:
        reached = up_to(folder, to, line)
        found.pending = [migration for migration in found.pending if migration in reached]


def _refuse_baseline(
    line: str, chosen: list[Migration], rows: dict[tuple[str, str], ledger.Row], to: str | None
) -> None:
    recorded = [row for row in rows.values() if row.line == line and row.state != "reverted"]
    if not recorded:
        return
    new = [m for m in chosen if (line, m.version) not in rows]
    last = chosen[-1] if chosen else None
    if to is not None and last is not None and new and new[-1] is last:
        return
    raise DbkitError(
        f"line {line} already has a ledger",
        detail=f"{len(recorded)} migrations are recorded; the last is {recorded[-1].version}.",
        hint="Run dbkit migrate apply, or continue the baseline with --to and a later version.",
    )
