"""Two CHECKs list different values for one column, or its default is not in the list.

## What it does
Reports a check of the form `column in (…)` where another check of the table lists other values for the column, and one
that does not allow the column's constant default.

## Why is this bad?
Only what both lists hold can be written: the value somebody added to one of them is still refused. A default outside of
the list makes every insert fail that leaves the column out.

## Example
```sql
create table app.tickets (
    id     bigint primary key,
    status text not null default 'open',
    constraint tickets_status_check check (status in ('new', 'done'))
);
```

## Use instead
```sql
create table app.tickets (
    id     bigint primary key,
    status text not null default 'new',
    constraint tickets_status_check check (status in ('new', 'done'))
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import constant
from dbkit.lint.value_lists import value_list
from dbkit.report import Severity

rule = Rule(code="L035", severity=Severity.WARNING, lock="fails 23514 at the next insert")


@rule.settled_with("checks")
def check(context: Context) -> Iterator[Hit]:
    for table, constraint in context.constraints_here():
        found = value_list(constraint)
        if found is None:
            continue
        column, values = found
        default = constant(table.columns[column].default) if column in table.columns else None
        if default is not None and default not in values:
            yield Hit(
                f"the default of {table}.{column}, {default!r}, is not among the values {constraint.name} allows",
                at=constraint.origin,
                object=f"{table}.{column}",
                hint="Change the default or the list.",
            )
        for other in table.constraints.values():
            listed = value_list(other)
            if other is not constraint and listed and listed[0] == column and listed[1] != values:
                yield Hit(
                    f"{constraint.name} and {other.name} list different values for {table}.{column}",
                    at=constraint.origin,
                    object=f"{table}.{column}",
                    hint=f"alter table {table} drop constraint {other.name};",
                )
                break
