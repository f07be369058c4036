"""SECURITY DEFINER function that is not on the list of reviewed ones.

## What it does
Reports a SECURITY DEFINER function that `definers` under `[tenancy]` does not name. Without such a list the rule says
nothing.

## Why is this bad?
A definer function passes by row level security. The list is what makes "who may look at every tenant" a question with
an answer; one that is added in passing defeats it.

## Example
```toml
[tenancy]
definers = []
```

## Use instead
```toml
[tenancy]
definers = ["app.order_count"]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.routines import function_label, functions_here
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L023", severity=Severity.ERROR)


@rule.settled_with("functions")
def check(context: Context) -> Iterator[Hit]:
    reviewed = context.tenants.definers
    for function in functions_here(context) if reviewed else ():
        name = ".".join(function.key)
        if function.definer and name not in reviewed:
            yield Hit(
                f"security definer function {function_label(function)} is not on the list of reviewed ones",
                at=function.origin,
                object=name,
                hint=f'Review it, then add "{name}" to definers under [tenancy].',
            )
