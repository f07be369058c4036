"""Rows for an environment: the seed files of `[seeds]`, loaded again and again with the same outcome.

An environment is a list of sub-folders of `seeds/`; inside one, files go by name (`01_system_roles.sql`). Which modules
a file belongs to follows from the schemas it mentions, so a project without `rental` never loads rental's rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from dbkit import build, source
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.source import SqlFile

__all__ = ["SEED_ROLE", "SeedPlan", "SeedResult", "TableCount", "load", "plan"]

PRODUCTION = "production"
# Seeds write through the policy `system_all`, as data migrations do, never past row security.
SEED_ROLE = "app_definer"

_COUNTS = """
select schemaname || '.' || relname, n_tup_ins, n_tup_upd, n_tup_del
  from pg_catalog.pg_stat_xact_user_tables
 where n_tup_ins + n_tup_upd + n_tup_del > 0
   and schemaname !~ '^pg_temp'
 order by 1
"""


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """The files of one environment.

    Attributes:
        files: in the order they are loaded.
        left_out: file -> the modules it mentions that are not asked for.
    """

    files: list[SqlFile] = field(default_factory=list)
    left_out: dict[Path, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableCount:
    """Rows one load wrote to a table. An idempotent seed that runs again inserts none."""

    table: str
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What a load did."""

    plan: SeedPlan
    tables: list[TableCount]


def plan(config: Config, env: str, modules: Iterable[str] | None = None) -> SeedPlan:
    """The seed files of an environment, without running them.

    Args:
        modules: the modules that are there, with what they need; None takes all that are declared.

    Raises:
        DbkitError: an environment `[seeds]` does not declare, a folder that does not exist, or production naming a
            folder other than its own.
    """
    present = set(source.module_order(config, modules)) if modules is not None or config.modules else set()
    known = set(source.declared_modules(config))
    absent = (known | set(source.packaged_modules())) - present
    result = SeedPlan()
    for folder in _folders(config, env):
        for path in _seed_files(config, folder):
            file = source.read_sql(path, "", "seeds")
            missing = _mentioned_schemas(file.text) & absent
            if not missing:
                result.files.append(file)
            elif missing & known:  # rows of a packaged module the project does not have concern nobody
                result.left_out[path] = sorted(missing)
    return result


def load(conninfo: str, config: Config, env: str, modules: Iterable[str] | None = None) -> SeedResult:
    """Load the seed files of an environment, all of them or none.

    Raises:
        DbkitError: as `plan`; or a file fails (with file, line, column and SQLSTATE).
    """
    seeds = plan(config, env, modules)
    with build.transaction(conninfo) as connection:
        build.set_role(connection, _role(config))
        for file in seeds.files:
            build.run_file(connection, file.text, config.display(file.path))
        # The counters of the transaction that is still open: what these files wrote, nothing else.
        tables = [TableCount(*row) for row in connection.execute(_COUNTS)]
    return SeedResult(seeds, tables)


def _role(config: Config) -> str | None:
    return SEED_ROLE if "core" in config.modules else config.migrations.role


def _folders(config: Config, env: str) -> tuple[str, ...]:
    if env not in config.seeds:
        known = ", ".join(config.seeds) or "none"
        raise DbkitError(
            f"unknown environment: {env}",
            detail=f"The environments of this project are: {known}." if config.path else config.lacks("seeds"),
            hint='Correct the name, or declare it under [seeds] in dbkit.toml, such as `test = ["production"]`.',
        )
    folders = config.seeds[env]
    strangers = [folder for folder in folders if folder != PRODUCTION]
    if env == PRODUCTION and strangers:
        raise DbkitError(
            f"production would load the seeds of {strangers[0]}",
            detail=f"[seeds] {PRODUCTION} lists {', '.join(folders)}.",
            hint=f'Write `{PRODUCTION} = ["{PRODUCTION}"]` under [seeds] in dbkit.toml.',
        )
    return folders


def _seed_files(config: Config, folder: str) -> list[Path]:
    """A folder's files by name: the packaged ones and the project's own, which win where both have a name."""
    roots = [root / "seeds" / folder for root in (source.packaged_root(), source.sql_root(config))]
    if not any(root.is_dir() for root in roots):
        raise DbkitError(
            f"no seed folder: {folder}",
            detail=f"{config.display(roots[-1])} does not exist.",
            hint="Create the folder, or correct its name under [seeds] in dbkit.toml.",
        )
    by_name = {path.name: path for root in roots for path in sorted(root.glob("*.sql"))}
    return [by_name[name] for name in sorted(by_name)]


def _mentioned_schemas(text: str) -> set[str]:
    """Schemas of the qualified names in a file; what stands in plain strings and comments does not count."""
    from pglast import parser

    try:
        tokens = [token for token in parser.scan(text) if not token.name.endswith("COMMENT")]
    except parser.ParseError:
        return set()  # the server names the place when the file runs
    words = [text[token.start : token.end + 1] for token in tokens]
    schemas = {before.strip('"') for before, mark in pairwise(words) if mark == "."}
    for token, word in zip(tokens, words, strict=True):
        if token.name == "SCONST" and word.startswith("$"):  # the body of a DO block
            tag = word[: word.index("$", 1) + 1]
            schemas |= _mentioned_schemas(word.removeprefix(tag).removesuffix(tag))
    return schemas
