"""Run a file that cannot be one transaction, each step recorded, so that a crash resumes where it stood.

A step is a statement, a transaction the file opens itself, or a goose statement block. Three ways to run one:

* together with its ledger row in one transaction; that is the way of all statements the server lets into one;
* a statement that refuses to run inside a transaction (CREATE INDEX CONCURRENTLY, VACUUM, a procedure that commits)
  is marked `started` before and `done` after, and judged by the catalog (`concurrent`);
* a statement that sets the session (SET, PREPARE, LOAD) is run again when a file is resumed: its effect died with the
  session.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from dbkit.errors import DbkitError
from dbkit.migrate import concurrent, ledger
from dbkit.migrate.control import Unit
from dbkit.migrate.files import Migration, Script, show_path
from dbkit.migrate.ledger import StepRow
from dbkit.migrate.session import ServerError, Session
from dbkit.migrate.watch import Watcher

__all__ = ["WANTS_NO_TRANSACTION", "StepFailed", "Stepping", "run_steps"]

# active_sql_transaction: not inside a transaction block. invalid_transaction_termination: a COMMIT in DO or CALL.
WANTS_NO_TRANSACTION = ("25001", "2D000")
_SESSION_STATEMENT = re.compile(r"(?:set|reset|load|prepare|deallocate|discard|listen|unlisten)\b", re.IGNORECASE)


class StepFailed(Exception):
    """A step failed on the server.

    Attributes:
        step: number of the step, from 1.
        error: what the server said.
        offset: character of the script's text it points at, None when only the unit is known.
    """

    def __init__(self, step: int, unit: Unit, error: ServerError, offset: int | None) -> None:
        super().__init__(str(error))
        self.step = step
        self.unit = unit
        self.error = error
        self.offset = offset


@dataclass
class Stepping:
    """One file on its way.

    Attributes:
        direction: up or down.
        role: SQL that makes the ledger's owner the current role for one transaction.
        retry: runs a function again while it fails on a lock.
        say: prints one line.
        unmarked: SQL that marks the migration as half done, until it was sent together with the first step.
    """

    session: Session
    migration: Migration
    script: Script
    direction: str
    role: str
    watcher: Watcher
    retry: Callable[[Callable[[], None]], None]
    say: Callable[[str], None]
    unmarked: str = ""

    def key(self) -> str:
        literal = self.session.literal
        return (
            f"line = {literal(self.migration.line)} and version = {literal(self.migration.version)}"
            f" and direction = {literal(self.direction)}"
        )


def run_steps(job: Stepping, units: list[Unit], *, resuming: bool) -> None:
    """Run the steps that are not done and record the whole.

    Args:
        resuming: the ledger has steps of an earlier attempt; otherwise old steps are forgotten first.

    Raises:
        StepFailed: a step failed; the ones before it are recorded.
        DbkitError: the file changed in a step that is already done, or an index is INVALID.
    """
    started = time.monotonic()
    migration, session = job.migration, job.session
    done = _recorded(job, units) if resuming else {}
    state = "partial" if job.direction == "up" else "reverting"
    if not resuming:
        # Sent with the first step that is recorded: a file whose first step fails leaves no trace.
        job.unmarked = f"{_mark_migration(job, state)}; delete from dbkit.migration_steps where {job.key()}; "
    built: list[tuple[concurrent.Effect, tuple[str, ...]]] = []
    for number, unit in enumerate(units, start=1):
        row = done.get(number)
        if row is None or row.state != "done":
            _run_step(job, number, unit, row, built)
        elif unit.opening is None and _SESSION_STATEMENT.match(unit.text):
            session.run(unit.text)
        elif "concurrently" in unit.text.lower() and concurrent.is_invalid(session, unit.text, row.indexes):
            _resume_alone(job, number, unit, row, built)
    for effect, before in built:
        concurrent.refuse_invalid(session, effect, before)
    milliseconds = round((time.monotonic() - started) * 1000)
    if job.direction == "up":
        _in_transaction(job, ledger.record(session, migration, "applied", milliseconds))
    else:
        _in_transaction(job, ledger.record_reverted(session, migration.line, migration.version))


def _run_step(
    job: Stepping, number: int, unit: Unit, row: StepRow | None, built: list[tuple[concurrent.Effect, tuple[str, ...]]]
) -> None:
    job.watcher.begin(f"{job.migration} step {number}")
    if row is not None and row.state == "started":
        _resume_alone(job, number, unit, row, built)
        return
    try:
        job.retry(lambda: _run_recorded(job, number, unit))
    except StepFailed as failure:
        if unit.opening is not None or len(unit.statements) > 1 or failure.error.sqlstate not in WANTS_NO_TRANSACTION:
            raise
        _run_alone(job, number, unit, built)


def _run_recorded(job: Stepping, number: int, unit: Unit) -> None:
    """The step and its ledger row in one transaction."""
    session = job.session
    head = (unit.opening.text if unit.opening else "begin") + ";\n"
    session.run(head)
    for statement in unit.statements:
        try:
            session.run(statement.text, job.watcher, statement.data)
        except ServerError as error:
            session.rollback()
            offset = statement.offset + error.position - 1 if error.position else None
            raise StepFailed(number, Unit((statement,), unit.opening), error, offset) from None
    try:
        if unit.undone:
            session.run("rollback")
            _in_transaction(job, job.unmarked + _mark_step(job, number, unit, "done"))
        else:
            session.run(f"{job.role}; {job.unmarked}{_mark_step(job, number, unit, 'done')}; commit")
        job.unmarked = ""
    except ServerError as error:
        session.rollback()
        raise StepFailed(number, unit, error, None) from None


def _run_alone(job: Stepping, number: int, unit: Unit, built: list[tuple[concurrent.Effect, tuple[str, ...]]]) -> None:
    """A statement that commits by itself: started, run, judged, done."""
    effect = concurrent.effect_of(unit.text)
    before = tuple(concurrent.remember(job.session, effect))
    concurrent.clear_way(job.session, effect, before, job.say)
    _in_transaction(job, job.unmarked + _mark_step(job, number, unit, "started", before))
    job.unmarked = ""
    _execute_alone(job, number, unit, effect, before, unit.text)
    _finish_alone(job, number, unit, effect, before)
    built.append((effect, before))


def _resume_alone(
    job: Stepping, number: int, unit: Unit, row: StepRow, built: list[tuple[concurrent.Effect, tuple[str, ...]]]
) -> None:
    """A statement that was started by a run that did not live to see its end."""
    effect = concurrent.effect_of(unit.text)
    if concurrent.already_done(job.session, effect, row.indexes):
        job.say(f"{job.migration} step {number} had taken effect before the interruption")
    else:
        instead = concurrent.clear_way(job.session, effect, row.indexes, job.say)
        if effect.kind == "other":
            job.say(f"{job.migration} step {number} may have run in part; it runs again")
        _execute_alone(job, number, unit, effect, row.indexes, instead or unit.text)
    _finish_alone(job, number, unit, effect, row.indexes)
    built.append((effect, row.indexes))


def _execute_alone(
    job: Stepping, number: int, unit: Unit, effect: concurrent.Effect, before: tuple[str, ...], text: str
) -> None:
    session = job.session

    def attempt() -> None:
        concurrent.clear_way(session, effect, before, job.say)
        try:
            session.run(text, job.watcher)
        except ServerError as error:
            offset = unit.first.offset + error.position - 1 if error.position and text == unit.text else None
            raise StepFailed(number, unit, error, offset) from None

    timeout = session.value("select current_setting('lock_timeout')") if effect.waits_harmlessly else None
    try:
        if timeout is not None:
            # Nobody queues behind it, and its wait for old transactions is meant to be long.
            session.run("set lock_timeout = 0")
        job.retry(attempt)
    except StepFailed:
        concurrent.tidy(session, effect, before, job.say)
        raise
    finally:
        if timeout is not None and session.alive:
            session.run(f"set lock_timeout = {session.literal(timeout)}")


def _finish_alone(job: Stepping, number: int, unit: Unit, effect: concurrent.Effect, before: tuple[str, ...]) -> None:
    concurrent.refuse_invalid(job.session, effect, before)
    _in_transaction(job, _mark_step(job, number, unit, "done", before))


def _recorded(job: Stepping, units: list[Unit]) -> dict[int, StepRow]:
    """The steps of the earlier attempt; what they ran must still stand in the file."""
    rows = ledger.read_steps(job.session, job.migration.line, job.migration.version, job.direction)
    for row in rows:
        unit = units[row.step - 1] if row.step <= len(units) else None
        if unit is not None and (_checksum(unit) == row.checksum or row.state == "started"):
            continue
        line = job.script.first_line + unit.first.line - 1 if unit else job.script.first_line
        raise DbkitError(
            f"half-done migration {job.migration} changed in a step that already ran",
            detail=f"{show_path(job.script.path)}:{line}: step {row.step} is recorded with another text.",
            hint="Restore the statements that ran; correct only those from the failed one on.",
        )
    return {row.step: row for row in rows}


def _mark_migration(job: Stepping, state: str) -> str:
    if job.direction == "up":
        return ledger.record(job.session, job.migration, state, 0)
    literal = job.session.literal
    return (
        f"update dbkit.migrations set state = {literal(state)}"
        f" where line = {literal(job.migration.line)} and version = {literal(job.migration.version)}"
    )


def _mark_step(job: Stepping, number: int, unit: Unit, state: str, before: tuple[str, ...] = ()) -> str:
    literal = job.session.literal
    finished = "clock_timestamp()" if state == "done" else "null"
    summary = " ".join(unit.text.split())[:200]
    return (
        "insert into dbkit.migration_steps (line, version, direction, step, checksum, statement, state, finished_at,"
        f" indexes) values ({literal(job.migration.line)}, {literal(job.migration.version)}, {literal(job.direction)},"
        f" {number}, {literal(_checksum(unit))}, {literal(summary)}, {literal(state)}, {finished},"
        f" '{{{','.join(before)}}}') on conflict (line, version, direction, step) do update"
        " set state = excluded.state, finished_at = excluded.finished_at, checksum = excluded.checksum,"
        " statement = excluded.statement"
    )


def _in_transaction(job: Stepping, statements: str) -> None:
    job.session.run(f"begin; {job.role}; {statements}; commit")


def _checksum(unit: Unit) -> str:
    return hashlib.sha256(unit.text.encode()).hexdigest()
