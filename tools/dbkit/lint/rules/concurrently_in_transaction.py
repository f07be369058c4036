"""CONCURRENTLY, VACUUM and the like in a section that runs in a transaction.

## What it does
Reports statements that PostgreSQL refuses inside a transaction block where the file does not carry the
`transaction:false` marker: CREATE, DROP or REINDEX INDEX CONCURRENTLY, REINDEX of a schema or database, DETACH
PARTITION CONCURRENTLY, VACUUM, CLUSTER of every table, CREATE and DROP DATABASE or TABLESPACE, ALTER SYSTEM. Several
such statements may share a file: the runner records each. Inside a function or DO block they are refused anywhere.

## Why is this bad?
The migration fails with 25001 every time it is run.

## Example
```sql
-- migrate:up
create index concurrently orders_total_idx on app.orders (tenant_id, total);
```

## Use instead
```sql
-- migrate:up transaction:false
create index concurrently orders_total_idx on app.orders (tenant_id, total);
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import BOTH_WAYS, DO, FUNCTION, Hit, Rule
from dbkit.lint.trees import commands, true_option
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L011",
    severity=Severity.ERROR,
    lock="fails 25001",
    files=frozenset({MIGRATION}),
    sections=BOTH_WAYS,
    bodies=frozenset({DO, FUNCTION}),
)


def _reindex(node: Node) -> str | None:
    if true_option(node.get("params", ()), "concurrently"):
        return "reindex concurrently"
    kind = str(node["kind"]).removeprefix("REINDEX_OBJECT_").lower()
    return None if kind in ("index", "table") else f"reindex {kind}"


def _alter_table(node: Node) -> str | None:
    for command in commands(node):
        if command.get("def", {}).get("PartitionCmd", {}).get("concurrent"):
            return "detach partition concurrently"
    return None


# What each statement is called when it cannot run in a transaction; None when it can.
_REFUSED: dict[str, Callable[[Node], str | None]] = {
    "IndexStmt": lambda node: "create index concurrently" if node.get("concurrent") else None,
    "DropStmt": lambda node: "drop index concurrently" if node.get("concurrent") else None,
    "ReindexStmt": _reindex,
    "AlterTableStmt": _alter_table,
    "VacuumStmt": lambda node: "vacuum" if node.get("is_vacuumcmd") else None,
    "ClusterStmt": lambda node: None if "relation" in node else "cluster",
    "AlterSystemStmt": lambda node: "alter system",
    "CreatedbStmt": lambda node: "create database",
    "DropdbStmt": lambda node: "drop database",
    "CreateTableSpaceStmt": lambda node: "create tablespace",
    "DropTableSpaceStmt": lambda node: "drop tablespace",
}


def refused_in_transaction(statement: Statement) -> bool:
    """Whether PostgreSQL refuses the statement inside a transaction block."""
    what = _REFUSED.get(statement.tag)
    return what is not None and what(statement.node) is not None


@rule.on(*_REFUSED)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if context.body is None and not context.in_transaction:
        return
    what = _REFUSED[statement.tag](statement.node)
    if what is None or (context.body is not None and statement.tag == "VacuumStmt"):
        return  # `vacuum_in_function` tells of that one
    marked = f"-- migrate:{context.section.name} transaction:false"
    yield Hit(
        f"{what} cannot run in a {'transaction' if context.body is None else 'function or do block'}",
        at=statement.start,
        hint=f"Mark the section: {marked}"
        if context.body is None
        else f"Write it outside of the block, in a section that says: {marked}",
    )
