"""What a change does to the guards of a database: each difference judged as safe, breaking, needs review or dangerous.

    safe          no tenant reaches more, no caller loses anything
    breaking      somebody loses rows or a privilege: isolation is the tighter for it, the application may not expect it
    needs review  whether it opens anything cannot be told from the guards alone
    dangerous     it opens something: a guard dropped, a policy loosened, a way around policies added

The attacks say what leaks; this says what to look at although nothing leaks yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dbkit.leak.guards import Guards
from dbkit.leak.policy_changes import policy_changes
from dbkit.leak.risk import Change, Risk

__all__ = ["Change", "Risk", "guard_changes"]

_PAST_POLICIES = {
    "truncate": "TRUNCATE ignores row security",
    "trigger": "a trigger of theirs runs in other tenants' writes",
    "references": "a foreign key tells whether another tenant's row exists",
}
_NOT_OF_TENANTS = ("shared", "internal", "unknown", "")

Facts = dict[str, Any]


def guard_changes(old: Guards, new: Guards) -> list[Change]:
    """Every difference in what guards the database, the most dangerous first."""
    found = [
        *_tables(old["tables"], new["tables"], new["roles"]),
        *_views(old["views"], new["views"], new["roles"]),
        *_functions(old["functions"], new["functions"]),
        *_roles(old["roles"], new["roles"]),
        *_others(old["others"], new["others"]),
    ]
    order = list(Risk)
    return sorted(found, key=lambda change: (-order.index(change.risk), change.object, change.rule))


# Tables


def _tables(old: Facts, new: Facts, roles: Facts) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if after is None:
            yield Change("table_dropped", Risk.BREAKING, name, f"{name} is dropped", "Its rows are gone.")
        elif before is None:
            yield from _new_table(name, after)
        else:
            yield from _row_security(name, before, after)
            yield from _owner(name, before, after, roles)
            yield from policy_changes(name, before["policies"], after["policies"], after["tenant_column"])
            yield from _privileges(name, before, after)
            yield from _keys(name, before, after)


def _new_table(name: str, table: Facts) -> Iterator[Change]:
    what = f"{name} is added"
    reaching = sorted(role for role, held in table["privileges"].items() if held)
    if not reaching:
        yield Change("table_added", Risk.SAFE, name, what, "No app role has a privilege on it.")
    elif table["kind"] in _NOT_OF_TENANTS:
        reason = f"{', '.join(reaching)} reaches it, and it is judged as {table['kind'] or 'nobody knows what'}."
        yield Change("table_added", Risk.REVIEW, name, what, reason)
    elif not table["row_security"]:
        reason = f"{', '.join(reaching)} reaches it and row security is not enabled."
        yield Change("table_added", Risk.DANGEROUS, name, what, reason)
    elif not table["forced"]:
        reason = "Row security is not forced, so it does not apply to its owner."
        yield Change("table_added", Risk.REVIEW, name, what, reason)
    else:
        reason = f"Row security is forced, with {len(table['policies'])} policies."
        yield Change("table_added", Risk.SAFE, name, what, reason)
    for role in reaching:
        for privilege in sorted(_PAST_POLICIES.keys() & table["privileges"][role].keys()):
            yield _granted(name, table, role, privilege)


def _row_security(name: str, before: Facts, after: Facts) -> Iterator[Change]:
    if before["row_security"] and not after["row_security"]:
        reason = "Its policies do not apply to anybody any more."
        yield Change("row_security_disabled", Risk.DANGEROUS, name, f"row security on {name} is disabled", reason)
    elif after["row_security"] and not before["row_security"]:
        reason = "Rows that no policy admits are out of reach."
        yield Change("row_security_enabled", Risk.BREAKING, name, f"row security on {name} is enabled", reason)
    if before["forced"] and not after["forced"]:
        reason = "It does not apply to the owner any more, nor to what runs with the owner's rights."
        yield Change("force_dropped", Risk.DANGEROUS, name, f"row security on {name} is not forced any more", reason)
    elif after["forced"] and not before["forced"]:
        reason = "Policies apply to the owner too; the owner's own jobs need one that admits them."
        yield Change("force_added", Risk.SAFE, name, f"row security on {name} is forced", reason)


def _owner(name: str, before: Facts, after: Facts, roles: Facts) -> Iterator[Change]:
    owner = after["owner"]
    if before["owner"] == owner:
        return
    acting = sorted(role for role, facts in roles.items() if owner == role or owner in facts["may_become"])
    what = f"{name} belongs to {owner} instead of {before['owner']}"
    if acting:
        reason = f"{', '.join(acting)} acts as its owner and may change what guards it."
        yield Change("owner_changed", Risk.DANGEROUS, name, what, reason)
    else:
        reason = "What runs with its owner's rights runs with other rights now."
        yield Change("owner_changed", Risk.REVIEW, name, what, reason)


def _privileges(name: str, before: Facts, after: Facts) -> Iterator[Change]:
    for role in sorted(before["privileges"].keys() | after["privileges"].keys()):
        had, has = before["privileges"].get(role, {}), after["privileges"].get(role, {})
        for privilege in sorted(had.keys() | has.keys()):
            more, fewer = _columns(has, privilege, had), _columns(had, privilege, has)
            if more:
                yield _granted(name, after, role, privilege, more)
            elif fewer:
                what = f"{role} loses {privilege.upper()} on {fewer} of {name}"
                yield Change("privilege_revoked", Risk.BREAKING, name, what, "Statements that need it are refused.")


def _columns(held: Facts, privilege: str, other: Facts) -> str:
    """What of a privilege is held here and not there: "all columns", column names, or nothing."""
    here, there = held.get(privilege), other.get(privilege)
    if not here or there is True or here == there:
        return ""
    if here is True:
        return "all columns"
    return ", ".join(sorted(set(here) - set(there or ())))


def _granted(name: str, facts: Facts, role: str, privilege: str, columns: str = "all columns") -> Change:
    what = f"{role} is granted {privilege.upper()} on {columns} of {name}"
    if privilege in _PAST_POLICIES:
        risk, reason = Risk.DANGEROUS, f"{_PAST_POLICIES[privilege]}."
    elif "row_security" not in facts:
        risk, reason = Risk.REVIEW, "A view shows what its query reads; the attacks tell whether that is the caller's."
    elif facts["kind"] == "internal":
        risk, reason = Risk.DANGEROUS, "The table is internal: no app role is meant to reach it."
    elif facts["row_security"]:
        risk, reason = Risk.REVIEW, "The table's policies judge each row; the attacks tell whether they do it well."
    elif facts["kind"] in _NOT_OF_TENANTS and privilege == "select":
        risk, reason = Risk.REVIEW, "The rows are every tenant's."
    else:
        risk, reason = Risk.DANGEROUS, "Row security is not enabled, so the privilege reaches every row."
    return Change("privilege_granted", risk, name, what, reason)


def _keys(name: str, before: Facts, after: Facts) -> Iterator[Change]:
    """Keys that carried the tenant column and do not any more, or never did."""
    column = after["tenant_column"]
    if column is None or after["kind"] != "tenant":
        return
    old_keys, new_keys = before["foreign_keys"], after["foreign_keys"]
    for key in sorted(old_keys.keys() | new_keys.keys()):
        was, now = old_keys.get(key, {}).get("columns", ()), new_keys.get(key, {}).get("columns", ())
        if column in was and len(was) > 1 and column not in now:
            reason = "A row can be stored that references another tenant's."
            what = f"foreign key {key} of {name} does not carry {column} any more"
            yield Change("tenant_left_key", Risk.DANGEROUS, name, what, reason)
        elif key not in old_keys and column not in now:
            reason = "It does not carry the tenant column; harmless where what it references is every tenant's."
            what = f"foreign key {key} of {name} to {new_keys[key]['target']} is added"
            yield Change("key_without_tenant", Risk.REVIEW, name, what, reason)
    for key, columns in sorted(after["unique_keys"].items()):
        if before["unique_keys"].get(key) != columns and column not in columns:
            reason = "Its violation tells that another tenant holds the value."
            what = f"unique key {key} of {name} does not carry {column}"
            yield Change("key_without_tenant", Risk.REVIEW, name, what, reason)


# Views


def _views(old: Facts, new: Facts, roles: Facts) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if after is None:
            yield Change("view_dropped", Risk.BREAKING, name, f"{name} is dropped", "What read it is refused.")
        elif before is None:
            yield from _new_view(name, after)
        else:
            yield from _changed_view(name, before, after)
            yield from _owner(name, before, after, roles)
            yield from _privileges(name, before, after)


def _new_view(name: str, view: Facts) -> Iterator[Change]:
    what = f"{'materialized ' * view['materialized']}view {name} is added"
    reaching = sorted(role for role, held in view["privileges"].items() if held)
    if not reaching:
        yield Change("view_added", Risk.SAFE, name, what, "No app role has a privilege on it.")
    elif view["materialized"]:
        reason = f"{', '.join(reaching)} reads stored rows, and policies do not apply to those."
        yield Change("view_added", Risk.DANGEROUS, name, what, reason)
    elif view["security_invoker"]:
        yield Change("view_added", Risk.SAFE, name, what, "It is read with the caller's rights and policies.")
    else:
        reason = f"{', '.join(reaching)} reads it with the rights of {view['owner']}, not with their own."
        yield Change("view_added", Risk.REVIEW, name, what, reason)


def _changed_view(name: str, before: Facts, after: Facts) -> Iterator[Change]:
    if before["security_invoker"] and not after["security_invoker"]:
        reason = f"It is read with the rights of {after['owner']}, whose policies are not the caller's."
        yield Change("invoker_dropped", Risk.DANGEROUS, name, f"{name} is not security_invoker any more", reason)
    elif after["security_invoker"] and not before["security_invoker"]:
        reason = "It is read with the caller's rights: rows and privileges that only its owner has are out of reach."
        yield Change("invoker_added", Risk.BREAKING, name, f"{name} is security_invoker now", reason)
    if before["options"] != after["options"]:
        what = f"{name} has {after['options'] or 'no options'} instead of {before['options'] or 'no options'}"
        reason = "Without a barrier a function of the caller's sees rows that the view leaves out."
        yield Change("view_options_changed", Risk.REVIEW, name, what, reason)
    if before["definition"] != after["definition"]:
        if after["security_invoker"]:
            risk, reason = Risk.SAFE, "It is read with the caller's rights and policies."
        else:
            risk, reason = Risk.REVIEW, "It does not run with the caller's rights, so its query is all that guards it."
        yield Change("view_changed", risk, name, f"the query of {name} is another", reason)


# Functions and roles


def _functions(old: Facts, new: Facts) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before is not None and after is not None:
            yield from _changed_function(name, before, after)
        elif after is not None and after["security_definer"] and after["callers"]:
            reason = f"{', '.join(after['callers'])} may call it, and it runs with the rights of {after['owner']}."
            yield Change("definer_added", Risk.DANGEROUS, name, f"definer function {name} is added", reason)
        elif before is not None and before["callers"]:
            reason = "App roles cannot call it any more."
            yield Change("function_withdrawn", Risk.BREAKING, name, f"{name} is out of reach", reason)


def _changed_function(name: str, before: Facts, after: Facts) -> Iterator[Change]:
    definer = after["security_definer"]
    if definer and not before["security_definer"]:
        reason = f"It runs with the rights of {after['owner']} now, past its caller's policies."
        yield Change("definer_added", Risk.DANGEROUS, name, f"{name} is a definer function now", reason)
    elif before["security_definer"] and not definer:
        reason = "It runs with its caller's rights now."
        yield Change("definer_dropped", Risk.BREAKING, name, f"{name} is no definer function any more", reason)
    if after["leakproof"] and not before["leakproof"]:
        reason = "The planner may run it on rows before their policy does."
        yield Change("leakproof_added", Risk.DANGEROUS, name, f"{name} is marked leakproof", reason)
    if after["immutable"] and not before["immutable"] and after["guards"]:
        reason = "The planner keeps its answer in a plan, which another tenant's request may be given."
        yield Change("immutable_added", Risk.DANGEROUS, name, f"{name} is marked immutable", reason)
    if definer and "search_path" in before["settings"] and "search_path" not in after["settings"]:
        reason = "Its caller chooses which objects its names mean."
        yield Change("search_path_dropped", Risk.DANGEROUS, name, f"{name} does not pin search_path any more", reason)
    elif before["settings"] != after["settings"]:
        what = f"{name} runs with {after['settings'] or 'no settings'} instead of {before['settings'] or 'none'}"
        yield Change("settings_changed", Risk.REVIEW, name, what, "Policies may ask a setting that it brings.")
    if definer and before["owner"] != after["owner"]:
        what = f"{name} runs with the rights of {after['owner']} instead of {before['owner']}"
        yield Change("owner_changed", Risk.REVIEW, name, what, "Other policies apply to it.")
    if before["body"] != after["body"] and (definer or after["guards"]):
        reason = "Policies, triggers or the context run it." if after["guards"] else "It passes its caller's policies."
        yield Change("function_changed", Risk.REVIEW, name, f"{name} does something else", reason)
    callers = sorted(set(after["callers"]) - set(before["callers"]))
    if callers and definer:
        reason = f"It runs with the rights of {after['owner']}."
        yield Change("execute_granted", Risk.DANGEROUS, name, f"{', '.join(callers)} may call {name} now", reason)
    elif lost := sorted(set(before["callers"]) - set(after["callers"])):
        what = f"{', '.join(lost)} may not call {name} any more"
        yield Change("execute_revoked", Risk.BREAKING, name, what, "Statements that call it are refused.")


def _roles(old: Facts, new: Facts) -> Iterator[Change]:
    for name in sorted(new):
        before = old.get(name, {"superuser": False, "bypass_rls": False, "may_become": []})
        after = new[name]
        for attribute, word in (("superuser", "superuser"), ("bypass_rls", "BYPASSRLS")):
            if after[attribute] and not before[attribute]:
                what = (
                    f"app role {name} has become {word}" if word == "superuser" else f"app role {name} has {word} now"
                )
                yield Change("role_bypasses", Risk.DANGEROUS, name, what, "No policy applies to it.")
            elif before[attribute] and not after[attribute]:
                what = f"app role {name} is not {word} any more"
                yield Change("role_bound", Risk.BREAKING, name, what, "Policies apply to it.")
        for other in sorted(set(after["may_become"]) - set(before["may_become"])):
            reason = f"It has every privilege of {other}."
            yield Change("membership_added", Risk.REVIEW, name, f"app role {name} may become {other}", reason)
        for other in sorted(set(before["may_become"]) - set(after["may_become"])):
            reason = f"It has no privilege of {other} any more."
            yield Change("membership_dropped", Risk.BREAKING, name, f"app role {name} may not become {other}", reason)


def _others(old: Facts, new: Facts) -> Iterator[Change]:
    """Rules, publications, cascading keys, schemas that app roles may create in."""
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if after is None:
            yield Change("way_closed", Risk.SAFE, name, f"{name} is gone", "It was one way less guarded than policies.")
        elif before != after:
            what = f"{name}: {after['text']}" + (f" instead of {before['text']}" if before else " is new")
            yield Change("way_opened", Risk.REVIEW, name, what, "Row security does not judge what goes this way.")
