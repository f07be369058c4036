"""`dbkit lint`."""

from __future__ import annotations

from pathlib import Path

import click

from dbkit.cli.options import config_option
from dbkit.config import load_config

__all__ = ["lint"]

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=_PATH)
@click.option("--profile", metavar="P", default=None, help="recommended, house or strict. Beats [lint] profile.")
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
    "--format",
    "output_format",
    type=click.Choice(("text", "json", "github", "markdown")),
    default="text",
    show_default=True,
    help="Output format; markdown is the reference of --rules.",
)
@config_option
def lint(
    paths: tuple[Path, ...],
    profile: str | None,
    history: tuple[Path, ...],
    each: bool,
    no_cache: bool,
    explain: str | None,
    list_rules: bool,
    output_format: str,
    config_file: Path | None,
) -> None:
    """Find defects in SQL files.

    Without PATH the project's own SQL is judged: migrations as a line, each after its predecessors, and the declared
    tree as a whole. A line `-- dbkit: allow <rule> because <reason>` above a statement allows one finding.

    Example:

    \b
        dbkit lint
        dbkit lint sql/migrations/clinic --format json
        dbkit lint supabase/migrations --profile recommended
        dbkit lint --explain index_blocks_writes
    """
    if explain is not None or list_rules:
        _print_rules(explain, output_format)
        return
    if output_format == "markdown":
        raise click.UsageError("markdown is the format of --rules")
    import gc

    from dbkit.lint.engine import lint as run
    from dbkit.lint.render import closing_line, render_frames
    from dbkit.report import finish

    # The trees hold no cycles and the process ends with the command: collecting garbage only costs.
    gc.disable()
    result = run(load_config(config_file), paths, history=history, each=each, profile=profile, remember=not no_cache)
    closing = closing_line(result)
    if result.report.findings:
        closing = "\n" + closing
    finish(result.report, output_format, closing=[closing], renderers=[("text", lambda _: render_frames(result))])


def _print_rules(name: str | None, output_format: str) -> None:
    from dbkit.lint.render import explain, reference, rule_as_dict, rule_list
    from dbkit.lint.rule import load_rules
    from dbkit.lint.settings import find_rules
    from dbkit.report import emit_json

    rules = list(load_rules().values()) if name is None else find_rules(name.replace("-", "_"), "--explain")
    if output_format == "json":
        emit_json([rule_as_dict(rule) for rule in rules])
    elif name is not None:
        click.echo(explain(rules))
    else:
        click.echo(reference() if output_format == "markdown" else rule_list(), nl=output_format != "markdown")
