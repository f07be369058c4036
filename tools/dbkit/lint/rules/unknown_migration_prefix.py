"""Migration name does not begin with a word that says what the migration does.

## What it does
Compares what follows the version in a migration's file name with the known prefixes: `create_table_`, `alter_table_`,
`drop_table_`, `add_data_`, `update_data_`, `remove_data_`, `rls_`, `enable_rls_`, `idx_`, `create_index_`, `trg_`,
`create_trigger_`, `fn_`, `view_`, `cron_`, `grant_`, `seed_`, `rollback_`, and `baseline` for a line's first file.

## Why is this bad?
In a list of a hundred pending files the prefix is what tells a reviewer which ones rewrite data and which ones only
add a table.

## Example
`20260301090000_customer_loyalty.sql`

## Use instead
`20260301090000_alter_table_customers_add_loyalty.sql`
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import HOUSE, Hit, Rule
from dbkit.migrate.files import NAME_PREFIXES, NATIVE_NAME
from dbkit.report import Severity

rule = Rule(code="L002", severity=Severity.ERROR, set=HOUSE, files=frozenset({MIGRATION}))

# The first file of a line may be a squashed baseline, which is of every kind at once.
_BASELINE = "baseline"


@rule.settled
def check(context: Context) -> Iterator[Hit]:
    match = NATIVE_NAME.fullmatch(context.file.path.name) if context.file.own_line else None
    if match is None:
        return
    name = match["name"]
    if not name.startswith((*NAME_PREFIXES, f"{_BASELINE}_")) and name != _BASELINE:
        yield Hit(
            f"migration name has no known prefix: {name}",
            at=0,
            detail=f"The prefixes are {', '.join(NAME_PREFIXES)}.",
            hint="Begin the name with the one that says what the migration does.",
        )
