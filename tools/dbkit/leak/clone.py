"""Where the attacks run: a database built from the project's SQL, or a copy of a given one, which is only read.

Roles come with their attributes and memberships but without passwords; rows come only from tables that every tenant
shares, since policies and foreign keys may look them up.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.config import Config, database_url
from dbkit.conninfo import for_program
from dbkit.errors import DbkitError
from dbkit.leak.clone_extras import copy_large_objects, redirect_foreign_servers
from dbkit.leak.references import crossed_by_rows
from dbkit.leak.rights import require_dump_rights
from dbkit.report import Finding, Severity
from dbkit.tenancy.declaration import Declaration
from dbkit.tenancy.model import Kind, Model

if TYPE_CHECKING:
    from psycopg import Connection

    from dbkit.postgres import Server

__all__ = ["Disposable", "clone_into", "disposable_copy", "not_copied_findings"]

_ROLES = """
select rolname, quote_ident(rolname), rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
    rolbypassrls
from pg_roles where rolname !~ '^pg_' and oid <> 10 order by rolname
"""
_MEMBERS = """
select quote_ident(g.rolname), quote_ident(m.rolname), a.admin_option, {options}
from pg_auth_members a join pg_roles g on g.oid = a.roleid join pg_roles m on m.oid = a.member
where m.rolname !~ '^pg_' and g.oid <> 10 and m.oid <> 10
"""
_SETTINGS = """
select coalesce(quote_ident(r.rolname), ''), unnest(s.setconfig)
from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole
where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  and (r.rolname is null or r.rolname !~ '^pg_')
"""
# Who may create temporary objects and schemas decides which names can be shadowed.
_DATABASE_PRIVILEGES = """
select coalesce(quote_ident(r.rolname), 'public'), a.privilege_type
from pg_database d cross join aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
left join pg_roles r on r.oid = a.grantee
where d.datname = current_database() and a.grantee <> d.datdba and (a.grantee = 0 or r.rolname !~ '^pg_')
"""
_ATTRIBUTES = ("superuser", "inherit", "createrole", "createdb", "login", "replication", "bypassrls")
_CREATE_EXTENSION = re.compile(r"\s*create\s+extension\s+(?:if\s+not\s+exists\s+)?\"?([\w-]+)", re.IGNORECASE)
_TRANSACTION = re.compile(r"\s*(?:begin|commit|start\s+transaction)\s*;?\s*$", re.IGNORECASE)
_CREATE_ROLE = re.compile(r"\s*create\s+(?:role|user|group)\b(?!\s+mapping\b)", re.IGNORECASE)
# A schema, or another object, is there already.
_DUPLICATE = ("42P06", "42710")
# Something the statement needs is not there: a schema, table, function, type, column, operator class.
_WANTING = ("3F000", "42P01", "42883", "42704", "42703", "42P17")
# Reference data beyond this is not needed to judge isolation.
_SHARED_ROWS = 10_000


@dataclass(frozen=True)
class Disposable:
    """A database to attack.

    Attributes:
        conninfo: superuser's connection string.
        declaration: the tenancy, without the modules that the database has not got.
        isolation: `[core] isolation` it was built with, None where that is not known.
        server: the server of ours it is on, None for a given database.
        server_version_num: of the server whose schema it has, None where it was built from the project's SQL.
        not_copied: what the given database has and the copy has not, as findings.
    """

    conninfo: str
    declaration: Declaration
    isolation: str | None
    server: Server | None = None
    server_version_num: int | None = None
    not_copied: tuple[Finding, ...] = ()


@contextmanager
def disposable_copy(
    config: Config, declaration: Declaration, module: str | None, database: str | None
) -> Iterator[Disposable]:
    """A database that may be attacked, for the length of a `with` block.

    Args:
        module: build this module and what it needs; None builds all of the project's.
        database: copy the schema of this database instead.

    Raises:
        DbkitError: both are given; there is neither a project nor a database; it cannot be built or copied.
    """
    if module is not None and database is not None:
        raise DbkitError(
            "a module and a database are given",
            detail="A module is built from the project's SQL, a database is copied as it is.",
            hint="Give one of the two.",
        )
    url = None if database is None and (module or config.modules) else database_url(config, database)
    if url is not None:
        with _copied(config, declaration, url) as copy:
            yield copy
        return
    if not config.modules and declaration.preset:
        with _migrated(config, declaration) as copy:
            yield copy
        return
    if not config.modules and config.resolve(config.migrations.dir).is_dir():
        with _replayed(config, declaration) as copy:
            yield copy
        return
    if not config.modules:
        raise DbkitError(
            "there is no schema to prove",
            detail=f"No database is given, and {config.migrations.dir} is no folder of migrations.",
            hint="Name the folder with [migrations] dir in dbkit.toml, or run: dbkit leak --database URL",
        )
    with _built(config, declaration, module) as copy:
        yield copy


@contextmanager
def _built(config: Config, declaration: Declaration, module: str | None) -> Iterator[Disposable]:
    from dbkit import source
    from dbkit.postgres import open_server
    from dbkit.recipe import project_recipe

    order = source.module_order(config, [module] if module else None)
    absent = set(config.modules) - set(order)
    seeds = "production" if "production" in config.seeds else None
    recipe = project_recipe(config, order, seeds=seeds)
    with open_server(config, recipe=recipe) as server, server.template(recipe).clone() as clone:
        yield Disposable(clone.conninfo, declaration.without_schemas(absent), config.isolation, server)


@contextmanager
def _migrated(config: Config, declaration: Declaration) -> Iterator[Disposable]:
    """Built from a folder of migrations, upon what the platform of the preset has in every database."""
    import psycopg

    from dbkit.migrate.layouts import discover
    from dbkit.postgres import open_server
    from dbkit.tenancy.presets import platform_sql

    migrations = discover(config).migrations
    if not migrations:
        raise DbkitError(
            "there is no schema to prove",
            detail="The folder of migrations holds none.",
            hint="Name it with [migrations] dir in dbkit.toml, or run: dbkit leak --database URL",
        )
    with open_server(config) as server, server.database() as target:
        with psycopg.connect(target.conninfo, autocommit=True) as connection:
            connection.execute(platform_sql(declaration.preset))
        absent: list[str] = []
        for migration in migrations:
            # Statement by statement: a file that needs an extension in one place has tables in others.
            script = migration.parser(migration).up.text
            absent += _restore(script, target.conninfo, migration=migration.path.name, wanting=bool(absent))
        yield Disposable(target.conninfo, declaration, None, server, not_copied=tuple(not_copied_findings(absent)))


@contextmanager
def _replayed(config: Config, declaration: Declaration) -> Iterator[Disposable]:
    """Built from a folder of migrations, as `dbkit migrate apply` would build it."""
    from dbkit import groundwork
    from dbkit.migrate import runner
    from dbkit.postgres import open_server

    with open_server(config) as server, server.database() as target:
        groundwork.lay(target.conninfo, config)
        runner.apply(target.conninfo, config)
        yield Disposable(target.conninfo, declaration, None, server)


@contextmanager
def _copied(config: Config, declaration: Declaration, url: str) -> Iterator[Disposable]:
    from dbkit.leak.proof import read_model
    from dbkit.postgres import open_server

    model = read_model(url, declaration)
    isolation = config.isolation if declaration.source == str(config.path) else None
    with open_server(config) as server, server.database() as target:
        absent = not_copied_findings(clone_into(url, target.conninfo, model, server.bin_dir))
        number = model.relations.server_version_num
        yield Disposable(
            target.conninfo, _with_crossing(url, declaration, model), isolation, server, number, tuple(absent)
        )


def _with_crossing(url: str, declaration: Declaration, model: Model) -> Declaration:
    """The declaration, and the references whose rows in the given database lead to other tenants."""
    import psycopg

    with psycopg.connect(url) as reading:
        reading.read_only = True
        found, followed = crossed_by_rows(reading, model), crossed_by_rows(reading, model, "cnd")
    crossing = tuple(dict.fromkeys((*declaration.crossing, *found)))
    return replace(declaration, crossing=crossing, crossed=tuple(followed))


def clone_into(source: str, target: str, model: Model, bin_dir: Path | None) -> list[str]:
    """Make `target` a copy of the source's schema.

    Args:
        source: conninfo of the given database.
        target: conninfo of an empty disposable database, as superuser.
        model: the tenancy of the source, for which tables are shared.
        bin_dir: folder with pg_dump, None to find it on the path.

    Returns:
        What could not be made for want of an extension, described.

    Raises:
        DbkitError: the login may not read all that pg_dump describes; pg_dump is missing, older than the server, or
            fails; an object cannot be made on the copy.
    """
    import psycopg

    with psycopg.connect(source) as reading, psycopg.connect(target, autocommit=True) as writing:
        reading.read_only = True
        require_dump_rights(reading)
        _copy_roles(reading, writing)
        _copy_database_privileges(reading, writing)
    not_copied = _restore(_dump(source, bin_dir, ["--schema-only"]), target)
    with psycopg.connect(source) as reading, psycopg.connect(target, autocommit=True) as writing:
        reading.read_only = True
        copy_large_objects(reading, writing)
        redirect_foreign_servers(writing)
        shared = [table for table in _shared_tables(model) if _row_count(reading, table) <= _SHARED_ROWS]
    if shared:
        options = ["--data-only", "--disable-triggers", *(f"--table={name}" for name in shared)]
        not_copied += _restore(_dump(source, bin_dir, options), target)
    return not_copied


def not_copied_findings(statements: list[str]) -> list[Finding]:
    """What the copy has not got, each by name: nothing is proven about it."""
    return [
        Finding(
            rule="not_copied",
            message=f"not on the disposable server, so nothing is proven about it: {text}",
            severity=Severity.WARNING,
            verdict="unverified",
            object=text.split(":", 1)[0],
            hint="Let [postgres] name a server that has the same extensions, or run: dbkit doctor",
        )
        for text in statements
    ]


def _shared_tables(model: Model) -> list[str]:
    return [table.table.sql for table in model.scopes[0].tables.values() if table.kind is Kind.SHARED]


def _row_count(connection: Connection[Any], table: str) -> int:
    query = f"select count(*) from (select from {table} limit {_SHARED_ROWS + 1}) counted"
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _copy_roles(reading: Connection[Any], writing: Connection[Any]) -> None:
    """Roles are the cluster's: those that exist already are given the same attributes."""
    existing = {row[0] for row in writing.execute("select rolname from pg_roles").fetchall()}
    for name, sql, *flags in reading.execute(_ROLES).fetchall():
        attributes = " ".join(word if on else f"no{word}" for word, on in zip(_ATTRIBUTES, flags, strict=True))
        verb = "alter" if name in existing else "create"
        writing.execute(f"{verb} role {sql} {attributes}")
    source_new, target_new = (each.info.server_version >= 160000 for each in (reading, writing))
    options = "a.inherit_option, a.set_option" if source_new else "true, true"
    for group, member, admin, inherits, sets in reading.execute(_MEMBERS.format(options=options)).fetchall():
        given = [f"admin {str(admin).lower()}"]
        if target_new:
            given += [f"inherit {str(inherits).lower()}", f"set {str(sets).lower()}"] if source_new else []
            writing.execute(f"grant {group} to {member} with {', '.join(given)}")
        else:
            writing.execute(f"grant {group} to {member}" + (" with admin option" if admin else ""))
    database = writing.info.dbname.replace('"', '""')
    for role, setting in reading.execute(_SETTINGS).fetchall():
        name, _, value = setting.partition("=")
        quoted = value.replace("'", "''")
        target = f"role {role} in database" if role else "database"
        # A setting the copy does not know (an extension's) changes nothing about row security.
        _try(writing, f"""alter {target} "{database}" set {name} = '{quoted}'""")


def _copy_database_privileges(reading: Connection[Any], writing: Connection[Any]) -> None:
    """CONNECT, CREATE and TEMPORARY, which pg_dump leaves out of a single database's dump."""
    database = '"' + writing.info.dbname.replace('"', '""') + '"'
    writing.execute(f"revoke all on database {database} from public")
    for grantee, privilege in reading.execute(_DATABASE_PRIVILEGES).fetchall():
        writing.execute(f"grant {privilege} on database {database} to {grantee}")


def _try(connection: Connection[Any], statement: str) -> None:
    import contextlib

    import psycopg

    with contextlib.suppress(psycopg.Error):
        connection.execute(statement)


def _dump(source: str, bin_dir: Path | None, options: list[str]) -> str:
    program = str(bin_dir / "pg_dump") if bin_dir and (bin_dir / "pg_dump").exists() else "pg_dump"
    target, environment = for_program(source)
    command = [program, f"--dbname={target}", "--no-password", "--no-subscriptions"]
    try:
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, env=environment)
    except FileNotFoundError:
        raise DbkitError(
            "pg_dump not found",
            detail="Copying the schema of a given database needs it.",
            hint="Install the PostgreSQL client programs, at least as new as the server.",
        ) from None
    if done.returncode != 0:
        raise DbkitError(
            "the schema of the database cannot be dumped",
            detail=done.stderr.strip()[-2000:],
            hint="Connect as a role that may read every table, with a pg_dump as new as the server.",
        )
    return done.stdout


def _restore(script: str, target: str, *, migration: str | None = None, wanting: bool = False) -> list[str]:
    """Run a plain dump, or a migration, statement by statement.

    An extension that the disposable server has not got is passed over, and with it what cannot be made without it;
    any other refusal is an error that names the statement.

    Args:
        migration: name of the file the script is from, None for a dump.
        wanting: an earlier script has passed over an extension already.

    Returns:
        The extensions and statements passed over, described.
    """
    import psycopg

    from dbkit.sqltext import split

    absent: list[str] = []
    with psycopg.connect(target, autocommit=True) as connection:
        for statement in split(script, psql=True):
            if statement.kind == "meta" or _TRANSACTION.match(statement.text):
                continue
            try:
                if statement.data is not None:
                    with connection.cursor().copy(statement.text) as copy:
                        copy.write(statement.data)
                else:
                    connection.execute(statement.text)
            except psycopg.Error as error:
                duplicate = error.sqlstate in _DUPLICATE
                if duplicate and (migration is None or _CREATE_ROLE.match(statement.text)):
                    continue  # "public" and the procedural language are there from the start, and roles of the cluster
                reason = f"{error.sqlstate} {str(error).strip()}"
                extension = _CREATE_EXTENSION.match(statement.text)
                if extension and not duplicate:
                    absent.append(f"extension {extension.group(1)}: {reason.splitlines()[0]}")
                elif (absent or wanting) and error.sqlstate in _WANTING:
                    if not statement.text.lower().startswith("comment on extension"):
                        absent.append(f"{' '.join(statement.text.split())[:80]}: {reason.splitlines()[0]}")
                else:
                    raise _not_restored(migration, f"{reason}. Statement: {statement.text[:500]}") from None
    return absent


def _not_restored(migration: str | None, detail: str) -> DbkitError:
    server = "a server of the same major version with the same extensions, or run: dbkit doctor"
    if migration is None:
        message, hint = "the schema cannot be copied to the disposable server", f"Let [postgres] name {server}"
    else:
        message = f"{migration} cannot be run on the disposable server"
        hint = f"Mend it if a new server would refuse it as well; else let [postgres] name {server}"
    return DbkitError(message, detail=detail, hint=hint)
