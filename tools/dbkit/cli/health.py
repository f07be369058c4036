"""`dbkit health`: does the installation work."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dbkit.cli.options import config_option, database_option, format_option
from dbkit.config import load_config, required_database_url
from dbkit.errors import EXIT_CLEAN, EXIT_FINDINGS

__all__ = ["health"]


@click.command()
@database_option("Database to ask; any login may.")
@format_option()
@config_option
def health(database: str | None, output_format: str, config_file: Path | None) -> None:
    """Ask whether database, queue, cache, schedule and migrations are well.

    Exit code 0: healthy. 1: degraded, a service is named. 2: the database cannot be asked.

    \b
    Example:
        dbkit health --database postgresql://app_login_a@db.example.com/app
        dbkit health --format json
    """
    from dbkit.ops.health import ask_next, check

    found = check(required_database_url(load_config(config_file), database))
    if output_format == "json":
        from dbkit.report import emit_json

        emit_json({"command": "health", **found.as_dict()})
    else:
        click.echo(found.status)
        for service, state in found.services.items():
            click.echo(f"    {service:<12} {state}")
        if commands := ask_next(found.services):
            click.echo(f"see why: {', '.join(commands)}")
    sys.exit(EXIT_CLEAN if found.code == 200 else EXIT_FINDINGS)
