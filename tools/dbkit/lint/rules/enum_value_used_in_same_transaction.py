"""A new enum value is used before it is committed.

## What it does
Reports a literal equal to a value that ALTER TYPE … ADD VALUE adds earlier in the same transaction to a type that the
transaction did not create.

## Why is this bad?
PostgreSQL refuses it (55P04): the value may be used from the next transaction on.

## Example
```sql
alter type app.order_state add value 'draft' before 'new';
comment on type app.order_state is 'States.';
insert into app.order_log (state) values ('draft');
```

## Use instead
```sql
alter type app.order_state add value 'draft' before 'new';
-- rows that use it in the next migration
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import constant, names, walk
from dbkit.report import Severity

rule = Rule(code="C038", severity=Severity.ERROR, lock="fails 55P04", files=frozenset({MIGRATION}), triggers=("value",))


@rule.settled
def check(context: Context) -> Iterator[Hit]:
    added: dict[str, str] = {}
    section = None
    for statement in context.file.script.statements:
        if context.file.section_at(statement.start) is not section:
            section, added = context.file.section_at(statement.start), {}
        if not section.transactional or section.name != "up":
            continue
        if statement.tag == "AlterEnumStmt" and "oldVal" not in statement.node:
            parts = names(statement.node["typeName"])
            if context.state.types.get(context.state.object_key(parts)) is not context.file:
                added[statement.node["newVal"]] = ".".join(parts)
        elif added and statement.tag != "CommentStmt":
            for tag, node in walk({"Root": statement.node}):
                value = constant({"A_Const": node}) if tag == "A_Const" else None
                if value in added:
                    yield Hit(
                        f"'{value}' of {added[value]} is used in the transaction that adds it",
                        at=statement.offset(node),
                        object=added[value],
                        hint="Use it in a later migration.",
                    )
