"""The command line: a group that imports a command's module only when that command runs.

Starting up must not import a driver or a parser (`dbkit --help` is what a shell prompt or a pre-commit hook pays),
so the table below carries each command's one-line help; a test keeps it equal to the command's docstring.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from types import FrameType
from typing import Any, NoReturn

import click

from dbkit import __version__
from dbkit.errors import EXIT_CLEAN, EXIT_ERROR, DbkitError
from dbkit.report import silence_closed_pipes

__all__ = ["COMMANDS", "cli", "main"]

# name -> (module of dbkit.cli and its command, one-line help)
COMMANDS: dict[str, tuple[str, str]] = {
    "migrate": ("migrate", "Plan, apply, revert and check migrations."),
    "drift": ("drift", "Prove that declared SQL, migrations and a live database agree."),
    "lint": ("lint", "Find defects in SQL files or in a live database."),
    "test": ("test", "Run pgTAP files, each worker on a database of its own."),
    "leak": ("leak", "Prove that no tenant reaches another."),
    "bootstrap": ("bootstrap", "Create the roles that migrations assume."),
    "seed": ("seed", "Load the seed files of one environment."),
    "import": ("import_csv", "Import a CSV file through an SQL function, row by row."),
    "cron": ("cron", "Run scheduled jobs, by pg_cron or without it."),
    "health": ("health", "Ask whether database, queue, cache, schedule and migrations are well."),
    "top": ("top", "Watch a database: queue, locks, slow queries, alerts."),
    "worker": ("worker", "Run the jobs of a queue."),
    "jobs": ("jobs", "Look at the jobs of a queue, retry and cancel them."),
    "backup": ("backup", "Save a database with pg_dump, and beside it what the dump must contain."),
    "restore-verify": ("restore_verify", "Restore a dump on a disposable server and compare it with what was saved."),
    "deploy-check": ("deploy_check", "Check a database before and after a deployment."),
    "readiness": ("readiness", "Measure the success criteria of a platform on a disposable server."),
    "doctor": ("doctor", "Show what this machine offers dbkit and how to mend what is missing."),
    "init": ("init", "Start a project with a module of its own beside core."),
    "docs": ("docs", "Write the SQL reference of a project from its comments."),
    "demo": ("demo", "Show the whole flow on a disposable server."),
}


@contextlib.contextmanager
def _not_a_finding() -> Iterator[None]:
    """A reader that has seen enough (`| head`): click would make that exit code 1, which means findings."""
    try:
        yield
    except BrokenPipeError:
        sys.exit(EXIT_ERROR)


class _LazyGroup(click.Group):
    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _not_a_finding():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _not_a_finding():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = COMMANDS[cmd_name][0]
        command: click.Command = getattr(importlib.import_module(f"dbkit.cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            raise DbkitError(
                f"unknown command: {args[0]}",
                detail=f"The commands are {', '.join(COMMANDS)}.",
                hint=f"Did you mean dbkit {near[0]}? All there is: dbkit --help" if near else "Run: dbkit --help",
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dbkit")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Apply, lint, test SQL and prove tenant isolation on PostgreSQL.

    Exit code 0: clean. 1: findings. 2: could not run (bad input, no server, or a proof that proved nothing).
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False  # of every command: click asks the context


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and turn every failure into error/detail/hint and exit code 2.

    Args:
        argv: None for the arguments of this process, which then ends at once, without taking apart what it read.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console that knows only ASCII is no reason to fail
    if argv is None:
        _run(sys.argv[1:], _end)
    _run(argv, sys.exit)


def _run(arguments: list[str], leave: Callable[[int], NoReturn]) -> NoReturn:
    """Run one command, print what ended it, and leave with its exit code."""
    try:
        code = _interruptible(arguments)
    except SystemExit as leaving:
        # From in here: what the command still holds is not freed piece by piece before the process ends.
        leave(leaving.code if isinstance(leaving.code, int) else EXIT_CLEAN)
    except BaseException as problem:
        if _is_debugged(problem):
            raise
        from dbkit.cli.failure import as_error, show

        with contextlib.suppress(BrokenPipeError):
            show(as_error(problem), arguments)
        code = EXIT_ERROR
    leave(code)


def _interruptible(arguments: list[str]) -> int:
    """Run one command and give its exit code; signals interrupt what runs in here, and nothing after it."""
    # SIGTERM unwinds like Ctrl-C, so that `with` blocks stop servers and roll back.
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else a shell told us to ignore it
        signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = _unraisable
    return cli.main(args=arguments, prog_name="dbkit", standalone_mode=False) or EXIT_CLEAN


def _end(code: int) -> NoReturn:
    """End the process at once: nothing of ours waits for the interpreter to take itself apart."""
    # Python would flush on its way out, and complain of a reader that has gone.
    silence_closed_pipes()
    os._exit(code)


def _is_debugged(problem: BaseException) -> bool:
    """Whether a defect is to be shown as Python shows it."""
    expected = (DbkitError, click.ClickException, click.Abort, KeyboardInterrupt)
    return bool(os.environ.get("DBKIT_DEBUG")) and not isinstance(problem, expected)


def _interrupt(_signal: int, frame: FrameType | None) -> None:
    import logging

    while frame and frame.f_code is not _interruptible.__code__:
        frame = frame.f_back
    if not frame:
        return  # one more Ctrl-C while we say how the command ended; a flag could be set an instant too late
    # Drivers complain of the connections that unwind now; what happened is ours to say.
    logging.getLogger().addHandler(logging.NullHandler())
    raise KeyboardInterrupt


def _unraisable(dropped: sys.UnraisableHookArgs) -> None:
    """An interrupt that fell into a finalizer, where nothing can be raised, comes again a moment later."""
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
        return
    import threading

    # A real signal to the main thread also ends a wait. SIGTERM, since a shell may have told us to ignore the other.
    again = threading.Timer(0.01, signal.pthread_kill, (threading.main_thread().ident, signal.SIGTERM))
    again.daemon = True
    again.start()
