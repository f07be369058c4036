"""`dbkit leak`: attack a disposable copy of a schema as its app roles and report what crosses tenants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dbkit.cli.options import config_option, database_option, format_option

__all__ = ["leak"]


@click.command()
@click.argument("module", required=False)
@database_option("Database whose schema is proven; it is only read, the attacks run on a copy.")
@click.option(
    "--tenancy",
    "tenancy_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="TOML file with the [tenancy] table. Default: the project file.",
)
@click.option(
    "--model", "model_only", is_flag=True, help="Print what is declared and inferred, with reasons, and stop."
)
@click.option(
    "--emit",
    "emit_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="DIR",
    help="Also write the attacks as pgTAP files that need no dbkit.",
)
@format_option("github")
@config_option
def leak(
    module: str | None,
    database: str | None,
    tenancy_file: Path | None,
    model_only: bool,
    emit_dir: Path | None,
    output_format: str,
    config_file: Path | None,
) -> None:
    """Prove that no tenant reaches another.

    Two tenants' rows are made in every table of a disposable copy, then each app role tries every command on the other
    tenant's rows in every state its context can be in. Each verdict has its control: the same statement on own rows.

    Exit code 0: every path holds. 1: a leak. 2: a path is unverified, or the proof could not run.

    \b
    Example:
      dbkit leak
      dbkit leak rental --format json
      dbkit leak --database postgresql://reader@db/app --tenancy tenancy.toml
      dbkit leak --model
    """
    from dbkit.config import load_config
    from dbkit.leak.clone import disposable_copy
    from dbkit.leak.emit import emit
    from dbkit.leak.proof import prove, read_model
    from dbkit.leak.render import closing_line, github_annotations, matrix, report_of
    from dbkit.report import emit_json, finish
    from dbkit.tenancy import describe_model, load_declaration, model_as_dict

    config = load_config(config_file)
    declaration = load_declaration(config, tenancy_file)
    with disposable_copy(config, declaration, module, database) as copy:
        if model_only:
            model = read_model(copy.conninfo, copy.declaration, copy.isolation)
            if output_format == "json":
                emit_json(model_as_dict(model))
            else:
                click.echo(describe_model(model))
            return
        with _progress() as tell:
            proof = prove(copy.conninfo, copy.declaration, isolation=copy.isolation, progress=tell)
        if emit_dir is not None:
            emit(proof, emit_dir)
    report = report_of(proof)
    finish(
        report,
        output_format,
        closing=["", closing_line(report)],
        renderers=[("text", lambda shown: matrix(proof, shown)), ("github", github_annotations)],
    )


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Says on a terminal's last line what is being done, and nothing anywhere else."""
    from dbkit.terminal import can_redraw, redraw

    if not can_redraw():
        yield lambda _: None
        return
    try:
        yield lambda text: redraw(f"{text} …")
    finally:
        redraw()
