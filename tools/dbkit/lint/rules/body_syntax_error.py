"""Body of a function or DO block that PostgreSQL cannot parse.

## What it does
Asks PostgreSQL's own parsers of SQL and PL/pgSQL for each quoted body, and reports the first thing they refuse, with
line and column. Bodies that hold placeholders (`${name}`, `{{ name }}`, `@name@`) are left alone.

## Why is this bad?
CREATE FUNCTION fails with 42601. Where check_function_bodies is off, as in a restored dump, the first call does.

## Example
```sql
create function app.is_weekend(p_day date) returns boolean
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if extract(isodow from p_day) > 5
        return true;
    end if;
    return false;
end
$$;
```

## Use instead
```sql
create function app.is_weekend(p_day date) returns boolean
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if extract(isodow from p_day) > 5 then
        return true;
    end if;
    return false;
end
$$;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.body_syntax import body_problem
from dbkit.lint.engine import Context
from dbkit.lint.rule import BOTH_WAYS, EVERYWHERE, Hit, Rule
from dbkit.lint.trees import names
from dbkit.parse import Statement, bodies
from dbkit.report import Severity

rule = Rule(code="C167", severity=Severity.ERROR, lock="fails 42601", files=EVERYWHERE, sections=BOTH_WAYS)


@rule.on("CreateFunctionStmt", "DoStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for body in bodies(statement):
        problem = body_problem(body)
        if problem is not None:
            name = ".".join(names(statement.node.get("funcname", ())))
            whose = f"function {name}" if name else "the DO block"
            message = f"the body of {whose} cannot be parsed: {problem.message}"
            yield Hit(message, at=problem.offset, object=name or None)
