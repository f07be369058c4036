"""Where checks run: a disposable server, the project with the claim's data on it, a copy of that for each check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from dbkit.config import Config
from dbkit.postgres import Database, Recipe, Server, Step, Template, open_server

if TYPE_CHECKING:
    import psycopg

    from dbkit.leak.proof import Proof
    from dbkit.readiness.declaration import Claim

__all__ = ["Stage", "open_stage"]


@dataclass
class Stage:
    """What a check works with.

    Attributes:
        tell: says what is being done.
        proofs: module -> its isolation proof; several criteria look at one.
    """

    config: Config
    claim: Claim
    server: Server
    template: Template
    tell: Callable[[str], None] = lambda _: None
    proofs: dict[str, Proof] = field(default_factory=dict)

    def database(self) -> AbstractContextManager[Database]:
        """A private copy of the claim's data."""
        return self.template.clone()

    def conninfo(self, database: Database) -> str:
        """Connection string whose sessions act as the claim's role, as an application's login does."""
        from psycopg.conninfo import make_conninfo

        return make_conninfo(database.conninfo, options=f"-c role={self.claim.role}")

    @contextmanager
    def request(self, database: Database, n: int) -> Iterator[psycopg.Connection[Any]]:
        """One transaction of caller `n`, its context set; undone at the end."""
        import psycopg

        with psycopg.connect(self.conninfo(database)) as connection:
            connection.execute(self.claim.written(self.claim.context, n).encode())
            yield connection
            connection.rollback()

    def caller(self, database: Database, n: int) -> str:
        """The id of caller `n`."""
        import psycopg

        with psycopg.connect(database.conninfo) as connection:
            row = connection.execute(self.claim.written("select ({caller})::text", n).encode()).fetchone()
            assert row is not None  # a select without a table has one row
            return str(row[0])


@contextmanager
def open_stage(config: Config, claim: Claim, tell: Callable[[str], None] = lambda _: None) -> Iterator[Stage]:
    """Start a disposable server with the project, its production seeds and the claim's data, for a `with` block.

    Raises:
        DbkitError: no server can be had, or the project cannot be built.
        psycopg.Error: the claim's data does not load.
    """
    from dbkit.recipe import project_recipe

    seeds = "production" if "production" in config.seeds else None
    base = project_recipe(config, seeds=seeds)
    recipe = Recipe((*base.steps, Step(f"readiness {claim.name}", claim.data, partial(_load, claim.data))))
    tell("loading the data")
    with open_server(config, recipe) as server:
        yield Stage(config, claim, server, server.template(recipe), tell)


def _load(sql: str, conninfo: str) -> None:
    import psycopg

    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(sql.encode())
        # What autovacuum does on a server that lives longer.
        connection.execute("vacuum analyze")
