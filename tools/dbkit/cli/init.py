"""`dbkit init`: a new project, and what to type next."""

from __future__ import annotations

from pathlib import Path

import click

from dbkit.cli.options import format_option

__all__ = ["init"]

# command -> what it is for
_NEXT = {
    "cd {folder}": "",
    'dbkit migrate new {module} "notes"': "draft the first migration from the declared SQL",
    "dbkit drift": "declared SQL and migrations agree",
    "dbkit lint": "no known defect",
    "dbkit test": "the pgTAP files pass",
    "dbkit leak": "no tenant reaches another",
}


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--module", metavar="NAME", default="app", show_default=True, help="Name of the project's own module.")
@format_option()
def init(folder: Path, module: str, output_format: str) -> None:
    """Start a project with a module of its own beside core.

    Writes dbkit.toml, one table with its guard sheet, one function, and pgTAP tests for two tenants. Files that exist
    are never overwritten: then nothing is written and the exit code is 2.

    \b
    Example:
        dbkit init
        dbkit init shop --module shop
    """
    from dbkit.init import init as write

    project = write(folder, module)
    if output_format == "json":
        from dbkit.report import emit_json

        emit_json({"command": "init", "module": project.module, "files": [str(path) for path in project.files]})
        return
    for path in project.files:
        click.echo(f"wrote {path}")
    commands = {text.format(folder=folder, module=module): reason for text, reason in _NEXT.items()}
    if folder == Path():
        del commands["cd ."]
    width = max(map(len, commands))
    click.echo("\nnext:")
    for command, reason in commands.items():
        click.echo(f"    {command:<{width}}  {reason}".rstrip())
