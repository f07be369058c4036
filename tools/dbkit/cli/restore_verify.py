"""`dbkit restore-verify`."""

from __future__ import annotations

from pathlib import Path

import click

from dbkit.cli.options import config_option, database_option, findings_format_option, output_option
from dbkit.config import database_url, load_config
from dbkit.errors import DbkitError
from dbkit.report import Report, finish


@click.command()
@click.argument("dump", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@database_option("Records the outcome there; stands in for a missing manifest.")
@click.option(
    "--without-extension",
    "without",
    multiple=True,
    metavar="NAME",
    help="Leave an extension out, e.g. pg_cron, which needs a server made for it. Repeatable.",
)
@findings_format_option()
@output_option
@config_option
def restore_verify(
    dump: Path,
    database: str | None,
    without: tuple[str, ...],
    output_format: str,
    output: Path | None,
    config_file: Path | None,
) -> None:
    """Restore a dump on a disposable server and compare it with what was saved.

    Compares rows per table, constraints and whether they are valid, extensions and the newest migrations with the
    manifest that dbkit backup wrote beside FILE; without one with the database as it is now. Exit code 1 when anything
    differs or the dump cannot be restored.

    \b
    Example:
        dbkit restore-verify /backups/app-20260102T030405Z.dump
        dbkit restore-verify app.dump --database postgresql://dbkit_backup@db.internal/app
        dbkit restore-verify app.dump --without-extension pg_cron
    """
    from dbkit.backup.dump import read_manifest
    from dbkit.backup.restore import live_picture, record, verify, why_not_record
    from dbkit.postgres import open_server

    config = load_config(config_file)
    url = database_url(config, database)
    if not dump.is_file():
        raise DbkitError(f"no such file: {dump}", hint="Name a file that dbkit backup or pg_dump -Fc wrote.")
    manifest = read_manifest(dump)
    if manifest is not None:
        saved = manifest.picture
    elif url is not None:
        saved = live_picture(url)
    else:
        raise DbkitError(
            "nothing to compare the dump with",
            detail=f"There is no {dump.name}.json beside it, and no database is named.",
            hint="Keep the manifest that dbkit backup writes, or give --database URL.",
        )
    unrecorded = why_not_record(url, manifest) if url is not None else None
    report = Report("restore-verify")
    with open_server(config) as server:
        report.server = server.version
        result = verify(server, config, dump, saved, manifest, without=without)
    report.findings = result.findings
    counts = result.restored.rows if result.restored else {}
    if url is not None and unrecorded is None:
        unrecorded = record(url, manifest.backup_id if manifest else None, result)
    recorded = url is not None and unrecorded is None
    report.summary = {"ok": result.ok, "tables": len(counts), "rows": sum(counts.values()), "recorded": recorded}
    verdict = "came back whole" if result.ok else "is NOT a backup to rely on"
    closing = [f"{dump.name} {verdict}: {len(counts)} tables, {sum(counts.values())} rows restored"]
    if unrecorded is not None:
        report.summary["not_recorded"] = unrecorded
        closing.append(f"not recorded: {unrecorded}")
    finish(report, output_format, closing=closing, output=output)
