"""Statement that PostgreSQL cannot parse.

## What it does
Reports the first statement of a file that PostgreSQL's own parser refuses, with line and column, and how many more
there are. psql commands, psql variables and COPY data are no errors. The other statements of the file are judged.

## Why is this bad?
The file fails with 42601 when it is run.

## Example
```sql
alter table app.accounts add colum region text;
```

## Use instead
```sql
alter table app.accounts add column region text;
```
"""

from __future__ import annotations

from dbkit.lint.rule import BOTH_WAYS, EVERYWHERE, Rule
from dbkit.report import Severity

# Reported by the engine, which parses the files.
rule = Rule(code="C167", severity=Severity.ERROR, lock="fails 42601", files=EVERYWHERE, sections=BOTH_WAYS)
