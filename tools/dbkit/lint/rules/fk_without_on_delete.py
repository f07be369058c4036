"""Foreign key without ON DELETE.

## What it does
Reports a foreign key that does not say what happens when the referenced row is deleted.

## Why is this bad?
The default, NO ACTION, refuses the delete: somebody decided nothing, and the erasure of a customer fails years later.
Written out (`on delete restrict`, `cascade`, `set null (column)`) it is a decision a reviewer can question.

## Example
```sql
create table app.notes (
    tenant_id uuid not null references app.tenants (id),
    id        uuid not null,
    primary key (tenant_id, id)
);
```

## Use instead
```sql
create table app.notes (
    tenant_id uuid not null references app.tenants (id) on delete restrict,
    id        uuid not null,
    primary key (tenant_id, id)
);
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.fix import delete_rule
from dbkit.lint.rule import HOUSE, Hit, Rule
from dbkit.report import Severity

rule = Rule(
    code="L030",
    severity=Severity.ERROR,
    set=HOUSE,
    triggers=("references",),
    fix="on delete no action, which is what the key does already",
)

_ON_DELETE = re.compile(r"\bon\s+delete\b", re.IGNORECASE)
_EDGE = re.compile(r"[(),;]")
_NO_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)


@rule.settled_with("foreign_keys")
def check(context: Context) -> Iterator[Hit]:
    for table, constraint in context.foreign_keys_here():
        if constraint.on_delete != "a" or table.kind == "partition":
            continue
        # The tree does not tell NO ACTION that is written from NO ACTION by default.
        if not _ON_DELETE.search(_clause(context.file.text, constraint.origin.offset)):
            yield Hit(
                f"foreign key {constraint.name} of {table} does not say what a delete does",
                at=constraint.origin,
                object=str(table),
                hint="Add on delete restrict, cascade, set null (column) or no action.",
                fix=partial(delete_rule, context.file.text, constraint.origin.offset),
            )


def _clause(text: str, start: int) -> str:
    """From a constraint to the comma, bracket or semicolon that ends it."""
    text = _NO_CODE.sub(lambda match: " " * len(match.group()), text[start : start + 2000])
    depth = 0
    for match in _EDGE.finditer(text):
        sign = match.group()
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0 or (depth == 0 and sign in ",;"):
            return text[: match.start()]
    return text
