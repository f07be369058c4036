"""WHEN OTHERS THEN NULL.

## What it does
Reports an exception handler for OTHERS that does nothing, in PL/pgSQL functions and DO blocks; one that only returns a
constant is a note. Handlers for named conditions are left alone.

## Why is this bad?
Every failure is taken for success: a constraint that was violated, a table that is not there, a statement that was
cancelled. What the block had done is rolled back, and nobody hears of it.

## Example
```sql
create procedure app.import_docs()
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into app.docs (id, body) values (1, 'x');
exception when others then
    null;
end
$$;
```

## Use instead
```sql
create procedure app.import_docs()
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into app.docs (id, body) values (1, 'x');
exception when unique_violation then
    null;
end
$$;
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.flow import blanked
from dbkit.lint.routines import body_of
from dbkit.lint.rule import BOTH_WAYS, EVERYWHERE, Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C142",
    severity=Severity.WARNING,
    lock="none; hides failures",
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    triggers=("others",),
)

_EMPTY = re.compile(r"\bwhen\s+(?:\w+\s+or\s+)*others\s+then\s+(?:null\s*;\s*)*(?:end|when)\b", re.IGNORECASE)
_CONSTANT = re.compile(
    r"\bwhen\s+(?:\w+\s+or\s+)*others\s+then\s+return\s*(?:null|true|false|[\d.+-]+|)\s*(?:::\s*[\w.]+\s*)?;\s*(?:end|when)\b",
    re.IGNORECASE,
)


@rule.on("CreateFunctionStmt", "DoStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    body = body_of(statement)
    if body is None or body.language != "plpgsql":
        return
    text = blanked(body.text)
    for match in _EMPTY.finditer(text):
        yield Hit(
            "when others then null hides every failure",
            at=body.offset + match.start(),
            hint="Name the condition that is expected: when unique_violation then null;",
        )
    for match in _CONSTANT.finditer(text):
        yield Hit(
            "when others then return gives every failure the same answer",
            at=body.offset + match.start(),
            hint="Name the condition that is expected: when invalid_text_representation then return null;",
            severity=Severity.NOTE,
        )
