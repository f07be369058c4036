"""`dbkit leak`: attack a disposable copy of a schema as its app roles and report what crosses tenants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from dbkit.cli.options import (
    Writable,
    config_option,
    database_option,
    findings_format_option,
    jobs_option,
    output_option,
)
from dbkit.terminal import status_line

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from dbkit.config import Config
    from dbkit.leak.clone import Disposable
    from dbkit.report import Report
    from dbkit.tenancy.declaration import Declaration

__all__ = ["leak"]

_FILE = click.Path(path_type=Path, dir_okay=False)
_NEW_FILE = Writable(dir_okay=False)


@click.command()
@click.argument("module", required=False)
@database_option("Database whose schema is proven; it is only read, the attacks run on a copy.")
@click.option(
    "--tenancy",
    "tenancy_file",
    type=_FILE,
    metavar="FILE",
    help="TOML file with the [tenancy] table. Default: the project file.",
)
@click.option(
    "--model", "model_only", is_flag=True, help="Print what is declared and inferred, with reasons, and stop."
)
@click.option("--static", is_flag=True, help="Only look at the catalogs of --database; proves nothing.")
@click.option("--in-place", is_flag=True, help="Attack --database itself, which must carry dbkit's disposable marker.")
@click.option(
    "--against",
    metavar="BASE",
    help="Report only what a change adds to BASE: a database URL, a git revision or a saved JSON report.",
)
@click.option(
    "--emit",
    "emit_dir",
    type=Writable(file_okay=False),
    metavar="DIR",
    help="Also write the attacks as pgTAP files that need no dbkit.",
)
@click.option(
    "--mutate",
    is_flag=True,
    help="Test the proof: break one policy, grant, key or function at a time and expect a leak each time.",
)
@click.option(
    "-k",
    "only",
    metavar="NAME",
    help="With --mutate: only mutants whose name contains this; * stands for anything. The score is theirs.",
)
@jobs_option
@click.option("-v", "--verbose", is_flag=True, help="A line for every table, with the reasons for each command.")
@click.option("--html", "html_file", type=_NEW_FILE, metavar="FILE", help="Also write the report as one HTML page.")
@findings_format_option("html")
@output_option
@config_option
def leak(
    module: str | None,
    database: str | None,
    tenancy_file: Path | None,
    model_only: bool,
    static: bool,
    in_place: bool,
    against: str | None,
    emit_dir: Path | None,
    mutate: bool,
    only: str | None,
    jobs: int | None,
    verbose: bool,
    html_file: Path | None,
    output_format: str,
    output: Path | None,
    config_file: Path | None,
) -> None:
    """Prove that no tenant reaches another.

    Two tenants' rows are made in every table of a disposable copy, then each app role tries every command on the other
    tenant's rows in every state its context can be in. Each verdict has its control: the same statement on own rows.

    Exit code 0: every path holds, warnings or not. 1: a leak, with --against a dangerous change too. 2: a path is
    unverified, or the proof could not run.

    \b
    Example:
      dbkit leak
      dbkit leak rental --format json
      dbkit leak --database postgresql://reader@db/app --tenancy tenancy.toml
      dbkit leak --against main --format sarif --output leak.sarif
      dbkit leak --model
      dbkit leak rental --mutate
      dbkit leak --mutate -k "using-true rental."
    """
    if only and not mutate:
        raise click.UsageError("-k picks mutants, so it needs --mutate")
    if mutate:
        _refuse_beside_mutate(
            {
                "--static": static,
                "--in-place": in_place,
                "--against": against,
                "--emit": emit_dir,
                "--model": model_only,
                "--html": html_file or output_format == "html",
            }
        )
    _refuse_combinations(static, {"--in-place": in_place, "--against": against, "--emit": emit_dir, "MODULE": module})
    from dbkit.config import load_config
    from dbkit.leak.against import compared_with, resolve_base
    from dbkit.leak.emit import emit
    from dbkit.leak.html import page
    from dbkit.leak.places import located
    from dbkit.leak.proof import prove
    from dbkit.leak.render import closing_lines, github_annotations, report_of
    from dbkit.leak.text import matrix
    from dbkit.output import write_text
    from dbkit.report import finish
    from dbkit.tenancy.declaration import load_declaration

    config = load_config(config_file)
    declaration = load_declaration(config, tenancy_file)
    if model_only:
        with _opened(config, declaration, module, database, in_place) as copy:
            _print_model(copy, output_format)
        return
    if mutate:
        _mutate(config, declaration, module, database, only, jobs, output_format, output)
    proof = None
    if static:
        report = _static(config, declaration, database)
    else:
        base = resolve_base(config, declaration, against, module) if against is not None else None
        with _opened(config, declaration, module, database, in_place) as copy, status_line() as tell:
            proof = prove(
                copy.conninfo,
                copy.declaration,
                isolation=copy.isolation,
                server_version_num=copy.server_version_num,
                progress=tell,
            )
            proof.findings += copy.not_copied
        if emit_dir is not None:
            emit(proof, emit_dir)
        report = report_of(proof)
        if base is not None:
            report = compared_with(base, report)
    report.findings = located(report.findings, config, declaration.source)
    if html_file is not None:
        write_text(html_file, page(proof, report))
    finish(
        report,
        output_format,
        closing=["", *closing_lines(report)],
        renderers=[
            ("text", lambda shown: matrix(proof, shown, verbose=verbose)),
            ("html", lambda shown: page(proof, shown)),
            ("github", github_annotations),
        ],
        output=output,
    )


def _refuse_combinations(static: bool, others: dict[str, object]) -> None:
    given = [name for name, value in others.items() if value]
    if static and given:
        raise click.UsageError(f"--static attacks nothing, so {' and '.join(given)} cannot be given with it")
    if others["--in-place"] and others["MODULE"]:
        raise click.UsageError("--in-place attacks a database that exists, so MODULE cannot be given with it")


def _refuse_beside_mutate(others: dict[str, object]) -> None:
    given = [name for name, value in others.items() if value]
    if given:
        raise click.UsageError(f"--mutate tests the proof itself, so {' and '.join(given)} cannot be given with it")


def _opened(
    config: Config, declaration: Declaration, module: str | None, database: str | None, in_place: bool
) -> AbstractContextManager[Disposable]:
    """The database to attack."""
    from dbkit.leak.clone import disposable_copy
    from dbkit.leak.in_place import marked_database

    if in_place:
        return marked_database(config, declaration, database)
    return disposable_copy(config, declaration, module, database)


def _static(config: Config, declaration: Declaration, database: str | None) -> Report:
    from dbkit.config import required_database_url
    from dbkit.leak.static import static_report

    url = required_database_url(config, database)
    return static_report(url, declaration, config.isolation if declaration.source == str(config.path) else None)


def _mutate(
    config: Config,
    declaration: Declaration,
    module: str | None,
    database: str | None,
    only: str | None,
    jobs: int | None,
    output_format: str,
    output: Path | None,
) -> NoReturn:
    """Break a copy in every way its catalog gives, prove each, and leave with what was not caught."""
    from dbkit.leak.clone import disposable_copy
    from dbkit.leak.mutate.render import closing_lines, mutation_report
    from dbkit.leak.mutate.run import mutate
    from dbkit.leak.mutate.survivors import load_survivors
    from dbkit.report import finish

    file = declaration.beside(declaration.survivors) if declaration.survivors else None
    explained = load_survivors(file) if file else []
    with disposable_copy(config, declaration, module, database) as copy, status_line() as tell:
        run = mutate(copy, only=only, jobs=jobs, progress=tell)
    report = mutation_report(run, explained, declaration.survivors, whole=module is None and only is None)
    finish(
        report,
        output_format,
        closing=["", *closing_lines(report)],
        output=output,
    )


def _print_model(copy: Disposable, output_format: str) -> None:
    from dbkit.leak.proof import read_model
    from dbkit.report import emit_json
    from dbkit.tenancy.describe import describe_model, model_as_dict

    model = read_model(copy.conninfo, copy.declaration, copy.isolation)
    if output_format == "json":
        emit_json(model_as_dict(model))
    else:
        click.echo(describe_model(model))
