"""Rows are worked on while a strong lock is held.

## What it does
Reports UPDATE, DELETE, MERGE, COPY and INSERT … SELECT in a transaction that holds ACCESS EXCLUSIVE on a table the
migration did not create. An UPDATE or DELETE of one row, told by constants for a whole key, is left alone: the version
a migration tool keeps, a flag.

## Why is this bad?
Everybody who wants that table waits until the rows are done, whichever table they are in.

## Example
```sql
alter table app.docs add column region text;
update app.orders set total = 0 where total is null;
```

## Use instead
```sql
alter table app.docs add column region text;
-- the update in a migration of its own
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.locks import Lock
from dbkit.lint.policies import column_of
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.timeouts import transactions
from dbkit.lint.trees import constant, names
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="C031",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE kept during the work",
    files=frozenset({MIGRATION}),
)


@rule.settled_with("transactions")
def check(context: Context) -> Iterator[Hit]:
    for transaction in transactions(context):
        held: list[str] = []
        for locking in transaction:
            if held and _is_work(locking.statement, context):
                yield Hit(
                    f"{', '.join(held)} stays locked against everybody while rows are worked on",
                    at=locking.statement.start,
                    object=held[0],
                    hint="Do the work in a migration of its own.",
                )
                break
            held += [table for table, lock in locking.held if lock is Lock.ACCESS_EXCLUSIVE and table not in held]


def _is_work(statement: Statement, context: Context) -> bool:
    node = statement.node
    if statement.tag == "InsertStmt":
        select = node.get("selectStmt", {}).get("SelectStmt", {})
        return any("RangeVar" in source or "JoinExpr" in source for source in select.get("fromClause", ()))
    if statement.tag in ("UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt"):
        relation = node.get("relation")
        return relation is not None and not context.state.is_new(relation, context.file) and not _is_row(node, context)
    return False


def _is_row(node: Node, context: Context) -> bool:
    """Whether an UPDATE or DELETE compares every column of a unique key with a constant."""
    table = context.state.find(node["relation"]) if "whereClause" in node else None
    if table is None or "fromClause" in node or "usingClause" in node:
        return False
    pinned = set(_pinned(node["whereClause"]))
    return any(
        index.unique and index.predicate is None and pinned.issuperset(index.columns)
        for index in table.indexes.values()
    )


def _pinned(condition: Node) -> Iterator[str | None]:
    if condition.get("BoolExpr", {}).get("boolop") == "AND_EXPR":
        for part in condition["BoolExpr"]["args"]:
            yield from _pinned(part)
    comparison = condition.get("A_Expr", {})
    if comparison.get("kind") == "AEXPR_OP" and names(comparison["name"])[-1:] == ["="]:
        for one, other in (("lexpr", "rexpr"), ("rexpr", "lexpr")):
            if constant(comparison.get(other)) is not None and column_of(comparison.get(one, {})):
                yield column_of(comparison[one])
