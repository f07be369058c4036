"""A child is locked before its parent.

## What it does
Reports a transaction of a migration that takes a strong lock on a table and then on one that the first references: by
a foreign key or, where none is declared, by a column named after it. Two tables that an earlier migration of the series
locks the other way round are noted.

## Why is this bad?
Inserts into the child lock child and parent in the other order, and so do other migrations: one of the two is killed
as a deadlock.

## Example
```sql
alter table app.orders add column region text;
alter table app.accounts add column region text;
```

## Use instead
```sql
alter table app.accounts add column region text;
alter table app.orders add column region text;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.model import Table
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.timeouts import transactions
from dbkit.report import Severity

rule = Rule(
    code="C169",
    severity=Severity.WARNING,
    lock="deadlock between two transactions",
    files=frozenset({MIGRATION}),
)

# The tables whose subcommands do not lock against writers are not worth an order.
_PLURALS = ("", "s", "es")


@rule.settled_after("AlterTableStmt")
def check(context: Context) -> Iterator[Hit]:
    locked: list[Table] = []
    for statement in context.file.script.statements:
        section = context.file.section_at(statement.start)
        if section.name != "up" or statement.tag != "AlterTableStmt":
            continue
        if not section.transactional or context.state.is_new(statement.node["relation"], context.file):
            continue
        table = context.state.find(statement.node["relation"])
        if table is None or table in locked:
            continue
        for earlier in locked:
            if _references(earlier, table) and not _references(table, earlier):
                yield Hit(
                    f"{table} is locked after {earlier}, which references it",
                    at=statement.start,
                    object=str(table),
                    hint="Change the referenced table first, or each in a migration of its own.",
                )
                break
        locked.append(table)


@rule.settled_with("transactions")
def check_earlier_files(context: Context) -> Iterator[Hit]:
    orders, warned = context.state.lock_orders, set()
    for transaction in transactions(context):
        locked: list[str] = []
        for table, start in [(table, item.statement.start) for item in transaction for table in item.tables]:
            if table in locked:
                continue
            for earlier in locked:
                other = orders.get((table, earlier))
                if other is None or other is context.file or table in warned:
                    continue
                warned.add(table)
                yield Hit(
                    f"{table} is locked after {earlier}, and {other.path.name} locks them the other way round",
                    at=start,
                    object=table,
                    hint="Keep to one order, the referenced table first.",
                    severity=Severity.NOTE,
                )
            locked.append(table)
        context.state.lock_in_order(context.file, tuple(locked))


def _references(child: Table, parent: Table) -> bool:
    if any(key.target == parent.key for key in child.foreign_keys()):
        return True
    name = parent.key[1]
    singular = {name.removesuffix(ending) for ending in _PLURALS} | {name.removesuffix("ies") + "y"}
    return child.key[0] == parent.key[0] and any(f"{word}_id" in child.columns for word in singular)
