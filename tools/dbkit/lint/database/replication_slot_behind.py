"""Replication slot that nobody reads, or whose reader is far behind.

## What it does
Reports a slot that holds WAL and is not active, one that keeps more than 1 GB, and one that has lost the WAL it
needs.

## Why is this bad?
The server keeps every WAL file since the slot's position, until the disk is full and it stops; a logical slot also
keeps old catalog rows from being vacuumed.

## Example
```sql
select slot_name, active, wal_status from pg_replication_slots;  -- warehouse, f, extended
```

## Use instead
```sql
select pg_drop_replication_slot('warehouse');  -- when its reader will not come back
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.live_facts import megabytes
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S011", severity=Severity.WARNING, files=frozenset())

_FAR = 1024**3


def check(database: Live) -> Iterator[Defect]:
    for slot in database.slots:
        behind = slot["behind"] or 0
        lost = slot["status"] == "lost"
        if lost or (not slot["active"] and slot["behind"] is not None) or behind > _FAR:
            state = "has lost its WAL" if lost else "is far behind" if slot["active"] else "is not read by anybody"
            yield Defect(
                slot["name"],
                f"{slot['type']} replication slot {slot['name']} {state}",
                detail=f"It keeps {megabytes(behind)} of WAL (wal_status {slot['status']}).",
                hint=f"Start its reader again, or: select pg_drop_replication_slot('{slot['name']}');",
                severity=Severity.ERROR if lost or behind > _FAR else None,
            )
