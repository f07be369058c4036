"""What a login needs so that the schema of a given database can be copied, asked before pg_dump finds out piecemeal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dbkit.errors import DbkitError

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["require_dump_rights"]

# pg_dump locks each table it describes, and needs to look into its schema. Objects of extensions it leaves alone.
_MISSING = """
select current_user, quote_ident(current_user),
    array(select quote_ident(n.nspname) from pg_namespace n
          where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
            and not has_schema_privilege(n.oid, 'usage')
            and exists (select from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p')) order by 1),
    array(select quote_ident(n.nspname) || '.' || quote_ident(c.relname)
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
            and not has_table_privilege(c.oid, 'select')
            and not exists (select from pg_depend d
                            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
          order by 1)
"""
_NAMED = 10


def require_dump_rights(connection: Connection[Any]) -> None:
    """Check that the login may copy the schema.

    Raises:
        DbkitError: it may not; schemas and tables that it cannot read are named.
    """
    row = connection.execute(_MISSING).fetchone()
    assert row is not None  # one row whatever there is
    user, quoted, schemas, tables = row
    if not schemas and not tables:
        return
    parts = [f"usage on schema {_listed(schemas)}"] if schemas else []
    parts += [f"select on {_listed(tables)}"] if tables else []
    raise DbkitError(
        f"login may not copy the schema: {user}",
        detail=f"pg_dump locks every table it describes; {user} lacks {' and '.join(parts)}.",
        hint=f"Let an administrator run: grant pg_read_all_data to {quoted}; or see what the catalogs alone say with "
        "--static.",
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
