"""Function without a search_path of its own.

## What it does
Notes a function or procedure with a quoted body and no SET search_path, or that loses it by ALTER FUNCTION, and warns
where its body names a table without a schema. SECURITY DEFINER functions have a rule of their own; bodies in the
SQL-standard form are bound when created.

## Why is this bad?
Names are looked up along the path of whoever calls: the same function reads another schema's table for another role,
fails inside a restore or a VACUUM, and in a trigger runs on whatever the writer's path holds.

## Example
```sql
create function app.order_count() returns bigint
    language sql stable
    as 'select count(*) from orders';
```

## Use instead
```sql
create function app.order_count() returns bigint
    language sql stable set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Function
from dbkit.lint.replay_objects import function_of
from dbkit.lint.routines import body_statements, function_label, functions_here
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import relations_in
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C140", severity=Severity.WARNING, lock="none; resolves names at call time")


@rule.settled_with("functions")
def check(context: Context) -> Iterator[Hit]:
    made = context.effects.functions
    for statement in context.file.script.statements if made else ():
        if statement.tag != "CreateFunctionStmt" or context.file.section_at(statement.start).name != "up":
            continue
        function = _function(statement, context)
        if function is None or function.definer or function.search_path is not None or function.bound:
            continue
        if function.language not in ("sql", "plpgsql"):
            continue
        name = function_label(function)
        table = _unqualified_table(statement)
        yield Hit(
            f"function {name} looks {table or 'names'} up along its caller's search_path",
            at=statement.start,
            object=name,
            hint="Add: set search_path = pg_catalog, pg_temp; and write schema.name in the body.",
            severity=None if table else Severity.NOTE,
        )


@rule.settled_with("functions")
def check_reset(context: Context) -> Iterator[Hit]:
    resetting = {item.start for item in context.file.script.statements if _resets_path(item)}
    for function in functions_here(context) if resetting else ():
        if function.origin.statement in resetting and function.search_path is None:
            name = function_label(function)
            yield Hit(
                f"function {name} loses its search_path",
                at=function.origin,
                object=name,
                hint="Give it the one it needs: set search_path = pg_catalog, pg_temp",
                severity=Severity.NOTE,
            )


def _resets_path(statement: Statement) -> bool:
    if statement.tag != "AlterFunctionStmt":
        return False
    settings = [item["DefElem"].get("arg", {}).get("VariableSetStmt", {}) for item in statement.node["actions"]]
    return any(
        item.get("kind") == "VAR_RESET_ALL"
        or (item.get("kind") in ("VAR_RESET", "VAR_SET_DEFAULT") and item.get("name") == "search_path")
        for item in settings
    )


def _function(statement: Statement, context: Context) -> Function | None:
    """What the statement made, as the file leaves it; None when it was dropped or replaced."""
    made = function_of(context.state, statement, context.file)
    now = context.state.functions.get(made.key, {}).get(made.arguments)
    return now if now is not None and now.statement is statement.node else None


def _unqualified_table(statement: Statement) -> str | None:
    for inside in body_statements(statement):
        for relation in relations_in({inside.tag: inside.node}):
            if "schemaname" not in relation:
                return str(relation["relname"])
    return None
