"""A whole table is copied in one statement.

## What it does
Reports INSERT … SELECT from an existing table without WHERE, LIMIT or JOIN condition that narrows it, in a migration.

## Why is this bad?
Every row is written in one transaction: locks and old row versions stay until it commits, replicas fall behind, and a
failure at the end starts it all over.

## Example
```sql
insert into app.doc_copies (id, body) select id, body from app.docs;
```

## Use instead
```sql
insert into app.doc_copies (id, body) select id, body from app.docs where id between 1 and 1000;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.policies import is_always_true
from dbkit.lint.rule import DO, Hit, Rule
from dbkit.lint.trees import has_aggregate
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="C171",
    severity=Severity.WARNING,
    lock="row locks and bloat for the whole migration",
    files=frozenset({MIGRATION}),
    bodies=frozenset({DO}),
)


@rule.on("InsertStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    select = statement.node.get("selectStmt", {}).get("SelectStmt", {})
    if (
        not is_always_true(select.get("whereClause", _TRUE))
        or {"limitCount", "groupClause", "distinctClause"} & select.keys()
    ):
        return
    named = {
        item["CommonTableExpr"]["ctename"]
        for node in (statement.node, select)
        for item in node.get("withClause", {}).get("ctes", ())
    }
    sources = [source for item in select.get("fromClause", ()) for source in _joined(item)]
    # A join with rows of the file's own takes no more than fit those.
    whole = all(source and source["relname"] not in named and _is_existing(source, context) for source in sources)
    if sources and whole and not has_aggregate(select):
        table = context.state.name(sources[0])
        yield Hit(
            f"every row of {table} is copied in one statement",
            at=statement.start,
            object=table,
            hint="Copy in batches with a where on the key, each in a transaction of its own.",
        )


_TRUE: Node = {"A_Const": {"boolval": {"boolval": True}}}


def _joined(item: Node) -> Iterator[Node]:
    """The tables of an item of FROM; an empty node for what is none."""
    if "JoinExpr" in item:
        yield from _joined(item["JoinExpr"]["larg"])
        yield from _joined(item["JoinExpr"]["rarg"])
    else:
        yield item.get("RangeVar", {})


def _is_existing(relation: Node, context: Context) -> bool:
    """A table that may have many rows: neither made here nor a catalog."""
    schema = relation.get("schemaname", "")
    return not context.state.is_new(relation, context.file) and schema not in ("pg_catalog", "information_schema")
