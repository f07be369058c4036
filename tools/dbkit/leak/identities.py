"""Who the slots are: ids of two tenants and their users, declared or invented in the type that the catalog asks for."""

from __future__ import annotations

import hashlib
import uuid

from dbkit.leak.rows import NEWCOMERS, SLOTS, Identity
from dbkit.tenancy.declaration import Sample
from dbkit.tenancy.model import Kind, Model

__all__ = ["invent", "make_identities", "user_type"]


def make_identities(model: Model) -> dict[str, Identity]:
    """Tenants and users by slot: the declared samples, else ids of the type that the registries hold."""
    attacker, victim = ([*model.declaration.samples, Sample(), Sample()])[:2]
    tenant_base, user_base = _tenant_type(model), user_type(model)
    identities = {}
    for slot in (*SLOTS, *NEWCOMERS.values()):
        sample = {"A": victim, "B": attacker}[slot[0]]
        first = slot[1] == "1"
        lead = sample.user or invent("user", slot[0] + "1", user_base)
        user = lead if first else invent("user", slot, user_base)
        # A tenant that is a user is its first user.
        tenant = sample.tenant or (lead if model.tenant_is_user else invent("tenant", slot[0], tenant_base))
        key = tenant.split(",")[0] if tenant_base == "uuid" else tenant
        identities[slot] = Identity(key, user, tenant, sample.login)
    return identities


def _tenant_type(model: Model) -> str:
    """The type of a tenant's id: of the registry's key, else of the first tenant column."""
    if model.registry:
        return model.relations.tables[model.registry[0]].columns[model.registry[1]].base
    for table in model.scopes[0].tables.values():
        if table.kind is Kind.TENANT and table.column:
            return table.table.columns[table.column].base
    return "uuid"


def user_type(model: Model) -> str:
    """The type of a user's id: of the registry's key, else of the first user column."""
    if model.users:
        return model.relations.tables[model.users[0]].columns[model.users[1]].base
    for name, columns in model.user_columns.items():
        for column in columns:
            return model.relations.tables[name].columns[column].base
    return "uuid"


def invent(kind: str, name: str, base: str) -> str:
    """An id; the victim's sorts before the attacker's, so that a look-up that forgets the tenant gives the victim's."""
    if name[0] not in "AB":  # a third tenant, which nobody is
        return _derived(kind, name, base)
    ids = [_derived(kind, other + name[1:], base) for other in "AB"]
    return sorted(ids, key=lambda text: (len(text), text))["AB".index(name[0])]


def _derived(kind: str, name: str, base: str) -> str:
    digest = hashlib.sha256(f"dbkit leak {kind} {name}".encode()).hexdigest()
    if base == "uuid":
        return str(uuid.UUID(digest[:32]))
    if base in ("int2", "int4", "int8", "numeric"):
        return str(9000 + int(digest[:4], 16) % 20000)
    return f"leak-{kind}-{name.lower()}"
