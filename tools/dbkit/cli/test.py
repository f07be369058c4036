"""`dbkit test`: options in, `dbkit.tap` runs, one report out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dbkit.cli.options import Writable, config_option, database_option, format_option, jobs_option
from dbkit.config import load_config
from dbkit.errors import DbkitError
from dbkit.report import finish

__all__ = ["test"]

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, type=_PATH, metavar="[PATH]...")
@database_option("Database to test: cloned where its server is listed as disposable, else used in place.")
@jobs_option
@format_option("tap", "github", "junit")
@click.option("--junit", "junit_file", type=Writable(dir_okay=False), metavar="FILE", help="Also write JUnit XML.")
@click.option("-k", "expression", metavar="EXPR", help='Files whose name matches, e.g. "tickets and not portal".')
@click.option("--lf", "--last-failed", "last_failed", is_flag=True, help="Only the files that failed last, if any did.")
@click.option("-x", "--exitfirst", "stop_at_first", is_flag=True, help="Stop after the first file that fails.")
@click.option("--shuffle", is_flag=True, help="Random order; the seed is printed.")
@click.option("--seed", type=int, metavar="N", help="Seed of --shuffle.")
@click.option("--shard", metavar="I/N", help="The i-th of n parts, for runs spread over machines.")
@click.option(
    "--engine",
    type=click.Choice(("auto", "native", "psql")),
    default="auto",
    show_default=True,
    help="auto: psql runs the files that need it.",
)
@click.option("--setup", multiple=True, type=_PATH, metavar="FILE", help="SQL run once before the tests. Repeatable.")
@click.option("--migrations", type=_PATH, metavar="DIR", help="Build the database from this folder of migrations.")
@click.option("--schema", "schemas", multiple=True, metavar="NAME", help="Run a schema's test functions. Repeatable.")
@click.option("--allow-commit", is_flag=True, help="In place: also run files that commit.")
@click.option("--durations", type=click.IntRange(0), default=0, metavar="N", help="Show the N slowest files.")
@click.option("-v", "--verbose", is_flag=True, help="Say of each file what it ran in, and why.")
@click.option("-q", "--quiet", is_flag=True, help="Only files that fail.")
@config_option
def test(
    paths: tuple[Path, ...],
    database: str | None,
    jobs: int | None,
    output_format: str,
    junit_file: Path | None,
    expression: str | None,
    last_failed: bool,
    stop_at_first: bool,
    shuffle: bool,
    seed: int | None,
    shard: str | None,
    engine: str,
    setup: tuple[Path, ...],
    migrations: Path | None,
    schemas: tuple[str, ...],
    allow_commit: bool,
    durations: int,
    verbose: bool,
    quiet: bool,
    config_file: Path | None,
) -> None:
    """Run pgTAP files, each worker on a database of its own.

    Without PATH the folders of `[test] paths`. A file that opens a transaction and rolls it back shares its worker's
    clone; any other gets a clone for itself (`-- dbkit: isolation=transaction|database|server` overrides).

    \b
    Example:
        dbkit test
        dbkit test tests/pgtap/rental -k "tickets and not portal" -x
        dbkit test --junit report.xml --shard 1/4
        dbkit test tests --database postgresql://localhost/app
    """
    from dbkit.output import write_text
    from dbkit.tap.collect import Selection
    from dbkit.tap.command import Options, run_tests
    from dbkit.tap.console import Console
    from dbkit.tap.report import closing_lines, junit, render_annotations, render_tap, report_of

    config = load_config(config_file)
    console = Console(output_format == "text", verbose=verbose, quiet=quiet)
    selection = Selection(expression, last_failed, console.seed(shuffle, seed), _parse_shard(shard))
    options = Options(
        paths, database, jobs, engine, setup, migrations, schemas, stop_at_first, allow_commit, selection  # type: ignore[arg-type]
    )  # fmt: skip
    run = run_tests(config, options, on_start=console.start, on_result=console.result)
    console.end()
    if junit_file is not None:
        write_text(junit_file, junit(run) + "\n")
    renderers = [
        ("text", lambda _: ""),
        ("tap", lambda _: render_tap(run)),
        ("junit", lambda _: junit(run)),
        ("github", render_annotations),
    ]
    sys.stdout.flush()
    finish(report_of(run), output_format, closing=closing_lines(run, durations), renderers=renderers)


def _parse_shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.split("/")
    if len(parts) == 2 and all(part.isdigit() for part in parts) and 1 <= int(parts[0]) <= int(parts[1]):
        return int(parts[0]), int(parts[1])
    raise DbkitError(
        f"bad shard: {text}", detail="A shard is i/n with 1 ≤ i ≤ n.", hint="Write, for example, --shard 1/4."
    )
