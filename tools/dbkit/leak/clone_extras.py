"""What a schema-only dump leaves out of the copy, or copies pointing elsewhere: large objects, foreign servers.

Large objects are data, but who may read them is schema. A foreign server that leads back to the given database must
lead back to the copy, or the attacks would leave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["copy_large_objects", "redirect_foreign_servers"]

# Enough to judge who may read them.
_LARGE_OBJECTS = """
select l.oid::bigint, quote_ident(pg_get_userbyid(l.lomowner)), l.lomowner = 10,
    array(select lower(a.privilege_type) || ' on large object ' || l.oid || ' to '
              || coalesce(quote_ident(r.rolname), 'public')
          from aclexplode(l.lomacl) a left join pg_roles r on r.oid = a.grantee
          where a.grantee not in (10, l.lomowner))
from pg_largeobject_metadata l order by l.oid limit 200
"""
# Servers of postgres_fdw whose tables the copy has too, under the remote name.
_SERVERS = """
select distinct s.oid, quote_ident(s.srvname), coalesce(s.srvoptions, '{}')
from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw
join pg_foreign_table f on f.ftserver = s.oid join pg_class c on c.oid = f.ftrelid
join pg_namespace n on n.oid = c.relnamespace
where w.fdwname = 'postgres_fdw' and to_regclass(
    quote_ident(coalesce((select option_value from pg_options_to_table(f.ftoptions) where option_name = 'schema_name'),
                         n.nspname)) || '.' ||
    quote_ident(coalesce((select option_value from pg_options_to_table(f.ftoptions) where option_name = 'table_name'),
                         c.relname))) is not null
"""
_MAPPINGS = """
select coalesce(quote_ident(r.rolname), 'public'), coalesce(m.umoptions, '{{}}')
from pg_user_mapping m left join pg_roles r on r.oid = m.umuser where m.umserver = {server}
"""


def copy_large_objects(reading: Connection[Any], writing: Connection[Any]) -> int:
    """Large objects with the same number, owner and grants; what is in them is made up.

    Returns:
        How many there are.
    """
    found = reading.execute(_LARGE_OBJECTS).fetchall()
    for oid, owner, by_bootstrap, grants in found:
        writing.execute("select lo_from_bytea(%s, convert_to(%s, 'UTF8'))", (oid, f"content of large object {oid}"))
        if not by_bootstrap:
            writing.execute(f"alter large object {oid} owner to {owner}")
        for grant in grants:
            writing.execute(f"grant {grant}")
    return len(found)


def redirect_foreign_servers(writing: Connection[Any]) -> None:
    """Let servers that lead to this database lead to the copy of it, as the users that are mapped."""
    info = writing.info
    place = {"host": info.host, "port": str(info.port), "dbname": info.dbname}
    for oid, server, options in writing.execute(_SERVERS).fetchall():
        names = {option.partition("=")[0] for option in options}
        _set_options(writing, f"alter server {server}", place, names)
        for user, given in writing.execute(_MAPPINGS.format(server=oid)).fetchall():
            names = {option.partition("=")[0] for option in given}
            # The disposable server asks nobody for a password.
            _set_options(
                writing, f"alter user mapping for {user} server {server}", {"password_required": "false"}, names
            )


def _set_options(connection: Connection[Any], statement: str, options: dict[str, str], there: set[str]) -> None:
    from psycopg import sql

    parts = [
        sql.SQL("{} {} {}").format(sql.SQL("set" if name in there else "add"), sql.Identifier(name), sql.Literal(value))
        for name, value in options.items()
    ]
    connection.execute(sql.SQL("{} options ({})").format(sql.SQL(statement), sql.SQL(", ").join(parts)))
