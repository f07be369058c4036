"""DDL inside a DO block.

## What it does
Reports statements in a DO block that lock an existing table against writers, written out or as the text of EXECUTE, and
notes those that create tables, views and functions. The usual guards around CREATE ROLE, CREATE TYPE and the like are
left alone. What the other rules know of such a statement they tell as well.

## Why is this bad?
The lock is as strong as anywhere else, but reviewers, linters and the runner's plan see one DO statement. What it does
depends on what it finds, so the migration can do something else in production than in the test.

## Example
```sql
do $$
begin
    alter table app.docs add column title text;
end
$$;
```

## Use instead
```sql
alter table app.docs add column if not exists title text;
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.locks import Lock, locks_of
from dbkit.lint.rule import DO, Hit, Rule
from dbkit.lint.trees import constant, names, walk
from dbkit.parse import Statement, embedded_statements
from dbkit.report import Severity

rule = Rule(
    code="C146",
    severity=Severity.WARNING,
    lock="hidden, as strong as the statement inside",
    files=frozenset({MIGRATION}),
    bodies=frozenset({DO}),
)

_EXECUTE = re.compile(r"\bexecute\s*\(*\s*$", re.IGNORECASE)
_DYNAMIC = re.compile(
    r"\s*(?P<words>alter\s+table|drop\s+(?:table|index|materialized\s+view)|truncate|lock\s+table|reindex|cluster"
    r"|create\s+(?:unique\s+)?index(?!\s+concurrently)|create\s+trigger|vacuum\s+full)\b",
    re.IGNORECASE,
)


@rule.on("AlterTableStmt", "IndexStmt", "DropStmt", "RenameStmt", "TruncateStmt", "CreateTrigStmt", "LockStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if context.body is None:
        return
    for relation, lock in locks_of(statement):
        if lock >= Lock.SHARE and not context.state.is_new(relation, context.file):
            table = context.state.name(relation)
            yield Hit(
                f"a do block hides {lock} on {table}",
                at=statement.start,
                object=table,
                hint="Write the statement outside of the block, with if exists or if not exists.",
            )
            return


@rule.on("CreateStmt", "CreateTableAsStmt", "ViewStmt", "CreateFunctionStmt", "CreatePolicyStmt")
def check_creation(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    relation = node.get("relation") or node.get("view") or node.get("into", {}).get("rel", {})
    if context.body is not None and relation.get("relpersistence") != "t":
        yield Hit(
            "a do block creates what reviewers and linters look for outside of it",
            at=statement.start,
            hint="Write the statement outside of the block, with if not exists or or replace.",
            severity=Severity.NOTE,
        )


@rule.on("SelectStmt")
def check_dynamic(statement: Statement, context: Context) -> Iterator[Hit]:
    body = context.body
    if body is None or not _EXECUTE.search(body.text[: statement.start - body.offset]):
        return
    parts = list(walk(statement.node))
    if not any(tag in ("FuncCall", "A_Const") for tag, _ in parts):  # a variable, filled somewhere in the block
        parts = [part for other in embedded_statements(body) for part in walk(other.node)]
    called = {names(node["funcname"])[-1] for tag, node in parts if tag == "FuncCall"}
    if called <= {"format"} and not any(tag == "ColumnRef" for tag, _ in parts):
        return  # What is spelled out is a statement of the block like any other.
    literals = [constant({tag: node}) or "" for tag, node in parts if tag == "A_Const"]
    match = next(filter(None, map(_DYNAMIC.match, literals)), None)
    if match:
        yield Hit(
            f"a do block executes {' '.join(match['words'].lower().split())}",
            at=statement.start,
            hint="Write one statement for each table, where reviewers and the linter see it.",
        )
