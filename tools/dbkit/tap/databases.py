"""Where a worker gets its databases: clones of a template, clones of a database the user names, or that one itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.config import Config
from dbkit.conninfo import cannot_connect, refuse_old_server
from dbkit.errors import DbkitError
from dbkit.tap import pgtap
from dbkit.tap.isolation import Isolation

if TYPE_CHECKING:
    import psycopg

    from dbkit.postgres import Recipe, Template

__all__ = ["Source", "disposable", "named_database"]


@dataclass(frozen=True)
class Source:
    """Databases for tests.

    Attributes:
        description: said to the user, e.g. "clones of the project on embedded PostgreSQL 17.10".
        server: "PostgreSQL 17.10".
        clone: context manager giving the conninfo of a private database; None when the tests run in one database that
            is not ours.
        fresh: context manager giving the conninfo of a database on a server of its own; None where none can be had.
        conninfo: the database itself, when there are no clones.
        pgtap: how pgTAP is installed in them.
        bin_dir: folder with psql, None to search the PATH.
        settings: names of custom settings that functions and policies set or read; a session that has touched one is
            not given to the next file.
    """

    description: str
    server: str
    clone: Callable[[], Any] | None = None
    fresh: Callable[[], Any] | None = None
    conninfo: str = ""
    pgtap: pgtap.Pgtap | None = None
    bin_dir: Path | None = None
    settings: frozenset[str] = frozenset()

    @property
    def in_place(self) -> bool:
        return self.clone is None


# A setting that is read by name in a function, policy, view or default.
_CUSTOM_SETTINGS = r"""
with source(text) as (
    select p.prosrc
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where n.nspname not in ('pg_catalog', 'information_schema') and p.prosrc ~ 'current_setting|set_config'
     union all
    select pg_catalog.pg_get_functiondef(p.oid)
      from pg_catalog.pg_proc p
     where p.prosqlbody is not null and p.prokind <> 'a'
       and p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace
     union all
    select pg_catalog.concat_ws(
               ' ', pg_catalog.pg_get_expr(polqual, polrelid), pg_catalog.pg_get_expr(polwithcheck, polrelid)
           )
      from pg_catalog.pg_policy
     union all
    select pg_catalog.pg_get_viewdef(c.oid)
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
     union all
    select pg_catalog.pg_get_expr(adbin, adrelid) from pg_catalog.pg_attrdef
)
select distinct pg_catalog.lower(found[1])
  from source,
       pg_catalog.regexp_matches(text, '(?:current_setting|set_config)\s*\(\s*''([A-Za-z_]\w*\.[\w.]+)''', 'g') found
"""


@contextmanager
def disposable(config: Config, recipe: Recipe, what: str) -> Iterator[Source]:
    """Clones of a recipe's template on a disposable server.

    Args:
        what: name of what the recipe builds, for the description.
    """
    from dbkit.postgres import open_server

    with open_server(config, recipe) as server:
        template = server.template(recipe)

        @contextmanager
        def fresh() -> Iterator[str]:
            with open_server(config, recipe) as other, other.template(recipe).clone() as database:
                yield database.conninfo

        version = f"PostgreSQL {server.version}"
        yield _from_template(
            template,
            Source(f"clones of {what} on {server.provider} {version}", version, fresh=fresh, bin_dir=server.bin_dir),
            created=True,
        )


@contextmanager
def named_database(config: Config, url: str, setup: Sequence[Callable[[str], None]]) -> Iterator[Source]:
    """Clones of a database on a server listed as disposable, else that database itself.

    Args:
        setup: run on the clone before the tests, with its conninfo.

    Raises:
        DbkitError: the database cannot be reached or cloned, or setup files are given for one that is used in place.
    """
    import psycopg

    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            refuse_old_server(connection.info.server_version)
            host, name = connection.info.host, connection.info.dbname
            version = f"PostgreSQL {_version(connection.info.server_version)}"
            options = _database_settings(connection)
            has_pgtap = pgtap.installed(connection)
            settings = _custom_settings(connection)
    except psycopg.OperationalError as error:
        raise cannot_connect(url, str(error), message="cannot reach the database to test") from None
    where = f"{name} on {host}"
    if host not in config.postgres.disposable_hosts:
        if setup:
            raise DbkitError(
                f"setup files would change {where}",
                detail="The server is not listed as disposable, so the tests run in the database itself.",
                hint=f'Add to dbkit.toml under [postgres]: disposable_hosts = ["{host}"], or leave out --setup.',
            )
        lacking = "" if has_pgtap else ", which has no pgTAP: create extension pgtap"
        yield Source(f"{where}, in place{lacking}", version, conninfo=url, pgtap=has_pgtap, settings=settings)
        return
    with ExitStack() as stack:
        template = _clone_of(stack, config, url, name, setup, options)
        source = Source(f"clones of {where}", version)
        yield _from_template(template, source, created=has_pgtap is None, options=options)


def _clone_of(
    stack: ExitStack, config: Config, url: str, name: str, setup: Sequence[Callable[[str], None]], options: str
) -> Template:
    """A finished copy of the database, which clones are made from; dropped when `stack` closes."""
    import psycopg
    from psycopg.conninfo import make_conninfo

    from dbkit.postgres import Template
    from dbkit.postgres.dsn import DsnServer

    if os.environ.get("DBKIT_POSTGRES_URL"):
        raise DbkitError(
            "DBKIT_POSTGRES_URL and a database do not go together",
            detail=f"Clones of {name} are made on its own server.",
            hint="Run: env -u DBKIT_POSTGRES_URL dbkit test …",
        )
    server = DsnServer.open(replace(config, postgres=replace(config.postgres, provider="dsn", url=url)))
    stack.callback(server.stop)
    copy = server.new_name()
    try:
        # The server's own session is in the database too; Postgres minds only those of others.
        server.create_database(copy, name)
    except psycopg.errors.ObjectInUse as error:
        raise DbkitError(
            f"cannot clone {name}: it is in use",
            detail=f"{error.diag.message_detail or error}",
            hint="End the other sessions, or run on a server that is not listed as disposable to test in place.",
        ) from None
    except psycopg.Error as error:
        raise DbkitError(
            f"cannot clone {name}",
            detail=str(error).strip(),
            hint="Connect as the owner of the database or as a superuser.",
        ) from None
    conninfo = server.conninfo(copy)
    found = pgtap.ensure_pgtap(conninfo, config=config)
    for apply in setup:
        apply(make_conninfo(conninfo, options=_session_options(found, options)))
    server.admin(f'alter database "{copy}" with allow_connections false')
    return Template(server, copy, config.postgres.pool_size)


def _from_template(template: Template, source: Source, *, created: bool, options: str = "") -> Source:
    """Ask one clone what all of them have."""
    import psycopg
    from psycopg.conninfo import make_conninfo

    asked = ExitStack()
    first = asked.enter_context(template.clone())
    with psycopg.connect(first.conninfo, autocommit=True) as connection:
        found = pgtap.installed(connection)
        settings = _custom_settings(connection)
    unused = [(asked, first)]  # goes to the first who wants a clone
    if found is not None:
        found = replace(found, created=created)
        options = _session_options(found, options)

    @contextmanager
    def clone() -> Iterator[str]:
        with ExitStack() as stack:
            try:
                held, database = unused.pop()
                stack.push(held)
            except IndexError:
                database = stack.enter_context(template.clone())
            yield make_conninfo(database.conninfo, options=options) if options else database.conninfo

    return replace(source, clone=clone, pgtap=found, settings=settings)


def _session_options(found: pgtap.Pgtap, options: str) -> str:
    """Connection options of a session that tests: the database's own settings, and pgTAP's schema within reach."""
    if found.schema not in ("public", "pg_catalog") and "search_path" not in options:
        options += f' -c search_path="$user",public,{found.schema}'
    return options.strip()


def _custom_settings(connection: psycopg.Connection[Any]) -> frozenset[str]:
    return frozenset(str(row[0]) for row in connection.execute(_CUSTOM_SETTINGS))


def _database_settings(connection: psycopg.Connection[Any]) -> str:
    """`alter database … set` of a database as connection options: a copy does not inherit them."""
    rows = connection.execute(
        """
        select pg_catalog.unnest(s.setconfig)
          from pg_catalog.pg_db_role_setting s
          join pg_catalog.pg_database d on d.oid = s.setdatabase
         where d.datname = pg_catalog.current_database()
           and s.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = current_user))
         order by s.setrole
        """
    ).fetchall()
    return "".join(" -c " + str(row[0]).replace("\\", "\\\\").replace(" ", "\\ ") for row in rows)


def _version(number: int) -> str:
    return f"{number // 10000}.{number % 10000}"


def isolation_of(source: Source, wanted: Isolation) -> Isolation:
    """What can be given: a server of its own only where servers can be started."""
    if wanted is Isolation.SERVER and source.fresh is None:
        return Isolation.DATABASE
    return wanted
