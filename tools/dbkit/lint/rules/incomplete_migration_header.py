"""Migration header lacks a field, or says something the file contradicts.

## What it does
Reads the comment block at the top of the project's own migrations. It must have Migration, Description, Author, Date,
Dependencies and Rollback; Date is the version's date; Dependencies name migrations that exist and come earlier;
Rollback is `down section` or `irreversible: <reason>`, and the file agrees.

## Why is this bad?
The header is what a DBA reads before applying and what the runner orders by. A dependency on a file that is not
there, or a promised way back that is missing, is found on the day it is needed.

## Example
```sql
-- Migration: create_table_pets
-- Date: 2026-03-02

-- migrate:up
```

## Use instead
```sql
-- Migration: create_table_pets
-- Description: Pets and the people who bring them.
-- Author: Ada
-- Date: 2026-03-01
-- Dependencies: core/20260101000000
-- Rollback: down section

-- migrate:up
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.errors import DbkitError
from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import HOUSE, Hit, Rule
from dbkit.migrate.files import HEADER_KEYS, NATIVE_NAME, Migration, parse_native, read_header
from dbkit.report import Severity

rule = Rule(code="L003", severity=Severity.ERROR, set=HOUSE, files=frozenset({MIGRATION}))


# The files of other lines count: in a whole series, not up to here.
@rule.concluded
def check(context: Context) -> Iterator[Hit]:
    file = context.file
    name = NATIVE_NAME.fullmatch(file.path.name) if file.own_line else None
    if name is None:
        return
    header, lines = read_header(file.text)
    missing = [key for key in HEADER_KEYS if not header.get(key)]
    if missing:
        yield Hit(
            f"migration header lacks {', '.join(missing)}",
            at=0,
            hint=f"Add at the top: {'; '.join(f'-- {key}: …' for key in missing)}",
        )
        return
    migration = Migration(file.module or "", name["version"], name["name"], file.path, (), parse_native)
    # What is judged, which is not always what is on disk; with plain line ends, as the runner reads it.
    migration.__dict__["text"] = file.text.replace("\r\n", "\n")
    try:
        parsed = migration.parsed
    except DbkitError as error:
        place, _, detail = (error.detail or "").partition(": ")
        line = re.search(r":(\d+)$", place)
        yield Hit(error.message, at=_line_start(file.text, int(line[1]) if line else 1), detail=detail, hint=error.hint)
        return
    for needed in parsed.depends_on:
        line_name, version = needed.split("/")
        at = _line_start(file.text, lines["Dependencies"])
        if needed not in context.series.own_versions:
            yield Hit(
                f"migration depends on a file that does not exist: {needed}",
                at=at,
                hint="Correct the version, or write: -- Dependencies: none",
            )
        elif line_name == file.module and version >= name["version"]:
            yield Hit(
                f"migration depends on a file that is not earlier: {needed}",
                at=at,
                hint="Give this migration a later version, or drop the dependency.",
            )


def _line_start(text: str, line: int) -> int:
    return sum(len(part) for part in text.splitlines(keepends=True)[: line - 1])
