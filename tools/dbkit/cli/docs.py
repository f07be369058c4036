"""`dbkit docs`: reference pages from comments, written or checked."""

from __future__ import annotations

from pathlib import Path

import click

from dbkit.cli.options import config_option, format_option
from dbkit.config import load_config

__all__ = ["docs"]


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="DIR",
    help="Where the pages are. Default: docs/reference of the project.",
)
@click.option("--tool", is_flag=True, help="Also the pages about dbkit itself: commands, configuration, lint rules.")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a page is stale.")
@format_option("github")
@config_option
def docs(folder: Path | None, tool: bool, check: bool, output_format: str, config_file: Path | None) -> None:
    """Write the SQL reference of a project from its comments.

    Builds the declared tree on a disposable server and writes sql-functions.md, sql-tables.md and errors.md. The text
    does not depend on the server's version.

    \b
    Example:
        dbkit docs
        dbkit docs --check
        dbkit docs --dir handbook/sql
    """
    from dbkit import docs as reference
    from dbkit.report import Report, emit_json, finish

    config = load_config(config_file)
    target = folder or config.resolve("docs/reference")
    pages = reference.pages_of_project(config) | (reference.pages_of_tool() if tool else {})
    if check:
        mend = "dbkit docs --tool" if tool else "dbkit docs"
        found = reference.stale(config, target, pages, mend=mend)
        report = Report("docs", findings=found, summary={"pages": len(pages)})
        finish(report, output_format, closing=[] if report.findings else [f"{len(pages)} pages are up to date"])
    written = [config.display(path) for path in reference.write(target, pages)]
    if output_format == "json":
        emit_json({"command": "docs", "pages": len(pages), "written": written})
        return
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(f"{len(pages)} pages are up to date")
