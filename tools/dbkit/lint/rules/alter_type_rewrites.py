"""ALTER COLUMN TYPE rewrites the table.

## What it does
Reports ALTER COLUMN … TYPE on a table that the same migration did not create, unless PostgreSQL can keep the stored
rows: varchar to a larger limit or to text, numeric to a larger precision of the same scale, cidr to inet, a larger
precision of a timestamp.

## Why is this bad?
Table and indexes are written anew under ACCESS EXCLUSIVE.

## Example
```sql
alter table app.lines alter column quantity type bigint;
```

## Use instead
```sql
alter table app.lines add column quantity_big bigint;
-- then: a trigger that fills it, the rows in batches, and readers and writers one after the other
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.model import Column
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.state import State
from dbkit.lint.trees import column_type, commands, is_array, type_modifiers
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L015",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE and a rewrite of table and indexes",
    work="rewrite",
    files=frozenset({MIGRATION}),
)

_TEXTS = ("varchar", "text")
_INTEGERS = ("int2", "int4", "int8")
_SIZED = ("timestamp", "timestamptz", "time", "timetz", "interval", "varbit")


@rule.on_alter("AT_AlterColumnType")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    if statement.node.get("objtype") == "OBJECT_TYPE" or context.state.is_new(relation, context.file):
        return
    table = context.state.find(relation)
    for command in commands(statement.node):
        if command["subtype"] != "AT_AlterColumnType":
            continue
        definition = command["def"]["ColumnDef"]
        old = table.columns.get(command["name"]) if table else None
        if not keeps_rows(old, definition, context.state) and not (old and is_narrower(old, definition)):
            name = context.state.name(relation)
            was = f" from {old.type}" if old and old.type else ""
            yield Hit(
                f"{name} is written anew to change {command['name']}{was} to {column_type(definition)}",
                at=statement.start,
                object=name,
                hint="Add a column of the new type, keep both alike by a trigger, fill it in batches, switch.",
            )


def keeps_rows(old: Column | None, new: Node, state: State) -> bool:
    """Whether PostgreSQL keeps the stored rows; a column whose type is not known is taken for a text to become text."""
    kind, limit = column_type(new), type_modifiers(new)
    if is_array(new) or _computes(new):
        return False
    kind, constrained = state.domains.get(state.object_key(kind.split(".")), (kind, False))
    if constrained:
        return False
    if old is None or not old.type:
        return kind in _TEXTS and not limit
    before, had = state.domains.get(state.object_key(old.type.split(".")), (old.type, False))[0], old.modifiers
    if before in _TEXTS and kind in _TEXTS:
        return not limit or (before == "varchar" and bool(had) and limit[0] >= had[0])
    if before == kind == "numeric":
        scale = [(*modifiers, 0)[1] for modifiers in (had, limit) if modifiers]
        return not limit or (bool(had) and limit[0] >= had[0] and scale[0] == scale[1])
    if before == kind and kind in _SIZED:
        return not limit or (bool(had) and limit[0] >= had[0])
    return before == kind or (before, kind) == ("cidr", "inet")


def _computes(new: Node) -> bool:
    """Whether USING makes the values anew; the column itself, cast or not, is what is done without it."""
    using = new.get("raw_default", {})
    while "TypeCast" in using:
        using = using["TypeCast"].get("arg", {})
    return bool(using) and "ColumnRef" not in using


def is_narrower(old: Column, new: Node) -> bool:
    """Whether values that are stored may not fit any more."""
    kind, limit = column_type(new), type_modifiers(new)
    before, had = old.type, old.modifiers
    if before in _TEXTS and kind in _TEXTS and limit:
        return not had or limit[0] < had[0]
    if before == kind == "numeric" and limit:
        return not had or (limit[0] - (*limit, 0)[1]) < (had[0] - (*had, 0)[1]) or (*limit, 0)[1] < (*had, 0)[1]
    return before in _INTEGERS and kind in _INTEGERS and _INTEGERS.index(kind) < _INTEGERS.index(before)
