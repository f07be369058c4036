"""What is said of a run that did not get through: what failed, what of it stands, and how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbkit.errors import DbkitError
from dbkit.migrate import failure, ledger
from dbkit.migrate.files import Migration, Script
from dbkit.migrate.session import ConnectionLost, ServerError, Session, connect
from dbkit.migrate.steps import StepFailed

if TYPE_CHECKING:
    from dbkit.migrate.execute import Execution

__all__ = ["RETRIED", "failed", "interrupted", "lost", "step_failed"]

# lock_not_available and deadlock_detected: the transaction is rolled back and may well succeed a moment later.
RETRIED = ("55P03", "40P01")

_UNDEFINED = "42704"
# A table, schema, function, column, or any other object of that name exists.
_THERE_ALREADY = ("42P07", "42P06", "42723", "42701", "42710")

_FATES = {
    "applied": "was committed before the interruption and is recorded",
    "partial": "is half done; its finished steps are recorded",
    "reverting": "is half undone; its finished steps are recorded",
    "reverted": "was undone before the interruption and is recorded",
}


def failed(
    run: Execution, migration: Migration, script: Script, error: ServerError, place: failure.Place | None
) -> DbkitError:
    hint = None
    if error.sqlstate in RETRIED:
        hint = (
            f"Blocked by {run.watcher.culprits()}. Run it at a quieter time, or raise [migrations] lock_timeout"
            " or lock_retries."
        )
    elif error.sqlstate == "25001":
        hint = "Declare the section: -- migrate:up transaction:false (dbmate, dbkit); -- +goose NO TRANSACTION."
    elif error.sqlstate == "42501" and run.config.migrations.role:
        role = run.config.migrations.role
        hint = f"Migrations run as {role} ([migrations] role). Grant it what is missing, or run: dbkit bootstrap"
    elif error.sqlstate == _UNDEFINED and error.primary.startswith('role "'):
        hint = "Create the role first; on disposable databases, in the file that [migrations] platform names."
    elif error.sqlstate in _THERE_ALREADY and run.direction == "up" and not ledger.read(run.session):
        hint = "If another tool has applied these migrations to this database, record them: dbkit migrate baseline"
    elif error.sqlstate == "53100":
        hint = "Make room on the server's disk and run the command again."
    aftermath = f"The migration was rolled back. {_account(run)}".rstrip()
    return failure.describe(migration, script, error, place, aftermath=aftermath, hint=hint)


def step_failed(run: Execution, migration: Migration, script: Script, failed: StepFailed) -> DbkitError:
    offset = failed.offset
    if offset is not None:
        line, column = script.locate(offset)
        place = failure.Place(line, column, failed.unit.first.text)
    else:
        statement = failed.unit.first
        place = failure.Place(script.locate(statement.offset)[0], None, statement.text)
    hint = (
        failed.error.server_hint or "Correct that statement, or the data, and run the command again: it resumes there."
    )
    if failed.error.sqlstate in RETRIED:
        hint = f"Blocked by {run.watcher.culprits()}. Run the command again."
    aftermath = f"Step {failed.step} failed; the steps before it are done and recorded. {_account(run)}".rstrip()
    return failure.describe(migration, script, failed.error, place, aftermath=aftermath, hint=hint)


def interrupted(run: Execution, migration: Migration) -> DbkitError:
    state = _recorded_state(run.session, migration)
    fate = _FATES.get(state or "", "was rolled back") if run.direction == "up" else f"is recorded as {state}"
    return DbkitError(
        "interrupted",
        detail=f"{migration} {fate}. {_account(run)}".rstrip(),
        hint="Run the command again to go on: dbkit migrate " + run.result.action,
    )


def lost(run: Execution, migration: Migration, error: ConnectionLost) -> DbkitError:
    try:
        with connect(run.session.conninfo, run.config) as again:
            state = _recorded_state(again, migration)
        fate = f"{migration} {_FATES.get(state or '', 'was rolled back by the server')}."
    except (DbkitError, ServerError, ConnectionLost):
        fate = f"{migration} is either recorded whole or rolled back; the server cannot be asked now."
    return DbkitError(
        f"connection to the server was lost during migration {migration}",
        detail=f"{' '.join(str(error).split()).rstrip('.')}. {fate} {_account(run)}".rstrip(),
        hint="See what is recorded with dbkit migrate status, then run the command again.",
    )


def _recorded_state(session: Session, migration: Migration) -> str | None:
    row = ledger.read(session).get((migration.line, migration.version))
    return row.state if row else None


def _account(run: Execution) -> str:
    done, chosen = len(run.result.done), len(run.result.chosen)
    if chosen == 1:
        return ""
    verb = "undone" if run.result.action == "revert" else "applied"
    return f"Of {chosen} migrations {done} were {verb} before it and {max(0, chosen - done - 1)} were not run."
