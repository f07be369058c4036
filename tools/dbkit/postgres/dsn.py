"""A server the user names: throw-away databases on it, templates that stay for the next run.

The server is somebody's, so nothing is taken for granted: its host must be listed as disposable, only databases whose
comment carries our marker are ever dropped, and nobody else's session is ended.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from typing import Any

from dbkit.config import Config
from dbkit.conninfo import cannot_connect, parse
from dbkit.errors import DbkitError
from dbkit.postgres.binaries import MINIMUM_MAJOR
from dbkit.postgres.server import DATABASE_PREFIX, MARKER, TEMPLATE_PREFIX, Recipe, Server, Template

__all__ = ["DsnServer"]

# Templates beyond these are dropped once nobody has asked for them for LEFTOVER_SECONDS.
SOURCE = "[postgres] url (or DBKIT_POSTGRES_URL)"
KEPT_TEMPLATES = 20
# A clone is a leftover when it is older than this and has no session.
LEFTOVER_SECONDS = 3600


class DsnServer(Server):
    """Throw-away databases on a server that was there before us and stays."""

    provider = "dsn"

    def __init__(self, url: str, pool_size: int) -> None:
        super().__init__(pool_size)
        self._url = url
        # Process ids repeat between machines that share the server.
        self._token = secrets.token_hex(4)
        self._created: set[str] = set()

    @classmethod
    def open(cls, config: Config) -> DsnServer:
        """Reach the server of `[postgres] url` (DBKIT_POSTGRES_URL beats it) and check that we may use it.

        Raises:
            DbkitError: no URL; unreachable; host not listed in `[postgres] disposable_hosts`; a transaction pooler; too
                old; or a role that may not create databases.
        """
        url = os.environ.get("DBKIT_POSTGRES_URL") or config.postgres.url
        if not url:
            raise DbkitError(
                "the dsn provider has no server",
                hint="Set [postgres] url in dbkit.toml, or DBKIT_POSTGRES_URL.",
            )
        parse(url)
        server = cls(url, config.postgres.pool_size)
        try:
            server._check(config.postgres.disposable_hosts)
            server._drop_leftovers()
        except BaseException:
            server.close()
            raise
        return server

    def conninfo(self, dbname: str | None = None, user: str | None = None) -> str:
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        # The maintenance database is the one the URL names: there may be no right to connect to another.
        changes: dict[str, Any] = {key: value for key, value in (("dbname", dbname), ("user", user)) if value}
        if user:
            changes["password"] = conninfo_to_dict(self._url).get("password")
        return make_conninfo(self._url, **changes)

    def new_name(self) -> str:
        return f"{DATABASE_PREFIX}{self._token}_{next(self._names)}"

    def create_database(self, name: str, template: str) -> None:
        self._created.add(name)
        super().create_database(name, template)

    def template(self, recipe: Recipe) -> Template:
        template = super().template(recipe)
        for digest in recipe.hashes(self.identity()):
            self.mark(TEMPLATE_PREFIX + digest)  # used now: another run that cleans up leaves it
        return template

    def drop_database(self, name: str) -> None:
        super().drop_database(name)
        self._created.discard(name)

    def stop(self) -> None:
        import psycopg

        for template in self._templates:
            template.close()
        try:
            for name in [name for name in self._created if not name.startswith(TEMPLATE_PREFIX)]:
                self.drop_database(name)
            self._forget_old_templates()
        except psycopg.OperationalError:
            pass  # the server went away; the next run drops what is left
        self.close()

    def _check(self, disposable_hosts: tuple[str, ...]) -> None:
        import psycopg

        from dbkit.migrate.lock import refuse_pooler
        from dbkit.migrate.session import Session

        try:
            info = self._admin().info
        except psycopg.OperationalError as error:
            raise cannot_connect(
                self._url, str(error), message="cannot reach the server of the dsn provider", source=SOURCE
            ) from None
        host = info.host or info.hostaddr
        if host not in disposable_hosts:
            raise DbkitError(
                f"server is not listed as disposable: {host}",
                detail="dbkit creates and drops databases on the server of the dsn provider.",
                hint=f'If that is meant, add to dbkit.toml under [postgres]: disposable_hosts = ["{host}"]',
            )
        with Session.connect(self.conninfo()) as session:
            refuse_pooler(session)
        if info.server_version // 10000 < MINIMUM_MAJOR:
            raise DbkitError(
                f"server is too old: PostgreSQL {info.server_version // 10000}",
                detail=f"dbkit needs {MINIMUM_MAJOR} or newer.",
                hint="Name a newer server.",
            )
        role, may_create = self.admin(
            "select rolname, rolcreatedb or rolsuper from pg_roles where rolname = current_user"
        )[0]
        if not may_create:
            raise DbkitError(
                f"role may not create databases: {role}",
                detail=f"CREATEDB is missing on {host}.",
                hint=f'Let a superuser run: alter role "{role}" createdb',
            )

    def _marked(self) -> list[tuple[str, int]]:
        """Our databases on this server, of any run: name and when it was made or last asked for (epoch seconds)."""
        rows = self.admin(
            "select datname, shobj_description(oid, 'pg_database') from pg_database"
            f" where starts_with(datname, '{DATABASE_PREFIX}') and datdba = current_user::regrole"
        )
        marked = []
        for name, comment in rows:
            found = re.fullmatch(rf"{MARKER} \d+ (\d+)", comment or "")
            if found:
                marked.append((name, int(found.group(1))))
        return marked

    def _drop_leftovers(self) -> None:
        """Drop clones of runs that died: an hour old and with no session left."""
        busy = {name for (name,) in self.admin("select distinct datname from pg_stat_activity")}
        for name, created in self._marked():
            finished_template = name.startswith(TEMPLATE_PREFIX) and not name.endswith("_building")
            if not finished_template and name not in busy and time.time() - created > LEFTOVER_SECONDS:
                super().drop_database(name)

    def _forget_old_templates(self) -> None:
        """Keep the templates used last and those that a parallel run may be using."""
        templates = sorted(
            ((used, name) for name, used in self._marked() if name.startswith(TEMPLATE_PREFIX)), reverse=True
        )
        for used, name in templates[KEPT_TEMPLATES:]:
            if time.time() - used > LEFTOVER_SECONDS:
                self.admin(f'alter database "{name}" with is_template false')
                super().drop_database(name)
