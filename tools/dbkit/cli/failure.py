"""The last stop of everything that goes wrong: error, detail and hint on stderr, the same as JSON where asked for.

Known failures arrive as `DbkitError`. Whatever else arrives is named too, without a traceback and with exit code 2: a
crash must never be taken for exit code 1, "findings".
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Sequence
from itertools import zip_longest

import click

from dbkit.errors import DbkitError

__all__ = ["as_error", "show"]


def as_error(problem: BaseException) -> DbkitError:
    """What a person is told of an exception that ends a command."""
    if isinstance(problem, DbkitError):
        return problem
    if isinstance(problem, click.UsageError):
        return _usage(problem)
    if isinstance(problem, click.ClickException):
        return DbkitError(problem.format_message())
    if _is_interrupt(problem):
        return DbkitError(
            "interrupted",
            detail="What was committed before stays; servers that this run started are stopped.",
            hint="Run the command again.",
        )
    if isinstance(problem, OSError):
        return _from_system(problem)
    psycopg = sys.modules.get("psycopg")
    if psycopg is not None and isinstance(problem, psycopg.Error):
        return _from_server(problem)
    if isinstance(problem, _of_a_session("ConnectionLost")):
        return _lost(str(problem))
    if isinstance(problem, _of_a_session("ServerError")):
        return _from_server(problem)
    place = traceback.extract_tb(problem.__traceback__)[-1]
    return DbkitError(
        f"internal error: {type(problem).__name__}: {problem}",
        detail=f"In {place.name}, {place.filename}:{place.lineno}. This is a defect of dbkit, not of your input.",
        hint="Set DBKIT_DEBUG=1 to see the traceback, and report it.",
    )


def _is_interrupt(problem: BaseException) -> bool:
    """Ctrl-C, or a connection that was lost while the command unwound after it."""
    interrupts: tuple[type[BaseException], ...] = (
        KeyboardInterrupt,
        click.Abort,
        *_of_a_session("Interrupted"),
    )
    lost: tuple[type[BaseException], ...] = _of_a_session("ConnectionLost")
    if psycopg := sys.modules.get("psycopg"):
        lost = (*lost, psycopg.OperationalError)
    cause: BaseException | None = problem
    while isinstance(cause, lost):
        cause = cause.__context__
    return isinstance(cause, interrupts)


def show(error: DbkitError, arguments: Sequence[str]) -> None:
    """Print an error: text on stderr, and with `--format json` the one document of the run on stdout."""
    from dbkit.conninfo import masked

    error = DbkitError(
        masked(error.message),
        detail=masked(error.detail) if error.detail else None,
        hint=masked(error.hint) if error.hint else None,
        facts=error.facts,
    )
    if _wants_json(arguments):
        from dbkit.report import emit_json

        with contextlib.suppress(OSError):  # it is stdout that cannot be written to, or nobody reads it: stderr tells
            emit_json({**error.facts, **error.as_dict()})
            sys.stdout.flush()
    with contextlib.suppress(OSError):  # the exit code is left to tell of it
        click.echo(str(error), err=True)


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether the arguments ask for JSON; read from them as they are, since they may be what is wrong."""
    chosen = None
    for word, following in zip_longest(arguments, arguments[1:]):
        if word == "--":
            break
        if word == "--format":
            chosen = following
        elif word.startswith("--format="):
            chosen = word.partition("=")[2]
    return chosen == "json"


def _usage(problem: click.UsageError) -> DbkitError:
    command = problem.ctx.command_path if problem.ctx else "dbkit"
    message = problem.format_message()
    message = message[:1].lower() + message[1:].rstrip(".")
    detail = None
    if message == "missing command" and problem.ctx and isinstance(problem.ctx.command, click.Group):
        detail = f"The commands are {', '.join(problem.ctx.command.list_commands(problem.ctx))}."
    return DbkitError(message, detail=detail, hint=f"Run: {command} --help")


def _from_system(problem: OSError) -> DbkitError:
    subject = f": {os.fsdecode(problem.filename)}" if isinstance(problem.filename, (str, bytes, os.PathLike)) else ""
    full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
    return DbkitError(
        "no space left" + subject if full else "cannot read or write" + subject,
        detail=f"{problem.strerror or problem}.",
        hint="Free some space, or set DBKIT_RUN_DIR and DBKIT_CACHE_DIR to folders on a larger disk."
        if full
        else "Check that path and its permissions.",
    )


def _of_a_session(name: str) -> tuple[type[BaseException], ...]:
    """An exception of `dbkit.migrate.session` by its name; none where that was never imported, and so not raised."""
    module = sys.modules.get("dbkit.migrate.session")
    return (getattr(module, name),) if module is not None else ()


def _lost(reason: str) -> DbkitError:
    return DbkitError(
        "connection to the server was lost",
        detail=f"{' '.join(reason.split()).rstrip('.')}.",
        hint="Check that the server runs, and run the command again.",
    )


def _from_server(problem: BaseException) -> DbkitError:
    sqlstate = getattr(problem, "sqlstate", None)
    text = " ".join(str(problem).split())
    if sqlstate is None:
        return _lost(text)
    hint = "Make room on the server's disk and run the command again." if sqlstate == "53100" else None
    return DbkitError(
        f"the server refused a statement ({sqlstate})",
        detail=f"{text.rstrip('.')}.",
        hint=hint or "Check that the login may do this. Set DBKIT_DEBUG=1 to see where it happened.",
    )
