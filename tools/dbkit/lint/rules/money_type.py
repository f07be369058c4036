"""Column of type money.

## What it does
Reports a column of type money, new or changed to it.

## Why is this bad?
What is stored is a number of the smallest units; how many there are to one, and the currency shown, come from
lc_monetary. A dump restored under another locale changes every amount.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    price money not null
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    price    numeric(12, 2) not null,
    currency text not null
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="L026", severity=Severity.ERROR)


@rule.on_column("money")
def check(name: str, column: Node, statement: Statement, context: Context) -> Iterator[Hit]:
    yield Hit(
        f"column {name} is money, whose meaning depends on lc_monetary",
        at=statement.offset(column),
        hint="Write numeric(12, 2), and the currency in a column of its own.",
    )
