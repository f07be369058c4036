"""Judge every table of a database by the declared tenancy: whose rows are these, and how do we know.

What is declared is checked (a name that does not exist is an error), what is absent is inferred, and each table keeps
the reason, which `dbkit leak --model` prints.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from dbkit.tenancy.declaration import Declaration, Memberships, Scope
from dbkit.tenancy.evidence import (
    columns_of_context,
    compared_alike,
    compared_columns,
    login_columns,
    paired_columns,
    registry_columns,
)
from dbkit.tenancy.expressions import caller_expressions
from dbkit.tenancy.names import Names
from dbkit.tenancy.relations import Relations, Table
from dbkit.tenancy.sealing import seals_settings
from dbkit.tenancy.spelled import with_user_for_constants

__all__ = ["PROTECTED", "Kind", "Model", "ScopeModel", "TableModel", "build_model"]

_TENANT_WORDS = (
    "tenant|organi[sz]ation|org|company|account|workspace|team|customer|agency|clinic|shop|store|client|school|firm"
    "|business|merchant|landlord|practice|site|project"
)
_TENANT_COLUMN = re.compile(rf"^(?:{_TENANT_WORDS})(?:_?(?:id|uuid|key|code|slug|ref))?$|^owner_user_id$")
_SHORT_TENANT = re.compile(r"^(?:acct|cust|tnt|grp|group|owner|subscriber)(?:_?(?:id|key|no|ref))?$")
_TENANT_TABLE = re.compile(rf"^(?:{_TENANT_WORDS})(?:s|es)?$|^companies$|^agencies$|^businesses$")
_USER_COLUMN = re.compile(
    r"^(?:auth_)?(?:user|member|profile|person|owner|owner_user|author|created_by|uploaded_by|invited_by|assigned_to)"
    r"(?:_?(?:id|uuid))?$|^uid$|^sub$"
)
_USER_TABLE = re.compile(r"^(?:app_)?(?:users?|profiles?|people|persons?|user_profiles)$")
# Functions that only store or shape the caller's claim: a context made of nothing else checks nothing.
_STORING_FUNCTIONS = frozenset(
    [
        "set_config",
        "json_build_object",
        "jsonb_build_object",
        "json_object",
        "jsonb_object",
        "to_json",
        "to_jsonb",
        "format",
        "concat",
        "json_build_array",
        "jsonb_build_array",
        "row_to_json",
        "coalesce",
    ]
)


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
    inferred: tuple[tuple[str, str, str], ...] = field(default_factory=tuple)


def build_model(declaration: Declaration, relations: Relations, *, isolation: str | None = None) -> Model:
    """Check the declaration against the catalog and classify every table.

    Args:
        isolation: `[core] isolation` where the core module is in use; "trusted" means settings are believed.

    Raises:
        DbkitError: a declared name does not exist (the message names it and the nearest one that does).
    """
    schemas = {table.schema for table in relations.tables.values()}
    return _Builder(declaration.fitted(schemas, relations.roles), relations, isolation).build()


class _Builder:
    """Holds the declaration and the catalog while the model is worked out, step by step."""

    def __init__(self, declaration: Declaration, relations: Relations, isolation: str | None) -> None:
        self.relations = relations
        self.isolation = isolation
        self.inferred: list[tuple[str, str, str]] = []
        self.declaration = declaration
        self.names = Names(declaration, relations)

    def build(self) -> Model:
        self.names.check()
        context = [statement for scope in self.declaration.scopes for statement in scope.context]
        self.pairs = [*columns_of_context(context, self.relations), *paired_columns(self.relations)]
        self.columns = self._tenant_columns()
        self.registry = self._registry()
        self.users = self._users()
        self.user_columns = self._user_columns()
        self.memberships = self._with_any_user()
        if self.memberships and not self.users:
            self.users = self._target(self.memberships.table, self.memberships.user_column)
        default = self._scope_model(self.declaration.scopes[0], None)
        further = [self._scope_model(scope, default) for scope in self.declaration.scopes[1:]]
        return Model(
            declaration=self.declaration,
            relations=self.relations,
            registry=self.registry,
            users=self.users,
            memberships=self.memberships,
            scopes=(default, *further),
            tenant_is_user=self._tenant_is_user(default),
            user_columns=self.user_columns,
            person_columns=self._with_alike(self.user_columns, written=False),
            login_columns=login_columns(self.relations),
            tenant_columns=self.columns,
            inferred=tuple(self.inferred),
        )

    # What is inferred where it is absent

    def _tenant_columns(self) -> tuple[str, ...]:
        declared = self.declaration.columns
        if declared:
            return declared
        counts: Counter[str] = Counter()
        for table in self.relations.base_tables:
            words = set(re.findall(r"[a-z_][a-z0-9_]*", _policy_text(table).lower()))
            for column in table.columns:
                if _TENANT_COLUMN.match(column):
                    # A column that policies compare says more than a name.
                    counts[column] += 10 if column in words else 1
        compared = [name for name, count in counts.most_common() if count >= 10] or self._compared_with_context()
        columns = self._of_persons(tuple(compared or [name for name, _ in counts.most_common()]))
        if columns:
            reason = "compared in policies" if compared else "named like a tenant column"
            self.inferred.append(("columns", ", ".join(columns), reason))
        return columns

    def _of_persons(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Where callers are persons and most rows name their owner, what else is named are things that persons own."""
        if any(scope.names_tenant or not scope.context for scope in self.declaration.scopes):
            return columns
        persons = tuple(name for name in columns if _USER_COLUMN.match(name))
        owned = [t for t in self.relations.base_tables if any(name in t.columns for name in persons)]
        others = [
            t for t in self.relations.base_tables if t not in owned and any(name in t.columns for name in columns)
        ]
        return persons if len(owned) > len(others) else columns

    def _compared_with_context(self) -> list[str]:
        """Columns that name no tenant by their words, but are what policies compare with the caller's tenant."""
        if not any(scope.names_tenant or not scope.context for scope in self.declaration.scopes):
            return list(dict.fromkeys(tenant for _, tenant in self.pairs))
        compared = compared_columns(self.relations) or registry_columns(self.relations)
        return [name for name in compared if not _USER_COLUMN.match(name)]

    def _registry(self) -> tuple[str, str] | None:
        declared = self.declaration.tenants
        if declared is not None:
            table_name, _, column = declared.rpartition(".")
            table = self.names.table(table_name, "tenants")
            self.names.column(table, column, "tenants")
            return table.qualified, column
        targets: Counter[tuple[str, str]] = Counter()
        for table in self.relations.base_tables:
            for column in self.columns:
                target = self._target(table.qualified, column)
                if target and target[0] != table.qualified:
                    targets[target] += 1
        for (table_name, column), count in targets.most_common():
            target_table = self.relations.tables[table_name]
            name = target_table.name
            # What references nothing itself is no child of tenants, whatever it is called.
            root = not target_table.foreign_keys and not set(self.columns) & target_table.columns.keys()
            known = any(map(_TENANT_COLUMN.match, self.columns)) and not root
            if _TENANT_TABLE.match(name) or column in self.columns or not (known or _USER_TABLE.match(name)):
                self.inferred.append(("tenants", f"{table_name}.{column}", f"{count} tenant columns reference it"))
                return table_name, column
        return None

    def _users(self) -> tuple[str, str] | None:
        if self.declaration.memberships:
            membership = self.declaration.memberships
            table = self.names.table(membership.table, "memberships")
            self.names.column(table, membership.user_column, "memberships")
            self.names.column(table, membership.tenant_column, "memberships")
            return self._target(table.qualified, membership.user_column)
        for table in self.relations.base_tables:
            if _USER_TABLE.match(table.name) and len(table.primary_key) == 1:
                self.inferred.append(("users", f"{table.qualified}.{table.primary_key[0]}", "named like a user table"))
                return table.qualified, table.primary_key[0]
        return None

    def _user_columns(self) -> dict[str, tuple[str, ...]]:
        """Columns that hold a user id: they reference the users, or are named so and reference nothing."""
        found: dict[str, tuple[str, ...]] = {}
        for table in self.relations.base_tables:
            names = []
            for column in table.columns:
                target = self._person(self._target(table.qualified, column))
                if (self.users and target == self.users) or (
                    target is None
                    and (_USER_COLUMN.match(column) or any(column == user for user, _ in self.pairs))
                    and not self._in_foreign_key(table, column)
                ):
                    names.append(column)
            if self.users and self.users[0] == table.qualified:
                names.append(self.users[1])
            found[table.qualified] = tuple(dict.fromkeys(names))
        return self._with_alike(found, written=True)

    def _with_alike(self, known: dict[str, tuple[str, ...]], *, written: bool) -> dict[str, tuple[str, ...]]:
        """With the columns that policies compare with the caller as they compare the known ones."""
        found = dict(known)
        for name, columns in compared_alike(self.relations, known, written=written).items():
            table = self.relations.tables[name]
            named = [c for c in sorted(columns) if c not in self.columns and not self._in_foreign_key(table, c)]
            found[name] = tuple(dict.fromkeys((*found[name], *named)))
        return found

    def _person(self, target: tuple[str, str] | None) -> tuple[str, str] | None:
        """What a reference leads to in the end, where profiles have the key of the user they are about."""
        further = self._target(*target) if target else None
        if further is None or further != self.users or target is None:
            return target
        return further if self.relations.tables[target[0]].primary_key == (target[1],) else target

    def _with_any_user(self) -> Memberships | None:
        """The memberships, by which a user who is spelled out in a context statement can be any: see `spelled`."""
        written = self.declaration
        read = [with_user_for_constants(scope, self.relations.parameters) for scope in written.scopes]
        self.declaration = replace(written, scopes=tuple(scope for scope, _ in read))
        memberships = self._memberships()
        if memberships is None:
            self.declaration = written  # nothing says who belongs where, so nobody could be in the wrong place
            return None
        for constant, parameter in (each for _, found in read for each in found):
            self.inferred.append(("context", f"{{user}} in place of {constant}", f"{parameter} names the caller"))
        return memberships

    def _memberships(self) -> Memberships | None:
        if self.declaration.memberships:
            declared = self.declaration.memberships
            return Memberships(
                self.names.table(declared.table, "memberships").qualified, declared.user_column, declared.tenant_column
            )
        if not any(scope.names_user for scope in self.declaration.scopes):
            return None
        for table in self.relations.base_tables:
            tenants = [name for name in self.columns if name in table.columns]
            users = [name for name in self.user_columns[table.qualified] if name not in tenants]
            for unique in table.uniques:
                if len(unique.columns) == 2 and tenants and users and set(unique.columns) == {tenants[0], users[0]}:
                    value = f"{table.qualified}({users[0]}, {tenants[0]})"
                    self.inferred.append(("memberships", value, f"{unique.name} is unique over user and tenant"))
                    return Memberships(table.qualified, users[0], tenants[0])
        return None

    def _tenant_is_user(self, default: ScopeModel) -> bool:
        for name, table in default.tables.items():
            if self.users is None or table.kind is not Kind.TENANT or not table.column:
                continue
            if self._target(name, table.column) == self.users:
                reason = f"{name}.{table.column} references {self.users[0]}"
                self.inferred.append(("tenant ids", "are user ids", reason))
                return True
        scope = default.scope
        persons = bool(self.columns) and all(map(_USER_COLUMN.match, self.columns))
        if persons and scope.names_user and not scope.names_tenant and not (self.registry or self.memberships):
            reason = f"the context names a user only, and {', '.join(self.columns)} one too"
            self.inferred.append(("tenant ids", "are user ids", reason))
            return True
        return False

    def _target(self, table_name: str, column: str) -> tuple[str, str] | None:
        """What a column references by a foreign key of its own."""
        table = self.relations.tables.get(table_name)
        for key in table.foreign_keys if table else ():
            if key.columns == (column,):
                return key.target, key.target_columns[0]
        return None

    def _in_foreign_key(self, table: Table, column: str) -> bool:
        return any(column in key.columns for key in table.foreign_keys)

    # Tables

    def _scope_model(self, scope: Scope, default: ScopeModel | None) -> ScopeModel:
        by_user = default is not None and not scope.names_tenant and bool(scope.tables)
        tables: dict[str, TableModel] = {}
        for table in sorted(self.relations.base_tables, key=lambda table: table.qualified):
            tables[table.qualified] = self._classify(table, scope, default, by_user)
        for name, table_model in list(tables.items()):
            tables[name] = self._inherit(table_model, tables)
        for name, table_model in self._compared_alike(tables).items():
            tables[name] = table_model
        verifies = self._verifies(scope)
        trusts, reason = self._trust(scope, verifies)
        return ScopeModel(scope, tables, by_user, verifies, trusts, reason)

    def _verifies(self, scope: Scope) -> bool:
        """Whether the context statements call anything that could refuse, and not only functions that store."""
        if scope.signed:
            return True
        bare = " ".join(re.sub(r"'(?:[^']|'')*'", "''", statement) for statement in scope.context)
        calls = {name.rpartition(".")[2].lower() for name in re.findall(r"([\w.]+)\s*\(", bare)}
        return bool(calls - _STORING_FUNCTIONS - {"select", "in", "values"})

    def _trust(self, scope: Scope, verifies: bool) -> tuple[bool, str]:
        if not scope.context:
            return False, "the login role is the context; no setting is believed"
        if scope.signed:
            return False, "carried by a token, so a setting written by hand must open nothing"
        if not verifies:
            return True, "believed as they are set: the context statement only stores what it is given"
        if self.isolation == "trusted":
            return True, 'believed as they are set, since [core] isolation = "trusted"'
        if self.isolation is None and not seals_settings(self.relations):
            return True, "believed as they are set: no function of the database seals or signs them"
        return False, "checked by the context statement, so a setting written by hand must open nothing"

    def _classify(self, table: Table, scope: Scope, default: ScopeModel | None, by_user: bool) -> TableModel:
        name, declaration = table.qualified, self.declaration
        by_name = {
            self.names.table(known, key).qualified: key
            for key in ("shared", "internal")
            for known in getattr(declaration, key)
        }
        own = {self.names.table(known, "tables").qualified: column for known, column in scope.tables.items()}
        if name in own:
            kind = Kind.TENANT if scope.names_tenant else Kind.USER
            return TableModel(table, kind, own[name], f"declared in tables of scope {scope.name}")
        if name in by_name:
            column = self._tenant_column(table) if by_name[name] == "internal" else None
            return TableModel(table, Kind(by_name[name]), column, f"declared in {by_name[name]}")
        if default is not None:
            return self._classify_further(table, scope, default, by_user)
        return self._declared_column(table) or self._inferred_kind(table, scope)

    def _declared_column(self, table: Table) -> TableModel | None:
        declaration, name = self.declaration, table.qualified
        for key, kind in (("user_tables", Kind.USER), ("tables", Kind.TENANT)):
            for known, column in getattr(declaration, key).items():
                if self.names.table(known, key).qualified == name:
                    return TableModel(table, kind, column, f"declared in {key}")
        if self.registry and self.registry[0] == name:
            return TableModel(table, Kind.TENANT, self.registry[1], "the registry of tenants")
        if self.users and self.users[0] == name and self.memberships:
            return TableModel(table, Kind.MEMBER, None, f"the users of {self.memberships.table}")
        column = self._tenant_column(table)
        if column is None:
            return None
        of_schema = column == declaration.schemas.get(table.schema)
        reason = f"tenant column of schema {table.schema}" if of_schema else "has a tenant column"
        return TableModel(table, Kind.TENANT, column, reason)

    def _tenant_column(self, table: Table) -> str | None:
        """The tenant column of its schema, or the first that is called like one."""
        named = (self.declaration.schemas.get(table.schema), *self.columns)
        return next((column for column in named if column in table.columns), None)

    def _classify_further(self, table: Table, scope: Scope, default: ScopeModel, by_user: bool) -> TableModel:
        """A table that a further scope does not name: its own business only where its roles reach it."""
        as_default = default.tables[table.qualified]
        if not by_user or not as_default.protected or not self._reachable(table, scope):
            return as_default
        return TableModel(table, Kind.ROW, None, f"reached by {', '.join(scope.app_roles)} through rows of their own")

    def _inferred_kind(self, table: Table, scope: Scope) -> TableModel:
        if not any(self._reachable(table, each) for each in self.declaration.scopes):
            return TableModel(table, Kind.INTERNAL, None, "no app role has a privilege on it")
        users = self.user_columns[table.qualified]
        if users and scope.names_user:
            return TableModel(table, Kind.USER, users[0], "has a user column and no tenant column")
        renamed = self._renamed_key(table)
        if renamed is not None:
            reason = f"{renamed} is named like a tenant and has the type of the registry's key"
            return TableModel(table, Kind.TENANT, renamed, reason)
        writable = any(self._may_write(table, each) for each in self.declaration.scopes)
        readable = any(self._may(table, each, "select") for each in self.declaration.scopes)
        if not writable and not table.foreign_keys:
            return TableModel(table, Kind.SHARED, None, "app roles only read it and it references nothing")
        if not readable and not table.foreign_keys:
            return TableModel(table, Kind.SHARED, None, "app roles only add to it and read nothing back")
        if table.rls and not table.policies and (table.forced or table.owner not in self.declaration.app_roles):
            return TableModel(table, Kind.SHARED, None, "row security without a policy keeps every app role out")
        return TableModel(table, Kind.UNKNOWN, None, "reachable by app roles, without a tenant column")

    def _renamed_key(self, table: Table) -> str | None:
        """The tenant's key under another name, as copies and rollups have it that nothing references."""
        if self.registry is None or table.qualified == self.registry[0]:
            return None
        key = self.relations.tables[self.registry[0]].columns[self.registry[1]]
        for column in table.columns.values():
            named = _TENANT_COLUMN.match(column.name) or _SHORT_TENANT.match(column.name)
            alone = table.primary_key == (column.name,) and len(table.columns) < 3
            if named and column.base == key.base and not alone and not self._in_foreign_key(table, column.name):
                return column.name
        return None

    def _inherit(self, model: TableModel, tables: Mapping[str, TableModel]) -> TableModel:
        """Children of a table with known tenants: partitions and rows that reference it."""
        if model.kind not in (Kind.UNKNOWN, Kind.INTERNAL) or model.reason.startswith("declared"):
            return model
        for parent in model.table.parents:
            if parent in tables and tables[parent].protected:
                found = tables[parent]
                return TableModel(model.table, found.kind, found.column, f"child of {parent}")
        if model.kind is not Kind.UNKNOWN:
            return model
        targets = [tables[key.target] for key in model.table.foreign_keys if key.target in tables]
        for target in targets:
            if target.protected:
                return TableModel(model.table, Kind.ROW, None, f"references {target.table.qualified}")
        written = any(self._may_write(model.table, each) for each in self.declaration.scopes)
        if targets and not written and all(target.kind is Kind.SHARED for target in targets):
            return TableModel(model.table, Kind.SHARED, None, "app roles only read it and it references shared tables")
        return model

    def _compared_alike(self, tables: Mapping[str, TableModel]) -> dict[str, TableModel]:
        """Tables that nothing else tells of, where policies compare a column with what is the tenant elsewhere."""
        tenants = {
            expression
            for each in tables.values()
            if each.kind is Kind.TENANT and each.column
            for expression in caller_expressions(_policy_text(each.table, " and "), each.column)
        }
        found = {}
        for name, each in tables.items():
            for column in each.table.columns if each.kind is Kind.UNKNOWN and tenants else ():
                if tenants & set(caller_expressions(_policy_text(each.table, " and "), column)):
                    found[name] = TableModel(each.table, Kind.TENANT, column, "policies compare it with the tenant")
                    break
        return found

    def _reachable(self, table: Table, scope: Scope) -> bool:
        return any(self.relations.privileges[role, table.qualified].reachable for role in scope.app_roles)

    def _may(self, table: Table, scope: Scope, privilege: str) -> bool:
        return any(self.relations.may(role, table, privilege) for role in scope.app_roles)

    def _may_write(self, table: Table, scope: Scope) -> bool:
        return any(self._may(table, scope, name) for name in ("insert", "update", "delete", "truncate"))


def _policy_text(table: Table, glue: str = " ") -> str:
    return glue.join(text for policy in table.policies for text in (policy.using, policy.check) if text)
