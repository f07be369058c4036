"""Amount of money in a binary floating point column or parameter.

## What it does
Reports a column, or an input of a function, of type real or double precision whose name says that it holds money:
amount, price, cost, fee, total, balance, rent, salary, tax and the like.

## Why is this bad?
Binary floats cannot hold 0.10: sums drift by cents, and two amounts that should be equal are not.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    price double precision not null
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    price numeric(12, 2) not null
);
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import type_name
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="L026", severity=Severity.ERROR)

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MONEY = frozenset(
    [
        "amount",
        "amounts",
        "balance",
        "bill",
        "bonus",
        "budget",
        "charge",
        "charges",
        "commission",
        "cost",
        "costs",
        "credit",
        "debit",
        "debt",
        "deposit",
        "discount",
        "dues",
        "earnings",
        "expense",
        "expenses",
        "fare",
        "fee",
        "fees",
        "fine",
        "income",
        "invoice",
        "money",
        "paid",
        "pay",
        "payment",
        "payout",
        "premium",
        "price",
        "prices",
        "pricing",
        "profit",
        "refund",
        "rent",
        "revenue",
        "salary",
        "spend",
        "spent",
        "subtotal",
        "tax",
        "taxes",
        "tip",
        "total",
        "turnover",
        "vat",
        "wage",
        "wages",
    ]
)
# price_score and tax_rate measure something about money, in another unit.
_MEASURES = frozenset(
    [
        "rate",
        "ratio",
        "score",
        "percent",
        "percentage",
        "pct",
        "factor",
        "weight",
        "share",
        "index",
        "probability",
        "count",
        "length",
        "width",
        "height",
        "depth",
        "distance",
        "area",
        "volume",
        "size",
        "mass",
        "kg",
        "km",
        "meters",
        "speed",
        "energy",
        "kwh",
        "duration",
        "days",
        "hours",
        "minutes",
        "seconds",
    ]
)


def is_amount(name: str) -> bool:
    """Whether a column's name says that it holds money."""
    words = {word.lower() for word in _WORDS.findall(name)}
    return bool(words & _MONEY and not words & _MEASURES)


@rule.on_column("float4", "float8")
def check(name: str, column: Node, statement: Statement, context: Context) -> Iterator[Hit]:
    if is_amount(name):
        yield Hit(
            f"column {name} holds an amount in a binary float",
            at=statement.offset(column),
            hint="Write numeric(12, 2).",
        )


@rule.on("CreateFunctionStmt")
def check_parameters(statement: Statement, context: Context) -> Iterator[Hit]:
    for item in statement.node.get("parameters", ()):
        parameter = item["FunctionParameter"]
        name = parameter.get("name", "") if parameter["mode"] not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE") else ""
        if type_name(parameter["argType"]) in ("float4", "float8") and is_amount(name):
            yield Hit(
                f"parameter {name} takes an amount as a binary float",
                at=statement.offset(parameter["argType"]),
                hint="Write numeric.",
            )
