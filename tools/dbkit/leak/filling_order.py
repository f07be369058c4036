"""Which tables are filled, and in which order: what a row cannot be without comes first."""

from __future__ import annotations

from dbkit.tenancy.keys import looked_up
from dbkit.tenancy.model import Model
from dbkit.tenancy.relations import ForeignKey, Relations, Table

__all__ = ["belongs_to_callers", "filling_order"]


def belongs_to_callers(model: Model, table: Table) -> bool:
    """Whether any kind of caller has rows of its own in the table."""
    return any(scope.tables[table.qualified].protected for scope in model.scopes)


def filling_order(model: Model) -> list[Table]:
    """Tables in which callers have rows and what those reference, referenced tables first."""
    order: list[Table] = []
    seen: set[str] = set()
    open_tables: set[str] = set()

    def visit(table: Table) -> None:
        if table.qualified in seen:
            return
        seen.add(table.qualified)
        open_tables.add(table.qualified)
        for key in sorted(table.foreign_keys, key=lambda key: _optional(table, key)):
            # In a cycle the optional reference waits: the synthesis fills it in later.
            if not _optional(table, key) or not _needs(model.relations, key.target) & open_tables:
                visit(model.relations.tables[key.target])
        for _, told, _ in looked_up(model.relations, table):
            if belongs_to_callers(model, told) and not told.is_partition:
                visit(told)  # what a policy looks up there is written here
        open_tables.remove(table.qualified)
        order.append(table)

    wanted = [
        table for table in model.relations.base_tables if belongs_to_callers(model, table) and not table.is_partition
    ]
    for table in sorted(wanted, key=lambda table: (model.registry or [""])[0] != table.qualified):
        visit(table)
    return order


def _needs(relations: Relations, name: str) -> set[str]:
    """The table and all that its rows cannot be without."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        table = relations.tables[waiting.pop()]
        if table.qualified not in found:
            found.add(table.qualified)
            waiting += [key.target for key in table.foreign_keys if not _optional(table, key)]
    return found


def _optional(table: Table, key: ForeignKey) -> bool:
    return any(table.columns[name].nullable for name in key.columns)
