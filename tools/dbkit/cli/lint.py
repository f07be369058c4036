"""`dbkit lint`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dbkit.cli.options import Writable, config_option, findings_format_option, output_option
from dbkit.config import load_config

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from dbkit.lint.result import LintResult
    from dbkit.lint.sizes import Sizes

__all__ = ["lint"]

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=_PATH)
@click.option("--profile", metavar="P", default=None, help="recommended, house, strict or citus. Beats [lint] profile.")
@click.option(
    "--history",
    metavar="PATH",
    multiple=True,
    type=_PATH,
    help="SQL that was applied before, read and not judged. Repeatable.",
)
@click.option("--each", is_flag=True, help="Judge every migration by itself instead of as a line.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep what an earlier run over the same files left.")
@click.option("--explain", metavar="RULE", default=None, help="Print the documentation of a rule and stop.")
@click.option("--rules", "list_rules", is_flag=True, help="List the rules and stop.")
@click.option(
    "--changed-since",
    metavar="REV",
    default=None,
    help="Judge only files that differ from where this branch left the git revision REV.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    default=None,
    help="Leave out the findings FILE lists. Default: [lint] baseline.",
)
@click.option(
    "--write-baseline",
    "baseline_to_write",
    type=Writable(dir_okay=False),
    metavar="FILE",
    default=None,
    help="List all findings in FILE and stop.",
)
@click.option(
    "--database",
    metavar="URL",
    default=None,
    help="Judge this database, which is only read. With PATH: judge the files by its row counts.",
)
@click.option(
    "--rows",
    metavar="N|TABLE=N|FILE",
    multiple=True,
    help="Assume so many rows (of every table, of one, as a JSON file says) when judging files. Repeatable.",
)
@click.option("--fix", is_flag=True, help="Repair what can be repaired mechanically: show the diff, ask, write.")
@click.option("--yes", is_flag=True, help="With --fix: write without asking.")
@click.option("--diff", is_flag=True, help="Print what --fix would write and stop.")
@findings_format_option("markdown")
@output_option
@config_option
def lint(
    paths: tuple[Path, ...],
    profile: str | None,
    history: tuple[Path, ...],
    each: bool,
    no_cache: bool,
    explain: str | None,
    list_rules: bool,
    changed_since: str | None,
    baseline: Path | None,
    baseline_to_write: Path | None,
    database: str | None,
    rows: tuple[str, ...],
    fix: bool,
    yes: bool,
    diff: bool,
    output_format: str,
    output: Path | None,
    config_file: Path | None,
) -> None:
    """Find defects in SQL files or in a live database.

    Without PATH the project's own SQL is judged: migrations as a line, each after its predecessors, and the declared
    tree as a whole. A line `-- dbkit: allow <rule> because <reason>` above a statement allows one finding.

    Example:

    \b
        dbkit lint
        dbkit lint sql/migrations/clinic --format json
        dbkit lint supabase/migrations --profile recommended
        dbkit lint --database postgresql://localhost/app
        dbkit lint --explain index_blocks_writes
        dbkit lint sql/migrations/clinic --fix
    """
    if explain is not None or list_rules:
        _print_rules(explain, output_format)
        return
    if output_format == "markdown":
        raise click.UsageError("markdown is the format of --rules")
    import gc

    from dbkit.lint.changed import changed_files
    from dbkit.lint.render import closing_line, render_frames
    from dbkit.lint.run import lint as run
    from dbkit.report import finish

    # The trees hold no cycles and the process ends with the command: collecting garbage only costs.
    gc.disable()
    config = load_config(config_file)
    only = changed_files(config.root, changed_since) if changed_since else None
    options: dict[str, Any] = {"history": history, "each": each, "profile": profile, "only": only}
    asked: Callable[[], LintResult]
    live = database is not None and not (paths or changed_since or fix or diff)
    if database is not None and live:
        from dbkit.lint.live import lint_database

        asked = partial(lint_database, config, database, profile=profile)
    else:
        asked = partial(run, config, paths, **options, remember=not no_cache, sizes=_sizes(database, rows))
    if fix or diff:
        from dbkit.cli.lint_fix import repair

        repair(config, paths, asked, options, database=database, only_diff=diff, yes=yes)
    result = asked()
    report = result.report
    if baseline_to_write is not None:
        from dbkit.lint.baseline import write_baseline

        write_baseline(baseline_to_write, report.findings, config.root)
        click.echo(f"{len(report.findings)} findings are in {config.display(baseline_to_write)}")
        return
    baseline = baseline or (config.resolve(Path(result.baseline)) if result.baseline else None)
    closing = []
    if baseline is not None:
        from dbkit.lint.baseline import not_in_baseline

        judged = partial(_is_judged, config.root, None if live else paths, only)
        report.findings, covered, gone = not_in_baseline(baseline, report.findings, config.root, judged)
        report.summary |= result.count()
        report.summary["baseline"] = {"covered": covered, "gone": gone}
        closing.append(f"{covered} more in the baseline {config.display(baseline)}")
        if gone:
            closing.append(f"{gone} of its entries cover nothing any more: write it anew")
    closing.insert(0, ("\n" if report.findings else "") + closing_line(result))
    finish(report, output_format, closing=closing, renderers=[("text", lambda _: render_frames(result))], output=output)


def _is_judged(root: Path, paths: tuple[Path, ...] | None, only: Collection[Path] | None, file: str) -> bool:
    """Whether a run judges a file that a baseline names; `paths` None means that it judges a database."""
    if paths is None or not file:
        return paths is None and not file
    path = root / file
    if only is not None and path not in only:
        return False
    return not paths or any(path.resolve().is_relative_to(named.resolve()) for named in paths)


def _sizes(database: str | None, rows: tuple[str, ...]) -> Sizes | None:
    """What is known of the sizes of tables; None for nothing."""
    if database is None and not rows:
        return None
    from dbkit.lint.sizes import live_sizes, parse_rows

    return parse_rows(rows, live_sizes(database) if database is not None else None)


def _print_rules(name: str | None, output_format: str) -> None:
    from dbkit.lint.render import explain, reference, rule_as_dict, rule_list
    from dbkit.lint.rule import all_rules
    from dbkit.lint.settings import find_rules
    from dbkit.report import emit_json

    rules = list(all_rules().values()) if name is None else find_rules(name.replace("-", "_"), "--explain")
    if output_format == "json":
        emit_json([rule_as_dict(rule) for rule in rules])
    elif name is not None:
        click.echo(explain(rules))
    else:
        click.echo(reference() if output_format == "markdown" else rule_list(), nl=output_format != "markdown")
