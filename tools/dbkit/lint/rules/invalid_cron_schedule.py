"""A schedule that pg_cron refuses.

## What it does
Reports cron.schedule() and cron.schedule_in_database() with a schedule that is not five fields within their ranges, one
of `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, or `1 seconds` to `59 seconds`.

## Why is this bad?
The migration fails, or a field count of six (with seconds, as other schedulers write it) shifts every field by one.

## Example
```sql
select cron.schedule('nightly', '0 0 3 * * *', 'select app.current_tenant()');
```

## Use instead
```sql
select cron.schedule('nightly', '0 3 * * *', 'select app.current_tenant()');
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.cron import is_schedule, jobs
from dbkit.lint.engine import Context
from dbkit.lint.rule import DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import constant
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L036",
    severity=Severity.ERROR,
    lock="fails when the job is created",
    files=EVERYWHERE,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("cron.schedule",),
)


@rule.on("SelectStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for schedule, _ in jobs(statement):
        text = constant(schedule) or ""
        if not is_schedule(text):
            yield Hit(
                f"{text!r} is no schedule",
                at=statement.offset(schedule.get("A_Const")),
                object=text,
                hint="Write minute hour day month weekday: '0 3 * * *'.",
            )
