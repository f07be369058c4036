"""Mutants of privileges: a grant too many on a table, a column or an internal function; a role that may too much."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.leak.checks import bypasses
from dbkit.leak.mutate.mutants import Equivalent, Mutant
from dbkit.leak.mutate.reach import Reach
from dbkit.tenancy.model import Kind, TableModel
from dbkit.tenancy.relations import Policy, Role, Table

__all__ = ["privilege_mutants"]

_COMMANDS = ("select", "insert", "update", "delete")


def privilege_mutants(reach: Reach) -> Iterator[Mutant | Equivalent]:
    for role, table in reach.tables():
        if not reach.uses_schema(role, table.table):
            yield Equivalent("a grant in a schema that the role may not use")
            continue
        if table.kind is Kind.INTERNAL:
            for privilege in (*_COMMANDS, "truncate"):
                if not reach.may(role, table.table, privilege):
                    yield _grant(role, table.table, privilege)
        elif table.protected:
            yield from _of_protected_table(reach, role, table)
        elif table.kind is Kind.SHARED and table.table.kind in ("r", "p"):
            yield from _of_shared_table(reach, role, table.table)
    yield from _executes(reach)
    yield from _roles(reach)


def _grant(role: Role, table: Table, privilege: str) -> Mutant:
    return Mutant(
        f"grant-{privilege} {role.name} {table.qualified}",
        (f"grant {privilege} on {table.sql} to {role.sql}",),
        frozenset({table.qualified}),
    )


def _of_shared_table(reach: Reach, role: Role, catalog: Table) -> Iterator[Mutant | Equivalent]:
    """What every tenant reads, one of them could empty for all."""
    if reach.may(role, catalog, "truncate"):
        return
    kept = [
        other.qualified
        for other in reach.model.relations.tables.values()
        for key in other.foreign_keys
        if key.target == catalog.qualified and other is not catalog and not reach.may(role, other, "truncate")
    ]
    if kept:
        yield Equivalent("a TRUNCATE of a shared table that a foreign key to it refuses")
    else:
        yield _grant(role, catalog, "truncate")


def _of_protected_table(reach: Reach, role: Role, table: TableModel) -> Iterator[Mutant | Equivalent]:
    catalog = table.table
    if not reach.may(role, catalog, "truncate"):
        yield _grant(role, catalog, "truncate")
    for privilege in _COMMANDS:
        if not reach.may(role, catalog, privilege):
            if not catalog.rls:
                yield _grant(role, catalog, privilege)
            else:
                yield _behind_policies(reach, role, catalog, privilege)
    for privilege in ("insert", "update"):
        held = reach.columns(role, catalog, privilege)
        lacking = {name for name, column in catalog.columns.items() if name not in held and not column.generated}
        if held and lacking:
            if lacking & _telling(reach, role, table, privilege):
                yield Mutant(
                    f"grant-all-columns-{privilege} {role.name} {catalog.qualified}",
                    (f"grant {privilege} on {catalog.sql} to {role.sql}",),
                    frozenset({catalog.qualified}),
                )
            else:
                yield Equivalent(
                    "a column grant widened by columns that tell no tenants apart, or that WITH CHECK holds"
                )


def _telling(reach: Reach, role: Role, table: TableModel, privilege: str) -> set[str]:
    """Columns that tell whose a row is, or lead from tenant to tenant, and that nothing but the grant holds.

    That is what policies compare, of the table and through references to it of others; references and unique keys
    that do not repeat the tenant column; and the tenant column itself where a policy lets a new row through unasked.
    """
    catalog = table.table
    # A caller who is told by another column than the tenant is held by both.
    held = table.column or next(
        (s.tables[catalog.qualified].column for s in reach.model.scopes if s.tables[catalog.qualified].column), None
    )
    texts = [text for policy in catalog.policies for text in policy.texts]
    found = {name for name in catalog.columns if any(_says(text, name) for text in texts)}
    for other in reach.model.relations.tables.values():
        for key in other.foreign_keys:
            asked = {text for policy in other.policies for text in policy.texts}
            if key.target == catalog.qualified:
                pairs = zip(key.columns, key.target_columns, strict=True)
                found |= {theirs for own, theirs in pairs if any(_says(text, own) for text in asked)}
    found |= {name for key in catalog.foreign_keys if held not in key.columns for name in key.columns}
    found |= {name for unique in catalog.uniques if held not in unique.columns for name in unique.columns if name}
    admitting = _admitting(reach, role, catalog, privilege)
    if held and catalog.rls and all(_says(policy.check or policy.using or "", held) for policy in admitting):
        found.discard(held)
    return found


def _says(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def _behind_policies(reach: Reach, role: Role, table: Table, privilege: str) -> Mutant | Equivalent:
    """A command that row security guards already matters only where the policy that admits it is one of its own."""
    admitting = _admitting(reach, role, table, privilege)
    if not admitting:
        return Equivalent("a privilege that no policy admits: row security refuses every row")
    used = [
        policy
        for command in _COMMANDS
        if reach.may(role, table, command)
        for policy in _admitting(reach, role, table, command)
    ]
    exercised = {text for policy in used for text in policy.texts}
    if all(set(policy.texts) <= exercised for policy in admitting):
        return Equivalent("a privilege behind the same condition as one that the role holds")
    return _grant(role, table, privilege)


def _admitting(reach: Reach, role: Role, table: Table, command: str) -> list[Policy]:
    return [
        policy
        for policy in table.policies
        if policy.permissive and policy.command in ("all", command) and reach.admits(role, policy)
    ]


def _executes(reach: Reach) -> Iterator[Mutant | Equivalent]:
    """Internal definer functions within everybody's reach."""
    for function in reach.functions.values():
        if not function.definer or function.is_trigger or function.callers:
            continue
        if not any((role.name, function.schema) in reach.usage for role in reach.roles):
            yield Equivalent("a function in a schema that no app role may use")
            continue
        statement = f"grant execute on function {function.sql} to public"
        yield Mutant(f"execute-public {function.signature}", (statement,), routines=frozenset({function.oid}))


def _roles(reach: Reach) -> Iterator[Mutant | Equivalent]:
    """What belongs to the cluster: attributes and memberships, each taken back afterwards."""
    relations = reach.model.relations
    for role in reach.roles:
        yield Mutant(
            f"bypassrls {role.name}",
            (f"alter role {role.sql} bypassrls",),
            everywhere=True,
            undo=(f"alter role {role.sql} nobypassrls",),
        )
        owners = {table.owner for table in reach.protected()} | reach.owners
        for owner in sorted(owners - {role.name, *role.may_become}):
            group = relations.roles[owner]
            if role.name in group.may_become:
                continue
            if bypasses(group) and group.superuser:
                yield Equivalent("membership in a superuser: no schema grants it by accident")
                continue
            yield Mutant(
                f"member-of {role.name} {owner}",
                (f"grant {group.sql} to {role.sql}",),
                everywhere=True,
                undo=(f"revoke {group.sql} from {role.sql}",),
            )
