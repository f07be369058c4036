"""What a view's definition says: which column of which table each of its columns shows, and what it is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from dbkit.leak.session import Session
from dbkit.tenancy.relations import Relations, Table

__all__ = ["Source", "read_definitions", "view_sources", "whole_definition"]

_DEFINITIONS = """
select n.nspname || '.' || c.relname, pg_get_viewdef(c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
"""


@dataclass(frozen=True)
class Source:
    """A column of a table that holds rows."""

    table: Table
    column: str


def view_sources(session: Session, relations: Relations, view: Table) -> dict[str, Source]:
    """View column -> the table column it passes on; computed columns are left out. Views below are followed."""
    from pglast import ast, parse_sql

    session.must("begin", "set local search_path = pg_catalog")
    text = session.must(f"select pg_get_viewdef({view.oid}::oid)").rows[0][0] or ""
    session.must("rollback")
    query = parse_sql(text)[0].stmt
    if not isinstance(query, ast.SelectStmt) or not query.targetList:
        return {}  # a set operation: no column of it is one column of a table
    names: dict[str, Table] = {}
    for item in query.fromClause or ():
        _collect(item, relations, names)
    found: dict[str, Source] = {}
    below: dict[str, dict[str, Source]] = {}
    for column, target in zip(view.columns, query.targetList, strict=False):
        if not isinstance(target.val, ast.ColumnRef):
            continue
        parts = [str(part.sval) for part in target.val.fields or () if isinstance(part, ast.String)]
        table = names.get(parts[0]) if len(parts) > 1 else next(iter(names.values()), None)
        if table is None or not parts:
            continue
        if table.kind in ("r", "p"):
            found[column] = Source(table, parts[-1])
            continue
        if table.qualified not in below:
            below[table.qualified] = view_sources(session, relations, table) if table.kind in ("v", "m") else {}
        if parts[-1] in below[table.qualified]:
            found[column] = below[table.qualified][parts[-1]]
    return found


def read_definitions(session: Session, relations: Relations) -> dict[str, str]:
    """Qualified name of each view and function -> its definition."""
    return {**relations.sources, **{row[0] or "": row[1] or "" for row in session.must(_DEFINITIONS).rows}}


def whole_definition(name: str, definitions: dict[str, str]) -> str:
    """The definition of a view with those of the views it reads and the functions it calls."""
    found = {name: definitions.get(name, "")}
    waiting = [name]
    while waiting:
        words = set(re.findall(r"\w+", found[waiting.pop()]))
        for other, text in definitions.items():
            if other not in found and other.rpartition(".")[2] in words:
                found[other] = text
                waiting.append(other)
    return "\n".join(found.values())


def _collect(item: Any, relations: Relations, names: dict[str, Table]) -> None:
    """The relations of a FROM clause by the name the query calls them."""
    from pglast import ast

    if isinstance(item, ast.JoinExpr):
        _collect(item.larg, relations, names)
        _collect(item.rarg, relations, names)
    elif isinstance(item, ast.RangeVar):
        table = relations.tables.get(f"{item.schemaname}.{item.relname}")
        if table is not None:
            names[str(item.alias.aliasname if item.alias else item.relname)] = table
