"""A column is compared with itself.

## What it does
Reports `x = x` where both sides are the same column once names are resolved: `m.company_id = company_id` inside a
subquery over `m` compares the inner column with itself, since the inner name wins. Policies, views, statements and
function bodies are read.

## Why is this bad?
The condition is true for every row. In a policy or a tenant filter that is every tenant's rows: the outer column, or
the argument, that was meant is never looked at.

## Example
```sql
create policy members_insert on app.orders for insert to app_user
    with check (exists (select from app.accounts a where a.tenant_id = tenant_id));
```

## Use instead
```sql
create policy members_insert on app.orders for insert to app_user
    with check (exists (select from app.accounts a where a.tenant_id = orders.tenant_id));
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dbkit.lint.engine import Context
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import names, nodes, walk_outside
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L019",
    severity=Severity.ERROR,
    lock="none; the condition is always true",
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("=",),
    # The same last name on both sides of an equals sign.
    pattern=re.compile(r'\b(\w++)"?\s*+=\s*+(?:"?\w++"?\s*+\.\s*+)*"?\1\b'),
)

_QUERIES = ("SelectStmt", "UpdateStmt", "DeleteStmt")
_FROM = ("fromClause", "usingClause")
# What stands at the level of the query itself, not in one below it.
_CONDITIONS = (*_FROM, "whereClause", "havingClause", "targetList")


@rule.on("CreatePolicyStmt", "AlterPolicyStmt", "ViewStmt", "InsertStmt", *_QUERIES)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if "policy_name" in node:
        level = [node.get("qual", {}), node.get("with_check", {})]
        yield from _judge(level, {node["table"]["relname"]}, statement)
    for tag, query in nodes(statement):
        if tag in _QUERIES:
            for branch in _branches(query):
                level = [branch.get(part, {}) for part in _CONDITIONS]
                yield from _judge(level, set(_sources(branch)), statement)


def _branches(query: Node) -> Iterator[Node]:
    """The queries a UNION joins; the query itself where there is none."""
    if "larg" in query:
        yield from _branches(query["larg"])
        yield from _branches(query["rarg"])
    else:
        yield query


def _sources(query: Node) -> Iterator[str]:
    """Names by which the columns of a query's tables can be qualified."""
    tables = [{"RangeVar": query["relation"]}] if "relation" in query else []
    for part in _FROM:
        tables += query.get(part, ())
    while tables:
        tag, item = next(iter(tables.pop().items()))
        if tag == "JoinExpr":
            tables += [item["larg"], item["rarg"]]
        elif "alias" in item:
            yield item["alias"]["aliasname"]
        elif "relname" in item:
            yield item["relname"]


def _judge(level: Any, sources: set[str], statement: Statement) -> Iterator[Hit]:
    if not sources:  # variables of a body, not columns
        return
    for tag, node in walk_outside(level, "SelectStmt"):
        if tag != "A_Expr" or node["kind"] != "AEXPR_OP" or names(node["name"])[-1:] != ["="]:
            continue
        left, right = (node.get(side, {}).get("ColumnRef", {}) for side in ("lexpr", "rexpr"))
        column = _same_column(left, right, sources)
        if column:
            yield Hit(
                f"{column} is compared with itself, which is true for every row",
                at=statement.offset(left),
                object=column,
                hint="Say before the dot which table, or which function's argument, the other side is.",
            )


def _same_column(left: Node, right: Node, sources: set[str]) -> str | None:
    one, other = names(left.get("fields", ())), names(right.get("fields", ()))
    if not one or not other or one[-1] != other[-1]:
        return None
    qualifiers = {parts[-2] if len(parts) > 1 else None for parts in (one, other)}
    # An unqualified name is looked for in this query first, and it is there: the other side names it.
    same = len(qualifiers) == 1 or (None in qualifiers and qualifiers - {None} <= sources)
    return one[-1] if same else None
