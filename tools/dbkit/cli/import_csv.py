"""`dbkit import`: the rows of a CSV file through an SQL function."""

from __future__ import annotations

import json
import textwrap
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from dbkit.cli.options import Writable, config_option, database_option, format_option
from dbkit.config import load_config, required_database_url
from dbkit.errors import EXIT_CLEAN, EXIT_FINDINGS, DbkitError
from dbkit.terminal import status_line

if TYPE_CHECKING:
    from dbkit.csv_import import ImportResult

__all__ = ["import_csv"]

# As many refused rows as a person reads; the report has them all.
_SHOWN = 20


@click.command("import")
@click.argument("function")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--user", type=click.UUID, required=True, metavar="UUID", help="The person on whose behalf rows are written."
)
@click.option("--tenant", type=click.UUID, required=True, metavar="UUID", help="The tenant they are written for.")
@click.option("--role", default="app_user", show_default=True, metavar="ROLE", help="Database role that writes them.")
@click.option("--chunk", type=click.IntRange(1, 100), default=100, show_default=True, metavar="N", help="Rows a call.")
@click.option(
    "--report",
    type=Writable(dir_okay=False),
    default=None,
    metavar="FILE",
    help="Where to write what became of each row. Default: FILE.report.csv beside the file.",
)
@database_option("Database to import into.")
@format_option()
@config_option
def import_csv(
    function: str,
    file: Path,
    user: UUID,
    tenant: UUID,
    role: str,
    chunk: int,
    report: Path | None,
    database: str | None,
    output_format: str,
    config_file: Path | None,
) -> None:
    """Import a CSV file through an SQL function, row by row.

    The first line names the fields. A row that is refused costs no other and stands in the report with the reason.
    Killed in the middle, the same command goes on where it stopped: no row is imported twice within a day.

    Exit code 0: every row is in. 1: some were refused. 2: the import stopped.

    \b
    Example:
        dbkit import rental.bulk_invite_tenants renters.csv --user 5f0… --tenant 5f0… --database postgresql://…
        dbkit import rental.import_units units.csv --user 5f0… --tenant 5f0… --report refused.csv
    """
    from dbkit import csv_import as importing
    from dbkit.csv_file import open_csv

    url = required_database_url(load_config(config_file), database)
    caller = importing.Caller(str(user), str(tenant), role)
    with ExitStack() as stack:
        source = stack.enter_context(open_csv(file))
        target = report or _beside(file)
        with status_line() as tell:

            def progress(done: int) -> None:
                tell(f"{done:,} of {source.count:,} rows")

            run = importing.import_csv(url, function, source, caller, chunk=chunk, progress=progress)
            result = stack.enter_context(run)
        importing.write_report(target, result)
        if output_format == "json":
            _print_json(function, file, target, result)
        else:
            _print(file, target, result)
        raise SystemExit(EXIT_FINDINGS if result.failed else EXIT_CLEAN)


def _beside(file: Path) -> Path:
    """Where the report goes unless it is named; whether it can be written is asked before any row is imported."""
    target = file.with_name(f"{file.name}.report.csv")
    try:
        return Writable(dir_okay=False).convert(target, None, None)
    except click.BadParameter as problem:
        raise DbkitError(
            "no place for the report", detail=f"{problem.message}.", hint="Name a file for it with --report."
        ) from None


def _print_json(function: str, file: Path, report: Path, result: ImportResult) -> None:
    """One document, its refused rows one by one: there may be as many as the file has."""
    document = {
        "command": "import",
        "function": function,
        "file": str(file),
        "report": str(report),
        "total": result.total,
        "successful": result.total - result.failed,
        "failed": result.failed,
        "replayed": result.replayed,
    }
    begun = json.dumps(document, indent=2, ensure_ascii=False).removesuffix("\n}")
    click.echo(begun + ',\n  "refused": [', nl=False)
    separator = "\n"
    for outcome in result.refused():
        row = {"line": outcome.line, "error": outcome.error, **outcome.result}
        click.echo(separator + textwrap.indent(json.dumps(row, indent=2, ensure_ascii=False), "    "), nl=False)
        separator = ",\n"
    click.echo("\n  ]\n}" if result.failed else "]\n}")


def _print(file: Path, report: Path, result: ImportResult) -> None:
    for outcome in islice(result.refused(), _SHOWN):
        click.echo(f"{file}:{outcome.line}: {outcome.error}")
    if result.failed > _SHOWN:
        click.echo(f"… and {result.failed - _SHOWN:,} more")
    again = f" ({result.replayed:,} by an earlier run)" if result.replayed else ""
    click.echo(f"{result.total - result.failed:,} imported{again}, {result.failed:,} refused; see {report}")
