"""`dbkit drift`: options in, the three equalities run, one report out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dbkit.cli.options import config_option, database_option, findings_format_option, output_option
from dbkit.config import database_url, load_config
from dbkit.report import Report, Severity, finish

if TYPE_CHECKING:
    from dbkit.equalities import Outcome

__all__ = ["drift"]


@click.command()
@click.argument("modules", nargs=-1, metavar="[MODULE]...")
@database_option("Live database to compare too; it is only read.")
@click.option("--ignore-schema", "ignored", multiple=True, metavar="NAME", help="Live schema to leave out. Repeatable.")
@click.option("--oracle", is_flag=True, help="Also compare what pg_dump writes, to see what snapshots do not know.")
@findings_format_option()
@output_option
@config_option
def drift(
    modules: tuple[str, ...],
    database: str | None,
    ignored: tuple[str, ...],
    oracle: bool,
    output_format: str,
    output: Path | None,
    config_file: Path | None,
) -> None:
    """Prove that declared SQL, migrations and a live database agree.

    Three equalities, on a disposable server: the declared tree builds what all migrations build; every migration goes
    down to what was before it, and up again; the live database, where one is given or configured, is what its ledger
    says was applied. Column order does not count.

    \b
    Example:
        dbkit drift
        dbkit drift rental --oracle
        dbkit drift --database postgresql://dba@db.example.com/app
    """
    from dbkit import equalities
    from dbkit.postgres import open_server
    from dbkit.recipe import project_recipe
    from dbkit.terminal import can_redraw, redraw

    config = load_config(config_file)
    chosen = list(modules) or None
    live = database_url(config, database)
    # What cannot work is said before a server is started: an unknown module, a tree without an order, no ledger.
    recipe = project_recipe(config, chosen)
    if live is not None:
        equalities.read_ledger(live, config)
    say = redraw if output_format == "text" and can_redraw() else None
    with open_server(config, recipe) as server:
        outcomes = [
            equalities.declared_equals_migrations(server, config, chosen, oracle=oracle),
            equalities.every_migration_reverts(server, config, chosen, say=say),
        ]
        if live is not None:
            outcomes.append(equalities.live_equals_migrations(server, config, live, chosen, ignore=ignored))
        report = Report("drift", server=server.version)
    if say:
        redraw()
    report.findings = [finding for outcome in outcomes for finding in outcome.findings]
    report.summary = {outcome.title: outcome.as_dict() for outcome in outcomes}
    closing = [line for outcome in outcomes for line in _describe(outcome)]
    finish(report, output_format, closing=closing, output=output)


def _describe(outcome: Outcome) -> list[str]:
    """What a person wants to know of one equality."""
    if outcome.skipped:
        return [f"{outcome.title}: skipped, {outcome.skipped}"]
    differ = sum(finding.severity >= Severity.WARNING for finding in outcome.findings)
    verdict = _count(differ, "finding") if differ else "equal"
    lines = [f"{outcome.title}: {verdict}, {_count(outcome.checked, outcome.unit)} compared"]
    return lines + [f"    exempt {name}: {reason}" for name, reason in outcome.exempt.items()]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
