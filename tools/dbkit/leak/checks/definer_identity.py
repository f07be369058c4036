"""POL-06: definer functions that ask `current_user` who calls. Inside them that is their owner, whoever calls.

Where a table maps logins to tenants, a row for the owner (one for maintenance, say) then admits every login.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, Subject
from dbkit.leak.exchange import Caller, Exchange, callers
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import AS_ORIGIN, AS_REPLICA
from dbkit.leak.rows import ATTACKER, VICTIM, identify, insert_statement
from dbkit.report import Evidence, Finding
from dbkit.tenancy.model import TableModel
from dbkit.tenancy.relations import Table

__all__ = ["check_definer_identity"]

_ASKS_CURRENT = re.compile(r"\bcurrent_user\b|\bcurrent_role\b", re.IGNORECASE)
_DEFINERS = """
select n.nspname || '.' || p.proname, pg_get_userbyid(p.proowner),
    p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '')
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.prosecdef and p.prokind = 'f' and n.nspname not in ('pg_catalog', 'information_schema')
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
order by 1
"""


def check_definer_identity(subject: Subject) -> Iterator[Finding]:
    """Give the owner of each such function the rows of a login, and see whom they let in."""
    tables = [subject.model.relations.tables[name] for name in subject.model.login_columns]
    if not tables:
        return
    for function, owner, body in subject.session.must(_DEFINERS).rows:
        if not (body and owner and _ASKS_CURRENT.search(body)):
            continue
        for caller in callers(subject.model):
            finding = _admitted(subject, caller, function or "", owner, tables)
            if finding is not None:
                yield finding
                break


def _admitted(subject: Subject, caller: Caller, function: str, owner: str, tables: list[Table]) -> Finding | None:
    with Exchange(subject.session, subject.model, subject.population, caller) as exchange:
        before = _foreign(subject, caller, exchange)
        exchange.admin(AS_REPLICA)
        for table in tables:
            for slot in (VICTIM, ATTACKER):
                row = subject.population.tables.get(table.qualified)
                if row is None or slot not in row.rows:
                    continue
                named = dict.fromkeys(subject.model.login_columns[table.qualified], owner)
                given = {
                    name: value for name, value in row.rows[slot].items() if not table.columns[name].filled_by_server
                }
                exchange.admin(insert_statement(table, {**given, **named}))
        exchange.admin(AS_ORIGIN)
        shown = _foreign(subject, caller, exchange) - before
        if not shown:
            return None
        name = sorted(shown)[0]
        return Finding(
            rule="definer_asks_current_user",
            message=f"{function} runs as {owner} and takes that for its caller, so {caller.role.name} reads {name}",
            category="POL-06",
            verdict=LEAK,
            object=function,
            detail=f"Inside a definer function current_user is its owner; a row that names it admits everybody. "
            f"{NEEDS_PARAMETERS}",
            hint="Ask session_user in it, or make it security invoker.",
            evidence=Evidence(
                exchange.sql, f"the victim's row of {name} is read", "before the owner had a row: not read"
            ),
        )


def _foreign(subject: Subject, caller: Caller, exchange: Exchange) -> set[str]:
    """Protected tables in which the attacker reads the victim's row."""
    return {
        name
        for name, table in caller.scope.tables.items()
        if _readable(subject, caller, table)
        and exchange.act(
            ATTACKER,
            f"select 1 from {table.table.sql} where "
            + identify(table.table, subject.population.tables[name].rows[VICTIM]),
        ).rows
    }


def _readable(subject: Subject, caller: Caller, table: TableModel) -> bool:
    rows = subject.population.tables.get(table.table.qualified)
    held = caller.privileges(subject.model, table.table)
    return table.protected and rows is not None and VICTIM in rows.rows and held.may("select")
