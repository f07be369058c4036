"""Say which policy lets a leak through, and which part of it: each is tried alone, and taken back.

Reading policies tells what they mean to do. Which of them admits the victim's row is asked of the server: all other
permissive policies are dropped, the same row is asked for again, then each alternative of an OR is put in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dbkit.leak.exchange import Caller, Exchange
from dbkit.leak.paths import LEAK, Path
from dbkit.leak.rows import ATTACKER, VICTIM, Population, TableRows, identify
from dbkit.leak.session import Session
from dbkit.leak.statements import identity_columns
from dbkit.tenancy.expressions import alternatives
from dbkit.tenancy.model import Model, ScopeModel
from dbkit.tenancy.relations import Policy, Role, Table

__all__ = ["explain_reads"]

_ITSELF = re.compile(r"\b(\w+\.\w+) = \1\b")


def explain_reads(
    conninfo: str, model: Model, scope: ScopeModel, role: Role, population: Population, paths: Iterable[Path]
) -> None:
    """Add to each path that reads foreign rows in the caller's own context the policy that admits them.

    Args:
        conninfo: the populated disposable database, as superuser.
    """
    leaking = [path for path in paths if path.verdict == LEAK and path.state == "right" and path.command == "SELECT"]
    explainable = [
        path for path in leaking if path.table in population.tables and model.relations.tables[path.table].rls
    ]
    if not explainable:
        return
    with Session(conninfo) as session:
        for path in explainable:
            table, rows = model.relations.tables[path.table], population.tables[path.table]
            with Exchange(session, model, population, Caller(scope, role)) as exchange:
                found = _culprit(exchange, model, role, table, rows)
            if found:
                path.reason += f" ({found})"


def _culprit(exchange: Exchange, model: Model, role: Role, table: Table, rows: TableRows) -> str:
    columns = identity_columns(table, model.relations.privileges[role.name, table.qualified])
    if VICTIM not in rows.rows or not columns:
        return ""
    query = f"select 1 from {table.sql} where {identify(table, rows.rows[VICTIM], columns)}"
    roles = {"public", role.name, *role.may_become}
    policies = [
        policy
        for policy in table.policies
        if policy.permissive and policy.command in ("all", "select") and roles & set(policy.roles)
    ]
    for policy in policies:
        with exchange.trial():
            others = [f"drop policy {_quoted(other)} on {table.sql}" for other in policies if other is not policy]
            exchange.admin(*others, "select 1")
            if exchange.act(ATTACKER, query).rows:
                part = " ".join(_part(exchange, table, policy, query).split())
                itself = _ITSELF.search(part)
                words = f"; {itself[1]} is compared with itself" if itself else ""
                return f"policy {policy.name} admits it: {part}{words}"
    return ""


def _part(exchange: Exchange, table: Table, policy: Policy, query: str) -> str:
    """The alternative of its OR that is enough by itself; the whole expression where it is one."""
    for part in _parts(policy):
        with exchange.trial():
            changed = exchange.admin(f"alter policy {_quoted(policy)} on {table.sql} using ({part})")
            if not changed.refused and exchange.act(ATTACKER, query).rows:
                return part
    return policy.using or "true"


def _parts(policy: Policy) -> Iterator[str]:
    found = alternatives(policy.using or "true")
    yield from found if len(found) > 1 else ()


def _quoted(policy: Policy) -> str:
    return '"' + policy.name.replace('"', '""') + '"'
