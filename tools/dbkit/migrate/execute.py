"""Send migrations to the server, one after the other: transactions, retries, and what is said when one fails.

The ordinary file travels in one piece: settings, BEGIN, the file, its ledger row, COMMIT. Either all of it happened or
nothing, whatever is killed in between. Files that cannot be one transaction go through `steps`.
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.migrate import aftermath, control, failure, ledger
from dbkit.migrate.files import Migration, Script, show_path
from dbkit.migrate.layouts import Folder
from dbkit.migrate.plan import Done, Plan, Result
from dbkit.migrate.session import (
    APPLICATION_NAME,
    ConnectionLost,
    Interrupted,
    ServerError,
    Session,
    connect,
    usable_role,
)
from dbkit.migrate.steps import WANTS_NO_TRANSACTION, StepFailed, Stepping, run_steps
from dbkit.migrate.watch import Watcher
from dbkit.sqltext import Statement

__all__ = ["Execution", "way_back"]

# Files sent together while at least _GROUP_FROM are left, if each has no more characters than _SMALL.
_GROUP = 16
_GROUP_FROM = 64
_SMALL = 16_384
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 15.0


@dataclass(frozen=True)
class _Ready:
    """A file that was read: one query string, or the units to send one after the other, or why it cannot run."""

    migration: Migration
    script: Script
    query: str | None = None
    units: list[control.Unit] = field(default_factory=list)
    resuming: bool = False
    refusal: DbkitError | None = None

    @property
    def is_small(self) -> bool:
        return self.query is not None and len(self.query) <= _SMALL and not self.migration.repeatable


class Execution:
    """One run over chosen migrations: owns the session's settings, retries and what is said on failure."""

    def __init__(
        self,
        session: Session,
        config: Config,
        result: Result,
        found: Plan,
        say: Callable[[str], None] | None,
        on_done: Callable[[Done], None] | None,
    ) -> None:
        self.session = session
        self.config = config
        self.result = result
        self.found = found
        self.say = say or (lambda line: None)
        self.on_done = on_done or (lambda done: None)
        self.watcher = Watcher(session, self.say)
        role = usable_role(session, config.migrations.role)
        self.role = f"set local role {session.identifier(role)}" if role else "set local role none"
        # Every file begins with the same session, whatever the one before it set.
        self.settings = (
            "reset session authorization; reset all;"
            + (f"set role {session.identifier(role)};" if role else "reset role;")
            + f"set lock_timeout = {session.literal(config.migrations.lock_timeout)};"
            "set statement_timeout = 0; set idle_in_transaction_session_timeout = 0;"
            + _connection_check(session)
            + f"set application_name = '{APPLICATION_NAME}'; set client_min_messages = warning;"
        )
        self.prefix = f"{self.settings}begin;{ledger.START_CLOCK}\n"
        self.statements_before = self.prefix.count(";")
        self.direction = "up"
        self._groups: Iterator[list[_Ready]] = iter(())
        self._next: list[_Ready] = []

    def run(self, direction: str) -> None:
        """Run everything in order; stop at the first failure."""
        _checked_settings(self.session, self.settings, self.config)
        self.direction = direction
        self._groups = self._grouped()
        try:
            self._look_ahead()
            while self._next:
                group, self._next = self._next, []
                if len(group) == 1:
                    self._one(group[0])
                else:
                    self._many(group)
                self._look_ahead()
        finally:
            self.watcher.close()

    def _grouped(self) -> Iterator[list[_Ready]]:
        """What to send next: one file, or several small ones while very many are left.

        Each file stays a transaction of its own; sent together they save the client's turn in between, which is most
        of what a thousand small files cost. A run of ordinary length sends one after the other, so that the file
        that runs is the one shown.
        """
        group: list[_Ready] = []
        chosen = self.result.chosen
        for number, migration in enumerate(chosen):
            ready = self._prepare(migration)
            many_left = len(chosen) - number + len(group) >= _GROUP_FROM
            if not (many_left and self.direction == "up" and ready.is_small):
                if group:
                    yield group
                yield [ready]
                group = []
                continue
            group.append(ready)
            if len(group) == _GROUP:
                yield group
                group = []
        if group:
            yield group

    def _look_ahead(self) -> None:
        """Prepare what comes next, as a rule while the server works."""
        if not self._next:
            self._next = next(self._groups, [])

    def _many(self, group: list[_Ready]) -> None:
        """Send several files as one string. The ledger says which of them were committed if it fails."""
        first, last = group[0].migration, group[-1].migration
        self.watcher.begin(f"{first} … {last}")
        error: ServerError | None = None
        durations: tuple[str, ...] = ()
        query = "\n;".join(ready.query or "" for ready in group)
        tag = ledger.DURATION.encode()
        try:
            durations = self.session.run(query, self.watcher, meanwhile=self._look_ahead, tag=tag).tagged
        except ServerError as caught:
            error = caught
            self.session.rollback()
        except (Interrupted, KeyboardInterrupt):
            self._roll_back()
            left = self._settle(self.session, group)
            raise aftermath.interrupted(self, left[0].migration if left else last) from None
        except ConnectionLost as caught:
            raise self._lost_group(group, caught) from None
        self._show_notices(f"{first} … {last}")
        if len(durations) == len(group):
            for ready, milliseconds in zip(group, durations, strict=True):
                self._finished(ready.migration, int(milliseconds))
            return
        left = self._settle(self.session, group)
        if error is not None and error.completed and left:
            before = [ready.query or "" for ready in group[: len(group) - len(left)]]
            self._one(left.pop(0), error.behind("".join(f"{query}\n;" for query in before)))
        # Without a completed statement the server refused the whole string: a syntax error in one of the files.
        for ready in left:
            self._one(ready)

    def _settle(self, session: Session, group: list[_Ready]) -> list[_Ready]:
        """Count the files of a group that are recorded as done; return the others."""
        keys = ", ".join(
            f"({session.literal(ready.migration.line)}, {session.literal(ready.migration.version)})" for ready in group
        )
        recorded = {
            (line, version): int(milliseconds or 0)
            for line, version, milliseconds in session.rows(
                "select line, version, execution_ms from dbkit.migrations"
                f" where state = 'applied' and (line, version) in ({keys})"
            )
        }
        left = []
        for ready in group:
            milliseconds = recorded.get((ready.migration.line, ready.migration.version))
            if milliseconds is None:
                left.append(ready)
            else:
                self._finished(ready.migration, milliseconds)
        return left

    def _lost_group(self, group: list[_Ready], error: ConnectionLost) -> DbkitError:
        left = group
        with (
            contextlib.suppress(DbkitError, ServerError, ConnectionLost),
            connect(self.session.conninfo, self.config) as again,
        ):
            left = self._settle(again, group)
        return aftermath.lost(self, left[0].migration if left else group[-1].migration, error)

    def _finished(self, migration: Migration, milliseconds: int) -> None:
        done = Done(migration, milliseconds)
        self.result.done.append(done)
        self.on_done(done)

    def _show_notices(self, subject: str) -> None:
        for notice in self.session.notices:
            self.say(f"{subject}: {notice}")
        self.session.notices.clear()

    def _one(self, ready: _Ready, error: ServerError | None = None) -> None:
        """Run one file; `error` is what its first attempt failed with inside a group."""
        if ready.refusal is not None:
            raise ready.refusal
        started = time.monotonic()
        migration, script = ready.migration, ready.script
        self.watcher.begin(str(migration))
        try:
            self._send(ready, error)
        except ServerError as caught:
            place = failure.failed_statement(
                script, caught, prefix=self.prefix, statements_before=self.statements_before
            )
            raise aftermath.failed(self, migration, script, caught, place) from None
        except StepFailed as caught:
            self._roll_back()
            raise aftermath.step_failed(self, migration, script, caught) from None
        except (Interrupted, KeyboardInterrupt):
            self._roll_back()
            raise aftermath.interrupted(self, migration) from None
        except ConnectionLost as caught:
            raise aftermath.lost(self, migration, caught) from None
        except DbkitError:
            self._roll_back()
            raise
        finally:
            self._show_notices(str(migration))
        self._finished(migration, round((time.monotonic() - started) * 1000))

    def _prepare(self, migration: Migration) -> _Ready:
        """Read a file and decide how to send it; what is wrong with it is kept until its turn comes."""
        try:
            return self._read(migration, self.direction)
        except DbkitError as error:
            return _Ready(migration, Script("", migration.path), refusal=error)

    def _read(self, migration: Migration, direction: str) -> _Ready:
        script = migration.up if direction == "up" else way_back(migration, self.found.folder)
        row = self.found.rows.get((migration.line, migration.version))
        resuming = row is not None and row.state == ("partial" if direction == "up" else "reverting")
        by_steps = resuming or script.transaction is False
        if not by_steps and not control.needs_splitting(script):
            return _Ready(migration, script, query=self._query(migration, script.text, direction))
        statements = control.statements_of(script)
        if not script.may_control_transaction:
            control.refuse_control(script, statements)
        units = control.units_of(script, statements)
        if not by_steps:
            if len(units) == 1 and units[0].opening is not None and not units[0].undone:
                # The file wraps itself: its transaction becomes the runner's.
                text = _without_commit(script, statements)
                return _Ready(migration, script, query=self._query(migration, text, direction))
            if all(unit.opening is None for unit in units):
                if control.one_string(script, statements):
                    return _Ready(migration, script, query=self._query(migration, script.text, direction))
                # COPY rows or psql's own lines: one transaction, sent statement by statement.
                units = [control.Unit(tuple(statements))]
        return _Ready(migration, script, units=units, resuming=resuming)

    def _query(self, migration: Migration, text: str, direction: str) -> str:
        if direction == "up":
            is_new = (migration.line, migration.version) not in self.found.rows
            finish = ledger.record(self.session, migration, "applied", is_new=is_new)
        else:
            finish = ledger.record_reverted(self.session, migration.line, migration.version)
        return f"{self.prefix}{text}\n;{self.role};{finish};commit"

    def _send(self, ready: _Ready, error: ServerError | None) -> None:
        if ready.query is None:
            self._by_steps(ready)
            return
        session, query = self.session, ready.query
        failed_already = [error] if error is not None else []

        def attempt() -> None:
            if failed_already:
                raise failed_already.pop()
            try:
                session.run(query, self.watcher, meanwhile=self._look_ahead)
            except ServerError:
                session.rollback()
                raise

        try:
            self._retry(ready.migration, attempt)
        except ServerError as caught:
            if caught.sqlstate not in WANTS_NO_TRANSACTION or ready.script.transaction is not None:
                raise
            # The layout does not say whether the file is one transaction, and the server says that it cannot be.
            units = control.units_of(ready.script, control.statements_of(ready.script))
            self._by_steps(replace(ready, units=units))

    def _by_steps(self, ready: _Ready) -> None:
        self.session.run(self.settings)
        job = Stepping(
            session=self.session,
            migration=ready.migration,
            script=ready.script,
            direction=self.direction,
            role=self.role,
            watcher=self.watcher,
            retry=lambda attempt: self._retry(ready.migration, attempt),
            say=self.say,
        )
        if ready.resuming:
            self.say(f"{ready.migration} resumes where it stopped")
        run_steps(job, ready.units, resuming=ready.resuming)

    def _retry(self, migration: Migration, attempt: Callable[[], None]) -> None:
        """Run something again while it fails on a lock, with growing pauses."""
        pause = _FIRST_PAUSE
        for left in range(self.config.migrations.lock_retries, -1, -1):
            try:
                attempt()
                return
            except (ServerError, StepFailed) as caught:
                error = caught.error if isinstance(caught, StepFailed) else caught
                if error.sqlstate not in aftermath.RETRIED or not left:
                    raise
                self.say(
                    f"{migration}: {error.primary} ({error.sqlstate}), blocked by {self.watcher.culprits()};"
                    f" rolled back, tries again ({left} left)"
                )
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, _LONGEST_PAUSE)
            self.watcher.begin(str(migration))

    def _roll_back(self) -> None:
        try:
            self.session.rollback()
        except (ServerError, ConnectionLost, Interrupted):
            self.session.close()


def way_back(migration: Migration, folder: Folder) -> Script:
    """The script that undoes a migration.

    Raises:
        DbkitError: it has none.
    """
    if migration.down is not None:
        return migration.down
    reason = migration.parsed.irreversible
    raise DbkitError(
        f"migration {migration} cannot be reverted",
        detail=f"{show_path(migration.path)} "
        + (
            f"declares itself irreversible: {reason.rstrip('.')}."
            if reason
            else f"has no way back in layout {folder.layout}."
        ),
        hint="Write a new migration that undoes it.",
    )


def _without_commit(script: Script, statements: list[Statement]) -> str:
    """The script's text with its closing COMMIT blanked out; its BEGIN does no harm inside the runner's."""
    text = script.text
    for statement in statements:
        if control.transaction_word(statement) is control.Control.CLOSE:
            text = text[: statement.offset] + re.sub(r"\S", " ", statement.text) + text[statement.end :]
    return text


def _connection_check(session: Session) -> str:
    """Let the server notice within seconds that the client is gone; not every server can."""
    setting = "set client_connection_check_interval = '5s';"
    try:
        session.run(setting)
    except ServerError:
        return ""
    return setting


def _checked_settings(session: Session, settings: str, config: Config) -> None:
    try:
        session.run(settings)
    except ServerError as error:
        raise DbkitError(
            "cannot prepare the session",
            detail=f"{error}; [migrations] lock_timeout is {config.migrations.lock_timeout!r}.",
            hint="Write an interval such as 2s or 500ms.",
        ) from None
