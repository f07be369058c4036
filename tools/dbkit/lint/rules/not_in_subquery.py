"""NOT IN over a subquery.

## What it does
Reports `x not in (select …)`, `not (x = any (select …))` and `x <> all (select …)`, also in function bodies, unless the
subquery itself asks for `is not null`, selects a column known to be NOT NULL, or lists constants.

## Why is this bad?
One NULL in the answer makes the whole condition NULL, so no row qualifies: a delete of orphans deletes nothing and
says nothing. It also keeps the planner from an anti-join.

## Example
```sql
delete from app.orders where account_id not in (select parent_id from app.accounts_tree);
```

## Use instead
```sql
delete from app.orders o
where not exists (select from app.accounts_tree a where a.parent_id = o.account_id);
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import names, nodes, walk
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="C084",
    severity=Severity.WARNING,
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("not", "<>", "!="),
    pattern=re.compile(r"\(\s*(?:select|with|values)\b"),
)


@rule.on("*")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for link in _negated_links(statement):
        if not _is_never_null(link["subselect"].get("SelectStmt", {}), context):
            yield Hit(
                "not in (select …) is never true once the subquery returns a null",
                at=statement.offset(link),
                hint="Write not exists (select from … where …).",
            )


def _negated_links(statement: Statement) -> Iterator[Node]:
    """The SubLinks of NOT IN, of NOT (… IN …), of NOT (… = ANY …) and of <> ALL."""
    for tag, node in nodes(statement):
        if tag == "BoolExpr" and node["boolop"] == "NOT_EXPR":
            link = node["args"][0].get("SubLink", {})
            # Without an operator it was written as IN.
            if link.get("subLinkType") == "ANY_SUBLINK" and names(link.get("operName", ())) in ([], ["="]):
                yield link
        elif tag == "SubLink" and node.get("subLinkType") == "ALL_SUBLINK" and names(node["operName"]) == ["<>"]:
            yield node


def _is_never_null(select: Node, context: Context) -> bool:
    if "valuesLists" in select:
        rows = [row["List"]["items"] for row in select["valuesLists"]]
        return all("A_Const" in value and "isnull" not in value["A_Const"] for row in rows for value in row)
    targets, sources = select.get("targetList", ()), select.get("fromClause", ())
    if len(targets) != 1:
        return False
    column = names(targets[0]["ResTarget"].get("val", {}).get("ColumnRef", {}).get("fields", ()))[-1:]
    for tag, node in walk(select.get("whereClause", {}) and {"Where": select["whereClause"]}):
        if tag == "NullTest" and node["nulltesttype"] == "IS_NOT_NULL":
            return names(node.get("arg", {}).get("ColumnRef", {}).get("fields", ()))[-1:] == column
    if len(sources) != 1 or "RangeVar" not in sources[0] or not column:
        return False
    table = context.state.find(sources[0]["RangeVar"])
    known = table.columns.get(column[0]) if table else None
    return known is not None and known.not_null
