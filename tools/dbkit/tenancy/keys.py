"""Find who the tenants and users of a database are, and which columns hold their ids.

What is declared is checked (a name that does not exist is an error), what is absent is inferred, with the reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dbkit.tenancy.declaration import Declaration, Memberships
from dbkit.tenancy.evidence import (
    columns_of_context,
    compared_alike,
    compared_columns,
    paired_columns,
    registry_columns,
)
from dbkit.tenancy.names import Names
from dbkit.tenancy.relations import Relations, Table
from dbkit.tenancy.spelled import with_user_for_constants

__all__ = [
    "TENANT_COLUMN",
    "USER_COLUMN",
    "Keys",
    "find_keys",
    "in_foreign_key",
    "looked_up",
    "policy_text",
    "references",
]

_TENANT_WORDS = (
    "tenant|organi[sz]ation|org|company|account|workspace|team|customer|agency|clinic|shop|store|client|school|firm"
    "|business|merchant|landlord|practice|site|project"
)
TENANT_COLUMN = re.compile(rf"^(?:{_TENANT_WORDS})(?:_?(?:id|uuid|key|code|slug|ref))?$|^owner_user_id$")
_TENANT_TABLE = re.compile(rf"^(?:{_TENANT_WORDS})(?:s|es)?$|^companies$|^agencies$|^businesses$")
USER_COLUMN = re.compile(
    r"^(?:auth_)?(?:user|member|profile|person|owner|owner_user|author|created_by|uploaded_by|invited_by|assigned_to)"
    r"(?:_?(?:id|uuid))?$|^uid$|^sub$"
)
_LOOKED_UP = re.compile(
    r"\b(\w+)\s*=\s*\(+\s*select\s+(?:\w+\.)?(\w+)(?:\s+as\s+\w+)?\s+from\s+(?:\w+\.)?(\w+)", re.IGNORECASE
)
_USER_TABLE = re.compile(r"^(?:app_)?(?:users?|profiles?|people|persons?|user_profiles)$")


@dataclass(frozen=True)
class Keys:
    """Where the ids of tenants and users are.

    Attributes:
        declaration: as it is declared; where memberships are known, with {user} for the users its context spells out.
        columns: names of tenant columns.
        registry: table and column that list the tenants.
        users: table and column that list the users.
        user_columns: table -> columns that hold a user id.
        person_columns: the same with those in which a row may name somebody else, such as whom it is shared with.
        inferred: (what, value, reason) of everything that was not declared.
    """

    declaration: Declaration
    relations: Relations
    names: Names
    columns: tuple[str, ...]
    registry: tuple[str, str] | None
    users: tuple[str, str] | None
    user_columns: dict[str, tuple[str, ...]]
    person_columns: dict[str, tuple[str, ...]]
    memberships: Memberships | None
    inferred: tuple[tuple[str, str, str], ...]


def find_keys(declaration: Declaration, relations: Relations) -> Keys:
    """Check the names that are declared and infer the keys that are not.

    Raises:
        DbkitError: a declared name does not exist (the message names it and the nearest one that does).
    """
    return _Finder(declaration, relations).find()


def references(relations: Relations, table_name: str, column: str) -> tuple[str, str] | None:
    """What a column references by a foreign key of its own."""
    table = relations.tables.get(table_name)
    for key in table.foreign_keys if table else ():
        if key.columns == (column,):
            return key.target, key.target_columns[0]
    return None


def in_foreign_key(table: Table, column: str) -> bool:
    """Whether a column is part of any reference."""
    return any(column in key.columns for key in table.foreign_keys)


def policy_text(table: Table, glue: str = " ") -> str:
    """All conditions of a table's policies as one text."""
    return glue.join(text for policy in table.policies for text in policy.texts)


def looked_up(relations: Relations, table: Table) -> Iterator[tuple[str, Table, str]]:
    """Columns that a table's policies compare with what a row of another table says, with that table and its column.

    As in `household = (select p.household from people p where …)`.
    """
    for column, theirs, name in _LOOKED_UP.findall(policy_text(table)):
        for other in relations.base_tables:
            if other.name == name and other is not table and column in table.columns and theirs in other.columns:
                yield column, other, theirs


class _Finder:
    """Holds the declaration and the catalog while the keys are worked out, step by step."""

    def __init__(self, declaration: Declaration, relations: Relations) -> None:
        self.relations = relations
        self.inferred: list[tuple[str, str, str]] = []
        self.declaration = declaration
        self.names = Names(declaration, relations)

    def find(self) -> Keys:
        self.names.check()
        context = [statement for scope in self.declaration.scopes for statement in scope.context]
        self.pairs = [*columns_of_context(context, self.relations), *paired_columns(self.relations)]
        self.columns = self._tenant_columns()
        registry = self._registry()
        self.users = self._users()
        self.user_columns = self._user_columns()
        memberships = self._with_any_user()
        if memberships and not self.users:
            self.users = self._references(memberships.table, memberships.user_column)
        return Keys(
            declaration=self.declaration,
            relations=self.relations,
            names=self.names,
            columns=self.columns,
            registry=registry,
            users=self.users,
            user_columns=self.user_columns,
            person_columns=self._with_alike(self.user_columns, written=False),
            memberships=memberships,
            inferred=tuple(self.inferred),
        )

    def _tenant_columns(self) -> tuple[str, ...]:
        declared = self.declaration.columns
        if declared:
            return declared
        counts: Counter[str] = Counter()
        for table in self.relations.base_tables:
            words = set(re.findall(r"[a-z_][a-z0-9_]*", policy_text(table).lower()))
            for column in table.columns:
                if TENANT_COLUMN.match(column):
                    # A column that policies compare says more than a name.
                    counts[column] += 10 if column in words else 1
        known = [name for name, count in counts.most_common() if count >= 10]
        compared = self._without_parts(known, counts) or self._compared_with_context()
        columns = self._of_persons(tuple(compared or [name for name, _ in counts.most_common()]))
        if columns:
            reason = "compared in policies" if compared else "named like a tenant column"
            self.inferred.append(("columns", ", ".join(columns), reason))
        return columns

    def _without_parts(self, columns: list[str], counts: Counter[str]) -> list[str]:
        """Without what is only called like a tenant and is a part of one: the projects that an organization has.

        Such a column references rows that name their tenant by another of these columns. The whole is the tenant where
        people are members of it; where they are of neither, the one that more is compared with.
        """
        joined = {name for table in self.relations.base_tables for name in self._paired_with_user(table, columns)}
        parts = set()
        for name in columns:
            targets = [self._references(table.qualified, name) for table in self.relations.base_tables]
            leads = {target[0] for target in targets if target}
            wholes = {
                whole
                for target in leads
                for whole in columns
                if whole != name and whole in self.relations.tables[target].columns
            }
            if wholes & joined or (name not in joined and any(counts[whole] > counts[name] for whole in wholes)):
                parts.add(name)
        return [name for name in columns if name not in parts]

    def _paired_with_user(self, table: Table, columns: list[str]) -> Iterator[str]:
        """Tenant columns that are unique together with a user's: memberships."""
        for unique in table.uniques:
            if len(unique.columns) == 2 and any(USER_COLUMN.match(name or "") for name in unique.columns):
                yield from (name for name in unique.columns if name in columns)

    def _of_persons(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Where callers are persons and most rows name their owner, what else is named are things that persons own."""
        if any(scope.names_tenant or not scope.context for scope in self.declaration.scopes):
            return columns
        persons = tuple(name for name in columns if USER_COLUMN.match(name))
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
        return [name for name in compared if not USER_COLUMN.match(name)]

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
                target = self._references(table.qualified, column)
                if target and target[0] != table.qualified:
                    targets[target] += 1
        for (table_name, column), count in targets.most_common():
            target_table = self.relations.tables[table_name]
            name = target_table.name
            # What references nothing itself is no child of tenants, whatever it is called.
            root = not target_table.foreign_keys and not set(self.columns) & target_table.columns.keys()
            known = any(map(TENANT_COLUMN.match, self.columns)) and not root
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
            return self._references(table.qualified, membership.user_column)
        for table in self.relations.base_tables:
            if _USER_TABLE.match(table.name) and len(table.primary_key) == 1:
                self.inferred.append(("users", f"{table.qualified}.{table.primary_key[0]}", "named like a user table"))
                return table.qualified, table.primary_key[0]
        return None

    def _user_columns(self) -> dict[str, tuple[str, ...]]:
        """Columns that hold a user id: they reference the users, or are named so and reference nothing."""
        found: dict[str, tuple[str, ...]] = {}
        partial = set(paired_columns(self.relations)) - set(paired_columns(self.relations, whole=True))
        for table in self.relations.base_tables:
            # A path that begins with a user's id says nothing of what is called alike in another table.
            pairs = [pair for pair in self.pairs if pair not in partial or set(pair) <= table.columns.keys()]
            names = []
            for column in table.columns:
                target = self._person(self._references(table.qualified, column))
                if (self.users and target == self.users) or (
                    target is None
                    and (USER_COLUMN.match(column) or any(column == user for user, _ in pairs))
                    and not in_foreign_key(table, column)
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
            named = [c for c in sorted(columns) if c not in self.columns and not in_foreign_key(table, c)]
            found[name] = tuple(dict.fromkeys((*found[name], *named)))
        return found

    def _person(self, target: tuple[str, str] | None) -> tuple[str, str] | None:
        """What a reference leads to in the end, where profiles have the key of the user they are about."""
        further = self._references(*target) if target else None
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

    def _references(self, table_name: str, column: str) -> tuple[str, str] | None:
        return references(self.relations, table_name, column)
