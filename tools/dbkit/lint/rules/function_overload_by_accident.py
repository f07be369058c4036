"""CREATE OR REPLACE with other arguments makes a second function.

## What it does
Reports CREATE OR REPLACE of a function whose name exists with other argument types only, unless the file drops one of
those. A plain CREATE FUNCTION is taken for a deliberate overload.

## Why is this bad?
Nothing is replaced: callers that pass the old arguments go on running the old body, with its old mistakes and its old
rights, and a call that fits both fails as ambiguous.

## Example
```sql
create or replace function app.current_tenant(p_user uuid) returns uuid
    language sql stable set search_path = ''
    return p_user;
```

## Use instead
```sql
drop function app.current_tenant();
create function app.current_tenant(p_user uuid) returns uuid
    language sql stable set search_path = ''
    return p_user;
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

rule = Rule(
    code="C056", severity=Severity.WARNING, lock="old code goes on calling the old body", files=frozenset({MIGRATION})
)


@rule.on("CreateFunctionStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if not statement.node.get("replace"):
        return
    new = function_of(context.state, statement, context.file)
    others = context.state.functions.get(new.key, {})
    earlier = [other for other in others.values() if other.origin.file is not context.file]
    dropped_here = context.effects.dropped_functions
    if new.arguments in others or not earlier or new.key in dropped_here:
        return
    name = ".".join(new.key)
    yield Hit(
        f"function {name}({', '.join(new.arguments)}) replaces nothing: it exists with other arguments",
        at=statement.start,
        object=name,
        hint=f"drop function {name}({', '.join(earlier[0].arguments)}); or write create function.",
    )
