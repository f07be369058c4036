"""The context states an attack is run under: the right one, and every way a request can come without it.

A state is plain SQL a reader can paste: statements before the transaction, statements inside it. Statements marked as
tolerant may be refused (that is a good answer to a malformed context); the attacks then run with what is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dbkit.leak.rows import ATTACKER, VICTIM, Identity, Population
from dbkit.tenancy.declaration import render_context
from dbkit.tenancy.model import Kind, Model, ScopeModel, TableModel
from dbkit.tenancy.relations import Column, Table, literal

__all__ = ["STATES", "State", "Step", "allowed_slots", "build_states"]

# Name and one-line meaning, in the order of the report.
STATES: dict[str, str] = {
    "right": "the caller's own context",
    "none": "a fresh connection without a context",
    "residue": "a connection that served another tenant before",
    "empty": "every setting of the context is an empty string",
    "malformed": "the context holds text that is no id",
    "forged": "settings written by hand, past the context statement",
    "other": "the context of a tenant the user does not belong to",
    "suspended": "the context of a member who was suspended",
}

_MALFORMED = ("' or true --", "%")
_SWITCH = re.compile(r"admin|bypass|super|system|service|internal|staff|support|skip|disable|role", re.IGNORECASE)
_USER_SETTING = re.compile(r"user|sub$|member|actor|person|uid", re.IGNORECASE)
_TENANT_SETTING = re.compile(
    r"tenant|org|compan|account|workspace|team|customer|agenc|clinic|shop|store|landlord|owner|current", re.IGNORECASE
)
_INACTIVE = ("suspended", "inactive", "disabled", "revoked", "removed", "blocked", "deleted", "left", "closed")


@dataclass(frozen=True)
class Step:
    """One statement of a state. `admin` runs it as the superuser; `tolerant` lets it be refused."""

    sql: str
    tolerant: bool = False
    admin: bool = False


@dataclass(frozen=True)
class State:
    """One context state.

    Attributes:
        name: key of STATES; `variant` tells apart several ways to get there.
        before: transactions run first on the same connection, each a list of statements.
        steps: statements at the start of the attacking transaction.
        open_to_own: the caller's own rows may be visible in it.
    """

    name: str
    variant: str
    before: tuple[tuple[str, ...], ...] = ()
    steps: tuple[Step, ...] = ()
    open_to_own: bool = False

    @property
    def label(self) -> str:
        return self.name if not self.variant else f"{self.name} ({self.variant})"


def build_states(model: Model, scope: ScopeModel, population: Population) -> tuple[list[State], dict[str, str]]:
    """Every state for one kind of caller.

    Returns:
        The states, and for each that does not apply its name with the reason.
    """
    attacker, victim = population.identities[ATTACKER], population.identities[VICTIM]
    right = _context(scope, attacker)
    states = [
        State("right", "", steps=_strict(right), open_to_own=True),
        State("none", ""),
        State("residue", "", before=(tuple(_context(scope, victim)),)),
    ]
    skipped: dict[str, str] = {}
    if scope.scope.context:
        states += _empty_and_malformed(model, scope)
    else:
        skipped |= dict.fromkeys(("empty", "malformed"), "the login role is the context")
        states = [state for state in states if state.name == "right"]
        skipped |= dict.fromkeys(("none", "residue"), "the login role is the context")
    forged = list(_forged(model, scope, attacker, victim))
    states += forged
    if not forged:
        skipped["forged"] = "settings are believed as they are set, and no other setting is read"
    if not scope.verifies and scope.scope.names_tenant:
        skipped["other"] = (
            "the context statement stores the tenant it is given; who may name it is the caller's contract"
        )
    elif scope.scope.names_tenant and scope.scope.names_user:
        crossed = Identity(victim.tenant, attacker.user, victim.context_tenant)
        states.append(State("other", "", steps=_tolerant(_context(scope, crossed)), open_to_own=True))
    else:
        skipped["other"] = "the context does not name both a user and a tenant"
    suspend = _suspend(model, attacker)
    if suspend is None or scope.by_user:
        skipped["suspended"] = (
            "no memberships are declared or inferred" if suspend is None else "callers are no members"
        )
    elif not scope.verifies and scope.scope.names_tenant:
        skipped["suspended"] = "the tenant is believed as it is set, memberships are not asked"
    else:
        states.append(State("suspended", "", steps=(Step(suspend, admin=True), *_tolerant(right))))
    return states, skipped


def allowed_slots(state: State, table: TableModel, scope: ScopeModel, model: Model) -> frozenset[str]:
    """Slots whose rows the attacker may see or change in this state."""
    mine = frozenset({ATTACKER})
    by_user = table.kind is Kind.USER or (table.kind is Kind.ROW and scope.by_user)
    if state.open_to_own:
        return mine if by_user else frozenset({"B1", "B2"})
    if state.name == "suspended":
        # A person who was put out still is who they are: own user rows and the own membership stay theirs.
        membership = model.memberships is not None and model.memberships.table == table.table.qualified
        if by_user or table.kind is Kind.MEMBER or membership:
            return mine
    return frozenset()


def _context(scope: ScopeModel, identity: Identity) -> list[str]:
    return [render_context(text, identity.context_tenant, identity.user) for text in scope.scope.context]


def _strict(statements: list[str]) -> tuple[Step, ...]:
    return tuple(Step(statement) for statement in statements)


def _tolerant(statements: list[str]) -> tuple[Step, ...]:
    return tuple(Step(statement, tolerant=True) for statement in statements)


def _empty_and_malformed(model: Model, scope: ScopeModel) -> Iterator[State]:
    settings = model.relations.settings
    for name, text in (("empty", ""), *(("malformed", text) for text in _MALFORMED)):
        identity = Identity(text, text, text)
        written = [Step(_set(setting, literal(text)), tolerant=True) for setting in settings]
        yield State(name, text, steps=(*_tolerant(_context(scope, identity)), *written))


def _forged(model: Model, scope: ScopeModel, attacker: Identity, victim: Identity) -> Iterator[State]:
    """Ways to write settings by hand. What a believed context stores itself is its contract, not an attack."""
    context_text = " ".join(scope.scope.context)
    settings = [name for name in model.relations.settings if name not in context_text]
    if not settings:
        return
    right = _context(scope, attacker)
    if not scope.trusts_settings:
        replaced = [Step(_replace_ids(name, attacker, victim), tolerant=True) for name in settings]
        yield State(
            "forged", "ids swapped after the right context", steps=(*_strict(right), *replaced), open_to_own=True
        )
        named = [(name, _identity_for(name, victim)) for name in settings]
        bare = [Step(_set(name, literal(value)), tolerant=True) for name, value in named if value is not None]
        if bare:
            yield State("forged", "ids of the other tenant, no context", steps=tuple(bare))
    switches = [name for name in settings if _SWITCH.search(name)]
    for values in _switch_values(model, switches):
        steps = [Step(_set(name, literal(values[name])), tolerant=True) for name in switches]
        variant = ", ".join(f"{name} = {values[name]}" for name in switches)
        yield State("forged", variant, steps=(*_strict(right), *steps), open_to_own=True)


def _switch_values(model: Model, switches: list[str]) -> Iterator[Mapping[str, str]]:
    """'true', and whatever constants the policies compare the settings with."""
    if not switches:
        return
    found: dict[str, list[str]] = {name: ["true"] for name in switches}
    for table in model.relations.base_tables:
        for policy in table.policies:
            for text in (policy.using or "", policy.check or ""):
                for name in switches:
                    pattern = rf"current_setting\('{re.escape(name)}'[^)]*\)[^=']*=\s*'((?:[^']|'')*)'"
                    found[name] += [value for value in re.findall(pattern, text) if value not in found[name]]
    for number in range(max(map(len, found.values()))):
        yield {name: values[min(number, len(values) - 1)] for name, values in found.items()}


def _set(name: str, value: str) -> str:
    return f"select set_config({literal(name)}, {value}, true)"


def _replace_ids(name: str, attacker: Identity, victim: Identity) -> str:
    current = f"coalesce(current_setting({literal(name)}, true), '')"
    for own, foreign in ((attacker.context_tenant, victim.context_tenant), (attacker.user, victim.user)):
        if own and foreign and own != foreign:
            current = f"replace({current}, {literal(own)}, {literal(foreign)})"
    return _set(name, current)


def _identity_for(name: str, victim: Identity) -> str | None:
    last = name.rpartition(".")[2]
    if _USER_SETTING.search(last):
        return victim.user
    return victim.context_tenant if _TENANT_SETTING.search(last) else None


def _suspend(model: Model, attacker: Identity) -> str | None:
    """The statement that ends the attacker's membership: by status, flag or time if there is one, else by deletion."""
    memberships = model.memberships
    if memberships is None:
        return None
    table = model.relations.tables[memberships.table]
    where = (
        f"{table.columns[memberships.user_column].sql} = {literal(attacker.user)} "
        f"and {table.columns[memberships.tenant_column].sql} = {literal(attacker.tenant)}"
    )
    for column in table.columns.values():
        value = _inactive_value(table, column)
        if value is not None:
            return f"update {table.sql} set {column.sql} = {value} where {where}"
    return f"delete from {table.sql} where {where}"


def _inactive_value(table: Table, column: Column) -> str | None:
    texts = list(column.labels)
    for check in table.checks:
        if check.columns == (column.name,):
            texts += re.findall(r"'((?:[^']|'')*)'", check.expression)
    for word in _INACTIVE:
        for text in texts:
            if text.lower() == word:
                return literal(text)
    if column.base == "bool" and re.fullmatch(r"(is_)?(active|enabled)", column.name):
        return "false"
    if column.base.startswith("timestamp") and re.fullmatch(
        r"(revoked|suspended|deleted|removed|left|disabled|ended)_at", column.name
    ):
        return "now()"
    return None
