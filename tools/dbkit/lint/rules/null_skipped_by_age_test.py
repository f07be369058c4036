"""A test of age that skips what never happened.

## What it does
Reports `last_… < now() - interval …` on a nullable column (also `latest_…`, `previous_…`) where the condition has no
`is null` for it: in queries, views and function bodies.

## Why is this bad?
NULL stands for "never": the comparison is NULL, so the customer who was never reminded, the lead never called, is the
one who is left out for ever.

## Example
```sql
create table app.leads (
    id           bigint primary key,
    last_call_at timestamptz
);
create view app.forgotten with (security_invoker = true) as
    select id from app.leads where last_call_at < now() - interval '7 days';
```

## Use instead
```sql
create table app.leads (
    id           bigint primary key,
    last_call_at timestamptz
);
create view app.forgotten with (security_invoker = true) as
    select id from app.leads where last_call_at is null or last_call_at < now() - interval '7 days';
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.policies import column_of
from dbkit.lint.routines import unstable_call
from dbkit.lint.rule import DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import names, nodes, relations_in, walk
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L053",
    severity=Severity.WARNING,
    lock="none; leaves rows out",
    files=EVERYWHERE,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("last_", "latest_", "previous_"),
)

_NEVER = re.compile(r"(?:^|_)(?:last|latest|previous|prev)_")
_OLDER = {"lexpr": ("<", "<="), "rexpr": (">", ">=")}


@rule.on("SelectStmt", "ViewStmt", "UpdateStmt", "DeleteStmt", "InsertStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    tree = {statement.tag: statement.node}
    asked = {column_of(node["arg"]) for tag, node in nodes(statement) if tag == "NullTest"}
    asked |= {
        column_of({inner: item})
        for tag, node in nodes(statement)
        if tag == "CoalesceExpr"
        for inner, item in walk(node)
    }
    for tag, node in nodes(statement):
        if tag != "A_Expr" or node["kind"] != "AEXPR_OP":
            continue
        for side, operators in _OLDER.items():
            column = column_of(node.get(side, {}))
            other = node.get("rexpr" if side == "lexpr" else "lexpr", {})
            if (
                column is None
                or names(node["name"])[-1] not in operators
                or column in asked
                or not _NEVER.search(column)
            ):
                continue
            if unstable_call({"Age": other}, context.state) and _is_nullable(column, tree, context):
                yield Hit(
                    f"rows whose {column} is null are never found",
                    at=statement.offset(node[side]["ColumnRef"]),
                    object=column,
                    hint=f"({column} is null or …)",
                )


def _is_nullable(column: str, tree: object, context: Context) -> bool:
    tables = [context.state.find(relation) for relation in relations_in(tree)]
    found = [table.columns[column] for table in tables if table is not None and column in table.columns]
    return len(found) == 1 and not found[0].not_null
