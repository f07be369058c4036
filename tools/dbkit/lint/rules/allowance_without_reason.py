"""Allowance that gives no reason.

## What it does
Reports `-- dbkit: allow <rule>` without `because …`.

## Why is this bad?
The next reader cannot tell a considered exception from a finding somebody silenced on a Friday, and nobody dares to
remove it.

## Example
```sql
-- dbkit: allow policy_without_role
create policy published_read on app.pages for select using (published);
```

## Use instead
```sql
-- dbkit: allow policy_without_role because published pages are for everybody, signed in or not
create policy published_read on app.pages for select using (published);
```
"""

from __future__ import annotations

from dbkit.lint.rule import BOTH_WAYS, EVERYWHERE, Rule
from dbkit.report import Severity

# Reported by the engine, which matches findings and allowances.
rule = Rule(code="A001", severity=Severity.ERROR, files=EVERYWHERE, sections=BOTH_WAYS)
