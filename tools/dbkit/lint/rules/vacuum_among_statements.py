"""A scheduled job with VACUUM among other statements.

## What it does
Reports cron.schedule() whose command holds VACUUM and at least one more statement.

## Why is this bad?
Several statements sent as one string run as one transaction, in which VACUUM is refused: it fails each time, and what
stood before it is rolled back.

## Example
```sql
select cron.schedule('clean', '0 3 * * *', 'delete from app.docs where id < 10; vacuum app.docs');
```

## Use instead
```sql
select cron.schedule('clean', '0 3 * * *', 'delete from app.docs where id < 10');
select cron.schedule('vacuum', '30 3 * * *', 'vacuum app.docs');
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.cron import jobs
from dbkit.lint.engine import Context
from dbkit.lint.rule import DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import constant
from dbkit.parse import Statement, parse
from dbkit.report import Severity

rule = Rule(
    code="L036",
    severity=Severity.ERROR,
    lock="fails 25001 at every run",
    files=EVERYWHERE,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("vacuum",),
)


@rule.on("SelectStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for _, command in jobs(statement):
        found = parse(constant(command) or "").statements
        if len(found) > 1 and any(_is_vacuum(item) for item in found):
            yield Hit(
                "the job fails: vacuum cannot run beside other statements",
                at=statement.offset(command.get("A_Const")),
                hint="Give vacuum a job of its own.",
            )


def _is_vacuum(statement: Statement) -> bool:
    return statement.tag == "VacuumStmt" and bool(statement.node.get("is_vacuumcmd"))
