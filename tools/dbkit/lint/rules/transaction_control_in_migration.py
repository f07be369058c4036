"""BEGIN, COMMIT or ROLLBACK in a migration that the runner already wraps in a transaction.

## What it does
Reports transaction control in a section that runs inside the runner's transaction, and, in a `transaction:false`
section, a transaction that is opened and not closed. Savepoints are fine, and so is COMMIT in a DO block of such a
section.

## Why is this bad?
A COMMIT ends the runner's own transaction: what follows is no longer undone when it fails, and the ledger row is
written apart from the change. A BEGIN that is never committed loses its work at disconnect.

## Example
```sql
-- migrate:up
begin;
alter table app.accounts add column region text;
commit;
```

## Use instead
```sql
-- migrate:up
alter table app.accounts add column region text;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import BOTH_WAYS, Hit, Rule
from dbkit.lint.sections import Section
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L005",
    severity=Severity.ERROR,
    lock="COMMIT ends the runner's own transaction",
    files=frozenset({MIGRATION}),
    sections=BOTH_WAYS,
)

_OPENING = {"TRANS_STMT_BEGIN", "TRANS_STMT_START"}
_CLOSING = {"TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"}


@rule.on("TransactionStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    kind = statement.node["kind"]
    if kind not in _OPENING | _CLOSING or (context.body is not None and not context.section.transactional):
        return  # A block that is called outside of a transaction may commit its batches.
    word = statement.text.split()[0].lower()
    if context.section.transactional:
        yield Hit(
            f"{word} in a migration that already runs in a transaction",
            at=statement.start,
            hint="Remove it. A file that must run without a transaction says so: -- migrate:up transaction:false",
        )
    elif kind in _OPENING and not _is_closed(statement, context):
        yield Hit(
            "transaction is opened and never committed",
            at=statement.start,
            hint="Add commit; behind its last statement, or remove the begin.",
        )
    elif not context.file.bare:
        # Where the runner leaves transactions to the file, opening one is how it is done.
        yield Hit(
            f"{word} in a migration",
            at=statement.start,
            hint="Put what belongs together in a file of its own, without transaction:false.",
            convention=True,
        )


def _is_closed(opening: Statement, context: Context) -> bool:
    for statement in _transaction_control(context, context.section):
        if statement.start > opening.start and statement.node["kind"] in _CLOSING:
            return True
    return False


def _transaction_control(context: Context, section: Section) -> Iterator[Statement]:
    for statement in context.file.script.statements:
        if statement.tag == "TransactionStmt" and section.start <= statement.start < section.end:
            yield statement
