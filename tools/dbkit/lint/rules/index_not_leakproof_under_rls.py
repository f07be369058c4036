"""Index that row level security keeps from being used.

## What it does
Notes a non-unique index of a row-secured table over a type whose operators are not leakproof (numeric, enums, citext,
jsonb …), over an expression that calls a function, or with an access method for such operators (gin, gist).

## Why is this bad?
Under a policy only leakproof operators may look at rows before the policy has. The index is built and kept up, and no
query of an application role uses it: each filters all rows of the tenant.

## Example
```sql
-- migrate:up transaction:false
create index concurrently accounts_email_idx on app.accounts (tenant_id, lower(email));
```

## Use instead
```sql
-- migrate:up transaction:false
create index concurrently accounts_email_idx on app.accounts (tenant_id, email);
```
A search that needs such an index is a SECURITY DEFINER function with its own tenant filter.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Index, Table
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.state import State
from dbkit.report import Severity

rule = Rule(code="L052", severity=Severity.NOTE, lock="none; the index is not used under the policy")

_LEAKY_TYPES = frozenset({"numeric", "citext", "json", "jsonb", "tsvector", "hstore", "point", "box", "polygon", "bit"})
_LEAKY_METHODS = frozenset({"gin", "gist", "spgist"})


@rule.settled_with("indexes")
def check(context: Context) -> Iterator[Hit]:
    for table, index in context.indexes_here():
        reason = _reason(table, index, context.state) if table.rls_enabled and not index.unique else None
        if reason:
            yield Hit(
                f"index {index.name} cannot be used under the policies of {table}: {reason}",
                at=index.origin,
                object=str(table),
                hint="Let a security definer function with a tenant filter of its own search by it.",
            )


def _reason(table: Table, index: Index, state: State) -> str | None:
    if index.method in _LEAKY_METHODS:
        return f"operators of {index.method} indexes are not leakproof"
    for name, key in zip(index.columns, index.keys, strict=False):
        if name is None and '"FuncCall"' in key:
            return "its expression calls a function"
        column = table.columns.get(name or "")
        kind = column.type if column else ""
        if kind.rpartition(".")[2] in _LEAKY_TYPES or (kind and state.object_key(kind.split(".")) in state.enums):
            return f"operators of {kind} are not leakproof"
    return None
