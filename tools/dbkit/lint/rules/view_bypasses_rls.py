"""View over a row-secured table that reads as its owner.

## What it does
Reports a view without security_invoker that reads a table with row level security. A security_barrier view whose own
WHERE compares the tenant column with a function or subquery is left alone, and so is a view over other views with
security_invoker, which ask for the caller wherever they are used.

## Why is this bad?
A view reads its tables with its owner's rights and under the owner's policies, not the caller's. For an owner that row
security does not hold, every caller sees every tenant.

## Example
```sql
create view app.account_list as select id, email from app.accounts;
```

## Use instead
```sql
create view app.account_list with (security_invoker = true) as select id, email from app.accounts;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import DECLARED
from dbkit.lint.model import Table, View, label
from dbkit.lint.policies import column_of, same_for_every_caller
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names
from dbkit.parse import Node
from dbkit.report import Severity

rule = Rule(code="C115", severity=Severity.ERROR, lock="none; runs as the view's owner")


@rule.settled_with("views")
@rule.settled_with("secured")
def check(context: Context) -> Iterator[Hit]:
    # In a declared tree the order of files says nothing: there the view's own file is the place.
    is_ordered = context.series.kind != DECLARED
    newly_secured = {table.key for table in context.effects.secured if table.rls_origin and is_ordered}
    candidates = dict(context.effects.views)
    if newly_secured:
        candidates.update((key, None) for key, view in context.state.views.items() if newly_secured & set(view.reads))
    for key in candidates:
        view = context.state.views.get(key)
        if view is None or view.invoker or key[0] == "pg_temp":
            continue
        table = _secured_table(view, context)
        if table is None or (view.barrier and _filters_tenant(view, table, context)):
            continue
        # A view made earlier is the fault of the file that secured its table without it.
        here = view.origin.file is context.file or table.rls_origin is None
        yield Hit(
            f"view {label(key)} reads {table} as its owner, past the caller's policies",
            at=view.origin if here or table.rls_origin is None else table.rls_origin,
            object=label(key),
            hint=f"alter view {label(key)} set (security_invoker = true);",
        )


def _secured_table(view: View, context: Context) -> Table | None:
    """A row-secured table the view names; an inner view with security_invoker asks for the caller as it is."""
    tables = (context.state.tables.get(key) for key in view.reads)
    return next((table for table in tables if table is not None and table.rls_enabled), None)


def _filters_tenant(view: View, table: Table, context: Context) -> bool:
    tenant = context.tenants.column(table)
    return tenant is not None and any(_pins(part, tenant) for part in _conjuncts(view.query.get("whereClause", {})))


def _conjuncts(condition: Node) -> Iterator[Node]:
    parts = condition.get("BoolExpr", {})
    if parts.get("boolop") == "AND_EXPR":
        for part in parts["args"]:
            yield from _conjuncts(part)
    else:
        yield condition


def _pins(condition: Node, tenant: str) -> bool:
    comparison = condition.get("A_Expr", {})
    sides = [comparison.get("lexpr", {}), comparison.get("rexpr", {})]
    equal = names(comparison.get("name", ()))[-1:] == ["="]
    return (
        equal and any(column_of(side) == tenant for side in sides) and not same_for_every_caller({"Where": condition})
    )
