"""Check of kind `calls`: every function that writes refuses what is another caller's, and does it to one's own.

The catalog says which functions there are, so one that is added without a call here is a miss. Each call is made twice
as caller 1, once naming the own rows, which must succeed, and once naming those of caller 2, which must be refused and
leave the rows of caller 2 as they were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from dbkit.errors import DbkitError
from dbkit.readiness.measured import Measured

if TYPE_CHECKING:
    import psycopg

    from dbkit.postgres import Database
    from dbkit.readiness.stage import Stage

__all__ = ["Call", "Calls"]

_ME, _OTHER = 1, 2
_SHOWN = 5

# Whatever is volatile may write; trigger functions are called by nobody.
_WRITERS = """
select p.oid::regprocedure::text, p.proname
  from pg_proc as p
 where p.pronamespace = %(schema)s::regnamespace
   and p.provolatile = 'v'
   and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
   and has_function_privilege(%(role)s, p.oid, 'execute')
 order by 1
"""
_TABLES = """
select format('%%I.%%I', %(schema)s::text, c.relname)
  from pg_class as c
  join pg_attribute as a on a.attrelid = c.oid and a.attname = %(column)s and not a.attisdropped
 where c.relnamespace = %(schema)s::regnamespace
   and c.relkind in ('r', 'p')
   and not c.relispartition
 order by 1
"""


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        function: its name without the schema.
        sql: the statement; {me} is the number of who calls, {n} of whom the named rows belong to.
        refused_as: SQLSTATE of the refusal, or what the answer contains instead.
        given: what the administrator does first, in the same transaction.
    """

    function: str
    sql: str
    refused_as: str = "PT403"
    given: str | None = None

    @property
    def names_rows(self) -> bool:
        """Whether it can name another's rows at all."""
        return "{n}" in self.sql or "{caller}" in self.sql


@dataclass(frozen=True)
class Calls:
    """The functions of a schema that the claim's role may execute and that may write.

    Attributes:
        schema: whose functions.
        column: tenant column of its tables.
        unchanged: further columns that hold a caller's id, `schema.table.column`, whose rows must stay as they are.
    """

    ROWS: ClassVar[Mapping[str, type]] = {"calls": Call}
    schema: str
    column: str
    calls: tuple[Call, ...]
    unchanged: tuple[str, ...] = ()

    @property
    def alone(self) -> str | None:
        return None

    def measure(self, stage: Stage) -> Measured:
        import psycopg

        wrong: list[str] = []
        with stage.database() as database, psycopg.connect(database.conninfo) as admin:
            names = {"schema": self.schema, "role": stage.claim.role, "column": self.column}
            writers = admin.execute(_WRITERS, names).fetchall()
            tables = [[table, self.column] for (table,) in admin.execute(_TABLES, names).fetchall()]
            tables += [place.rsplit(".", 1) for place in self.unchanged]
            admin.rollback()
            if not writers or not tables:
                raise DbkitError(
                    f"schema {self.schema} has nothing that {stage.claim.role} could write",
                    detail=f"{len(writers)} functions, {len(tables)} tables with {self.column}.",
                    hint="Correct schema and column of the check.",
                )
            called = {call.function for call in self.calls}
            wrong += [f"{function}: no call of it is declared" for function, name in writers if name not in called]
            gone = called - {name for _, name in writers}
            wrong += [f"{name}: {stage.claim.role} has no such function that writes" for name in sorted(gone)]
            for call in self.calls:
                stage.tell(f"calling {self.schema}.{call.function}")
                wrong += _tried(stage, database, call, tables)
        bad = {line.split("(")[0].split(":")[0].removeprefix(f"{self.schema}.") for line in wrong}
        good = len({name for _, name in writers} - bad)
        total = len({name for _, name in writers})
        return Measured(
            value=f"{good} of {total} functions refuse another's rows and serve the own",
            target=f"{total} of {total}",
            verdict="missed" if wrong else "met",
            figures={"functions": total, "good": good, "calls": len(self.calls)},
            detail="\n".join(wrong[:_SHOWN]) or None,
        )


def _tried(stage: Stage, database: Database, call: Call, tables: Sequence[Sequence[str]]) -> list[str]:
    """What is wrong with one call: at the own rows, then at another's."""
    wrong = []
    answer, state, changed = _made(stage, database, call, _ME, tables)
    if state is not None or (call.names_rows and call.refused_as in answer):
        wrong.append(f"{call.function}: refused at the own rows: {answer}")
    elif changed:
        wrong.append(f"{call.function}: at the own rows it changed another's in {', '.join(changed)}")
    if not call.names_rows:
        return wrong
    answer, state, changed = _made(stage, database, call, _OTHER, tables)
    if changed:
        wrong.append(f"{call.function}: changed another's rows in {', '.join(changed)}")
    elif state != call.refused_as and (state is not None or call.refused_as not in answer):
        wrong.append(f"{call.function}: expected {call.refused_as} at another's rows, got {state or ''} {answer}")
    return wrong


def _made(
    stage: Stage, database: Database, call: Call, whose: int, tables: Sequence[Sequence[str]]
) -> tuple[str, str | None, list[str]]:
    """The answer or complaint, the SQLSTATE of a refusal, and the tables where rows of caller 2 changed; undone."""
    import psycopg

    claim = stage.claim
    state = None
    with psycopg.connect(database.conninfo) as connection:
        if call.given is not None:
            connection.execute(claim.written(call.given, _ME, me=_ME).encode())
        before = _pictures(connection, claim.written("({caller})", _OTHER), tables)
        connection.execute("savepoint call")
        try:
            connection.execute(f"set local role {claim.role}".encode())
            connection.execute(claim.written(claim.context, _ME).encode())
            row = connection.execute(claim.written(call.sql, whose, me=_ME).encode()).fetchone()
            # What is deferred to the end of the transaction refuses there.
            connection.execute("set constraints all immediate")
            answer = _text(row[0]) if row else "no row"
        except psycopg.Error as error:
            connection.execute("rollback to savepoint call")
            answer, state = str(error.diag.message_primary), error.sqlstate
        connection.execute("reset role")
        after = _pictures(connection, claim.written("({caller})", _OTHER), tables)
        connection.rollback()
    return answer, state, [table for table in before if before[table] != after[table]]


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _pictures(
    connection: psycopg.Connection[Any], owner: str, tables: Sequence[Sequence[str]]
) -> dict[str, tuple[Any, ...] | None]:
    """Table -> how many rows are of the owner, and a digest of them."""
    found = {}
    for table, column in tables:
        sql = f"select count(*), sum(hashtextextended(t::text, 0)) from {table} as t where t.{column} = {owner}"
        found[table] = connection.execute(sql.encode()).fetchone()
    return found
