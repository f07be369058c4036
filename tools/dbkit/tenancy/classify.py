"""Judge every table of a database by the declared tenancy: whose rows are these, and how do we know.

Each table keeps the reason, which `dbkit leak --model` prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dbkit.tenancy.declaration import Declaration, Scope
from dbkit.tenancy.evidence import login_columns
from dbkit.tenancy.expressions import caller_expressions
from dbkit.tenancy.keys import (
    TENANT_COLUMN,
    USER_COLUMN,
    Keys,
    find_keys,
    in_foreign_key,
    looked_up,
    policy_text,
    references,
)
from dbkit.tenancy.model import Kind, Model, ScopeModel, TableModel
from dbkit.tenancy.relations import Relations, Table
from dbkit.tenancy.sealing import seals_settings

__all__ = ["build_model"]

_SHORT_TENANT = re.compile(r"^(?:acct|cust|tnt|grp|group|owner|subscriber)(?:_?(?:id|key|no|ref))?$")
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


def build_model(declaration: Declaration, relations: Relations, *, isolation: str | None = None) -> Model:
    """Check the declaration against the catalog and classify every table.

    Args:
        isolation: `[core] isolation` where the core module is in use; "trusted" means settings are believed.

    Raises:
        DbkitError: a declared name does not exist (the message names it and the nearest one that does).
    """
    schemas = {table.schema for table in relations.tables.values()}
    keys = find_keys(declaration.fitted(schemas, relations.roles), relations)
    classifier = _Classifier(keys, isolation)
    default = classifier.scope_model(keys.declaration.scopes[0], None)
    further = [classifier.scope_model(scope, default) for scope in keys.declaration.scopes[1:]]
    tenant_is_user = _tenant_is_user(keys, default)
    inferred = [*keys.inferred, ("tenant ids", "are user ids", tenant_is_user)] if tenant_is_user else keys.inferred
    return Model(
        declaration=keys.declaration,
        relations=relations,
        registry=keys.registry,
        users=keys.users,
        memberships=keys.memberships,
        scopes=(default, *further),
        tenant_is_user=tenant_is_user is not None,
        user_columns=keys.user_columns,
        person_columns=keys.person_columns,
        login_columns=login_columns(relations),
        tenant_columns=keys.columns,
        shared_views=frozenset(
            table.qualified
            for table in (keys.names.table(known, "shared") for known in keys.declaration.shared)
            if table.kind in ("v", "m", "f")
        ),
        inferred=tuple(inferred),
    )


def _tenant_is_user(keys: Keys, default: ScopeModel) -> str | None:
    """What says that a tenant is a user: a tenant column that references the users, or callers who are nothing else."""
    for name, table in default.tables.items():
        if table.kind is not Kind.TENANT or table.column is None:
            continue
        target = references(keys.relations, name, table.column)
        if target is not None and target == keys.users:
            return f"{name}.{table.column} references {target[0]}"
    scope = default.scope
    persons = bool(keys.columns) and all(map(USER_COLUMN.match, keys.columns))
    if persons and scope.names_user and not scope.names_tenant and not (keys.registry or keys.memberships):
        return f"the context names a user only, and {', '.join(keys.columns)} one too"
    return None


class _Classifier:
    """The kind of each table, by the keys that were found and what the roles may do."""

    def __init__(self, keys: Keys, isolation: str | None) -> None:
        self.keys = keys
        self.relations = keys.relations
        self.isolation = isolation

    def scope_model(self, scope: Scope, default: ScopeModel | None) -> ScopeModel:
        by_user = default is not None and not scope.names_tenant and bool(scope.tables)
        tables: dict[str, TableModel] = {}
        for table in sorted(self.relations.base_tables, key=lambda table: table.qualified):
            tables[table.qualified] = self._classify(table, scope, default, by_user)
        for _ in tables:  # a chain of references is as long as it is, in whatever order its tables are named
            inherited = {name: self._inherit(table_model, tables) for name, table_model in tables.items()}
            if inherited == tables:
                break
            tables = inherited
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
        name, declaration = table.qualified, self.keys.declaration
        by_name = {
            self.keys.names.table(known, key).qualified: key
            for key in ("shared", "internal")
            for known in getattr(declaration, key)
        }
        own = {self.keys.names.table(known, "tables").qualified: column for known, column in scope.tables.items()}
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
        declaration, name = self.keys.declaration, table.qualified
        for key, kind in (("user_tables", Kind.USER), ("tables", Kind.TENANT)):
            for known, column in getattr(declaration, key).items():
                if self.keys.names.table(known, key).qualified == name:
                    return TableModel(table, kind, column, f"declared in {key}")
        if self.keys.registry and self.keys.registry[0] == name:
            return TableModel(table, Kind.TENANT, self.keys.registry[1], "the registry of tenants")
        if self.keys.users and self.keys.users[0] == name and self.keys.memberships:
            return TableModel(table, Kind.MEMBER, None, f"the users of {self.keys.memberships.table}")
        column = self._tenant_column(table)
        if column is None:
            return None
        of_schema = column == declaration.schemas.get(table.schema)
        reason = f"tenant column of schema {table.schema}" if of_schema else "has a tenant column"
        return TableModel(table, Kind.TENANT, column, reason)

    def _tenant_column(self, table: Table) -> str | None:
        """The tenant column of its schema, or the first that is called like one."""
        named = (self.keys.declaration.schemas.get(table.schema), *self.keys.columns)
        return next((column for column in named if column in table.columns), None)

    def _classify_further(self, table: Table, scope: Scope, default: ScopeModel, by_user: bool) -> TableModel:
        """A table that a further scope does not name: its own business only where its roles reach it."""
        as_default = default.tables[table.qualified]
        if not by_user or not as_default.protected or not self._reachable(table, scope):
            return as_default
        return TableModel(table, Kind.ROW, None, f"reached by {', '.join(scope.app_roles)} through rows of their own")

    def _inferred_kind(self, table: Table, scope: Scope) -> TableModel:
        if not any(self._reachable(table, each) for each in self.keys.declaration.scopes):
            return TableModel(table, Kind.INTERNAL, None, "no app role has a privilege on it")
        users = self.keys.user_columns[table.qualified]
        if users and scope.names_user and not self._only_written_by(table, users):
            return TableModel(table, Kind.USER, users[0], "has a user column and no tenant column")
        told = self._told_by_own_row(table)
        if told is not None:
            return TableModel(table, Kind.ROW, None, f"policies compare it with what the caller's row of {told} says")
        renamed = self._renamed_key(table)
        if renamed is not None:
            reason = f"{renamed} is named like a tenant and has the type of the registry's key"
            return TableModel(table, Kind.TENANT, renamed, reason)
        writable = any(self._may_write(table, each) for each in self.keys.declaration.scopes)
        readable = any(self._may(table, each, "select") for each in self.keys.declaration.scopes)
        if not writable and not table.foreign_keys:
            return TableModel(table, Kind.SHARED, None, "app roles only read it and it references nothing")
        if not readable and not table.foreign_keys:
            return TableModel(table, Kind.SHARED, None, "app roles only add to it and read nothing back")
        if table.rls and not table.policies and (table.forced or table.owner not in self.keys.declaration.app_roles):
            return TableModel(table, Kind.SHARED, None, "row security without a policy keeps every app role out")
        return TableModel(table, Kind.UNKNOWN, None, "reachable by app roles, without a tenant column")

    def _told_by_own_row(self, table: Table) -> str | None:
        """The table whose row of the caller's says which rows are theirs: `household = (select p.household from …`."""
        found = (other.qualified for _, other, _ in looked_up(self.relations, table))
        return next((name for name in found if self.keys.user_columns[name]), None)

    def _only_written_by(self, table: Table, users: tuple[str, ...]) -> bool:
        """Whether a user column says who made a row, and what it hangs on whose it is: a comment on a tenant's card.

        So it is where tenants are known, the row references one of theirs and no policy asks for the user to read it.
        """
        words = {
            word
            for policy in table.policies
            if policy.permissive and policy.command in ("all", "select")
            for word in re.findall(r"\w+", policy.using or "")
        }
        return bool(words) and not words & set(users) and self._hangs_on_tenant(table, frozenset())

    def _hangs_on_tenant(self, table: Table, seen: frozenset[str]) -> bool:
        for key in table.foreign_keys:
            target = self.relations.tables.get(key.target)
            if target is None or target.qualified in seen or target is table:
                continue
            column = self._tenant_column(target)
            if (column is not None and column not in self.keys.user_columns[target.qualified]) or (
                self._hangs_on_tenant(target, seen | {table.qualified})
            ):
                return True
        return False

    def _renamed_key(self, table: Table) -> str | None:
        """The tenant's key under another name, as copies and rollups have it that nothing references."""
        if self.keys.registry is None or table.qualified == self.keys.registry[0]:
            return None
        key = self.relations.tables[self.keys.registry[0]].columns[self.keys.registry[1]]
        short = set(self._abbreviations(table))
        for column in table.columns.values():
            named = TENANT_COLUMN.match(column.name) or _SHORT_TENANT.match(column.name) or column.name in short
            alone = table.primary_key == (column.name,) and len(table.columns) < 3
            if named and column.base == key.base and not alone and not in_foreign_key(table, column.name):
                return column.name
        return None

    def _abbreviations(self, table: Table) -> Iterator[str]:
        """Short names of the tenant's key: `sid` for school_id, `clin` for clinic.

        A word is shortened to its beginning, a name of several to their initials too. So short a name is taken for the
        tenant only where it begins a key of several columns, which counts or sums for each tenant.
        """
        leading = {unique.columns[0] for unique in table.uniques if len(unique.columns) > 1}
        for name in self.keys.columns:
            words = [word for word in name.lower().split("_") if word]
            stem = words[0] if words else ""
            initials = "".join(word[0] for word in words) if len(words) > 1 else ""
            beginnings = [stem[:length] for length in range(3, len(stem))]
            rest = "_".join(words[1:])
            ends = {"", "_id", "_no", rest, f"_{rest}"}
            short = {initials, f"{stem[:1]}id", *(start + end for start in beginnings for end in ends)}
            yield from (column for column in leading if column and column.lower() in short)

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
        written = any(self._may_write(model.table, each) for each in self.keys.declaration.scopes)
        if targets and not written and all(target.kind is Kind.SHARED for target in targets):
            return TableModel(model.table, Kind.SHARED, None, "app roles only read it and it references shared tables")
        return model

    def _compared_alike(self, tables: Mapping[str, TableModel]) -> dict[str, TableModel]:
        """Tables that nothing else tells of, where policies compare a column with what is the tenant elsewhere."""
        tenants = {
            expression
            for each in tables.values()
            if each.kind is Kind.TENANT and each.column
            for expression in caller_expressions(policy_text(each.table, " and "), each.column)
        }
        found = {}
        for name, each in tables.items():
            for column in each.table.columns if each.kind is Kind.UNKNOWN and tenants else ():
                if tenants & set(caller_expressions(policy_text(each.table, " and "), column)):
                    found[name] = TableModel(each.table, Kind.TENANT, column, "policies compare it with the tenant")
                    break
        return found

    def _reachable(self, table: Table, scope: Scope) -> bool:
        return any(self.relations.privileges[role, table.qualified].reachable for role in scope.app_roles)

    def _may(self, table: Table, scope: Scope, privilege: str) -> bool:
        return any(self.relations.may(role, table, privilege) for role in scope.app_roles)

    def _may_write(self, table: Table, scope: Scope) -> bool:
        return any(self._may(table, scope, name) for name in ("insert", "update", "delete", "truncate"))
