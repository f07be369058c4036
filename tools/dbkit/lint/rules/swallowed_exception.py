"""WHEN OTHERS THEN NULL.

## What it does
Reports an exception handler for OTHERS that does nothing, in PL/pgSQL functions and DO blocks, and one that only sets
variables and returns where the block writes rows; where it does not, one that returns a constant is a note. Handlers
for named conditions are left alone.

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
    r"\bwhen\s+(?:\w+\s+or\s+)*others\s+then\s+"
    r"return\b\s*(?:(?:null|true|false|[\d.+-]+)\s*)?(?:::\s*[\w.]+\s*)?;\s*(?:end|when)\b",
    re.IGNORECASE,
)
# What does not raise, log or ask: assignments of constants and a return of a name or constant.
_QUIET = re.compile(
    r"\bwhen\s+(?:\w+\s+or\s+)*others\s+then\s+"
    r"(?:\w+\s*:?=\s*(?:(?:null|true|false|-?[\d.]+)\s*)?;\s*)*return\b\s*(?:[\w.+-]+\s*)?(?:::\s*[\w.]+\s*)?;\s*(?:end|when)\b",
    re.IGNORECASE,
)
_WRITES = re.compile(
    r"\b(?:insert\s+into|update\s+[\w.\"]+\s+(?:\w+\s+)?set|delete\s+from|merge\s+into)\b", re.IGNORECASE
)
_BEGIN = re.compile(r"\bbegin\b", re.IGNORECASE)


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
    loud = set()
    for match in _QUIET.finditer(text):
        begins = [item.end() for item in _BEGIN.finditer(text, 0, match.start())]
        if begins and _WRITES.search(text, begins[-1], match.start()):
            loud.add(match.start())
            yield Hit(
                "when others then return hides that the rows were not written",
                at=body.offset + match.start(),
                hint="Name the condition that is expected: when unique_violation then return null;",
            )
    for match in _CONSTANT.finditer(text):
        if match.start() in loud:
            continue
        yield Hit(
            "when others then return gives every failure the same answer",
            at=body.offset + match.start(),
            hint="Name the condition that is expected: when invalid_text_representation then return null;",
            severity=Severity.NOTE,
        )
