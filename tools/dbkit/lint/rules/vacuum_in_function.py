"""VACUUM inside a function.

## What it does
Reports VACUUM in a function, procedure or DO block, also as the text of EXECUTE. In the house profile ANALYZE, too.

## Why is this bad?
VACUUM cannot run inside a function: every call fails with 25001, after everything before it has run. ANALYZE can, but
keeps its lock until the caller's transaction ends.

## Example
```sql
create procedure app.tidy()
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    delete from app.docs where id < 10;
    vacuum app.docs;
end
$$;
```

## Use instead
```sql
create procedure app.tidy()
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    delete from app.docs where id < 10;
end
$$;
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import constant, walk
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L037",
    severity=Severity.ERROR,
    lock="fails 25001 at every call",
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("vacuum", "analyze"),
)

_EXECUTE = re.compile(r"\bexecute\s*\(*\s*(?:format\s*\(\s*)?$", re.IGNORECASE)
_HINT = "Schedule it as a job of its own, or leave it to autovacuum."


@rule.on("VacuumStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if context.body is None:
        return
    vacuum = bool(statement.node.get("is_vacuumcmd"))
    yield Hit(
        "vacuum cannot run inside a function"
        if vacuum
        else "analyze keeps its lock until the caller's transaction ends",
        at=statement.start,
        hint=_HINT,
        convention=not vacuum,
    )


@rule.on("SelectStmt")
def check_dynamic(statement: Statement, context: Context) -> Iterator[Hit]:
    text = context.file.text
    if context.body is None or not _EXECUTE.search(text[max(0, statement.start - 60) : statement.start]):
        return
    parts = list(walk(statement.node))
    if not any(tag in ("ColumnRef", "FuncCall") for tag, _ in parts):
        return  # What is spelled out is a statement of the body like any other.
    for tag, node in parts:
        if tag == "A_Const" and (constant({tag: node}) or "").lstrip().lower().startswith("vacuum"):
            yield Hit("vacuum cannot run inside a function", at=statement.start, hint=_HINT)
