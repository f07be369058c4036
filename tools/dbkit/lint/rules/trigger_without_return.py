"""Trigger function that can end without RETURN.

## What it does
Reports a PL/pgSQL trigger function with a path that reaches the end of its body: every branch, and every exception
handler, must RETURN or raise.

## Why is this bad?
CREATE FUNCTION accepts it; the first statement that takes that path fails with 2F005, "control reached end of trigger
procedure without RETURN".

## Example
```sql
create function app.tg_lower_body() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if new.body is not null then
        new.body := lower(new.body);
        return new;
    end if;
end
$$;
```

## Use instead
```sql
create function app.tg_lower_body() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if new.body is not null then
        new.body := lower(new.body);
    end if;
    return new;
end
$$;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.flow import can_end_without_return
from dbkit.lint.model import label
from dbkit.lint.routines import body_of
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names, type_name
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C144", severity=Severity.ERROR, lock="fails 2F005 at run time", triggers=("trigger",))


@rule.on("CreateFunctionStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if type_name(statement.node.get("returnType", {})) != "trigger":
        return
    body = body_of(statement)
    if body is not None and body.language == "plpgsql" and can_end_without_return(body.text):
        name = label(context.state.object_key(names(statement.node["funcname"])))
        yield Hit(
            f"trigger function {name} can reach its end without return",
            at=statement.start,
            object=name,
            hint="End the body with return new; (return null; in an after trigger).",
        )
