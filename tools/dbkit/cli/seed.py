"""`dbkit seed`: rows for one environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dbkit.cli.options import config_option, database_option, format_option
from dbkit.config import Config, database_url, load_config

if TYPE_CHECKING:
    from dbkit.seed import SeedResult

__all__ = ["seed"]


@click.command()
@click.option("--env", required=True, metavar="ENV", help="Environment, as declared under [seeds] in dbkit.toml.")
@database_option("Database to load into.")
@format_option()
@config_option
def seed(env: str, database: str | None, output_format: str, config_file: Path | None) -> None:
    """Load the seed files of one environment.

    Seed files are idempotent: a second run inserts nothing. All files load in one transaction, or none. Without a
    database they are tried on a disposable one.

    \b
    Example:
        dbkit seed --env production --database postgresql://dbkit_migrator@db.example.com/app
        dbkit seed --env development
    """
    from dbkit import seed as seeding

    config = load_config(config_file)
    seeding.plan(config, env)  # a wrong name is said before any server is started
    url = database_url(config, database)
    result = _load_disposable(config, env) if url is None else seeding.load(url, config, env)
    if output_format == "json":
        from dbkit.report import emit_json

        emit_json(_as_dict(config, env, result))
    else:
        _print(config, result)


def _load_disposable(config: Config, env: str) -> SeedResult:
    from dbkit import seed as seeding
    from dbkit.postgres import open_server
    from dbkit.recipe import project_recipe

    recipe = project_recipe(config)
    with open_server(config, recipe) as server, server.template(recipe).clone() as database:
        return seeding.load(database.conninfo, config, env)


def _as_dict(config: Config, env: str, result: SeedResult) -> dict[str, object]:
    return {
        "command": "seed",
        "environment": env,
        "files": [config.display(file.path) for file in result.plan.files],
        "left_out": {config.display(path): modules for path, modules in result.plan.left_out.items()},
        "tables": [
            {"table": row.table, "inserted": row.inserted, "updated": row.updated, "deleted": row.deleted}
            for row in result.tables
        ],
    }


def _print(config: Config, result: SeedResult) -> None:
    for file in result.plan.files:
        click.echo(f"loaded {config.display(file.path)}")
    for path, modules in result.plan.left_out.items():
        click.echo(f"left out {config.display(path)}: it needs {', '.join(modules)}")
    width = max((len(row.table) for row in result.tables), default=0)
    for row in result.tables:
        counts = [
            f"{count:,} {verb}"
            for count, verb in ((row.inserted, "inserted"), (row.updated, "updated"), (row.deleted, "deleted"))
            if count
        ]
        click.echo(f"    {row.table:<{width}}  {', '.join(counts)}")
    if not result.tables:
        click.echo("    nothing to change")
