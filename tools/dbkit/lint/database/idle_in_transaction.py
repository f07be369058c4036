"""Session that keeps a transaction open and does nothing.

## What it does
Reports a session of this database that has been idle in a transaction for more than five minutes.

## Why is this bad?
Its locks stay, DDL queues behind them and everything else behind the DDL; VACUUM cannot remove what it might still
see.

## Example
```sql
begin; select … ; -- and the application waits for a person
```

## Use instead
```sql
alter role app_user set idle_in_transaction_session_timeout = '1min';
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S012", severity=Severity.WARNING, files=frozenset())

# Seconds.
LONGEST = 300


def check(database: Live) -> Iterator[Defect]:
    for session in database.sessions:
        state = session["state"] or ""
        if state.startswith("idle in transaction") and session["idle"] >= LONGEST:
            yield Defect(
                session["role"],
                f"a session of {session['role']} is idle in a transaction",
                detail=f"pid {session['pid']} ({session['application'] or 'no application name'}): idle for"
                f" {session['idle']} s, the transaction open for {session['open']} s.",
                hint=f"select pg_terminate_backend({session['pid']}); and set idle_in_transaction_session_timeout.",
            )
