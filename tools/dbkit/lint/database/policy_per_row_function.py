"""Function or setting called bare in a policy.

## What it does
Reports `current_setting()` and somebody's own functions called in a policy without a column in their arguments and
outside of a subquery. Functions that are IMMUTABLE are left alone.

## Why is this bad?
A bare call is evaluated for every row the query looks at, and for a VOLATILE function no index can be used at all.
`(select f())` is evaluated once a query.

## Example
```sql
create policy members on app.accounts for select to app_user
    using (tenant_id = app.current_tenant());
```

## Use instead
```sql
create policy members on app.accounts for select to app_user
    using (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.catalog import Function
from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.policy_per_row_function import rule
from dbkit.lint.trees import names, walk, walk_outside
from dbkit.tenancy.expressions import parse_expression

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.tables.values():
        for policy in table.policies.values():
            found = next((name for text in (policy.using, policy.check) for name in _bare(text, database)), None)
            if found is not None:
                yield Defect(
                    table.key,
                    f"policy {policy.name} on {table.key} calls {found}() for every row",
                    hint="Wrap it, so that it runs once a query: (select …)",
                )


def _bare(expression: str | None, database: Live) -> Iterator[str]:
    """The functions an expression calls for every row without looking at the row."""
    tree = parse_expression(expression) if expression else None
    for tag, call in walk_outside([tree]) if tree else ():
        if tag != "FuncCall" or any(inner == "ColumnRef" for inner, _ in walk(call.get("args", ()))):
            continue
        name = ".".join(names(call["funcname"]))
        if name == "current_setting":  # printed with pg_catalog in the search_path
            yield name
        volatilities = {item.volatility for item in database.snapshot.functions.values() if _named(item, name)}
        if volatilities and volatilities != {"immutable"}:
            yield name


def _named(function: Function, name: str) -> bool:
    return f"{function.schema}.{function.name}" == name
