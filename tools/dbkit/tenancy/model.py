"""The nouns of a tenancy: whose rows each table holds for each kind of caller, and what says so.

`classify.build_model` makes them out of the declaration and the catalog; `dbkit leak --model` prints them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dbkit.tenancy.declaration import Declaration, Memberships, Scope
from dbkit.tenancy.relations import Relations, Table

__all__ = ["PROTECTED", "Kind", "Model", "ScopeModel", "TableModel"]


class Kind(StrEnum):
    """Whose rows a table holds, for one kind of caller."""

    TENANT = "tenant"  # a column names the tenant
    USER = "user"  # a column names the one user who may see the row
    MEMBER = "member"  # the registry of users: visible to those who share a tenant
    ROW = "row"  # no column says it; the row belongs to the caller it was made for, through foreign keys
    SHARED = "shared"  # deliberately the same for every tenant
    INTERNAL = "internal"  # out of reach for app roles
    UNKNOWN = "unknown"  # reachable, and nobody said whose rows these are


PROTECTED = frozenset({Kind.TENANT, Kind.USER, Kind.MEMBER, Kind.ROW})


@dataclass(frozen=True)
class TableModel:
    """One table as one scope sees it. `column` is set for tenant and user tables, and for internal ones with one."""

    table: Table
    kind: Kind
    column: str | None
    reason: str

    @property
    def protected(self) -> bool:
        return self.kind in PROTECTED

    @property
    def owned(self) -> bool:
        """Whether its rows are tenants': functions may carry them even where no app role reaches the table."""
        return self.protected or (self.kind is Kind.INTERNAL and self.column is not None)


@dataclass(frozen=True)
class ScopeModel:
    """One kind of caller and the tables as it sees them, by qualified name.

    Attributes:
        by_user: rows belong to the user, not to the tenant (a scope that names no tenant).
        verifies: the context statement checks what it is given; otherwise who may name which tenant is the contract.
        trusts_settings: whoever can set a setting is believed, so forging one is no attack but the contract.
    """

    scope: Scope
    tables: Mapping[str, TableModel]
    by_user: bool
    verifies: bool
    trusts_settings: bool
    trust_reason: str


@dataclass(frozen=True)
class Model:
    """The tenancy of one database.

    Attributes:
        registry: table and column that list the tenants.
        users: table and column that list the users.
        tenant_is_user: tenant ids are user ids (a tenant column references the users).
        user_columns: table -> columns that hold a user id.
        person_columns: the same with those in which a row may name somebody else, such as whom it is shared with.
        login_columns: table -> columns that hold the name of a login role.
        tenant_columns: default names of tenant columns, declared or inferred.
        shared_views: views that are declared to be shared: what they show is meant for every tenant.
        inferred: (what, value, reason) of everything that was not declared.
    """

    declaration: Declaration
    relations: Relations
    registry: tuple[str, str] | None
    users: tuple[str, str] | None
    memberships: Memberships | None
    scopes: tuple[ScopeModel, ...]
    tenant_is_user: bool
    user_columns: Mapping[str, tuple[str, ...]]
    person_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    login_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tenant_columns: tuple[str, ...] = ()
    shared_views: frozenset[str] = frozenset()
    inferred: tuple[tuple[str, str, str], ...] = field(default_factory=tuple)
