"""Columns a statement names that none of its tables has, as far as the replayed picture can tell."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from dbkit.lint.state import State
from dbkit.lint.trees import names, nodes
from dbkit.parse import Node, Statement

__all__ = ["UnknownColumn", "unknown_columns"]

_QUERIES = ("SelectStmt", "UpdateStmt", "DeleteStmt", "InsertStmt")
_FROM = ("fromClause", "usingClause")
# A query that has tables holds one of these words.
_SOURCES = ("from", "insert", "update", "table")
_SYSTEM = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"})


class UnknownColumn(NamedTuple):
    """A column that is not there.

    Attributes:
        where: the tables looked at, as people write them.
        node: what names it, for its place.
        known: the columns there are.
    """

    column: str
    where: str
    node: Node
    known: tuple[str, ...]


class _Source(NamedTuple):
    """A table in FROM under the name its columns are qualified with; `columns` is None where they are not known."""

    name: str
    label: str
    columns: frozenset[str] | None


def unknown_columns(statement: Statement, state: State, variables: Collection[str]) -> Iterator[UnknownColumn]:
    """Look at every query of a statement.

    Args:
        variables: lower-case names an unqualified name may also stand for.
    """
    text = statement.text.lower()
    if not any(word in text for word in _SOURCES):
        return
    queries: list[Node] = []
    refs: list[Node] = []
    named, aliases = set(), set()
    for tag, node in nodes(statement):
        if tag == "ColumnRef":
            refs.append(node)
        elif tag in _QUERIES:
            queries.extend(_branches(node))
        elif tag == "ResTarget" and "name" in node:
            aliases.add(node["name"])
        elif tag == "CommonTableExpr":
            named.add(node["ctename"])
    levels = [(query, list(_sources(query, state, named))) for query in queries]
    everything = [source for _, sources in levels for source in sources]
    if all(source.columns is None for source in everything):
        return
    # An inner query sees the tables of the outer ones, so that unqualified names need all of them known.
    complete = all(source.columns is not None for source in everything)
    free = {*variables, *aliases, *(source.name for source in everything)}
    known = {column for source in everything for column in source.columns or ()}
    by_name: dict[str, list[_Source]] = {}
    for source in everything:
        by_name.setdefault(source.name, []).append(source)
    for node in refs:
        parts = names(node["fields"])
        if len(parts) != len(node["fields"]):
            continue
        if len(parts) == 2 and parts[0] in by_name and parts[0] not in variables:
            sources = by_name[parts[0]]
            missing = all(source.columns is not None and parts[1] not in source.columns for source in sources)
            if missing and parts[1] not in _SYSTEM:
                yield _unknown(parts[1], sources, node)
        elif len(parts) == 1 and complete and parts[0] not in known | free | _SYSTEM:
            yield _unknown(parts[0], everything, node)
    for query, sources in levels:
        yield from _unknown_targets(query, sources)


def _unknown(column: str, sources: list[_Source], node: Node) -> UnknownColumn:
    labels = dict.fromkeys(source.label for source in sources)
    columns = {column for source in sources for column in source.columns or ()}
    return UnknownColumn(column, " and ".join(labels), node, tuple(sorted(columns)))


def _unknown_targets(query: Node, sources: list[_Source]) -> Iterator[UnknownColumn]:
    """The columns an INSERT or UPDATE writes."""
    if "relation" not in query or not sources or sources[0].columns is None:
        return
    for target in query.get("cols") or query.get("targetList") or ():
        column = target.get("ResTarget", {}).get("name")
        if column and column not in sources[0].columns:
            yield _unknown(column, sources[:1], target["ResTarget"])


def _branches(query: Node) -> Iterator[Node]:
    if "larg" in query:
        yield from _branches(query["larg"])
        yield from _branches(query["rarg"])
    else:
        yield query


def _sources(query: Node, state: State, named: Collection[str]) -> Iterator[_Source]:
    """The tables of one query; the one it writes to comes first."""
    items = [{"RangeVar": query["relation"]}] if "relation" in query else []
    for part in _FROM:
        items += query.get(part, ())
    while items:
        tag, item = next(iter(items.pop(0).items()))
        if tag == "JoinExpr":
            items += [item["larg"], item["rarg"]]
            continue
        alias = item.get("alias", {})
        name = alias.get("aliasname", item.get("relname", ""))
        if tag != "RangeVar" or "colnames" in alias or ("schemaname" not in item and item["relname"] in named):
            yield _Source(name, name, None)
        else:
            yield _Source(name, state.name(item), _columns(item, state))


def _columns(relation: Node, state: State) -> frozenset[str] | None:
    table = state.find(relation)
    if table is not None:
        return None if table.copied else frozenset(table.columns)
    view = state.views.get(state.key(relation))
    return frozenset(view.columns) if view is not None and view.columns else None
