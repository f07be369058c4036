"""`dbkit lint --fix` and `--diff`: show the edits, ask, write, say what was left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from dbkit.config import Config
from dbkit.errors import EXIT_CLEAN, EXIT_FINDINGS, DbkitError
from dbkit.lint.apply import Plan, applied_files, plan_repairs, write_repairs
from dbkit.lint.result import LintResult

__all__ = ["repair"]


def repair(
    config: Config,
    paths: Sequence[Path],
    judge: Callable[[], LintResult],
    options: dict[str, Any],
    *,
    database: str | None = None,
    only_diff: bool = False,
    yes: bool = False,
) -> None:
    """Repair the files, or leave with exit code 1 where `only_diff` shows that something can be repaired.

    Args:
        judge: lints the files as they are on disk.
        options: further arguments of the linter.
        database: what its ledger records as applied is left alone.

    Raises:
        DbkitError: nobody can be asked, a file cannot be written, or the result is not what was planned.
    """
    applied: set[Path] = set()
    if database is not None:
        folder = next((path for path in paths if path.is_dir()), None)
        applied = applied_files(config, database, folder)
    plan = plan_repairs(config, paths, applied=applied, **options)
    shown = plan.diff(config)
    # The report that follows may be read by a machine.
    click.echo(shown, nl=False, err=not only_diff)
    _say_withdrawn(plan)
    if only_diff:
        sys.exit(EXIT_FINDINGS if shown else EXIT_CLEAN)
    if not shown:
        click.echo("nothing to repair mechanically", err=True)
        return
    if not yes:
        if not sys.stdin.isatty():
            raise DbkitError(
                "nobody is there to confirm the repairs",
                detail="Standard input is no terminal.",
                hint="Look at them with dbkit lint --diff, and write them with: dbkit lint --fix --yes",
            )
        if not click.confirm(f"Write {_count(len(plan.after), 'file')}?", err=True):
            click.echo("nothing was written", err=True)
            return
    write_repairs(plan, judge)
    repaired, files = _count(len(plan.repaired), "finding"), _count(len(plan.after), "file")
    click.echo(f"repaired {repaired} in {files}", err=True)


def _say_withdrawn(plan: Plan) -> None:
    for finding, reason in plan.withdrawn:
        click.echo(f"not repaired: {finding.location}: {finding.rule}: {reason}", err=True)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
