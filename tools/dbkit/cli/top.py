"""`dbkit top`: what a database is busy with, live."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dbkit.cli.options import config_option, database_option, format_option
from dbkit.config import load_config, required_database_url

if TYPE_CHECKING:
    from dbkit.ops.top import Frame

__all__ = ["top"]

_NEEDS = "core.alert_status"


@click.command()
@database_option("Database to watch; a login in app_monitor sees most.")
@click.option("--once", is_flag=True, help="Print one frame and leave; so does an output that is no terminal.")
@click.option(
    "--interval", type=click.FloatRange(0.2, 3600), default=2.0, show_default=True, metavar="SECONDS",
    help="Time between two looks.",
)  # fmt: skip
@format_option()
@config_option
def top(database: str | None, once: bool, interval: float, output_format: str, config_file: Path | None) -> None:
    """Watch a database: queue, locks, slow queries, alerts.

    Press q to leave. What the login may not see, or what is not installed, is said in its place.

    \b
    Example:
        dbkit top --database postgresql://monitor@db.example.com/app
        dbkit top --once
        dbkit top --once --format json
    """
    from dbkit.ops.session import connect
    from dbkit.ops.top import look

    url = required_database_url(load_config(config_file), database)
    if output_format == "text" and not once and sys.stdin.isatty() and sys.stdout.isatty():
        from dbkit.ops.screen import watch

        with ExitStack() as stack, suppress(KeyboardInterrupt):
            watch(_looking(url, stack), interval)
        return
    with connect(url, needs=_NEEDS) as connection:
        frame = look(connection)
    if output_format == "json":
        from dbkit.report import emit_json

        emit_json({"command": "top", **frame.as_dict()})
        return
    from dbkit.ops.screen import render_text

    click.echo(render_text(frame))


def _looking(url: str, stack: ExitStack) -> Callable[[], tuple[Frame, str]]:
    """A function that reads the next frame; while the server is away it gives the last one and says so."""
    import psycopg

    from dbkit.errors import DbkitError
    from dbkit.ops.session import connect
    from dbkit.ops.top import look

    def opened() -> psycopg.Connection[tuple[object, ...]]:
        return stack.enter_context(connect(url, needs=_NEEDS))

    connection = opened()  # what is wrong from the start ends the command
    seen: Frame | None = None

    def next_frame() -> tuple[Frame, str]:
        nonlocal connection, seen
        try:
            if connection.broken:
                connection = opened()
            seen = look(connection, seen)
        except (psycopg.OperationalError, DbkitError) as problem:
            if seen is None:
                raise
            return seen, f"no answer since {seen.at:%H:%M:%S}: {_in_short(problem)}"
        return seen, ""

    return next_frame


def _in_short(problem: Exception) -> str:
    """One line: of an error of ours its message, whose detail and hint a screen has no room for."""
    return " ".join(getattr(problem, "message", str(problem)).split())
