"""Migration shares its version with another file, or runs before the file it builds on.

## What it does
Reports two migrations of one line with the same version, and a migration that changes a table which only a later file
of the same line creates.

## Why is this bad?
Two files with one version have no order, so two databases end up different. A file dated before the one that creates
its table fails on every new database, however well it worked on the one it was written against.

## Example
`20240101000000_alter_table_trials_add_end.sql` beside `20250101000000_create_table_trials.sql`

## Use instead
`20250102000000_alter_table_trials_add_end.sql`
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L004", severity=Severity.ERROR, lock="fails 42P01 on a new database", files=frozenset({MIGRATION}))


@rule.concluded
def check(context: Context) -> Iterator[Hit]:
    twin = context.series.twin(context.file)
    if twin is not None:
        version, other = twin
        yield Hit(
            f"two migrations have the version {version}",
            at=0,
            detail=f"The other one is {other.path.name}.",
            hint="Give the newer file a version of its own, later than every applied one.",
        )


@rule.concluded_with("assumed")
def check_order(context: Context) -> Iterator[Hit]:
    place = context.series.place
    for table, origin in context.effects.assumed.items():
        created = context.state.created.get(table)
        if created is None or created is context.file or created.path.parent != context.file.path.parent:
            continue
        if place[created] > place[context.file]:
            name = ".".join(table)
            yield Hit(
                f"migration changes {name} before it exists",
                at=origin,
                object=name,
                detail=f"{name} is created by {created.path.name}, which comes later.",
                hint="Give this migration a version after that file.",
            )
