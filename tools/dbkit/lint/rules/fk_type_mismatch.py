"""Foreign key column of another type than the key.

## What it does
Reports a foreign key whose column has another type than the column it references, where both are known.

## Why is this bad?
Every check converts, which can keep an index from being used; and values fit into one column that do not fit into the
other: an integer reference to a bigint key fails on the first row past 2,147,483,647.

## Example
```sql
create table app.notes (
    id     bigint generated always as identity primary key,
    doc_id integer not null references app.docs (id)
);
create index notes_doc_id_idx on app.notes (doc_id);
```

## Use instead
```sql
create table app.notes (
    id     bigint generated always as identity primary key,
    doc_id bigint not null references app.docs (id)
);
create index notes_doc_id_idx on app.notes (doc_id);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.state import State
from dbkit.report import Severity

rule = Rule(code="C077", severity=Severity.WARNING)

# Spellings of one type, and the type a serial column has.
_SAME = {
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
    "smallserial": "int2",
    "serial2": "int2",
    # Compared without a cast, by one operator.
    "varchar": "text",
}


@rule.settled_with("foreign_keys")
def check(context: Context) -> Iterator[Hit]:
    for table, constraint in context.foreign_keys_here():
        target = context.state.tables.get(constraint.target) if constraint.target else None
        if target is None or not target.known:
            continue
        for name, other in zip(constraint.columns, constraint.target_columns or target.primary_key, strict=False):
            column, key = table.columns.get(name), target.columns.get(other)
            if column is None or key is None or not column.type or not key.type:
                continue
            if _compared_as(column.type, context.state) != _compared_as(key.type, context.state):
                yield Hit(
                    f"column {name} of {table} is {column.type}, {other} of {target} is {key.type}",
                    at=constraint.origin,
                    object=str(table),
                    hint=f"Give {name} the type of {other}.",
                )


def _compared_as(kind: str, state: State) -> str:
    base, _ = state.domains.get(state.object_key(kind.split(".")), (kind, False))
    return _SAME.get(base, base)
