"""What a database holds, in numbers and names: enough to tell whether a copy of it is whole.

Rows are counted, not estimated, and without row security: a login that would see a part of a table is an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from dbkit.errors import DbkitError
from dbkit.report import Finding, Severity

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["Picture", "compare", "require_every_row", "take"]

# Counting takes as long as it takes, and pg_dump reads on long after: limits for requests are not for this.
_UNHURRIED = """
select set_config(name, '0', true)
  from unnest('{statement_timeout, lock_timeout, idle_in_transaction_session_timeout}'::text[]) as name
"""
# One table that row security binds the current role on; none where its owner reads past policies that are not forced.
_BINDING = """
select current_user, min(c.oid::regclass::text)
  from pg_catalog.pg_class as c
 where c.relkind in ('r', 'p')
   and pg_catalog.row_security_active(c.oid)
"""
# Tables with rows of their own: no partitioned parents, nothing temporary, nothing that belongs to an extension. An
# unlogged one has none on a standby: nobody may look, and pg_dump leaves its rows out.
_TABLES = """
select format('%I.%I', n.nspname, c.relname), c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery()
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relkind = 'r'
   and c.relpersistence <> 't'
   and n.nspname <> 'information_schema'
   and n.nspname !~ '^pg_'
   and not exists (
       select from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
 order by 1
"""
_CONSTRAINTS = """
select format('%I.%I %I', n.nspname, c.relname, k.conname), pg_catalog.pg_get_constraintdef(k.oid)
  from pg_catalog.pg_constraint as k
  join pg_catalog.pg_class as c on c.oid = k.conrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where n.nspname <> 'information_schema'
   and n.nspname !~ '^pg_'
   -- since 18 a NOT NULL is a constraint, with a name that older servers do not give it
   and k.contype <> 'n'
   and not exists (
       select from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
"""
_EXTENSIONS = "select e.extname, e.extversion from pg_catalog.pg_extension as e"
_EXTENSION_SCHEMAS = """
select n.nspname, e.extname
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_extension as e on e.oid = d.refobjid
  join pg_catalog.pg_namespace as n on n.oid = d.objid
 where d.classid = 'pg_catalog.pg_namespace'::regclass
   and d.refclassid = 'pg_catalog.pg_extension'::regclass
   and d.deptype = 'e'
"""
_HAS_LEDGER = "select pg_catalog.to_regclass('dbkit.migrations') is not null"
_MIGRATIONS = "select m.line, max(m.version) from dbkit.migrations as m where m.state = 'applied' group by m.line"
# Whoever owns something or is named in a grant or a policy, and the superuser the server was made with.
_ROLES = """
select r.rolname
  from pg_catalog.pg_shdepend as d
  join pg_catalog.pg_database as b on b.oid = d.dbid and b.datname = current_database()
  join pg_catalog.pg_roles as r on r.oid = d.refobjid
 where d.refclassid = 'pg_catalog.pg_authid'::regclass
 union
select r.rolname from pg_catalog.pg_roles as r where r.oid = 10
 order by 1
"""


@dataclass(frozen=True)
class Picture:
    """One moment of a database.

    Attributes:
        server: server_version_num, e.g. 150018.
        rows: qualified table -> number of rows.
        constraints: "table constraint" -> definition; one that was never validated ends in NOT VALID.
        extensions: name -> version.
        migrations: line -> newest applied version.
        roles: names the objects of the database refer to.
        extension_schemas: schema -> the extension that brought it.
    """

    server: int
    rows: dict[str, int]
    constraints: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, str] = field(default_factory=dict)
    migrations: dict[str, str] = field(default_factory=dict)
    roles: list[str] = field(default_factory=list)
    extension_schemas: dict[str, str] = field(default_factory=dict)

    @property
    def major(self) -> int:
        return self.server // 10000

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def require_every_row(connection: Connection[Any]) -> None:
    """Refuse a login that row security binds.

    Raises:
        DbkitError: policies decide which rows of some table the current role sees.
    """
    row = connection.execute(_BINDING).fetchone()
    assert row is not None
    role, table = row
    if table is not None:
        raise DbkitError(
            f"role {role} sees only the rows that row security lets it see",
            detail=f"So it is on {table}. What it saves or counts could be a part of a table without saying so.",
            hint="Connect as a login that may bypass row security: dbkit_backup, after a superuser ran "
            "`alter role dbkit_backup bypassrls`; where the host has none, use the host's own backup.",
        )


def take(connection: Connection[Any], tables: Collection[str] = ()) -> Picture:
    """The picture of a database, in the connection's transaction.

    Args:
        tables: count these only, as `schema.table`; empty for all.

    Raises:
        DbkitError: the login does not see every row, or a table does not exist or may not be read.
    """
    import psycopg

    require_every_row(connection)
    try:
        # An error instead of a silent part, should a policy bind this login after all.
        connection.execute("set local row_security = off")
        connection.execute(_UNHURRIED)
        return Picture(
            server=connection.info.server_version,
            rows=_count_rows(connection, tables),
            constraints=dict(connection.execute(_CONSTRAINTS).fetchall()),
            extensions=dict(connection.execute(_EXTENSIONS).fetchall()),
            migrations=_newest_migrations(connection),
            roles=[row[0] for row in connection.execute(_ROLES).fetchall()],
            extension_schemas=dict(connection.execute(_EXTENSION_SCHEMAS).fetchall()),
        )
    except psycopg.errors.InsufficientPrivilege as error:
        raise DbkitError(
            "the login may not read all of the database",
            detail=f"{error.diag.message_primary}.",
            hint="Let it: grant pg_read_all_data to the backup login; dbkit bootstrap does.",
        ) from None
    except psycopg.errors.UndefinedTable as error:
        raise DbkitError(
            "a table was dropped while it was to be counted",
            detail=f"{error.diag.message_primary}.",
            hint="Run this again when nobody migrates.",
        ) from None


def compare(saved: Picture, found: Picture) -> list[Finding]:
    """What of a saved database is not in the one that was found. An extension of another version is a note."""
    return [
        *_rows(saved.rows, found.rows),
        *_named("constraint", saved.constraints, found.constraints),
        *_extensions(saved.extensions, found.extensions),
        *_migrations(saved.migrations, found.migrations),
    ]


def _rows(saved: dict[str, int], found: dict[str, int]) -> Iterator[Finding]:
    for table in sorted(saved.keys() | found.keys()):
        before, after = saved.get(table), found.get(table)
        if after is None:
            yield Finding("table_missing", f"the table is not there; it had {before} rows", object=table)
        elif before is None:
            yield Finding("table_unexpected", f"the table was not saved, and has {after} rows", object=table)
        elif before != after:
            yield Finding("rows_differ", f"{after} rows, {before} were saved", object=table)


def _named(kind: str, saved: dict[str, str], found: dict[str, str]) -> Iterator[Finding]:
    for name, definition in sorted(saved.items()):
        if name not in found:
            yield Finding(f"{kind}_missing", f"the {kind} is not there: {definition}", object=name)
        elif found[name] != definition and found[name] == f"{definition} NOT VALID":
            yield Finding(f"{kind}_not_valid", f"the {kind} is not validated any more", object=name)
        elif found[name] != definition:
            yield Finding(f"{kind}_differs", f"now {found[name]}, saved was {definition}", object=name)


def _extensions(saved: dict[str, str], found: dict[str, str]) -> Iterator[Finding]:
    for name, version in sorted(saved.items()):
        if name not in found:
            yield Finding("extension_missing", f"extension {name} is not there", object=name)
        elif found[name] != version:
            message = f"extension {name} is {found[name]} here, {version} was saved"
            yield Finding("extension_version", message, severity=Severity.NOTE, object=name)


def _migrations(saved: dict[str, str], found: dict[str, str]) -> Iterator[Finding]:
    for line, version in sorted(saved.items()):
        if found.get(line) != version:
            message = f"the newest migration is {found.get(line, 'none')}, {version} was saved"
            yield Finding("migration_differs", message, object=line)


def _count_rows(connection: Connection[Any], tables: Collection[str]) -> dict[str, int]:
    is_empty: dict[str, bool] = dict(connection.execute(_TABLES).fetchall())
    unknown = sorted(set(tables).difference(is_empty))
    if unknown:
        raise DbkitError(
            f"no such table: {unknown[0]}",
            detail=f"The database has {len(is_empty)} tables with rows of their own.",
            hint="Write it as schema.table, quoted as SQL would need it.",
        )
    return {
        name: 0 if is_empty[name] else _one(connection, f"select count(*) from {name}")
        for name in sorted(tables or is_empty)
    }


def _newest_migrations(connection: Connection[Any]) -> dict[str, str]:
    return dict(connection.execute(_MIGRATIONS).fetchall()) if _one(connection, _HAS_LEDGER) else {}


def _one(connection: Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
