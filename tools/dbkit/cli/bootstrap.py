"""`dbkit bootstrap`: the roles of a cluster."""

from __future__ import annotations

from pathlib import Path

import click

from dbkit.cli.options import config_option, database_option, format_option
from dbkit.config import load_config, required_database_url
from dbkit.errors import DbkitError

__all__ = ["bootstrap"]


@click.command()
@database_option("Database to prepare, as a DBA.")
@click.option("--print", "print_sql", is_flag=True, help="Print the SQL for a DBA to run instead of running it.")
@format_option()
@config_option
def bootstrap(database: str | None, print_sql: bool, output_format: str, config_file: Path | None) -> None:
    """Create the roles that migrations assume.

    Roles belong to the cluster, so this runs once per cluster and database, by a DBA. Running it again changes nothing.

    \b
    Example:
        dbkit bootstrap --database postgresql://dba@db.example.com/app
        dbkit bootstrap --print > roles.sql
    """
    from dbkit import build, source

    config = load_config(config_file)
    files = source.bootstrap_files(config)
    if not files:
        raise DbkitError(
            "nothing to bootstrap",
            detail="No module of this project has schema/<module>/_roles.sql.",
            hint="Declare core under [modules] in dbkit.toml, or write that file.",
        )
    if print_sql:
        click.echo("\n".join(file.text.rstrip() + "\n" for file in files), nl=False)
        return
    warnings = build.bootstrap(required_database_url(config, database), config)
    names = [config.display(file.path) for file in files]
    if output_format == "json":
        from dbkit.report import emit_json

        emit_json({"command": "bootstrap", "files": names, "warnings": warnings})
        return
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    for name in names:
        click.echo(f"applied {name}")
