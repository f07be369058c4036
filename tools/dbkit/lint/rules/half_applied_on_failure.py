"""A file without a transaction does more than it must.

## What it does
Reports a statement that creates an object or writes rows, and could have run in a transaction, in a section without
one that also holds a statement which cannot. IF NOT EXISTS, OR REPLACE and ON CONFLICT make it repeatable and are
fine; so are steps on the table the other statement is about. Migrations of this project's own line are left alone:
their runner records every statement.

## Why is this bad?
When a later statement fails the first stays done, and running the file again fails at it.

## Example
```sql
-- migrate:up transaction:false
create schema reports;
create index concurrently docs_body_idx on app.docs (body);
```

## Use instead
```sql
-- migrate:up transaction:false
create index concurrently docs_body_idx on app.docs (body);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.rules.concurrently_in_transaction import refused_in_transaction
from dbkit.lint.trees import commands
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C037", severity=Severity.WARNING, lock="none; half applied on failure", files=frozenset({MIGRATION}))

_CREATES = ("CreateStmt", "CreateSchemaStmt", "CreateSeqStmt", "CreateTableAsStmt")
_REPLACES = ("CreateFunctionStmt", "ViewStmt", "CreateTrigStmt")
_ALWAYS = ("CreateEnumStmt", "CreateDomainStmt", "CompositeTypeStmt", "CreatePolicyStmt")


@rule.settled
def check(context: Context) -> Iterator[Hit]:
    if context.file.own_line or not any(map(refused_in_transaction, context.file.script.statements)):
        return
    for section in context.file.sections:
        if section.transactional or section.name != "up":
            continue
        inside = [item for item in context.file.script.statements if section.start <= item.start < section.end]
        if not any(map(refused_in_transaction, inside)) or any(item.tag == "TransactionStmt" for item in inside):
            continue
        for statement in inside:
            adds_column = _adds_column(statement)
            if adds_column or _is_unguarded(statement):
                yield Hit(
                    "this stays done when a later statement of the file fails, and cannot be repeated",
                    at=statement.start,
                    hint="Write add column if not exists."
                    if adds_column
                    else "Move it to a migration that runs in a transaction.",
                    severity=Severity.NOTE if adds_column else None,
                )
                break


def _is_unguarded(statement: Statement) -> bool:
    node = statement.node
    if statement.tag in _CREATES:
        return not node.get("if_not_exists")
    if statement.tag in _REPLACES:
        return not node.get("replace")
    if statement.tag == "InsertStmt":
        return "onConflictClause" not in node
    return statement.tag in _ALWAYS


def _adds_column(statement: Statement) -> bool:
    added = [item for item in commands(statement.node) if item["subtype"] == "AT_AddColumn"]
    return statement.tag == "AlterTableStmt" and any(not item.get("missing_ok") for item in added)
