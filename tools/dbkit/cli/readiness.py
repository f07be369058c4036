"""`dbkit readiness`: measure what was promised of a platform, and say how it came out."""

from __future__ import annotations

from pathlib import Path

import click

from dbkit.cli.options import config_option, findings_format_option, output_option
from dbkit.terminal import status_line

__all__ = ["readiness"]


@click.command()
@click.argument("claim")
@click.option("--only", multiple=True, metavar="NAME", help="Only this criterion. Repeatable.")
@findings_format_option()
@output_option
@config_option
def readiness(
    claim: str, only: tuple[str, ...], output_format: str, output: Path | None, config_file: Path | None
) -> None:
    """Measure the success criteria of a platform on a disposable server.

    CLAIM is a name under [readiness] in dbkit.toml: a file with the criteria, the data they speak of and the checks
    that measure them. Each check is shown with what was measured, its target and the command that shows it alone.

    Exit code 0: all are met. 1: one is missed. 2: none is missed, and one could not be measured.

    \b
    Example:
        dbkit readiness landlord
        dbkit readiness landlord --only limiter --only import
        dbkit readiness landlord --format json
    """
    from dbkit.config import load_config
    from dbkit.readiness.declaration import load_claim
    from dbkit.readiness.render import closing_line, table
    from dbkit.readiness.run import judge, report_of
    from dbkit.report import finish

    config = load_config(config_file)
    declared = load_claim(config, claim)
    with status_line() as tell:
        server, outcomes = judge(config, declared, only, tell=tell)
    report = report_of(declared, server, outcomes)
    finish(
        report,
        output_format,
        closing=["", closing_line(report)],
        renderers=[("text", lambda _: table(declared, server, outcomes))],
        output=output,
    )
