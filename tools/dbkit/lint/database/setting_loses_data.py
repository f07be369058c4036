"""Server setting under which a crash loses or damages data.

## What it does
Reports fsync, full_page_writes and synchronous_commit switched off, and zero_damaged_pages, ignore_checksum_failure
and ignore_invalid_pages switched on.

## Why is this bad?
Without fsync or full page writes a crash of the machine can leave a database that cannot be read. Without
synchronous_commit the last committed transactions are gone. The others return wrong rows in place of an error.

## Example
```sql
alter system set fsync = off;
```

## Use instead
```sql
alter system reset fsync;
select pg_reload_conf();
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S013", severity=Severity.ERROR, files=frozenset())

# setting -> bad value, severity, what happens
_HARMS = {
    "fsync": ("off", None, "A crash of the machine can destroy the whole server's data."),
    "full_page_writes": ("off", None, "A crash of the machine can leave torn pages that nothing repairs."),
    "zero_damaged_pages": ("on", None, "A damaged page is overwritten with zeros, its rows are gone."),
    "ignore_checksum_failure": ("on", None, "Rows of damaged pages are returned and copied on."),
    "ignore_invalid_pages": ("on", None, "Recovery goes on over missing pages."),
    "synchronous_commit": ("off", Severity.WARNING, "A crash loses the transactions committed last."),
}


def check(database: Live) -> Iterator[Defect]:
    for name, (bad, severity, harm) in _HARMS.items():
        if database.settings.get(name) == bad:
            yield Defect(
                name,
                f"{name} is {bad}",
                detail=harm,
                hint=f"alter system reset {name}; select pg_reload_conf(); or reset it for the role or database.",
                severity=severity,
            )
