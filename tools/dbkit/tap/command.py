"""`dbkit test` from options to a finished run: choose the files, get the databases, run, remember what failed."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dbkit.config import Config, database_url
from dbkit.errors import DbkitError
from dbkit.tap.collect import LastFailed, Selection, TestFile, collect, select, xunit_files
from dbkit.tap.databases import Source, disposable, named_database
from dbkit.tap.report import Run
from dbkit.tap.result import FileResult
from dbkit.tap.runner import run
from dbkit.tap.sequence import OneDatabase, counts_on_others
from dbkit.tap.worker import Engine

if TYPE_CHECKING:
    from dbkit.postgres import Recipe, Step

__all__ = ["Options", "open_source", "run_tests", "test_files"]


@dataclass(frozen=True)
class Options:
    """What the command line asks for.

    Attributes:
        paths: files and folders; empty takes `[test] paths`.
        database: `--database`.
        jobs: workers, None for the default.
        setup: files run once before the tests, after those of `[test] setup`.
        migrations: build the database from this folder instead of the declared tree.
        schemas: schemas whose test functions are run with `runtests()`.
        disposable: in databases of our own, whatever database the environment names.
    """

    paths: tuple[Path, ...] = ()
    database: str | None = None
    jobs: int | None = None
    engine: Engine = "auto"
    setup: tuple[Path, ...] = ()
    migrations: Path | None = None
    schemas: tuple[str, ...] = ()
    stop_at_first: bool = False
    allow_commit: bool = False
    selection: Selection = field(default_factory=Selection)
    disposable: bool = False


def run_tests(
    config: Config,
    options: Options,
    *,
    on_start: Callable[[int, Source], None] | None = None,
    on_result: Callable[[FileResult], None] | None = None,
) -> Run:
    """Run the chosen files.

    Args:
        on_start: called once with the number of files and where they run.
        on_result: called as each file ends.

    Raises:
        DbkitError: nothing to run, or no database to run it in.
    """
    last_failed = LastFailed(config)
    suite = test_files(config, options)
    files = select(suite, options.selection, last_failed)
    if not files:
        raise DbkitError(
            "no test file is selected",
            detail="The selection (-k, --shard) leaves none of the files that were found.",
            hint="Widen the selection.",
        )
    with open_source(config, options) as source:
        jobs = options.jobs or config.test.jobs or (1 if source.in_place else os.cpu_count() or 1)
        jobs = min(jobs, len(files))
        if on_start is not None:
            on_start(len(files), source)
        begun = time.perf_counter()

        def hold(result: FileResult) -> bool:
            return counts_on_others(result, suite, source)

        results = run(
            files,
            source,
            jobs=jobs,
            engine=options.engine,
            stop_at_first=options.stop_at_first,
            allow_commit=options.allow_commit,
            hold=hold,
            on_result=on_result,
        )
        if held := sorted(filter(hold, results), key=lambda result: result.file.display):
            with OneDatabase(suite, source, options.engine) as database:
                second = {result.file: database.run_again(result) for result in held}
            results = [second.get(result.file, result) for result in results]
            for result in second.values():
                if on_result is not None:
                    on_result(result)
        seconds = time.perf_counter() - begun
    ran = {result.file.display for result in results}
    last_failed.write(
        passed=[result.file.display for result in results if result.passed],
        failed=[result.file.display for result in results if not result.passed],
    )
    not_run = [file.display for file in files if file.display not in ran]
    return Run(results, source.description, source.server, jobs, seconds, not_run)


def test_files(config: Config, options: Options) -> list[TestFile]:
    """The files the paths name, or the project's own.

    Raises:
        DbkitError: there is none.
    """
    paths = list(options.paths)
    if not paths and not options.schemas:
        paths = [config.resolve(path) for path in config.test.paths]
    files = [*collect(paths, config), *xunit_files(options.schemas)]
    if not files:
        looked = ", ".join(config.display(path) for path in paths)
        raise DbkitError(
            "no test files found",
            detail=f"Looked in {looked} for files ending in .sql, .pg or .pgtap whose name does not start with _.",
            hint="Name the files or folders to run: dbkit test PATH…",
        )
    return files


test_files.__test__ = False  # type: ignore[attr-defined]  # pytest: not a test function


@contextmanager
def open_source(config: Config, options: Options) -> Iterator[Source]:
    """The databases the tests run in, for the length of a `with` block.

    In a project only `--database` and DBKIT_DATABASE_URL name a database: one that is merely configured for the
    application is no place to run tests in. Without a project the usual order holds.
    """
    named = options.database is not None or os.environ.get("DBKIT_DATABASE_URL")
    url = database_url(config, options.database) if named or config.path is None else None
    if options.disposable:
        url = None
    if url is not None:
        if options.migrations is not None:
            raise DbkitError(
                "--migrations and a database do not go together",
                detail="--migrations builds a database of its own.",
                hint="Leave out one of the two; without --database, unset DBKIT_DATABASE_URL and the PG* variables.",
            )
        with named_database(config, url, [partial(_apply_setup, path) for path in options.setup]) as source:
            yield source
        return
    recipe, what = _recipe(config, options)
    with disposable(config, recipe, what) as source:
        yield source


def _recipe(config: Config, options: Options) -> tuple[Recipe, str]:
    from dbkit.postgres import Recipe
    from dbkit.recipe import platform_steps, project_recipe

    folder = options.migrations
    setup: tuple[str, ...] = ()
    if folder is None and config.path and not config.modules and config.resolve(config.migrations.dir).is_dir():
        folder, setup = config.resolve(config.migrations.dir), config.test.setup
    if folder is not None:
        bare = replace(config, modules={}, migrations=replace(config.migrations, platform=None))
        project = project_recipe(bare, pgtap=True, setup=setup)
        steps = [*platform_steps(config), _migrations_step(config, folder), *project.steps]
        what = config.display(folder)
    else:
        seeds = config.test.seeds if config.modules else None
        project = project_recipe(config, via="declared", seeds=seeds, pgtap=True, setup=config.test.setup)
        steps = list(project.steps)
        what = "the project" if config.modules else "an empty database"
    return Recipe((*steps, *[_setup_step(path) for path in options.setup])), what


def _migrations_step(config: Config, folder: Path) -> Step:
    from dbkit.postgres import Step

    if not folder.is_dir():
        raise DbkitError(f"migrations folder not found: {config.display(folder)}", hint="Name an existing folder.")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return Step(f"migrations {folder.name}", _digest(files), partial(_apply_migrations, config, folder.absolute()))


def _apply_migrations(config: Config, folder: Path, conninfo: str) -> None:
    from dbkit.migrate import runner

    # The project's migration role need not exist in a database made from another folder.
    runner.apply(conninfo, replace(config, migrations=replace(config.migrations, role=None)), migrations=folder)


def _setup_step(path: Path) -> Step:
    from dbkit.postgres import Step

    if not path.is_file():
        raise DbkitError(f"setup file not found: {path}", hint="Name an existing file with --setup.")
    # Files included from it are not known here; those beside it stand for them.
    return Step(f"setup {path.name}", _digest([path, *sorted(path.parent.glob("*.sql"))]), partial(_apply_setup, path))


def _apply_setup(path: Path, conninfo: str) -> None:
    """Run a setup file as the tests are run, so that it may use psql commands."""
    import psycopg

    from dbkit.tap.engine import run_file
    from dbkit.tap.psql_variables import NeedsPsql

    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("set client_min_messages = warning")
            transcript = run_file(connection, path)
    except NeedsPsql as need:
        raise DbkitError(
            f"setup file cannot be run: {path}", detail=f"{need} is a command only psql has.", hint="Remove it."
        ) from None
    if transcript.exit_code:
        failure = transcript.failures[-1]
        raise DbkitError(
            f"setup file failed: {path}",
            detail=f"{failure.place}: {failure.message}",
            hint="Mend the file at that line.",
        )


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"\n{path.name}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
