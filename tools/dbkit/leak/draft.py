"""One row in the making: its first values, and what is mended about it after each refusal of the server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from dbkit.leak.arrays import tenant_arrays
from dbkit.leak.edits import read_of_caller
from dbkit.leak.lookalikes import begins_with_caller
from dbkit.leak.partitions import partition_bounds
from dbkit.leak.rows import Values, ordinal
from dbkit.leak.session import Outcome
from dbkit.leak.solving import solve
from dbkit.leak.standings import in_force, mightiest
from dbkit.leak.values import check_candidates, first_value, is_role_column, marker, privileged_first
from dbkit.tenancy.declaration import Memberships
from dbkit.tenancy.expressions import columns_in, comparisons
from dbkit.tenancy.keys import policy_text
from dbkit.tenancy.model import Kind
from dbkit.tenancy.relations import Check, Column, ForeignKey, Table, literal

if TYPE_CHECKING:
    from dbkit.leak.synthesis import Synthesis

__all__ = ["ENDED", "Draft"]

# Who ended something: a row is made as it is in use, so these stay empty.
ENDED = re.compile(r"^(?:deleted|removed|archived|revoked|suspended|cancell?ed|closed|rejected)_")
# A key that a policy reads out of a document: of a column, or of the claims that a column is compared with.
_KEY = re.compile(r"->>\s*'([^']+)'")
# `branch = (select c.branch from customers c …`: what the row of another table says.
_LOOKED_UP = r"\b{column}\s*=\s*\(+\s*select\s+(?:\w+\.)?(\w+)(?:\s+as\s+\w+)?\s+from\s+(?:\w+\.)?(\w+)"
_USER_KEY = re.compile(r"user|actor|author|member|^sub$|^uid$", re.IGNORECASE)
_OTHER_KEY = re.compile(r"^(?:role|roles|email|aal|exp|iat|aud|iss|is_.*|type|kind|status|state)$", re.IGNORECASE)


class Draft:
    """Values of a row in the making, and what may still be changed about it."""

    def __init__(self, synthesis: Synthesis, table: Table, slot: str, generation: int, user: str | None = None) -> None:
        self.synthesis = synthesis
        self.table = table
        self.slot = slot
        identities = synthesis.population.identities
        self.identity = replace(identities[slot], user=identities[user or slot].user)
        self.user_slot = user or slot
        self.number = generation * 100
        self.values: Values = {}
        self.fixed: set[str] = set()  # says whose row it is, or references another row
        self.referencing: dict[str, tuple[ForeignKey, str]] = {}  # column of one reference -> it, its target's column
        self.solved: dict[tuple[str, ...], set[tuple[str | None, ...]]] = {}  # tried before
        self._keys()
        # A generated column that says whose row it is asks the same of its sources as a CHECK would.
        self.checks = [*table.checks, *map(self._generation, filter(self._is_generated, self.fixed))]
        self._overrides()
        self._references()
        for column in table.columns.values():
            if column.name not in self.values:
                self._fill(column)
        for check in self.checks[len(table.checks) :]:
            solve(self, check)

    @property
    def given(self) -> Values:
        """The values an INSERT names: what the server generates out of them stays away."""
        return {name: value for name, value in self.values.items() if not self.table.columns[name].generated}

    @property
    def who(self) -> str:
        return self.slot

    def _keys(self) -> None:
        name, model = self.table.qualified, self.synthesis.model
        for column in model.user_columns.get(name, ()):
            ended = self.table.columns[column].nullable and ENDED.match(column)
            self._fix(column, None if ended else self.identity.user)
        for column in model.login_columns.get(name, ()) if self.identity.login is not None else ():
            self._fix(column, self.identity.login)
        for scope in model.scopes:
            table_model = scope.tables[name]
            if table_model.kind is Kind.USER and table_model.column:
                self._fix(table_model.column, self.identity.user)
        for column in tenant_arrays(model, self.table):
            self._fix(column, "{" + self.identity.tenant + "}")
        memberships = model.memberships
        if memberships and memberships.table == name:
            self._fix(memberships.tenant_column, self.identity.tenant)
            self._fix(memberships.user_column, self.identity.user)
            self._membership(memberships)
        default = self.synthesis.default.tables[name]
        if default.kind in (Kind.TENANT, Kind.INTERNAL) and default.column:
            self._fix(default.column, self.identity.tenant)
        elif default.kind is Kind.USER:
            for column in model.tenant_columns:
                if column in self.table.columns and not any(column in key.columns for key in self.table.foreign_keys):
                    self._fix(column, self.identity.tenant)

    def _membership(self, memberships: Memberships) -> None:
        """A membership in force, of the highest rank: the attacker is given every right inside its own tenant."""
        keys = (memberships.user_column, memberships.tenant_column)
        for column in self.table.columns.values():
            if column.filled_by_server or column.name in keys:
                continue
            said = in_force(self.table, column)
            if said is None and not any(column.name in key.columns for key in self.table.foreign_keys):
                said = mightiest(self.synthesis.model, self.table, column)
            if said is not None and said != (column.default or "").partition("::")[0].strip("'"):
                self._fix(column.name, said)

    def _is_generated(self, name: str) -> bool:
        return self.table.columns[name].generated

    def _generation(self, name: str) -> Check:
        column = self.table.columns[name]
        sources = columns_in(column.default or "", self.table.name, self.table.columns)
        return Check("", (name, *sorted(sources)), f"{column.sql} is not distinct from {column.default}")

    def _fix(self, column: str, value: str | None) -> None:
        self.values[column] = value
        self.fixed.add(column)

    def _overrides(self) -> None:
        for path, texts in self.synthesis.model.declaration.values.items():
            table_name, _, column = path.rpartition(".")
            if table_name in (self.table.qualified, self.table.name):
                text = texts[min(int(self.user_slot[1]), len(texts)) - 1]
                value = text.replace("{tenant}", self.identity.tenant).replace("{user}", self.identity.user)
                self._fix(column, value.replace("{n}", str(self.number + ordinal(self.slot))))

    def _references(self) -> None:
        for key in self.table.foreign_keys:
            free = [name for name in key.columns if name not in self.fixed]
            if len(key.columns) == 1 and self._names_somebody(key.columns[0]):
                self.referencing[key.columns[0]] = key, key.target_columns[0]
            if not free:
                continue
            optional = any(self.table.columns[name].nullable for name in free)
            found = None
            if key.target != self.table.qualified or not optional:
                found = self.synthesis.referenced(self.table, key, self.slot)
            if found is None:
                if optional:
                    for name in free:
                        if self.table.columns[name].nullable:
                            self._fix(name, None)
                continue
            for name, value in zip(key.columns, found, strict=True):
                if name not in self.fixed:
                    self._fix(name, value)
            if len(free) == 1:
                self.referencing[free[0]] = key, key.target_columns[key.columns.index(free[0])]

    def _names_somebody(self, column: str) -> bool:
        """Whether a column holds a user that may as well be another one of the same tenant."""
        model, name = self.synthesis.model, self.table.qualified
        owning = {scope.tables[name].column for scope in model.scopes}
        if model.memberships and model.memberships.table == name:
            owning |= {model.memberships.user_column, model.memberships.tenant_column}
        registry = model.users and model.users[0] == name
        return column in model.user_columns.get(name, ()) and column not in owning and not registry

    def _fill(self, column: Column) -> None:
        if column.filled_by_server or column.identity:
            return
        if column.default is not None and not self._tells_of_caller(column):
            if is_role_column(column.name) and self._inside_tenant():
                self._prefer_privileged(column)
            return
        plain = column.base in ("text", "varchar") and not column.domains and not self._checks(column.name)
        if not column.nullable or plain or self._asked_of_caller(column):
            self._generate(column)

    def _asked_of_caller(self, column: Column) -> bool:
        """Whether a policy compares the column with a setting, as the token of a shared link: an empty one opens
        nothing."""
        if column.base not in ("uuid", "text", "varchar") or column.name in self.fixed:
            return False
        helpers = self.synthesis.relations.helpers
        texts = (text for policy in self.table.policies for text in policy.texts if column.name in text)
        return any(
            found.column == column.name
            for text in texts
            for found in comparisons(text, self.table.name, self.table.columns, helpers)
        )

    def _tells_of_caller(self, column: Column) -> bool:
        """Whether a policy reads the column of the caller's own row, as its household: no two tenants share a value."""
        if column.name in self.fixed or self.synthesis.model.user_columns.get(self.table.qualified, ()) == ():
            return False
        compared = column.base not in ("bool", "json", "jsonb") and not column.labels and not self._checks(column.name)
        return compared and read_of_caller(self.synthesis.relations, self.table, column)

    def _inside_tenant(self) -> bool:
        """Whether a role named here is one inside the tenant; a platform-wide one is not the attacker's to have."""
        memberships = self.synthesis.model.memberships
        default = self.synthesis.default.tables[self.table.qualified]
        return default.kind is Kind.TENANT or (memberships is not None and memberships.table == self.table.qualified)

    def _prefer_privileged(self, column: Column) -> None:
        choices = [
            value for value in check_candidates(column, self._checks(column.name), self.who, self.number) if value
        ] or list(column.labels)
        if choices:
            self.values[column.name] = privileged_first(choices)[0]

    def _generate(self, column: Column) -> None:
        """A value of the column's type; for a domain the first candidate that the domain accepts."""
        guess = first_value(self.table.qualified, column, self.who, self.number)
        if column.base in ("json", "jsonb") and not self.number % 100:
            guess = json.dumps(self.payload(column))
        elif not self.number % 100:
            guess = self._followed(column) or self._named_alike(column) or guess
        if guess is not None and self._below_tenant(column):
            guess = f"{self.identity.tenant}/{guess}"
        checks = [
            check for domain in column.domains for check in self.synthesis.relations.domain_checks.get(domain, ())
        ]
        if checks:
            for value in [guess, *check_candidates(column, checks, self.who, self.number)]:
                if value is not None and self.accepted(column, value):
                    guess = value
                    break
        if guess is not None or not column.nullable:
            self.values[column.name] = guess

    def payload(self, column: Column) -> dict[str, str]:
        """A document that says whose it is under every key that a policy might look for, and nothing twice."""
        model, about = self.synthesis.model, self.synthesis.relations.base_tables
        policies = " ".join(map(policy_text, about))
        generated = " ".join(c.default or "" for c in self.table.columns.values() if c.generated)
        keys = {*model.tenant_columns, *(_KEY.findall(f"{policies} {generated}"))}
        payload = {
            key: self.identity.user if _USER_KEY.search(key) else self.identity.tenant
            for key in sorted(keys)
            if not _OTHER_KEY.match(key)
        }
        return {**payload, "note": marker(self.table.qualified, column.name, self.who, self.number)}

    def _followed(self, column: Column) -> str | None:
        """A value that a policy follows without a foreign key: the id of an own row, or the word for its table."""
        policies = policy_text(self.table)
        names = set(re.findall(r"[a-z_][a-z0-9_]*", policies))
        if column.name not in names:
            return None
        for found, table in re.findall(_LOOKED_UP.format(column=re.escape(column.name)), policies, re.IGNORECASE):
            for name, rows in self.synthesis.population.tables.items():
                if name.rpartition(".")[2] == table and self.slot in rows.rows:
                    return rows.rows[self.slot].get(found)
        for name, rows in self.synthesis.population.tables.items():
            target = self.synthesis.relations.tables[name]
            key = target.primary_key
            if target is self.table or target.name not in names or self.slot not in rows.rows or not key:
                continue
            if column.base == "uuid" or column.name.endswith("_id"):
                if target.columns[key[-1]].base == column.base:
                    return str(rows.rows[self.slot][key[-1]])
                continue
            kinds = " ".join(check.expression for check in self._checks(column.name))
            for kind in re.findall(r"'([^']+)'", kinds):
                if target.name.startswith(kind) and f"'{kind}'" in policies:
                    return str(kind)
        return None

    def _named_alike(self, column: Column) -> str | None:
        """The id of an own row of the one table whose key has the same name: a trigger may follow it."""
        keys = [
            (name, table)
            for name in self.synthesis.population.tables
            for table in [self.synthesis.relations.tables[name]]
            if table is not self.table and column.name in table.primary_key[-1:]
        ]
        if len(keys) != 1 or keys[0][1].columns[column.name].base != column.base or not column.name.endswith("_id"):
            return None
        return self.synthesis.population.tables[keys[0][0]].rows.get(self.slot, {}).get(column.name)

    def _below_tenant(self, column: Column) -> bool:
        """Whether a policy admits what begins with the caller's tenant: a path, made below the tenant's own."""
        of_text = column.base in ("text", "varchar") and column.name not in self.fixed
        return of_text and begins_with_caller(policy_text(self.table), column.name)

    def accepted(self, column: Column, value: str) -> bool:
        """Whether the server takes the value for the column's type, a domain's CHECKs included."""
        return not self.synthesis.ask(f"select {literal(value)}::{column.type}").refused

    def _checks(self, column: str) -> list[Check]:
        return [check for check in self.checks if column in check.columns]

    # Mending after a refusal

    def mend(self, outcome: Outcome) -> bool:
        """Change the draft by what the server said; False when nothing is left to try."""
        self.number += 1
        if outcome.sqlstate == "23502" and outcome.column in self.table.columns:
            column = self.table.columns[outcome.column or ""]
            if self.values.get(column.name) is not None or column.filled_by_server:
                return False
            self.fixed.discard(column.name)
            self._generate(column)
            return self.values.get(column.name) is not None
        if outcome.sqlstate == "23514":
            return self._mend_check(outcome)
        if outcome.sqlstate in ("23505", "23P01"):
            return self._mend_unique(outcome)
        if outcome.sqlstate == "23503":
            return self._mend_reference(outcome)
        return self._drop_optional()

    def _mend_check(self, outcome: Outcome) -> bool:
        if not outcome.constraint and self.table.kind == "p":
            return self._mend_partition()
        for check in self.table.checks:
            if check.name == outcome.constraint:
                return solve(self, check)
        # A CHECK of a domain: the error names the domain, not the column.
        changed = False
        for column in self.table.columns.values():
            if any(domain.rpartition(".")[2] == outcome.datatype for domain in column.domains):
                self._generate(column)
                changed = column.name in self.values or changed
        return changed

    def _mend_partition(self) -> bool:
        """No partition takes the row: it is made for one that there is, as if a CHECK of the table said so."""
        for bounds in partition_bounds(self.synthesis.session, self.table):
            if bounds not in self.checks:
                self.checks.append(bounds)
                if solve(self, bounds):
                    return True
                self.checks.remove(bounds)
        return False

    def _mend_unique(self, outcome: Outcome) -> bool:
        """Another value for the columns of the index that are ours to choose."""
        changed = False
        for unique in self.table.uniques:
            if unique.name != outcome.constraint:
                continue
            names = [name for name in unique.columns if name] or list(self.values)
            for name in names:
                column = self.table.columns[name]
                if name not in self.fixed and not column.filled_by_server:
                    before = self.values.get(name)
                    self._generate(column)
                    changed = changed or self.values.get(name) != before
            if not changed:
                changed = self._empty_optional(names)
        return changed

    def _empty_optional(self, names: Iterable[str]) -> bool:
        for name in names:
            if self.table.columns[name].nullable and self.values.get(name) is not None:
                self.values[name] = None
                return True
        return False

    def _mend_reference(self, outcome: Outcome) -> bool:
        for key in self.table.foreign_keys:
            if key.name != outcome.constraint:
                continue
            found = self.synthesis.referenced(self.table, key, self.slot)
            new = dict(zip(key.columns, found, strict=True)) if found else {}
            if new and any(self.values.get(name) != value for name, value in new.items()):
                self.values.update(new)
                return True
            return self._empty_optional(key.columns)
        return False

    def _drop_optional(self) -> bool:
        """An error without a constraint (a trigger, a cast): try again with only what is necessary."""
        optional = [
            name
            for name in self.values
            if name not in self.fixed and (self.table.columns[name].nullable or self.table.columns[name].default)
        ]
        for name in optional:
            del self.values[name]
        return bool(optional)

    def twin(self) -> Values | None:
        """The row of the same tenant that is this row too, where a unique key leaves no choice (one row a tenant)."""
        rows = self.synthesis.population.tables[self.table.qualified].rows
        for unique in self.table.uniques:
            names = [name for name in unique.columns if name]
            if unique.partial or len(names) != len(unique.columns) or not set(names) <= self.fixed:
                continue
            for slot, row in rows.items():
                if slot[0] == self.slot[0] and all(row[name] == self.values[name] is not None for name in names):
                    return row
        return None
