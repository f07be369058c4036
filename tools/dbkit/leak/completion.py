"""Finish the identities once rows are there: tokens of signed contexts, and what policies ask beside the context.

A declared context that leaves out a setting or claim which policies compare with a column (a region, a list of
tenants) would show a caller none of its own rows, and zero rows prove nothing. Such a setting is given the value of the
caller's own row: never more than a request of that caller would carry.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from dbkit.errors import DbkitError
from dbkit.leak.attacker import Attacker
from dbkit.leak.contexts import right_state
from dbkit.leak.rows import ATTACKER, VICTIM, Population
from dbkit.leak.session import Session
from dbkit.tenancy.declaration import render_context
from dbkit.tenancy.expressions import Comparison, Source, comparisons
from dbkit.tenancy.model import Model, ScopeModel
from dbkit.tenancy.relations import Role, Table, literal

__all__ = ["complete_identities"]


def complete_identities(conninfo: str, model: Model, population: Population) -> None:
    """Give the identities of a populated database their tokens and the rest of their contexts.

    Args:
        conninfo: the disposable database, as superuser.

    Raises:
        DbkitError: the statement that makes a token fails or gives none; the caller's own context is refused.
    """
    if any(scope.scope.signed for scope in model.scopes):
        _issue_tokens(conninfo, model, population)
    for scope in model.scopes:
        for role in map(model.relations.roles.__getitem__, scope.scope.app_roles):
            if not (role.superuser or role.bypass_rls):
                _complete(conninfo, model, scope, role, population)


def _issue_tokens(conninfo: str, model: Model, population: Population) -> None:
    statement = model.declaration.token or ""
    with Session(conninfo) as session:
        for slot, identity in population.identities.items():
            outcome = session.run(render_context(statement, identity.context_tenant, identity.user))
            if slot in (ATTACKER, VICTIM) and not (outcome.rows and outcome.rows[0][0]):
                raise DbkitError(
                    "no token could be made",
                    detail=f"{model.declaration.source}: token gives {outcome} for tenant {identity.context_tenant}.",
                    hint="Let token be a query the administrator runs that returns one token.",
                )
            token = outcome.rows[0][0] if outcome.rows else None
            population.identities[slot] = replace(identity, token=token)


def _complete(conninfo: str, model: Model, scope: ScopeModel, role: Role, population: Population) -> None:
    wanted = dict(_compared(model, scope, role, population))
    if not wanted:
        return
    with Attacker(conninfo, role, right_state(scope, population.identities[ATTACKER])) as attacker:
        missing = [found for found in wanted.values() if not any(_given(attacker, each) for each in found[1].sources)]
    for slot, identity in population.identities.items():
        statements = []
        for table, comparison in missing:
            row = population.tables[table.qualified].rows.get(slot)
            value = row.get(comparison.column) if row else None
            if value is not None:
                statements.append(_statement(comparison.sources[0], value))
        known = identity.completion.get(scope.scope.name, ())
        completion = {**identity.completion, scope.scope.name: tuple(dict.fromkeys((*known, *statements)))}
        population.identities[slot] = replace(identity, completion=completion)


def _compared(
    model: Model, scope: ScopeModel, role: Role, population: Population
) -> Iterator[tuple[Source, tuple[Table, Comparison]]]:
    """The first source of each comparison -> where it was found; a later one of the same source takes its place."""
    roles = {"public", role.name, *role.may_become}
    for name, table in scope.tables.items():
        rows = population.tables.get(name)
        if not table.protected or rows is None or not rows.rows:
            continue
        for policy in table.table.policies:
            if not roles & set(policy.roles):
                continue
            for text in policy.texts:
                for found in comparisons(text, table.table.name, table.table.columns, model.relations.helpers):
                    yield found.sources[0], (table.table, found)


def _given(attacker: Attacker, source: Source) -> bool:
    """Whether the declared context says it already."""
    current = f"nullif(current_setting({literal(source.setting)}, true), '')"
    if source.path:
        current = f"{current}::jsonb #>> {literal('{' + ','.join(source.path) + '}')}"
    outcome = attacker.run(f"select {current}")
    # Refused: the setting is there and holds something else than a document.
    return outcome.refused or bool(outcome.rows and outcome.rows[0][0])


def _statement(source: Source, value: str) -> str:
    """The statement that adds one value to the caller's context."""
    if not source.path:
        text = {"array": "{" + json.dumps(value) + "}", "json": json.dumps([value])}.get(source.many, value)
        return f"select set_config({literal(source.setting)}, {literal(text)}, true)"
    current = f"coalesce(nullif(current_setting({literal(source.setting)}, true), ''), '{{}}')::jsonb"
    added = f"to_jsonb({literal(value)}::text)" if not source.many else f"jsonb_build_array({literal(value)})"
    return f"select set_config({literal(source.setting)}, ({_merged(current, source.path, added)})::text, true)"


def _merged(document: str, path: tuple[str, ...], added: str) -> str:
    key, *rest = path
    if rest:
        added = _merged(f"coalesce({document} -> {literal(key)}, '{{}}')", tuple(rest), added)
    return f"{document} || jsonb_build_object({literal(key)}, {added})"
