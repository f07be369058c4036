"""Equality 1: the declared tree builds the same database as all migrations do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from dbkit import drift
from dbkit.catalog import snapshot
from dbkit.config import Config
from dbkit.equalities.common import Outcome
from dbkit.errors import DbkitError
from dbkit.postgres import Database, Server
from dbkit.recipe import project_recipe
from dbkit.report import Finding

__all__ = ["declared_equals_migrations"]


def declared_equals_migrations(
    server: Server, config: Config, modules: Sequence[str] | None = None, *, oracle: bool = False
) -> Outcome:
    """Equality 1: the declared tree builds the same database as all migrations do.

    Args:
        modules: modules to compare, with what they need; None takes all that are declared.
        oracle: compare what pg_dump writes too.

    Raises:
        DbkitError: one of the two cannot be built.
    """
    outcome = Outcome("declared tree = migrations")
    if not config.modules:
        outcome.skipped = "the project declares no modules, so it has no declared tree"
        return outcome
    sides = {"left": "the declared tree", "right": "the migrations"}
    with ExitStack() as clones:
        declared = clones.enter_context(server.template(project_recipe(config, modules)).clone())
        migrated = clones.enter_context(server.template(project_recipe(config, modules, via="migrations")).clone())
        a, b = snapshot(declared.conninfo), snapshot(migrated.conninfo)
        outcome.checked = sum(1 for _ in drift.entries(a))
        advice = drift.Advice(
            missing='Draft it with dbkit migrate new MODULE "what changes", or take it out of the declared files.',
            extra="Write it into the declared files, or remove it with a new migration.",
            differs='Bring both to the same text; dbkit migrate new MODULE "what changes" drafts the migration.',
        )
        outcome.findings = drift.compare(a, b, **sides, advice=advice)
        if oracle:
            outcome.findings += _ask_pg_dump(server, declared, migrated, sides)
    return outcome


def _ask_pg_dump(server: Server, one: Database, two: Database, sides: dict[str, str]) -> list[Finding]:
    from dbkit.dump import compare_dumps

    if server.bin_dir is None or not (server.bin_dir / "pg_dump").exists():
        raise DbkitError(
            "no pg_dump for the oracle",
            detail=f"The server comes from {server.provider}, without client programs.",
            hint="Run without --oracle, or name a folder that has pg_dump with DBKIT_PG_BIN.",
        )
    return compare_dumps(one.conninfo, two.conninfo, server.bin_dir / "pg_dump", **sides)
