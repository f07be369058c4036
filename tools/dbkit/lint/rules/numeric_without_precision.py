"""Amount of money as numeric without precision and scale.

## What it does
Reports a numeric column without precision whose name says that it holds money, in the house profile.

## Why is this bad?
Any number of digits behind the point is stored, so amounts that look equal are not, and NaN and Infinity are allowed.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    price numeric not null
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    price numeric(12, 2) not null
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import HOUSE, Hit, Rule
from dbkit.lint.rules.float_for_amount import is_amount
from dbkit.lint.trees import type_modifiers
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="L026", severity=Severity.ERROR, set=HOUSE)


@rule.on_column("numeric")
def check(name: str, column: Node, statement: Statement, context: Context) -> Iterator[Hit]:
    if not type_modifiers(column) and is_amount(name):
        yield Hit(
            f"column {name} holds an amount of any scale", at=statement.offset(column), hint="Write numeric(12, 2)."
        )
