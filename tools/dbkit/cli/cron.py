"""`dbkit cron`: the schedule of an installation, run with pg_cron or without."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dbkit.cli.options import command_group, config_option, database_option, format_option
from dbkit.config import load_config, required_database_url
from dbkit.errors import EXIT_FINDINGS

__all__ = ["cron"]

_STATUS = "core.cron_status"
_WHO = "dbkit_migrator, or to look at the schedule only as a member of app_monitor"


@command_group
def cron() -> None:
    """Run scheduled jobs, by pg_cron or without it.

    The schedule is data: core.cron_jobs. Give it to pg_cron with `sync`, or let any timer call `tick` each minute.
    Connect as the login that migrates (dbkit_migrator).
    """


def _common(function: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (config_option, format_option(), database_option("Database whose jobs are meant.")):
        function = decorate(function)
    return function


@cron.command("list")
@_common
def list_jobs(database: str | None, output_format: str, config_file: Path | None) -> None:
    """Show every job, when it runs next and how its last run ended.

    \b
    Example:
        dbkit cron list
        dbkit cron list --format json
    """
    from dbkit.errors import DbkitError
    from dbkit.ops import cron as schedule
    from dbkit.ops.session import connect

    with connect(required_database_url(load_config(config_file), database), needs=_STATUS, who=_WHO) as connection:
        now = schedule.server_time(connection)
        jobs = schedule.jobs(connection)
    following: dict[str, Any] = {}
    for job in jobs:
        try:
            following[job.name] = schedule.next_slot(job, now)
        except DbkitError as error:
            following[job.name] = error.message
    if output_format == "json":
        from dbkit.report import emit_json

        emit_json({"command": "cron list", "jobs": [{**job.as_dict(), "next": following[job.name]} for job in jobs]})
        return
    for job in jobs:
        click.echo(f"{job.name:<28} {job.schedule:<14} {_next(job, following[job.name]):<34} {_last(job)}".rstrip())
    click.echo(f"{len(jobs)} jobs, {sum(job.runs for job in jobs)} scheduled; times are UTC")
    if not jobs:
        click.echo("the schedule comes with the reference rows: dbkit seed --env production")
    elif not any(job.last_started_at for job in jobs):
        click.echo("none has run yet: let a timer call dbkit cron tick each minute, or run dbkit cron sync for pg_cron")


@cron.command()
@_common
def tick(database: str | None, output_format: str, config_file: Path | None) -> None:
    """Run what is due since it ran last; call this each minute where there is no pg_cron.

    Slots that were missed are made up by one run. Ticks at the same time run a job once. Exit code 1: a job failed.

    \b
    Example:
        dbkit cron tick --database postgresql://dbkit_migrator@db.example.com/app
    """
    from dbkit.ops import cron as schedule
    from dbkit.ops.session import connect

    with connect(required_database_url(load_config(config_file), database), needs=_STATUS, who=_WHO) as connection:
        outcomes = schedule.tick(connection)
    _finish("cron tick", outcomes, output_format, nothing="nothing is due")


@cron.command()
@click.argument("name")
@_common
def run(name: str, database: str | None, output_format: str, config_file: Path | None) -> None:
    """Run one job now, due or not.

    \b
    Example:
        dbkit cron run evaluate-alerts
    """
    from dbkit.ops import cron as schedule
    from dbkit.ops.session import connect

    with connect(required_database_url(load_config(config_file), database), needs=_STATUS, who=_WHO) as connection:
        outcome = schedule.run(connection, name)
    _finish("cron run", [outcome], output_format)


@cron.command()
@_common
def sync(database: str | None, output_format: str, config_file: Path | None) -> None:
    """Make pg_cron's jobs equal to the schedule.

    Registers, updates and removes the jobs named dbkit:…, and leaves all others alone. They run as the login that calls
    this. Without pg_cron nothing changes and the schedule stays data for `dbkit cron tick`.

    \b
    Example:
        dbkit cron sync --database postgresql://dbkit_migrator@db.example.com/app
    """
    from dbkit.ops import cron as schedule
    from dbkit.ops.session import connect

    with connect(
        required_database_url(load_config(config_file), database), needs="core.sync_cron", who=_WHO
    ) as connection:
        actions = schedule.sync(connection)
    if output_format == "json":
        from dbkit.report import emit_json

        emit_json({"command": "cron sync", "jobs": [{"name": name, "action": action} for name, action in actions]})
        return
    for name, action in actions:
        click.echo(f"{name:<28} {action}")


def _finish(command: str, outcomes: list[Any], output_format: str, nothing: str = "") -> None:
    """Print what ran and leave with exit code 1 when a body failed."""
    if output_format == "json":
        from dbkit.report import emit_json

        emit_json({"command": command, "runs": [outcome.as_dict() for outcome in outcomes]})
    else:
        for outcome in outcomes:
            click.echo(f"{outcome.name:<28} {_described(outcome)}")
        if not outcomes:
            click.echo(nothing)
    if any(outcome.ok is False for outcome in outcomes):
        sys.exit(EXIT_FINDINGS)


def _described(outcome: Any) -> str:
    if outcome.skipped:
        return "skipped: it runs elsewhere, or this slot is done"
    if not outcome.ok:
        return f"failed: {outcome.message}"
    took = (outcome.finished_at - outcome.started_at).total_seconds() * 1000
    return f"ok in {took:,.0f} ms" + (f", {outcome.rows:,} rows" if outcome.rows is not None else "")


def _next(job: Any, following: Any) -> str:
    if not job.is_enabled:
        return "off"
    if not job.is_installed:
        return f"{job.target} is missing"
    return f"next {following:%Y-%m-%d %H:%M}" if hasattr(following, "year") else "schedule cannot be read"


def _last(job: Any) -> str:
    if job.last_started_at is None:
        return ""
    end = {True: "ok", False: f"failed: {job.last_message}", None: "did not end"}[job.last_ok]
    return f"last {job.last_started_at:%Y-%m-%d %H:%M} {end}"
