"""Allowance that matches nothing.

## What it does
Reports `-- dbkit: allow <rule> because …` where that rule found nothing in the place the comment covers: the
statement below it, the line it ends, or the file it opens. Rules that did not run are not judged.

## Why is this bad?
The exception outlived its cause, or stands in the wrong place and covers something else one day.

## Example
```sql
-- dbkit: allow policy_without_role because pages are public
create policy published_read on app.pages for select to app_user using (published);
```

## Use instead
```sql
create policy published_read on app.pages for select to app_user using (published);
```
"""

from __future__ import annotations

from dbkit.lint.rule import BOTH_WAYS, EVERYWHERE, Rule
from dbkit.report import Severity

# Reported by the engine, which matches findings and allowances.
rule = Rule(code="A003", severity=Severity.WARNING, files=EVERYWHERE, sections=BOTH_WAYS)
