"""Where each tenant has its own login role: ask the database, as that login, which tenant its policies take it for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dbkit.leak.rows import ATTACKER, VICTIM, Population
from dbkit.leak.session import Session
from dbkit.tenancy.declaration import Sample
from dbkit.tenancy.expressions import caller_expressions
from dbkit.tenancy.model import Kind, Model
from dbkit.tenancy.relations import Role

__all__ = ["acting_role", "resolve_logins"]


def resolve_logins(conninfo: str, model: Model) -> Model:
    """The model with the tenant of each sample that only names a login, where policies can tell.

    Args:
        conninfo: the disposable database, as superuser.
    """
    samples = tuple(_resolved(conninfo, model, sample) for sample in model.declaration.samples)
    return replace(model, declaration=replace(model.declaration, samples=samples))


def _resolved(conninfo: str, model: Model, sample: Sample) -> Sample:
    if sample.login is None or sample.tenant is not None:
        return sample
    role = model.relations.roles[sample.login]
    with Session(conninfo, role.settings) as session:
        for expression in _expressions(model):
            session.must("begin")
            outcome = session.run(f"set local session authorization {role.sql}", f"select ({expression})::text")
            session.must("rollback")
            if outcome.rows and outcome.rows[0][0]:
                return replace(sample, tenant=outcome.rows[0][0])
    return sample


def _expressions(model: Model) -> Iterator[str]:
    """What tenant columns are compared with, each once."""
    found: dict[str, None] = {}
    for table in model.scopes[0].tables.values():
        if table.kind is Kind.TENANT and table.column:
            for policy in table.table.policies:
                for text in policy.texts:
                    found |= dict.fromkeys(caller_expressions(text, table.column))
    yield from found


def acting_role(model: Model, role: Role, population: Population) -> Role | None:
    """Who attacks for an app role: itself, the attacker's login that belongs to it, nobody where it is the victim's."""
    mine, theirs = population.identities[ATTACKER].login, population.identities[VICTIM].login
    if mine is None or mine == role.name:
        return role
    if role.name == theirs:
        return None
    login = model.relations.roles[mine]
    return login if role.name in login.may_become else role
