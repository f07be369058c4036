"""`dbkit backup`."""

from __future__ import annotations

from pathlib import Path

import click

from dbkit.cli.options import Writable, config_option, database_option, format_option
from dbkit.config import load_config, required_database_url
from dbkit.report import emit_json


@click.command()
@database_option("Database to save, as a login that sees every row (dbkit_backup).")
@click.option(
    "--directory",
    type=Writable(file_okay=False),
    required=True,
    metavar="DIR",
    help="Folder for the dump; created where it does not exist.",
)
@config_option
@format_option()
def backup(database: str | None, directory: Path, config_file: Path | None, output_format: str) -> None:
    """Save a database with pg_dump, and beside it what the dump must contain.

    DIR gets <database>-<UTC time>.dump and, for restore-verify, the same name with .json: rows per table as pg_dump's
    own snapshot has them, constraints, extensions, the newest migrations. The run is recorded in core.backup_runs. A
    login that row security binds is refused.

    \b
    Example:
        dbkit backup --directory /backups
        dbkit backup --database postgresql://dbkit_backup@db.internal/app --directory /backups
    """
    from dbkit.backup.dump import back_up

    config = load_config(config_file)
    url = required_database_url(config, database)
    path, manifest = back_up(config, url, directory)
    if output_format == "json":
        emit_json({"command": "backup", "file": str(path), **manifest.as_dict()})
        return
    rows = sum(manifest.picture.rows.values())
    click.echo(f"{path}: {manifest.size} bytes, {len(manifest.picture.rows)} tables, {rows} rows")
    if manifest.backup_id is None:
        click.echo("not recorded in core.backup_runs: it is not there, this login may not, or the server is a standby")
