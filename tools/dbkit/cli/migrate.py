"""`dbkit migrate`: options in, library calls, tables or JSON out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dbkit.cli.options import command_group, config_option, database_option, format_option
from dbkit.config import database_url, load_config
from dbkit.config import required_database_url as url_of

__all__ = ["migrate"]


@command_group
def migrate() -> None:
    """Plan, apply, revert and check migrations.

    MODULE keeps to one line and what it needs. A folder that is not divided into modules is one line named "main";
    there MODULE gives it another name. Layouts of other runners are recognised and run as they are.
    """


def _common(function: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (
        config_option,
        format_option(),
        click.option(
            "--migrations", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
            help="Folder of migrations. Default: [migrations] dir of the project.",
        ),
        database_option("Database to migrate."),
        click.argument("module", required=False),
    ):  # fmt: skip
        function = decorate(function)
    return function


_to = click.option("--to", metavar="V", help="Last version; without MODULE a time (YYYYMMDDHHMMSS) for all lines.")
_late = click.option("--allow-late", is_flag=True, help="Also run files older than the newest applied one.")
_dry = click.option("--dry-run", is_flag=True, help="Show what would run and change nothing.")


@migrate.command()
@click.argument("module")
@click.argument("title")
@click.option("--author", metavar="NAME", help="Default: git's user.name.")
@config_option
def new(module: str, title: str, author: str | None, config_file: Path | None) -> None:
    """Draft a migration from the difference between the declared tree and the migrations.

    \b
    Example:
        dbkit migrate new rental "add late fees"
    """
    from dbkit.migrate.draft import is_empty, new_migrations

    config = load_config(config_file)
    paths = new_migrations(config, module, title, author)
    for path in paths:
        click.echo(config.display(path))
    if is_empty(paths[0]):
        click.echo("note: declared SQL and migrations agree; the file is a frame for changes of data", err=True)


@migrate.command()
@_common
@_to
@_late
@click.option(
    "--trace",
    is_flag=True,
    help="Run them on a disposable database with rows in it and show locks, rewrites, scans and times.",
)
@click.option(
    "--rows",
    metavar="N|TABLE=N|FILE",
    multiple=True,
    help="With --trace: rows of every table, of one, or as a JSON file says. Default: those of --database.",
)
def plan(
    module: str | None, database: str | None, migrations: Path | None, output_format: str, config_file: Path | None,
    to: str | None, allow_late: bool, trace: bool, rows: tuple[str, ...],
) -> None:  # fmt: skip
    """Show what would run, in order.

    With --trace the database is only read; without one every migration counts as pending.

    \b
    Example:
        dbkit migrate plan --database postgresql://localhost/app
        dbkit migrate plan --trace --rows rental.tickets=50000
    """
    from dbkit.migrate import render, runner

    config = load_config(config_file)
    if trace:
        from dbkit.lint.sizes import live_sizes, parse_rows
        from dbkit.migrate.trace import trace as run_trace
        from dbkit.migrate.trace_report import render as render_trace
        from dbkit.migrate.trace_report import report_of
        from dbkit.report import finish

        url = database_url(config, database)
        live = live_sizes(url) if url is not None else None
        wanted = parse_rows(rows, live)
        seen = run_trace(
            config, database=url, module=module, migrations=migrations, to=to, allow_late=allow_late, wanted=wanted
        )
        known = live or (wanted if rows else None)
        report = report_of(config, seen, live=known)
        finish(report, output_format, renderers=[("text", lambda found: render_trace(found, seen, live=known))])
    if rows:
        raise click.UsageError("--rows needs --trace")
    found = runner.plan(
        url_of(config, database), config, module=module, migrations=migrations, to=to, allow_late=allow_late
    )
    render.show_plan(found, output_format)


@migrate.command()
@_common
@_to
@_late
@_dry
def apply(
    module: str | None, database: str | None, migrations: Path | None, output_format: str, config_file: Path | None,
    to: str | None, allow_late: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Run every pending migration.

    \b
    Example:
        dbkit migrate apply --database postgresql://localhost/app
        dbkit migrate apply --migrations db/migrations --database postgresql://localhost/app
    """
    from dbkit.migrate import render, runner

    config = load_config(config_file)
    with render.Progress("apply", output_format) as progress:
        progress.result = runner.apply(
            url_of(config, database), config, module=module, migrations=migrations, to=to, allow_late=allow_late,
            dry_run=dry_run, say=progress.say, on_done=progress.done,
        )  # fmt: skip


@migrate.command()
@_common
@_to
@_dry
def revert(
    module: str | None, database: str | None, migrations: Path | None, output_format: str, config_file: Path | None,
    to: str | None, dry_run: bool,
) -> None:  # fmt: skip
    """Undo the last applied migration, or all after --to (0: all).

    \b
    Example:
        dbkit migrate revert rental --to 20260101000000
    """
    from dbkit.migrate import render, runner

    config = load_config(config_file)
    with render.Progress("revert", output_format) as progress:
        progress.result = runner.revert(
            url_of(config, database), config, module=module, migrations=migrations, to=to, dry_run=dry_run,
            say=progress.say, on_done=progress.done,
        )  # fmt: skip


@migrate.command()
@_common
def status(
    module: str | None, database: str | None, migrations: Path | None, output_format: str, config_file: Path | None
) -> None:
    """Show each migration and whether it is applied.

    Exit code 0 also when migrations are pending; 1 when ledger and files disagree or a file is half done.

    \b
    Example:
        dbkit migrate status --format json
    """
    from dbkit.migrate import verify as checks

    config = load_config(config_file)
    checks.status(url_of(config, database), config, module=module, migrations=migrations, output_format=output_format)


@migrate.command()
@_common
def verify(
    module: str | None, database: str | None, migrations: Path | None, output_format: str, config_file: Path | None
) -> None:
    """Check the ledger against the files and the database.

    Finds edited and missing files, gaps, half-done files and INVALID indexes.

    \b
    Example:
        dbkit migrate verify --database postgresql://localhost/app
    """
    from dbkit.migrate import verify as checks

    config = load_config(config_file)
    checks.verify(url_of(config, database), config, module=module, migrations=migrations, output_format=output_format)


@migrate.command()
@_common
@_to
def baseline(
    module: str | None, database: str | None, migrations: Path | None, output_format: str, config_file: Path | None,
    to: str | None,
) -> None:  # fmt: skip
    """Record migrations as applied without running them.

    \b
    Example:
        dbkit migrate baseline core --to 20260101000000
    """
    from dbkit.migrate import render, runner

    config = load_config(config_file)
    with render.Progress("baseline", output_format) as progress:
        progress.result = runner.baseline(
            url_of(config, database), config, module=module, migrations=migrations, to=to, say=progress.say
        )
