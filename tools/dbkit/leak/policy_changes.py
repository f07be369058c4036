"""Judge changed policies of one table by what they admit, not by how they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dbkit.leak.meaning import Expression, Relation, compare, implies, mentions, read_expression, ways
from dbkit.leak.risk import Change, Risk

__all__ = ["policy_changes"]

Policy = Mapping[str, Any]
Policies = Mapping[str, Policy]

_COMMANDS = {"all": frozenset({"select", "insert", "update", "delete"})}


def policy_changes(table: str, old: Policies, new: Policies, tenant_column: str | None) -> Iterator[Change]:
    """Every policy that was added, dropped or means something else.

    Args:
        tenant_column: a way in that compares it, as it was compared before, stays inside the tenant.
    """
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        what = f"policy {name} on {table}"
        if before is None and after is not None:
            yield _added(table, what, after, old, tenant_column)
        elif before is not None and after is None:
            yield _dropped(table, what, before, new)
        elif before is not None and after is not None:
            yield from _altered(table, what, before, after, old, tenant_column)


def _added(table: str, what: str, policy: Policy, old: Policies, tenant_column: str | None) -> Change:
    if not policy["permissive"]:
        return Change(
            "policy_added", Risk.BREAKING, table, f"{what} is added", "A restrictive policy only takes rows away."
        )
    if any(_covers(other, policy) for other in old.values()):
        return Change("policy_added", Risk.SAFE, table, f"{what} is added", "Another policy admits all that it admits.")
    if _inside(_expressions(policy), old, tenant_column):
        reason = "It opens a command or a role that was closed, to rows of the caller's own tenant."
        return Change("policy_added", Risk.REVIEW, table, f"{what} is added", reason)
    if not old:
        reason = "It is the table's first policy: what it admits was admitted to nobody."
        return Change("policy_added", Risk.REVIEW, table, f"{what} is added", reason)
    reason = "Permissive policies are joined by OR, so it admits rows that no policy admitted before."
    return Change("policy_added", Risk.DANGEROUS, table, f"{what} is added", reason)


def _dropped(table: str, what: str, policy: Policy, new: Policies) -> Change:
    if not policy["permissive"]:
        reason = "A restrictive policy held for every caller whatever the other policies admit."
        return Change("policy_dropped", Risk.DANGEROUS, table, f"restrictive {what} is dropped", reason)
    if any(_covers(other, policy) for other in new.values()):
        reason = "Another policy admits all that it admitted."
        return Change("policy_dropped", Risk.SAFE, table, f"{what} is dropped", reason)
    return Change(
        "policy_dropped", Risk.BREAKING, table, f"{what} is dropped", "Rows that it admitted are out of reach."
    )


def _altered(
    table: str, what: str, before: Policy, after: Policy, old: Policies, tenant_column: str | None
) -> Iterator[Change]:
    if before["permissive"] != after["permissive"]:
        if after["permissive"]:
            reason = "It held for every caller; now it is one more way in."
            yield Change("policy_made_permissive", Risk.DANGEROUS, table, f"{what} is permissive now", reason)
        else:
            reason = "It was a way in; now it only takes rows away."
            yield Change("policy_made_restrictive", Risk.BREAKING, table, f"{what} is restrictive now", reason)
        return
    yield from _reach(table, what, before, after)
    shared = _commands(before) & _commands(after)
    for part, label in (("using", "USING"), ("check", "WITH CHECK")):
        if part == "check" and before["check"] is None and after["check"] is None:
            continue  # USING stands in for it and has been judged
        first, second = _effective(before, part, shared), _effective(after, part, shared)
        if first is None or second is None:
            continue
        yield from _expression(table, f"{label} of {what}", first, second, old, tenant_column)


def _reach(table: str, what: str, before: Policy, after: Policy) -> Iterator[Change]:
    """Whom and what a policy is for. A restrictive one loses force where a permissive one gains it."""
    for rule, words, first, second in (
        ("policy_roles", "roles", frozenset(before["roles"]), frozenset(after["roles"])),
        ("policy_commands", "commands", _commands(before), _commands(after)),
    ):
        more = _wider(second, first) if words == "roles" else second - first
        fewer = _wider(first, second) if words == "roles" else first - second
        opens, closes = (more, fewer) if after["permissive"] else (fewer, more)
        if opens:
            reason = f"It opens rows to {words} that had no part in it: {', '.join(sorted(opens))}."
            yield Change(f"{rule}_widened", Risk.DANGEROUS, table, f"{what} holds for other {words}", reason)
        elif closes:
            reason = f"It closes rows to {', '.join(sorted(closes))}."
            yield Change(f"{rule}_narrowed", Risk.BREAKING, table, f"{what} holds for other {words}", reason)


def _wider(more: frozenset[str], than: frozenset[str]) -> frozenset[str]:
    return frozenset() if "public" in than else more - than


def _expression(
    table: str, what: str, before: Expression, after: Expression, old: Policies, tenant_column: str | None
) -> Iterator[Change]:
    relation = compare(before, after)
    if relation is Relation.TIGHTENED:
        reason = "Every row it admits was admitted before, and some are not any more: a condition was added."
        yield Change("policy_tightened", Risk.BREAKING, table, f"{what} is tightened", reason)
    elif relation is Relation.LOOSENED and _stays(after, before, tenant_column):
        reason = f"A condition was taken away; every way in still compares {tenant_column} as before."
        yield Change("policy_loosened", Risk.REVIEW, table, f"{what} is loosened inside the tenant", reason)
    elif relation is Relation.LOOSENED:
        reason = "Every row it admitted is still admitted, and more are: an alternative was added or a condition taken."
        yield Change("policy_loosened", Risk.DANGEROUS, table, f"{what} is loosened", reason)
    elif relation is Relation.CHANGED and (
        _stays(after, before, tenant_column) or _inside([after], old, tenant_column)
    ):
        reason = f"Neither expression follows from the other; every way in compares {tenant_column} as before."
        yield Change("policy_changed", Risk.REVIEW, table, f"{what} means something else", reason)
    elif relation is Relation.CHANGED:
        compared = tenant_column is not None and any(
            not any(mentions(atom, tenant_column) for atom in way) for way in ways(after)
        )
        reason = "Neither expression follows from the other" + (
            f", and a way in does not compare {tenant_column}." if compared else "."
        )
        risk = Risk.DANGEROUS if compared else Risk.REVIEW
        yield Change("policy_changed", risk, table, f"{what} means something else", reason)


def _stays(after: Expression, before: Expression, tenant_column: str | None) -> bool:
    """Whether each way in still holds a comparison of the tenant column that each way in held before."""
    if tenant_column is None:
        return False
    fences = [frozenset(atom for atom in way if mentions(atom, tenant_column)) for way in ways(before)]
    common = frozenset.intersection(*fences) if fences else frozenset()
    return bool(common) and all(common & way for way in ways(after))


def _inside(expressions: list[Expression], old: Policies, tenant_column: str | None) -> bool:
    """Whether expressions stay inside what some permissive policy of the table compares the tenant column with."""
    known = [expression for policy in old.values() if policy["permissive"] for expression in _expressions(policy)]
    return any(all(_stays(expression, fence, tenant_column) for expression in expressions) for fence in known)


def _covers(other: Policy, policy: Policy) -> bool:
    """Whether a permissive policy admits, to the same roles and commands, all that another admits."""
    if not other["permissive"] or not _commands(policy) <= _commands(other):
        return False
    if "public" not in other["roles"] and not set(policy["roles"]) <= set(other["roles"]):
        return False
    for part in ("using", "check"):
        mine = _effective(policy, part, _commands(policy))
        theirs = _effective(other, part, _commands(policy))
        if mine is not None and (theirs is None or not implies(mine, theirs)):
            return False
    return True


def _expressions(policy: Policy) -> list[Expression]:
    found = (_effective(policy, part, _commands(policy)) for part in ("using", "check"))
    return [expression for expression in found if expression is not None]


def _commands(policy: Policy) -> frozenset[str]:
    return _COMMANDS.get(policy["command"], frozenset({policy["command"]}))


def _effective(policy: Policy, part: str, commands: frozenset[str]) -> Expression | None:
    """What is really asked: USING where rows are found, WITH CHECK, or USING in its place, where they are written."""
    if part == "using":
        return read_expression(policy["using"]) if commands & {"select", "update", "delete"} else None
    if not commands & {"insert", "update"}:
        return None
    return read_expression(policy["check"] if policy["check"] is not None else policy["using"])
