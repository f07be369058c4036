"""Migration file name is not 14 digits, an underscore and snake_case.

## What it does
Looks at the file names of the project's own migrations. A name is `YYYYMMDDHHMMSS_descriptive_name.sql`, lower case,
and its first 14 digits are a real date and time.

## Why is this bad?
The version is the order in which a module's migrations run. A name without one cannot be ordered, and a made-up date
puts the file before or after files it knows nothing about.

## Example
`sql/migrations/clinic/add-pets.sql`

## Use instead
`sql/migrations/clinic/20260301090000_create_table_pets.sql`
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import HOUSE, Hit, Rule
from dbkit.migrate.files import NATIVE_NAME
from dbkit.report import Severity

rule = Rule(code="L001", severity=Severity.ERROR, set=HOUSE, files=frozenset({MIGRATION}))


@rule.settled
def check(context: Context) -> Iterator[Hit]:
    if not context.file.own_line:
        return
    name = context.file.path.name
    match = NATIVE_NAME.fullmatch(name)
    if match is None:
        yield Hit(
            f"migration name is not a version and snake_case: {name}",
            at=0,
            hint="Name it YYYYMMDDHHMMSS_<prefix>_<what>.sql; `dbkit migrate new` does.",
        )
        return
    try:
        datetime.strptime(match["version"], "%Y%m%d%H%M%S")
    except ValueError:
        yield Hit(
            f"migration version is no date and time: {match['version']}",
            at=0,
            hint="Use the time the migration was written, as YYYYMMDDHHMMSS.",
        )
