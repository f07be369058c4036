"""Allowance that names a rule nobody knows.

## What it does
Reports `-- dbkit: allow <rule> because …` where no rule has that name.

## Why is this bad?
The comment allows nothing: a misspelt name looks as if the case had been considered.

## Example
```sql
-- dbkit: allow policy_without_rol because published pages are for everybody
create policy published_read on app.pages for select to app_user using (published);
```

## Use instead
```sql
-- dbkit: allow policy_without_role because published pages are for everybody
create policy published_read on app.pages for select using (published);
```
"""

from __future__ import annotations

from dbkit.lint.rule import BOTH_WAYS, EVERYWHERE, Rule
from dbkit.report import Severity

# Reported by the engine, which matches findings and allowances.
rule = Rule(code="A002", severity=Severity.ERROR, files=EVERYWHERE, sections=BOTH_WAYS)
