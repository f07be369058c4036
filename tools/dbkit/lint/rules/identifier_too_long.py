"""Name of more than 63 bytes.

## What it does
Reports a name, anywhere in a statement, that PostgreSQL cuts to 63 bytes.

## Why is this bad?
The name is cut without an error. Two long names that begin alike become one, and IF NOT EXISTS or a later DROP looks
for a name that is not there.

## Example
```sql
create index orders_by_customer_and_status_and_region_for_the_monthly_closing_report_idx on app.fresh (id);
```

## Use instead
```sql
create index orders_monthly_closing_idx on app.fresh (id);
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C072",
    severity=Severity.WARNING,
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    bodies=frozenset({DO, FUNCTION}),
    # Past everything that is short, to a long word or quoted name, or to what is not ASCII: a name of fewer characters
    # can then have as many bytes.
    pattern=re.compile(
        r"""\A(?:[0-9A-Za-z_$]{1,63}+(?![0-9A-Za-z_$])|"(?!"|[^"\n]{64})|[\x00-!#%-/:-@\[-^`{-\x7f]++)*+[^\x00]""",
    ),
)

_LIMIT = 63  # NAMEDATALEN - 1, in bytes
_LONG = re.compile(r'"(?P<quoted>(?:[^"\n]|""){32,})"|(?P<plain>[^\W\d][\w$]{31,})')


@rule.on("*")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    candidates = {}
    for match in _LONG.finditer(statement.text):
        name = match["quoted"].replace('""', '"') if match["quoted"] else match["plain"].lower()
        if len(name.encode()) > _LIMIT:
            candidates[name.encode()[:_LIMIT].decode(errors="ignore")] = (name, match.start())
    if not candidates:
        return
    # The parser has cut the name; text in a string or comment is not in the tree in that form.
    for cut in _strings(statement.node) & candidates.keys():
        name, offset = candidates[cut]
        yield Hit(
            f"name {name} is longer than {_LIMIT} bytes and is cut to {cut}",
            at=statement.start + offset,
            object=name,
            hint="Choose a shorter name.",
        )


def _strings(tree: object) -> set[str]:
    """Every text in a tree that is 63 bytes or a little less, as a cut name is."""
    found: set[str] = set()
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            found.add(item)
        else:
            stack.extend(item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
    return {text for text in found if _LIMIT - 4 < len(text.encode()) <= _LIMIT}
