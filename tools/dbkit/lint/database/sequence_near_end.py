"""Sequence that is near its end, or near the end of a column that holds its values.

## What it does
Compares a sequence's last value with its own limit and with the type of every column that takes its values: the one
it fills and those that reference it. 75 % is a warning, 90 % an error. Sequences that cycle are left alone.

## Why is this bad?
At the end every INSERT fails (2200H, or 22003 where the column is narrower than the sequence). Widening an integer
key rewrites the table under ACCESS EXCLUSIVE, which takes planning.

## Example
```sql
create table app.events (id serial primary key);  -- last value 2,000,000,000 of 2,147,483,647
```

## Use instead
```sql
create table app.events (id bigint generated always as identity primary key);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.live_facts import SequenceUse
from dbkit.lint.rule import Rule
from dbkit.report import Severity

rule = Rule(code="S004", severity=Severity.WARNING, files=frozenset())

_WARNING, _ERROR = 0.75, 0.9
_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def check(database: Live) -> Iterator[Defect]:
    for sequence in database.sequences.values():
        if sequence.last is None or sequence.cycle:
            continue
        end, narrowest = _end(sequence)
        used = (sequence.last - sequence.start) / (end - sequence.start) if end != sequence.start else 1.0
        if used < _WARNING:
            continue
        where = f" of column {narrowest}" if narrowest else ""
        yield Defect(
            sequence.key,
            f"sequence {sequence.key} has used {min(used, 1.0):.0%} of the values{where}",
            detail=f"It stands at {sequence.last:,}; the end is {end:,}.",
            hint=f"Plan the change of {narrowest} to bigint: a new column, a trigger, a backfill, a swap."
            if narrowest
            else f"alter sequence {sequence.key} as bigint no maxvalue;",
            severity=Severity.ERROR if used >= _ERROR else None,
        )


def _end(sequence: SequenceUse) -> tuple[int, str | None]:
    """The last value there can be, and the column that ends before the sequence does."""
    upwards = sequence.step > 0
    end, narrowest = (sequence.maximum if upwards else sequence.minimum), None
    for column, kind in sequence.columns:
        largest = _LARGEST.get(kind)
        if largest is None:
            continue
        limit = largest if upwards else -largest - 1
        if abs(limit) < abs(end) or (abs(limit) == abs(end) and narrowest is None):
            end, narrowest = limit, column
    return end, narrowest
