"""Amount of money in a binary floating point column.

## What it does
Reports a column of type real or double precision whose name says that it holds money: amount, price, cost, fee,
total, balance, rent, salary, tax and the like.

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
