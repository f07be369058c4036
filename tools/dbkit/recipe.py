"""What a project's databases are made of, as a recipe the disposable server can cache layer by layer.

What others put there, roles, one layer a module (from the declared tree or from its migrations), then seeds, pgTAP and
setup files. Each layer's digest covers all it depends on, so an edit to one module's policies rebuilds that module and
what lies above.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from dbkit import __version__, build, groundwork, seed, source
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres import Recipe, Step
from dbkit.source import SqlFile

__all__ = ["platform_steps", "project_recipe"]


def project_recipe(
    config: Config,
    modules: Iterable[str] | None = None,
    *,
    via: Literal["declared", "migrations"] = "declared",
    seeds: str | None = None,
    pgtap: bool = False,
    setup: Sequence[str | Path] = (),
    bootstrap: Sequence[str] = (),
) -> Recipe:
    """The layers of a project's database.

    Args:
        modules: modules to have, with what they need; None takes all that are declared. A project that declares none
            gets no module layers.
        via: build the declared tree, or replay the migrations.
        seeds: environment whose seed files are loaded, None for none.
        pgtap: make pgTAP's functions callable.
        setup: SQL files a superuser runs last, relative to the project.
        bootstrap: further modules whose roles are wanted, without their tables.

    Raises:
        DbkitError: a module, environment or file that does not exist. That a declared tree has no order is found when
            its layer is built.
    """
    order = source.module_order(config, modules) if modules is not None or config.modules else []
    steps = platform_steps(config)
    rolled = [*order, *bootstrap]
    roles = source.bootstrap_files(config, rolled) if rolled else []
    if roles:
        steps.append(Step("roles", _digest(roles), partial(_bootstrap, config, rolled)))
    steps += _declared_steps(config, order) if via == "declared" else _migration_steps(config, order)
    if seeds is not None:
        files = seed.plan(config, seeds, order).files
        steps.append(Step(f"seeds {seeds}", _digest(files), partial(_seed, config, seeds, order)))
    if pgtap:
        steps.append(_pgtap_step(config))
    if setup:
        steps.append(_setup_step(config, setup))
    return Recipe(tuple(steps))


def platform_steps(config: Config) -> list[Step]:
    """The layer of what is there before the first migration; none where the project names nothing."""
    file = groundwork.platform_file(config)
    if file is None:
        return []
    return [Step("platform", _digest([file]), partial(_lay, config))]


def _lay(config: Config, conninfo: str) -> None:
    groundwork.lay(conninfo, config)


def _declared_steps(config: Config, order: Sequence[str]) -> list[Step]:
    steps = []
    for module in order:

        def apply(conninfo: str, module: str = module) -> None:
            _bootstrap(config, order, conninfo)
            files = build.build_order(config, [module])
            build.apply_files(conninfo, config, [file for file in files if file.module == module])

        # The order follows from the files, so it need not be computed to tell whether the layer is there already.
        needs = " ".join(sorted(source.closure(config, module)))
        digest = _digest(source.module_files(config, module), config.migrations.role or "", needs)
        steps.append(Step(f"module {module}", digest, apply))
    return steps


def _migration_steps(config: Config, order: Sequence[str]) -> list[Step]:
    if not order:
        return []
    from dbkit.migrate import runner

    def apply(conninfo: str) -> None:
        _bootstrap(config, order, conninfo)
        for module in order:
            runner.apply(conninfo, config, module=module)

    # One layer for all lines: what runs when may cross from one line to the other and back.
    paths = [path for module in order for path in sorted(source.migrations_dir(config, module).glob("*.sql"))]
    files = [source.read_sql(path, path.parent.name, "migrations") for path in paths]
    if not files:
        return []
    return [Step("migrations", _digest(files, config.migrations.role or ""), apply)]


def _bootstrap(config: Config, order: Sequence[str], conninfo: str) -> None:
    # Also once a layer: a copied database does not inherit the grants on the database it was copied from.
    build.bootstrap(conninfo, config, order)


def _seed(config: Config, env: str, order: Sequence[str], conninfo: str) -> None:
    seed.load(conninfo, config, env, order)


def _pgtap_step(config: Config) -> Step:
    from dbkit.tap import pgtap

    def apply(conninfo: str) -> None:
        pgtap.ensure_pgtap(conninfo, config=config)

    return Step("pgtap", pgtap.digest(config), apply)


def _setup_step(config: Config, paths: Sequence[str | Path]) -> Step:
    """All setup files as one layer: each layer is a database that every start of a saved cluster copies."""
    files = []
    for path in paths:
        absolute = config.resolve(path)
        if not absolute.is_file():
            raise DbkitError(
                f"setup file not found: {config.display(absolute)}",
                hint="Correct `setup` under [test] in dbkit.toml, or create the file.",
            )
        files.append(source.read_sql(absolute, "", "setup"))

    def apply(conninfo: str) -> None:
        with build.transaction(conninfo) as connection:
            for file in files:
                build.run_file(connection, file.text, config.display(file.path))

    return Step(f"setup {', '.join(map(str, paths))}", _digest(files), apply)


def _digest(files: Iterable[SqlFile], *more: str) -> str:
    """Hash of files in their order, and of the version of the tool that applies them."""
    digest = hashlib.sha256(__version__.encode())
    for part in more:
        digest.update(f"\n{part}".encode())
    for file in files:
        digest.update(f"\n{file.path.name} {file.digest}".encode())
    return digest.hexdigest()
