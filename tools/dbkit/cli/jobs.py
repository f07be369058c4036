"""`dbkit jobs`: what an operator asks of a queue and does to its jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from dbkit.cli.options import command_group, config_option, database_option, format_option
from dbkit.config import load_config, required_database_url
from dbkit.errors import DbkitError

__all__ = ["jobs"]


@command_group
def jobs() -> None:
    """Look at the jobs of a queue, retry and cancel them.

    The login needs app_platform_admin, or to own the schema. Payload values under keys that name secrets are shown as
    *** unless asked for.
    """


def _common(function: Callable[..., None]) -> Callable[..., None]:
    return database_option("Database with the queue.")(format_option()(config_option(function)))


def _filters(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Most jobs."),
        click.option("--tenant", type=click.UUID, metavar="UUID", help="Only jobs of this tenant."),
        click.option("--queue", metavar="NAME", help="Only jobs of this queue."),
        click.option("--type", "job_type", metavar="TYPE", help="Only jobs of this type."),
    ):
        function = option(function)
    return function


@jobs.command("list")
@click.option(
    "--status",
    type=click.Choice(["pending", "processing", "completed", "failed", "cancelled"]),
    help="Only jobs in this state.",
)
@click.option("--all", "history", is_flag=True, help="Completed jobs too.")
@_filters
@_common
def list_jobs(database: str | None, output_format: str, config_file: Path | None, **wanted: Any) -> None:
    """List jobs that are not completed, newest first.

    \b
    Example:
        dbkit jobs list --status failed --type send_email
        dbkit jobs list --all --tenant 7b1c2f0e-6a55-4f0e-9d0a-5f7f3d0c9a11
    """
    from dbkit.worker import operate

    rows = operate.search(required_database_url(load_config(config_file), database), operate.Filter(**wanted))
    columns = ("id", "job_type", "status", "tenant_id", "retry_count", "scheduled_at", "error_message")
    _print("list", rows, output_format, columns)


@jobs.command()
@click.argument("job", type=click.UUID)
@click.option("--reveal", is_flag=True, help="Show secrets of the payload too.")
@_common
def show(job: UUID, reveal: bool, database: str | None, output_format: str, config_file: Path | None) -> None:
    """Show one job with its payload and result.

    \b
    Example:
        dbkit jobs show 5f0c1d9e-6f0e-4c58-9d0e-2f6a3c1b7a10
    """
    from dbkit.worker import operate

    found = operate.find(required_database_url(load_config(config_file), database), job, reveal=reveal)
    if output_format == "json":
        _emit("show", job=found)
        return
    width = max(map(len, found))
    for name, value in found.items():
        if value is not None:
            click.echo(f"{name:<{width}}  {_cell(value)}")


@jobs.command()
@click.argument("job", type=click.UUID, nargs=-1)
@click.option("--failed", is_flag=True, help="Every failed job that the filters find.")
@_filters
@_common
def retry(
    job: tuple[UUID, ...],
    failed: bool,
    database: str | None,
    output_format: str,
    config_file: Path | None,
    **wanted: Any,
) -> None:
    """Put failed or cancelled jobs back into the queue, due at once.

    \b
    Example:
        dbkit jobs retry 5f0c1d9e-6f0e-4c58-9d0e-2f6a3c1b7a10
        dbkit jobs retry --failed --type send_email --limit 500
    """
    from dbkit.worker import operate

    if bool(job) == failed:
        raise DbkitError(
            "which jobs to retry is not clear",
            detail="Either ids or --failed are needed, and not both.",
            hint="Run: dbkit jobs retry ID, or: dbkit jobs retry --failed --type TYPE",
        )
    url = required_database_url(load_config(config_file), database)
    ids = operate.failed_ids(url, operate.Filter(**wanted)) if failed else job
    _change("retry", url, ids, output_format, found=failed)


@jobs.command()
@click.argument("job", type=click.UUID, nargs=-1, required=True)
@_common
def cancel(job: tuple[UUID, ...], database: str | None, output_format: str, config_file: Path | None) -> None:
    """Cancel jobs that wait or run; the worker of a running one drops it at its next heartbeat.

    \b
    Example:
        dbkit jobs cancel 5f0c1d9e-6f0e-4c58-9d0e-2f6a3c1b7a10
    """
    _change("cancel", required_database_url(load_config(config_file), database), job, output_format)


@jobs.command()
@_common
def stats(database: str | None, output_format: str, config_file: Path | None) -> None:
    """Show depth, age and failures of each queue and job type.

    \b
    Example:
        dbkit jobs stats --format json
    """
    from dbkit.worker import operate

    _print("stats", operate.health(required_database_url(load_config(config_file), database)), output_format)


@jobs.command("webhook-secret")
@click.argument("tenant", type=click.UUID)
@format_option()
def webhook_secret(tenant: UUID, output_format: str) -> None:
    """Print the secret that a tenant's webhook receivers verify with.

    It is derived from DBKIT_WEBHOOK_SECRET, which the workers have too. While that holds two secrets, the first line
    is the new one.

    \b
    Example:
        dbkit jobs webhook-secret 7b1c2f0e-6a55-4f0e-9d0a-5f7f3d0c9a11
    """
    from dbkit.worker.handlers.webhook import tenant_secret
    from dbkit.worker.settings import webhook_secrets

    secrets = webhook_secrets()
    if not secrets:
        raise DbkitError(
            "no webhook secret is configured",
            detail="DBKIT_WEBHOOK_SECRET is not set.",
            hint="Set it to what the workers have, or for the first time to a random text: openssl rand -hex 32",
        )
    own = [tenant_secret(secret, tenant) for secret in secrets]
    if output_format == "json":
        _emit("webhook-secret", tenant=tenant, secrets=own)
    else:
        click.echo("\n".join(own))


def _change(action: str, url: str, wanted: Sequence[UUID], output_format: str, *, found: bool = False) -> None:
    """Change jobs one by one; each is told as it happens, so that a refusal in the middle hides nothing."""
    from dbkit.worker import operate

    changed: list[dict[str, Any]] = []
    try:
        for row in operate.change(url, action, wanted, found=found):
            changed.append({"id": row["id"], "job_type": row["job_type"], "status": row["status"]})
            if output_format == "text":
                click.echo(f"{row['id']}  {row['job_type']}  {row['status']}")
    except DbkitError as error:
        error.facts = {"command": f"jobs {action}", "jobs": changed}
        raise
    if output_format == "json":
        _emit(action, jobs=changed)
    elif not changed:
        click.echo("no jobs")


def _print(
    command: str, rows: Sequence[Mapping[str, Any]], output_format: str, columns: Sequence[str] | None = None
) -> None:
    """Rows as a table for people, or all their columns as JSON."""
    if output_format == "json":
        _emit(command, jobs=rows)
        return
    if not rows:
        click.echo("no jobs")
        return
    names = columns or tuple(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[number]) for line in cells) for number in range(len(names))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    """A value on one line. What jobs carry is other people's text: nothing of it may steer a terminal."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=True, default=str)
    text = str(value)
    return text if text.isprintable() else json.dumps(text)


def _emit(command: str, **content: Any) -> None:
    from dbkit.report import emit_json

    emit_json({"command": f"jobs {command}", **content})
