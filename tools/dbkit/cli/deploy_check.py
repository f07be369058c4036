"""`dbkit deploy-check`."""

from __future__ import annotations

from pathlib import Path

import click

from dbkit.cli.options import Writable, config_option, database_option, findings_format_option, output_option
from dbkit.config import load_config, required_database_url
from dbkit.errors import DbkitError
from dbkit.report import finish


@click.command()
@database_option("Database that is deployed to, as a login that sees every row.")
@click.option(
    "--save",
    "save_to",
    type=Writable(dir_okay=False),
    metavar="FILE",
    help="Before: save the row counts.",
)
@click.option(
    "--compare",
    "compare_with",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="After: compare with what was saved.",
)
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="NAME",
    help="Key table to count, schema.table. Repeatable. Default: all.",
)
@click.option("--first", "is_first", is_flag=True, help="Before the first deployment: no migration has run here yet.")
@findings_format_option()
@output_option
@config_option
def deploy_check(
    database: str | None,
    save_to: Path | None,
    compare_with: Path | None,
    tables: tuple[str, ...],
    is_first: bool,
    output_format: str,
    output: Path | None,
    config_file: Path | None,
) -> None:
    """Check a database before and after a deployment.

    Always: migrations have run here and agree with their files, no index is invalid, the database says it is healthy.
    Before, with --save: a backup succeeded in the last 26 hours; rows are counted. After, with --compare: no rows,
    tables, constraints or extensions were lost, and errors did not double; run it again during the first day.

    \b
    Example:
        dbkit deploy-check --save before.json
        dbkit deploy-check --compare before.json
        dbkit deploy-check --save before.json --table core.tenants --table rental.units
    """
    from dbkit.backup.deployment import check_deployment, load, save

    if compare_with is not None and (save_to is not None or tables or is_first):
        raise DbkitError(
            "--compare stands alone",
            detail="The tables are those that were saved, and migrations have run by then.",
            hint="Run: dbkit deploy-check --compare FILE",
        )
    config = load_config(config_file)
    url = required_database_url(config, database)
    before = load(compare_with) if compare_with else None
    report, now = check_deployment(config, url, before=before, tables=tables, is_first=is_first)
    if save_to is not None:
        save(now, save_to)
    facts = report.summary
    closing = [
        f"{facts['applied']} migrations applied, {facts['pending']} pending, "
        f"{facts['rows']} rows in {facts['tables']} tables"
    ]
    if "errors" in facts:
        closing.append(f"{facts['errors']} errors since then, {facts['errors_before']} in a period as long before")
    finish(report, output_format, closing=closing, output=output)
