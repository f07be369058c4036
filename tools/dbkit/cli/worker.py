"""`dbkit worker`: run the jobs of a queue."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dbkit.cli.options import config_option, database_option, format_option
from dbkit.config import load_config, required_database_url

__all__ = ["worker"]


@click.command()
@click.option("--queue", metavar="NAME", help="Queue to claim from. Default: [worker] queue, else default.")
@click.option("--handlers", metavar="MODULE", multiple=True, help="Module with @handler functions; repeatable.")
@click.option("--concurrency", type=click.IntRange(1, 256), metavar="N", help="Handlers at a time. Default: 8.")
@click.option("--batch", type=click.IntRange(1, 1000), metavar="N", help="Most jobs held at a time. Default: 200.")
@click.option("--grace", type=click.FloatRange(0), metavar="SECONDS", help="Time to finish after SIGTERM. Default: 25.")
@click.option("--drain", is_flag=True, help="Leave when no job is due.")
@click.option("--no-listen", "deaf", is_flag=True, help="Only poll; for a transaction pooler.")
@database_option("Database with the queue.")
@format_option()
@config_option
def worker(
    database: str | None,
    output_format: str,
    config_file: Path | None,
    handlers: tuple[str, ...],
    drain: bool,
    deaf: bool,
    **given: Any,
) -> None:
    """Run the jobs of a queue.

    Claims jobs of the types it has handlers for, runs them in threads and reports how they ended, one log line an
    event. SIGTERM stops it: what runs may finish, the rest is handed back. Any number of workers may run.

    dbkit's own handlers: send_email and tenant_invite (need DBKIT_SMTP_HOST or [worker.email]), webhook_delivery (needs
    DBKIT_WEBHOOK_SECRET), generate_invoice_pdf, send_alert (needs [worker.alert]). The login is one that was granted
    app_worker; more it should not have.

    \b
    Example:
        dbkit worker --database postgresql://jobs@db.example.com/app
        dbkit worker --handlers myapp.jobs --concurrency 4 --format json
        dbkit worker --queue nightly --drain
    """
    from dbkit.worker.handlers import shipped
    from dbkit.worker.log import make_log
    from dbkit.worker.loop import Worker
    from dbkit.worker.registry import find_handlers
    from dbkit.worker.settings import load_settings

    config = load_config(config_file)
    url = required_database_url(config, database)
    settings = replace(load_settings(config), **{name: value for name, value in given.items() if value is not None})
    found = find_handlers(shipped(settings, url), (*settings.handlers, *handlers), config.root)
    unread = threading.Event()

    def stop_unread() -> None:
        if not unread.is_set():
            unread.set()
            running.stop()

    running = Worker(url, settings, found, make_log(output_format, unread=stop_unread), drain=drain, deaf=deaf)

    def hear_signals() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, running.stop)

    running.run(hear_signals)
    if unread.is_set():
        raise BrokenPipeError
