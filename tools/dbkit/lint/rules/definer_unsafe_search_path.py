"""SECURITY DEFINER function whose search_path lets pg_temp go first.

## What it does
Reports a SECURITY DEFINER function whose search_path names a schema others may write to and does not end with pg_temp,
or names `"$user"`; also one quoted list (`'app, pg_temp'`), which is the name of a single schema. The empty path and
pg_catalog alone are fine.

## Why is this bad?
A schema that is not named, pg_temp, is searched before all that are. A caller who creates a temporary table of the name
the body uses has the function read it, with the owner's rights.

## Example
```sql
create function app.order_count() returns bigint
    language sql stable security definer set search_path = app
    as 'select count(*) from orders';
revoke execute on function app.order_count() from public;
```

## Use instead
```sql
create function app.order_count() returns bigint
    language sql stable security definer set search_path = app, pg_temp
    as 'select count(*) from orders';
revoke execute on function app.order_count() from public;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Function
from dbkit.lint.routines import function_label, functions_here
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="C114", severity=Severity.WARNING, lock="none; privilege escalation")

_READ_ONLY = frozenset({"pg_catalog", "information_schema", ""})


@rule.settled_with("functions")
def check(context: Context) -> Iterator[Hit]:
    for function in functions_here(context):
        path = function.search_path
        if not function.definer or function.bound or path is None:
            continue
        if not path:  # set search_path from current: what the session that runs the file has, which may be anything
            if not _sets_search_path(context):
                yield _from_current(function)
            continue
        *before, last = path
        writable = [schema for schema in path if schema not in _READ_ONLY and schema != "pg_temp"]
        if "pg_temp" not in before and (last == "pg_temp" or not writable) and "$user" not in path:
            continue
        name = function_label(function)
        kept = set(path) - {"pg_temp", "$user"}
        one_name = next((schema for schema in path if "," in schema), None)
        yield Hit(
            f"search_path of security definer function {name} names one schema, called {one_name!r}"
            if one_name
            else f"search_path of security definer function {name} lets a caller's temporary objects go first",
            at=function.origin,
            object=name,
            hint="Write the schemas without quotes around the list: set search_path = app, pg_temp"
            if one_name
            else f"set search_path = {', '.join([*(schema for schema in path if schema in kept), 'pg_temp'])}",
        )


def _sets_search_path(context: Context) -> bool:
    return any(
        item.tag == "VariableSetStmt" and item.node.get("name") == "search_path"
        for item in context.file.script.statements
    )


def _from_current(function: Function) -> Hit:
    name = function_label(function)
    return Hit(
        f"security definer function {name} keeps the search_path of whoever creates it",
        at=function.origin,
        object=name,
        hint="Write the schemas: set search_path = pg_catalog, pg_temp",
    )
