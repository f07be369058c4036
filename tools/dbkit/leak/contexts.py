"""The context states an attack is run under: the right one, and every way a request can come without it.

A state is plain SQL a reader can paste: statements before the transaction, statements inside it. Statements marked as
tolerant may be refused (that is a good answer to a malformed context); the attacks then run with what is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.leak.asking import asking
from dbkit.leak.edits import edited_states
from dbkit.leak.forgeries import SWITCH, forged_states, identity_for
from dbkit.leak.rows import ATTACKER, COLLEAGUE, NEWCOMERS, VICTIM, Identity, Population
from dbkit.leak.standings import NONE_KNOWN, Standings
from dbkit.leak.states import STATES, State, Step, set_setting, strict, tolerant
from dbkit.tenancy.declaration import render_context
from dbkit.tenancy.model import Kind, Model, ScopeModel, TableModel
from dbkit.tenancy.relations import Role, literal

__all__ = ["STATES", "State", "Step", "allowed_slots", "build_states", "lapsed_states", "own_context", "right_state"]

_MALFORMED = ("' or true --", "%")
# Defaults that stand for nobody: empty, zero, a nil uuid, a word.
_NOBODY = re.compile(r"[\s0-]*|-1|none|null|anonymous|nobody|public|default", re.IGNORECASE)


def right_state(scope: ScopeModel, identity: Identity) -> State:
    """The declared context of one identity, as a request runs it."""
    return State("right", "", steps=strict(own_context(scope, identity)), open_to_own=True)


def build_states(
    model: Model,
    scope: ScopeModel,
    population: Population,
    role: Role | None = None,
    standings: Standings = NONE_KNOWN,
) -> tuple[list[State], dict[str, str]]:
    """Every state for one kind of caller.

    Args:
        role: the role that attacks; its defaults and what it may change about itself add states.
        standings: what the attacker's membership may say of it.

    Returns:
        The states, and for each that does not apply its name with the reason.
    """
    attacker, victim = population.identities[ATTACKER], population.identities[VICTIM]
    right = own_context(scope, attacker)
    states = [right_state(scope, attacker)]
    skipped: dict[str, str] = {}
    if scope.scope.context:
        states += _of_own_login(scope, attacker, victim) or _without_own_context(model, scope, population)
    else:
        skipped |= dict.fromkeys(("none", "residue", "reused", "empty", "malformed"), "the login role is the context")
    if role is not None:
        states += _defaults(model, scope, role, victim)
    for name, found, reason in (
        (
            "forged",
            list(forged_states(model, scope, right, attacker, victim)),
            "settings are believed as they are set, and no other setting is read",
        ),
        (
            "edited",
            list(edited_states(model, scope, right, population, role)),
            "the context holds nothing that its user may edit, and no own row that does",
        ),
    ):
        states += found
        if not found:
            skipped[name] = reason
    name, state, reason = _other(scope, population)
    if state is None:
        skipped[name] = reason
    else:
        states.append(state)
    found, reason = lapsed_states(model, scope, attacker, standings)
    states += found
    if not found:
        skipped["suspended"] = reason
    for rank in standings.ranks:
        steps = tuple(Step(sql, admin=True) for sql in rank.statements)
        states.append(State("promoted", rank.label, steps=(*steps, *tolerant(right)), open_to_own=True))
    return states, skipped


def _of_own_login(scope: ScopeModel, attacker: Identity, victim: Identity) -> list[State]:
    """Where tenants log in apart and set a context besides: the login says who they are, whatever they set."""
    if attacker.login is None or victim.login is None or attacker.login == victim.login:
        return []
    theirs = tolerant(own_context(scope, victim))
    return [
        State("forged", "the other tenant's context under the own login", steps=theirs, open_to_own=True),
        State("none", "", open_to_own=True),
    ]


def _without_own_context(model: Model, scope: ScopeModel, population: Population) -> Iterator[State]:
    """What a connection shows when the application forgot the context, or set it badly."""
    victim = tuple(own_context(scope, population.identities[VICTIM]))
    right = right_state(scope, population.identities[ATTACKER])
    yield State("none", "")
    yield State("residue", "", before=(victim,))
    yield State("reused", "", before=(victim,), steps=right.steps, open_to_own=True)
    yield from _empty_and_malformed(model, scope)


def _defaults(model: Model, scope: ScopeModel, role: Role, victim: Identity) -> Iterator[State]:
    """ALTER ROLE or DATABASE … SET names a tenant: whoever forgets the context acts for it, here for the victim."""
    context_text = " ".join(scope.scope.context)
    for name, value in role.settings.items():
        tenant = identity_for(name, victim)
        told = name in context_text or (name in model.relations.settings and not SWITCH.search(name))
        if not scope.scope.context or tenant is None or not told or _NOBODY.fullmatch(value):
            continue
        yield State("none", f"{name} defaults to one tenant's key", settings={name: tenant})


def _other(scope: ScopeModel, population: Population) -> tuple[str, State | None, str]:
    attacker, victim = population.identities[ATTACKER], population.identities[VICTIM]
    reason = ""
    if scope.scope.signed:
        reason = "a token names user and tenant together"
    elif not scope.verifies and scope.scope.names_tenant:
        reason = "the context statement stores the tenant it is given; who may name it is the caller's contract"
    elif not (scope.scope.names_tenant and scope.scope.names_user):
        reason = "the context does not name both a user and a tenant"
    if reason:
        return "other", None, reason
    crossed = Identity(victim.tenant, attacker.user, victim.context_tenant)
    return "other", State("other", "", steps=tolerant(own_context(scope, crossed)), open_to_own=True), ""


def lapsed_states(model: Model, scope: ScopeModel, attacker: Identity, standings: Standings) -> tuple[list[State], str]:
    """The context of one whose membership is not in force; where that means nothing, why."""
    if not standings.lapsed:
        return [], "no memberships are declared or inferred"
    if scope.by_user:
        return [], "callers are no members"
    if scope.scope.names_tenant and not (scope.verifies and not scope.scope.signed):
        # A tenant that the application vouches for is its contract. A token outlives the membership it was made for,
        # which is a leak where memberships decide: somebody declares it, or policies of some tables ask for them.
        claims = scope.scope.signed or "jwt" in " ".join(scope.scope.context).lower()
        if not claims or not (model.declaration.memberships or _memberships_decide(model)):
            return [], "the tenant is believed as it is set, memberships are not asked"
    right = tolerant(own_context(scope, attacker))
    found = []
    for standing in standings.lapsed:
        steps = (*(Step(sql, admin=True) for sql in standing.statements), *right)
        found.append(State("suspended", standing.label, steps=steps, knows_tenant=standing.awaited))
    return found, ""


def _memberships_decide(model: Model) -> bool:
    """Whether a policy of another table asks for the memberships."""
    if model.memberships is None:
        return False
    return bool(asking(model.relations)[model.memberships.table] - {model.memberships.table})


def allowed_slots(state: State, table: TableModel, scope: ScopeModel, model: Model) -> frozenset[str]:
    """Slots whose rows the attacker may see or change in this state."""
    mine = frozenset({ATTACKER})
    if model.tenant_is_user and table.kind is Kind.USER and _hangs_on_tenant(table, scope):
        mine |= {COLLEAGUE, NEWCOMERS[ATTACKER]}
    by_user = table.kind is Kind.USER or (table.kind is Kind.ROW and scope.by_user)
    if state.open_to_own:
        return mine if by_user else frozenset({ATTACKER, COLLEAGUE, NEWCOMERS[ATTACKER]})
    if state.name == "suspended":
        # A person who was put out still is who they are: own user rows and the own membership stay theirs.
        membership = model.memberships is not None and model.memberships.table == table.table.qualified
        registry = model.registry is not None and model.registry[0] == table.table.qualified
        known = registry and (state.knows_tenant or _names_owner(table, model))
        owner = table.column in model.user_columns.get(table.table.qualified, ())
        if by_user or owner or table.kind is Kind.MEMBER or membership or known:
            return mine
    return frozenset()


def _hangs_on_tenant(table: TableModel, scope: ScopeModel) -> bool:
    """Whether rows reference what a tenant owns: where that is one user, so are theirs whoever wrote them."""
    return any(scope.tables[key.target].kind is Kind.TENANT for key in table.table.foreign_keys)


def _names_owner(table: TableModel, model: Model) -> bool:
    """Whether the registry's policies admit who owns the tenant, whether a member or not."""
    texts = " ".join(policy.using or "" for policy in table.table.policies)
    users = (column for column in model.user_columns.get(table.table.qualified, ()) if column != table.column)
    return any(re.search(rf"\b{re.escape(column)}\b", texts) for column in users)


def own_context(scope: ScopeModel, identity: Identity) -> list[str]:
    """The context statements of one identity, with what policies ask beside the declared ones."""
    declared = [
        render_context(text, identity.context_tenant, identity.user, identity.token) for text in scope.scope.context
    ]
    return [*declared, *identity.completion.get(scope.scope.name, ())]


def _empty_and_malformed(model: Model, scope: ScopeModel) -> Iterator[State]:
    settings = model.relations.settings
    for name, text in (("empty", ""), *(("malformed", text) for text in _MALFORMED)):
        identity = Identity(text, text, text, token=text)
        written = [Step(set_setting(setting, literal(text)), tolerant=True) for setting in settings]
        yield State(name, text, steps=(*tolerant(own_context(scope, identity)), *written))
