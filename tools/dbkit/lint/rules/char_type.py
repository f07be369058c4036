"""Column of type char(n), which pads with blanks.

## What it does
Reports a column of type char(n), new or changed to it. The one-byte type "char" of the catalogs is another type and
is left alone.

## Why is this bad?
Every value is padded to n characters, and trailing blanks mean nothing in comparisons: 'a' and 'a ' are equal, LIKE
and length() disagree about them. It saves neither space nor time.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    country char(2) not null
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    country text not null,
    constraint notes_country_format check (country ~ '^[A-Z]{2}$')
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.fix import text_with_check
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="L028", severity=Severity.WARNING, fix="text and a named check of the length")


@rule.on_column("bpchar")
def check(name: str, column: Node, statement: Statement, context: Context) -> Iterator[Hit]:
    yield Hit(
        f"column {name} is char, padded with blanks",
        at=statement.offset(column),
        hint="Write text, and a check on the length or form.",
        fix=lambda: text_with_check(statement, column),
    )
