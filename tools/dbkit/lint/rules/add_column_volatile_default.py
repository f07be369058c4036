"""ADD COLUMN with a volatile default rewrites the table.

## What it does
Reports ADD COLUMN with a default that calls a volatile function, or of a domain that has constraints, on a table that
the same migration did not create. now() and CURRENT_TIMESTAMP are stable: they cost nothing.

## Why is this bad?
Each row gets a value of its own, so the table and its indexes are written anew under ACCESS EXCLUSIVE. So they are for
a domain with constraints, even without a default: PostgreSQL asks its condition of every row.

## Example
```sql
alter table app.docs add column public_id uuid default gen_random_uuid();
```

## Use instead
```sql
alter table app.docs add column public_id uuid;
alter table app.docs alter column public_id set default gen_random_uuid();
-- then fill the rows in batches
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import column_type, constraints_of, names, option, walk
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L007",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE and a rewrite of table and indexes",
    work="rewrite",
    files=frozenset({MIGRATION}),
)

_VOLATILE = frozenset(
    [
        "clock_timestamp",
        "currval",
        "gen_random_bytes",
        "gen_random_uuid",
        "gen_ulid",
        "lastval",
        "nextval",
        "random",
        "random_normal",
        "setval",
        "timeofday",
        "uuid_generate_v1",
        "uuid_generate_v1mc",
        "uuid_generate_v4",
        "uuid_generate_v7",
        "uuidv4",
        "uuidv7",
        "nanoid",
        "cuid",
    ]
)


@rule.on_alter("AT_AddColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for table, column in context.added_columns(statement):
        kind = column_type(column)
        if context.state.domains.get(context.state.object_key(kind.split(".")), ("", False))[1]:
            yield Hit(
                f"domain {kind} of {column['colname']} has a constraint, so that {table} is rewritten",
                at=statement.offset(column),
                object=table,
                hint="Add the column in the type the domain is over, and the condition as a check not valid.",
            )
            continue
        for constraint in constraints_of(column):
            called = _volatile(constraint.get("raw_expr", {}), context) if _is_default(constraint) else None
            if called:
                yield Hit(
                    f"default {called}() of {column['colname']} rewrites {table}",
                    at=statement.offset(constraint),
                    object=table,
                    hint="Add the column without a default, set the default, then fill the rows in batches.",
                )


def _is_default(constraint: Node) -> bool:
    return bool(constraint["contype"] == "CONSTR_DEFAULT")


def _volatile(expression: Node, context: Context) -> str | None:
    """The volatile function an expression calls: a known one, or one of the history that is not marked otherwise."""
    for tag, node in walk({"Root": expression}):
        if tag != "FuncCall":
            continue
        parts = names(node["funcname"])
        own = context.state.functions.get(context.state.object_key(parts), {})
        if own:
            stated = [option(function.statement.get("options", ()), "volatility") for function in own.values()]
            words = {item["arg"]["String"]["sval"] for item in stated if item}
            if not words or "volatile" in words:
                return parts[-1]
        elif parts[-1] in _VOLATILE:
            return parts[-1]
    return None
