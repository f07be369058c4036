"""What a database has before its first migration, where others put it there: roles, schemas, extensions.

`[migrations] platform` names an SQL file that a superuser runs on every disposable database, so that a folder of
migrations that grants to a role of production replays there too. A live database is never touched by it.
"""

from __future__ import annotations

import re

from dbkit.build import sql_error
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.source import SqlFile, read_sql
from dbkit.sqltext import split

__all__ = ["lay", "platform_file", "platform_roles"]

_CREATE_ROLE = re.compile(r'\s*create\s+(?:role|user|group)\s+(?!mapping\b)(?:"((?:[^"]|"")+)"|(\w+))', re.IGNORECASE)
_DUPLICATE_OBJECT = "42710"


def platform_file(config: Config) -> SqlFile | None:
    """The file that `[migrations] platform` names, None where it names none.

    Raises:
        DbkitError: there is no such file, or it is not UTF-8.
    """
    if config.migrations.platform is None:
        return None
    path = config.resolve(config.migrations.platform)
    if not path.is_file():
        raise DbkitError(
            f"no such file: {config.display(path)}",
            hint="Correct `platform` under [migrations] in dbkit.toml, or create the file.",
        )
    return read_sql(path, "", "platform")


def platform_roles(config: Config) -> set[str]:
    """The roles that the file creates. On a live server they have what their maker gave them: nobody compares that."""
    file = platform_file(config)
    found = [_CREATE_ROLE.match(statement.text) for statement in split(file.text)] if file else []
    return {match[1].replace('""', '"') if match[1] else match[2].lower() for match in found if match}


def lay(conninfo: str, config: Config) -> None:
    """Run the file, statement by statement. Roles that the server has from another of its databases are passed over.

    Args:
        conninfo: superuser's connection string of a disposable database.

    Raises:
        DbkitError: the server refused a statement; with file, line and column.
    """
    import psycopg

    file = platform_file(config)
    if file is None:
        return
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for statement in split(file.text):
            try:
                connection.execute(statement.text.encode(), prepare=False)
            except psycopg.Error as error:
                if error.sqlstate == _DUPLICATE_OBJECT and _CREATE_ROLE.match(statement.text):
                    continue
                raise sql_error(error, file.text, config.display(file.path), statement.offset) from None
