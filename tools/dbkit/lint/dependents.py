"""Views, policies, triggers and SQL functions that hold a column: PostgreSQL resolved them when they were created."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from dbkit.lint.model import Function, Key, Table, label
from dbkit.lint.state import State
from dbkit.lint.trees import names, walk
from dbkit.parse import Node

__all__ = ["holders"]


def holders(table: Table, column: str, state: State) -> Iterator[str]:
    """The views, policies, triggers and functions that read a column, as people name them.

    What cannot be told from the text alone, e.g. which of two tables an unqualified name belongs to, is left out.
    """
    if column not in table.columns:
        return
    for view in state.views.values():
        if table.key in view.reads and _reads(view.query, table, column, state):
            yield f"view {label(view.key)}"
    for other in state.tables.values():
        if other.kind == "matview" and table.key in other.reads and _reads(other.query, table, column, state):
            yield f"materialized view {other}"
        for policy in other.policies.values():
            if other is table or table.key in policy.reads:
                asked = [policy.using, policy.check]
                if _reads(asked, table, column, state, inside=other):
                    yield f"policy {policy.name} of {other}"
    for name, trigger in table.triggers.items():
        if column in names(trigger.get("columns", ())) or _reads_row(trigger.get("whenClause", {}), column):
            yield f"trigger {name}"
    for function in _bound(state):
        body = function.statement["sql_body"]
        if table.key in state.keys_read(body) and _reads(body, table, column, state, variables=function.names):
            yield f"function {label(function.key)}"


def _reads_row(condition: Node, column: str) -> bool:
    """Whether the WHEN of a trigger asks for a column of the old or new row."""
    references = (names(node["fields"]) for tag, node in walk({"When": condition}) if tag == "ColumnRef")
    return any(parts[-1] == column for parts in references if len(parts) > 1)


def _bound(state: State) -> Iterator[Function]:
    for overloads in state.functions.values():
        for function in overloads.values():
            if function.bound:
                yield function


def _reads(
    tree: object,
    table: Table,
    column: str,
    state: State,
    *,
    inside: Table | None = None,
    variables: Collection[str] = (),
) -> bool:
    """Whether a tree names a column of a table.

    Args:
        inside: the table whose rows the tree is about, besides those it selects from.
        variables: names that an unqualified one may also stand for.
    """
    sources: dict[str, set[Key]] = defaultdict(set)  # what columns are qualified with
    other_names = set(variables)
    references = []
    if inside is not None:
        sources[inside.key[1]].add(inside.key)
    for tag, node in walk({"tree": tree}):
        if tag == "RangeVar":
            sources[node.get("alias", {}).get("aliasname", node["relname"])].add(state.key(node))
        elif tag == "ColumnRef":
            references.append(node["fields"])
        elif tag == "ResTarget" and "name" in node:
            other_names.add(node["name"])
    keys = set().union(*sources.values())
    # An unqualified name is this table's where every table is known and no other one has it.
    tables = [state.tables.get(key) for key in keys]
    is_alone = all(other is not None and other.known for other in tables) and (
        sum(column in other.columns for other in tables if other is not None) == 1
    )
    for fields in references:
        parts, is_star = names(fields), "A_Star" in fields[-1]
        qualifier = parts[-1 if is_star else -2] if len(parts) > (not is_star) else None
        if qualifier is not None and sources.get(qualifier) != {table.key}:
            continue
        if qualifier is None and (keys != {table.key} if is_star else not is_alone or column in other_names):
            continue
        if _came_with_table(table, column) if is_star else parts[-1] == column:
            return True
    return False


def _came_with_table(table: Table, column: str) -> bool:
    """Whether every `*` there has been since stood for the column too."""
    known = table.columns.get(column)
    return (
        known is not None
        and known.origin.statement == table.origin.statement
        and known.origin.file is table.origin.file
    )
