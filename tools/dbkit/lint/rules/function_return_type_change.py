"""CREATE OR REPLACE FUNCTION with another result type or argument name.

## What it does
Reports CREATE OR REPLACE of a function that exists with the same argument types and another result, or with another
name for one of them.

## Why is this bad?
PostgreSQL refuses it (42P13) on a database that has the old function, and accepts it on one that has not: the
migration passes in a test on an empty database and fails in production.

## Example
```sql
create or replace function app.current_tenant() returns text
    language sql stable set search_path = ''
    return 'x';
```

## Use instead
```sql
create or replace function app.current_tenant() returns uuid
    language sql stable set search_path = ''
    return null;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.replay_objects import function_of
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C055", severity=Severity.ERROR, lock="fails 42P13", files=frozenset({MIGRATION}))


@rule.on("CreateFunctionStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if not statement.node.get("replace"):
        return
    new = function_of(context.state, statement, context.file)
    old = context.state.functions.get(new.key, {}).get(new.arguments)
    if old is None:
        return
    name = ".".join(new.key)
    if old.returns != new.returns:
        what = f"returns {new.returns or 'nothing'} and used to return {old.returns or 'nothing'}"
    elif any(before not in ("", after) for before, after in zip(old.names, new.names, strict=False)):
        what = "has another name for an argument"
    else:
        return
    yield Hit(
        f"function {name} {what}, which create or replace refuses",
        at=statement.start,
        object=name,
        hint=f"drop function {name}({', '.join(old.arguments)}); first, in the same migration.",
    )
