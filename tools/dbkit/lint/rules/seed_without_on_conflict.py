"""Seed that cannot be run twice.

## What it does
Reports an INSERT in a seed file without ON CONFLICT, unless it selects what is not there yet (`where not exists`).

## Why is this bad?
Seeds run on every installation and every update of it. The second run fails on the first key, or doubles the rows where
there is none.

## Example
```sql
insert into app.tenants (id, name) values ('00000000-0000-0000-0000-000000000001', 'demo');
```

## Use instead
```sql
insert into app.tenants (id, name) values ('00000000-0000-0000-0000-000000000001', 'demo')
on conflict (id) do update set name = excluded.name;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import SEED
from dbkit.lint.rule import HOUSE, Hit, Rule
from dbkit.lint.trees import walk
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L038", severity=Severity.ERROR, set=HOUSE, files=frozenset({SEED}))


@rule.on("InsertStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    table = context.state.tables.get(context.state.key(node["relation"]))
    if "onConflictClause" in node or (table is not None and table.temporary):
        return
    guarded = any(tag == "SubLink" and inner["subLinkType"] == "EXISTS_SUBLINK" for tag, inner in walk(node))
    if not guarded:
        name = context.state.name(node["relation"])
        yield Hit(
            f"a second run inserts the rows of {name} again",
            at=statement.start,
            object=name,
            hint="Add on conflict (key) do update set …, or do nothing.",
        )
