"""`dbkit doctor`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dbkit.cli.options import config_option, database_option, format_option
from dbkit.config import database_url, load_config
from dbkit.errors import EXIT_CLEAN, EXIT_FINDINGS
from dbkit.report import emit_json


@click.command()
@database_option("Also look at this database.")
@click.option("--fix", is_flag=True, help="Mend what needs no root: fetch pgTAP into the cache.")
@config_option
@format_option()
def doctor(database: str | None, fix: bool, config_file: Path | None, output_format: str) -> None:
    """Show what this machine offers dbkit and how to mend what is missing.

    Exit code 1 when something the project needs is missing.

    \b
    Example:
        dbkit doctor
        dbkit doctor --fix
        dbkit doctor --database postgresql://dbkit_migrator@db.internal/app
    """
    from dbkit.doctor import examine

    config = load_config(config_file)
    checks = examine(config, database=database_url(config, database), fix=fix)
    if output_format == "json":
        emit_json({"command": "doctor", "checks": [check.as_dict() for check in checks]})
    else:
        width = max(len(check.subject) for check in checks)
        for check in checks:
            click.echo(f"{check.status:<8}{check.subject:<{width}}  {check.detail}")
            if check.mend:
                click.echo(f"{'':<{8 + width}}  mend: {check.mend}")
    sys.exit(EXIT_FINDINGS if any(check.status == "missing" for check in checks) else EXIT_CLEAN)
