"""`dbkit demo`."""

from __future__ import annotations

from pathlib import Path

import click

from dbkit.cli.options import config_option
from dbkit.config import load_config


@click.command()
@config_option
def demo(config_file: Path | None) -> None:
    """Show the whole flow on a disposable server.

    Migrations, seeds (100 landlords, 1,000 units, 4,000 renters, 20,000 tickets), lint, pgTAP, the isolation proof and
    three queries as a landlord. Nothing keeps running afterwards.

    \b
    Example:
        dbkit demo
    """
    from dbkit.demo import run_demo

    run_demo(load_config(config_file))
