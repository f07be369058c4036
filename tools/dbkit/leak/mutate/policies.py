"""Mutants of policies and of what makes them apply: USING, WITH CHECK, TO, RESTRICTIVE, ENABLE, FORCE; and of views."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.mutate.conditions import operands, replaced, tokens
from dbkit.leak.mutate.mutants import Equivalent, Mutant
from dbkit.leak.mutate.reach import Reach, View, sql_name
from dbkit.tenancy.relations import Policy, Role, Table

__all__ = ["policy_mutants"]

_ALL = ("select", "insert", "update", "delete")
_NARROWS = "only takes rows away from callers"
# Ways to ask who the caller is without a function of the database.
_CALLER_WORDS = frozenset({"current_setting", "current_user", "CURRENT_USER", "SESSION_USER"})
_NO_PRIVILEGE = "a policy for a command that no caller may use"


def policy_mutants(reach: Reach) -> Iterator[Mutant | Equivalent]:
    for table in reach.protected():
        if not reach.reaches(table, *_ALL, "truncate") and not reach.owners:
            continue
        yield from _row_security(reach, table)
        for policy in table.policies:
            yield from _policy(reach, table, policy)
    for view in reach.views:
        yield from _view(reach, view)


def _row_security(reach: Reach, table: Table) -> Iterator[Mutant | Equivalent]:
    touched = frozenset({table.qualified})
    if not table.rls:
        return
    if reach.reaches(table, *_ALL):
        yield Mutant(
            f"disable-rls {table.qualified}", (f"alter table {table.sql} disable row level security",), touched
        )
        if table.forced and not _owner_matters(reach, table):
            yield Equivalent(
                "FORCE on a table whose owner no request acts as, or whose policies admit the owner anyway"
            )
        elif table.forced:
            yield Mutant(
                f"no-force {table.qualified}", (f"alter table {table.sql} no force row level security",), touched
            )
    else:
        yield Equivalent("row security of a table that no app role reaches")


def _owner_matters(reach: Reach, table: Table) -> bool:
    """Whether the owner's exemption from row security would show anybody more."""
    acted = table.owner in reach.owners or any(table.owner in (role.name, *role.may_become) for role in reach.roles)
    admitted = any(
        policy.permissive and policy.command == "all" and policy.using == "true" and table.owner in policy.roles
        for policy in table.policies
    )
    return acted and not admitted


def _callers(reach: Reach, table: Table, policy: Policy) -> list[tuple[str, Role | None]]:
    """(command, role) that the policy decides about; None stands for an owner whose rights a request borrows."""
    commands = _ALL if policy.command == "all" else (policy.command,)
    found: list[tuple[str, Role | None]] = [
        (command, role)
        for command in commands
        for role in reach.roles
        if reach.admits(role, policy) and reach.may(role, table, command)
    ]
    borrowed = reach.owners & set(policy.roles)
    return found + [(command, None) for command in commands if borrowed]


def _policy(reach: Reach, table: Table, policy: Policy) -> Iterator[Mutant | Equivalent]:
    name, touched = f"{table.qualified}.{policy.name}", frozenset({table.qualified})
    alter = f"alter policy {sql_name(policy.name)} on {table.sql}"
    callers = _callers(reach, table, policy)
    if not callers:
        yield Equivalent(_NO_PRIVILEGE)
    else:
        yield from _expressions(reach, table, policy, callers)
    if policy.permissive:
        # Dropped or made restrictive, it admits less.
        yield Equivalent(f"drop of a permissive policy: {_NARROWS}")
        yield Equivalent(f"permissive to restrictive: {_NARROWS}")
    elif callers:
        yield Mutant(f"drop-policy {name}", (f"drop policy {sql_name(policy.name)} on {table.sql}",), touched)
        yield Mutant(f"make-permissive {name}", (_recreated(table, policy, permissive=True),), touched)
    yield from _to_public(reach, table, policy, alter)


def _expressions(
    reach: Reach, table: Table, policy: Policy, callers: list[tuple[str, Role | None]]
) -> Iterator[Mutant | Equivalent]:
    """USING and WITH CHECK made true, and without each operand that filters.

    An update whose WITH CHECK repeats USING over columns that nobody may change is guarded twice: one of the two alone
    changes nothing, so both are weakened at once.
    """
    name, touched = f"{table.qualified}.{policy.name}", frozenset({table.qualified})
    alter = f"alter policy {sql_name(policy.name)} on {table.sql}"
    commands = {command for command, _ in callers}
    # WITH CHECK that is not written is USING.
    check = policy.check if policy.check is not None else policy.using
    check = None if policy.command in ("select", "delete") else check
    repeated = commands == {"update"} and check == policy.using and check not in (None, "true")
    if repeated and not _may_move(reach, table, check or "", callers):
        yield Equivalent("USING or WITH CHECK of an update alone, which says the same about columns nobody may change")
        yield Mutant(f"using-and-check-true {name}", (f"{alter} using (true) with check (true)",), touched)
        for label, weak in _weakened(reach, table, check or ""):
            statement = f"{alter} using ({weak}) with check ({weak})"
            yield Mutant(f"using-and-check-without {name}: {label}", (statement,), touched)
        return
    if policy.using not in (None, "true") and commands - {"insert"}:
        kept = f" with check ({check})" if check is not None else ""
        yield Mutant(f"using-true {name}", (f"{alter} using (true){kept}",), touched)
        for label, weak in _weakened(reach, table, policy.using or ""):
            yield Mutant(f"using-without {name}: {label}", (f"{alter} using ({weak}){kept}",), touched)
    if check not in (None, "true") and commands & {"insert", "update"}:
        yield Mutant(f"check-true {name}", (f"{alter} with check (true)",), touched)
        for label, weak in _weakened(reach, table, check or ""):
            yield Mutant(f"check-without {name}: {label}", (f"{alter} with check ({weak})",), touched)


def _weakened(reach: Reach, table: Table, expression: str) -> Iterator[tuple[str, str]]:
    """The expression without one of the operands that AND joins, where that compares a column with the caller.

    Without a column of the table it speaks of the caller's rights inside the tenant, without the caller of the row.
    """
    prefix = "where "
    for operand in operands(prefix + expression):
        words = {token.text.strip('"') for token in tokens(operand.text)}
        asks = reach.named_in([operand.text]) & (reach.readers | reach.guards) or words & _CALLER_WORDS
        if operand.joined == "and" and asks and words & set(table.columns):
            without = replaced(prefix + expression, operand.start, operand.end, "true")
            yield " ".join(operand.text.split()), without.removeprefix(prefix)


def _may_move(reach: Reach, table: Table, check: str, callers: list[tuple[str, Role | None]]) -> bool:
    """Whether somebody may update a column that the condition mentions."""
    words = {token.text.strip('"') for token in tokens(check)}
    for command, role in callers:
        if command == "update" and (role is None or reach.columns(role, table, "update") & words):
            return True
    return False


def _to_public(reach: Reach, table: Table, policy: Policy, alter: str) -> Iterator[Mutant | Equivalent]:
    """TO widened: of consequence for a role that holds a privilege and is not named yet."""
    if not policy.permissive or "public" in policy.roles:
        return
    commands = _ALL if policy.command == "all" else (policy.command,)
    newcomers = [
        role
        for role in reach.roles
        if not reach.admits(role, policy) and any(reach.may(role, table, command) for command in commands)
    ]
    if newcomers:
        yield Mutant(
            f"to-public {table.qualified}.{policy.name}", (f"{alter} to public",), frozenset({table.qualified})
        )
    else:
        yield Equivalent("a policy widened to roles that may not use its command")


def _recreated(table: Table, policy: Policy, *, permissive: bool) -> str:
    roles = ", ".join("public" if role == "public" else sql_name(role) for role in policy.roles)
    using = f" using ({policy.using})" if policy.using is not None else ""
    check = f" with check ({policy.check})" if policy.check is not None else ""
    return (
        f"drop policy {sql_name(policy.name)} on {table.sql}; create policy {sql_name(policy.name)} on {table.sql} "
        f"as {'permissive' if permissive else 'restrictive'} for {policy.command} to {roles}{using}{check}"
    )


def _view(reach: Reach, view: View) -> Iterator[Mutant | Equivalent]:
    table = reach.model.relations.tables.get(view.name)
    read = [found for oid in view.reads if (found := reach.by_oid(oid)) is not None]
    protected = {each.qualified for each in reach.protected()}
    of_tenants = any(each.qualified in protected or each.kind == "v" for each in read)
    if table is None or not of_tenants:
        return
    if not reach.reaches(table, *_ALL):
        yield Equivalent("a view that no app role reaches")
        return
    touched = frozenset({view.name, *(each.qualified for each in read)})
    if view.invoker:
        yield Mutant(f"view-definer {view.name}", (f"alter view {table.sql} set (security_invoker = false)",), touched)
        if view.barrier:
            yield Equivalent("security_barrier of an invoker view: the policies below it are barriers themselves")
        return
    if view.barrier:
        yield Mutant(f"no-barrier {view.name}", (f"alter view {table.sql} set (security_barrier = false)",), touched)
    names = set(reach.model.tenant_columns)
    names |= {name for each in read for name in reach.model.user_columns.get(each.qualified, ())}
    for operand in operands(view.definition):
        if {token.text.strip('"') for token in tokens(operand.text)} & names:
            changed = replaced(view.definition, operand.start, operand.end, "true")
            label = " ".join(operand.text.split())
            yield Mutant(
                f"view-without {view.name}: {label}", (f"create or replace view {table.sql} as {changed}",), touched
            )
