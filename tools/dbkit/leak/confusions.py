"""Make up victims that a careless policy takes for the attacker: the rows that `checks.policies` attacks with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dbkit.leak.exchange import Caller
from dbkit.leak.lookalikes import begins_with_caller, lookalikes, wildcards
from dbkit.leak.rows import ATTACKER, VICTIM, Identity, Population, Values
from dbkit.leak.values import SECRET, first_value
from dbkit.tenancy.expressions import arms, columns_in, narrowed_beside
from dbkit.tenancy.model import Kind, Model, TableModel
from dbkit.tenancy.relations import Column, Table, literal

__all__ = ["Case", "CaseMaker"]

# A column that itself says who may see the row, apart from the tenant: giving it away is no leak.
_NAMES_A_READER = re.compile(r"e?mail|phone|login|recipient|shared|public|visib|grantee|invite", re.IGNORECASE)
# A row that is open by its own word: such a column is a decision, where nothing else is asked along with the tenant.
_OPEN_BY_WORD = re.compile(r"public|publish|shared?$|visib|listed|template|global|anonym|featured", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WILDCARD = "W1"
# How a column holds a list with one key on it, by its type.
_TOKENS = ("uuid", "bytea", "text", "varchar")
_LISTS = {"jsonb": '["{}"]', "json": '["{}"]', "_text": '{{"{}"}}', "_varchar": '{{"{}"}}', "_uuid": "{{{}}}"}
# Ways through the policies of one table that are tried.
_MOST_WAYS = 12


@dataclass(frozen=True)
class Case:
    """One made-up victim: its row, and how it resembles the attacker's.

    Attributes:
        key: the key in its tenant (or user) column.
        asked: what a way through a policy asks of other columns.
        decided: the way is open by a word of the row itself, such as is_public, and may well be meant so.
        reader: slot of the identity that attacks.
    """

    how: str
    key: str
    values: Values
    rule: str
    category: str
    asked: Values = field(default_factory=dict)
    decided: bool = False
    reader: str = ATTACKER


class CaseMaker:
    """The made-up victims of one table, as one caller meets it."""

    def __init__(self, model: Model, population: Population, caller: Caller, table: TableModel) -> None:
        self.model = model
        self.population = population
        self.caller = caller
        self.table: Table = table.table
        self.table_model = table
        self.rows = population.tables[table.table.qualified]
        self.column = self.table.columns[table.column or ""]

    def cases(self) -> list[Case]:
        return [*self._resembling(), *self._listed(), *self._twins(), *self._opened()]

    def wildcard_identities(self, attacker: Identity) -> dict[str, Identity]:
        """Tenants whose key is a pattern for the victim's, by the slot that cases name as their reader."""
        stored = self.rows.rows[VICTIM][self.column.name] or ""
        return {
            f"{_WILDCARD}{number}": replace(attacker, tenant=key, context_tenant=key)
            for number, (_, key) in enumerate(wildcards(stored, self.column.base))
        }

    def _resembling(self) -> Iterator[Case]:
        """Rows whose key resembles that of the attacker."""
        base, own, theirs = self.column.base, self.rows.rows[ATTACKER], self.rows.spares.get(VICTIM)
        key = own[self.column.name]
        if key is None or theirs is None:
            return
        # A path holds the key as a part: what resembles the part is another's, what is below it is one's own.
        identity = self.population.identities[ATTACKER]
        part = next((each for each in (identity.user, identity.tenant) if each and each in key), key)
        for how, resembling in lookalikes(part, base, self.column.length):
            if part != key and _UUID.fullmatch(part) and resembling.lower() == part.lower():
                continue  # the same id in capitals
            other = key.replace(part, resembling)
            values = {**theirs, self.column.name: other}
            yield Case(f"a key {how}", other, values, "key_compared_in_part", "POL-07")
        stored = self.rows.rows[VICTIM][self.column.name]
        if stored is not None and not self.caller.scope.verifies and self.table_model.kind is Kind.TENANT:
            for number, (how, _) in enumerate(wildcards(stored, base)):
                reader = f"{_WILDCARD}{number}"
                yield Case(
                    f"a key matched by one {how}", stored, theirs, "key_compared_in_part", "POL-07", reader=reader
                )

    def _listed(self) -> Iterator[Case]:
        """The victim's row with a list of its readers, on which stands a key that resembles the attacker's."""
        theirs, stored = self.rows.spares.get(VICTIM), self.rows.rows[VICTIM]
        identity = self.population.identities[ATTACKER]
        if theirs is None or stored[self.column.name] is None:
            return
        texts = [text for policy in self.table.policies for text in policy.texts]
        asked = {name for text in texts for name in columns_in(text, self.table.name, self.table.columns)}
        for name in sorted(asked - {self.column.name}):
            if self.table.columns[name].base in ("text", "varchar") and begins_with_caller(" ".join(texts), name):
                for how, resembling in lookalikes(identity.tenant, "text"):
                    values = {**theirs, name: f"{resembling}/{theirs.get(name) or name}"}
                    key = stored[self.column.name] or ""
                    yield Case(f"{name} below a key {how}", key, values, "key_compared_in_part", "POL-07")
        for name in sorted(asked - {self.column.name, *self.table.primary_key}):
            column = self.table.columns[name]
            for key in dict.fromkeys((identity.user, identity.tenant)):
                base = "uuid" if _UUID.fullmatch(key) else "text"
                for how, resembling in lookalikes(key, base) if column.base in _LISTS else ():
                    if base == "uuid" and resembling.lower() == key.lower():
                        continue
                    values = {**theirs, name: _LISTS[column.base].format(resembling)}
                    yield Case(
                        f"{name} naming a key {how}", stored[self.column.name] or "", values, "key_compared_in_part",
                        "POL-07",
                    )  # fmt: skip

    def _twins(self) -> Iterator[Case]:
        """The victim's row with the attacker's values in every other column that policies ask."""
        own, theirs, stored = self.rows.rows[ATTACKER], self.rows.spares.get(VICTIM), self.rows.rows[VICTIM]
        if theirs is None or stored[self.column.name] is None:
            return
        asked: set[str] = set()
        for policy in self.table.policies:
            for text in policy.texts:
                asked |= columns_in(text, self.table.name, self.table.columns)
        shared = {name for name in asked - self._of_persons() if own[name] is not None and own[name] != stored[name]}
        if shared:
            values = {**theirs, **{name: own[name] for name in sorted(shared)}}
            how = f"the attacker's {', '.join(sorted(shared))}"
            yield Case(how, stored[self.column.name] or "", values, "policy_asks_other_column", "POL-08")

    def _opened(self) -> Iterator[Case]:
        """The victim's row in each condition that some way through a policy asks for."""
        theirs, stored = self.rows.spares.get(VICTIM), self.rows.rows[VICTIM]
        if theirs is None:
            return
        tried: list[Values] = []
        for policy in self.table.policies:
            for text in policy.texts:
                for wanted in arms(text, self.table.name, self.table.columns):
                    values = self._settable(wanted, stored)
                    if values and values not in tried and len(tried) < _MOST_WAYS:
                        tried.append(values)
                        how = ", ".join(f"{name} {_shown(value)}" for name, value in values.items())
                        yield Case(
                            how,
                            stored[self.column.name] or "",
                            {**theirs, **values},
                            "policy_opens_row_without_tenant",
                            "POL-02",
                            values,
                            self._decided(text, values),
                        )

    def _decided(self, text: str, values: Values) -> bool:
        """Whether the columns themselves say that the row is for everybody, and no missing bracket does."""
        by_word = all(_OPEN_BY_WORD.search(f"{name} {value or ''}") for name, value in values.items())
        return by_word and not narrowed_beside(text, self.table.name, self.table.columns, self.column.name)

    def _settable(self, wanted: Values, stored: Values) -> Values:
        """Of what a way through a policy asks of the row, what the victim's row is not yet and may well be."""
        taken = {self.column.name, *self.table.primary_key, *self.model.tenant_columns}
        found: Values = {}
        for name, value in wanted.items():
            column = self.table.columns[name]
            if name in taken or column.filled_by_server or (value is None and not column.nullable):
                continue
            if value == "":
                value = stored[name] or first_value(self.table.qualified, column, VICTIM, 7)
            if value != stored[name] and not (value in ("true", "false") and stored[name] == value[0]):
                found[name] = value
        return found

    def _of_persons(self) -> set[str]:
        """Columns that say whose row it is in some way, or tell rows apart: they are not to be shared."""
        names = {self.column.name, *self.table.primary_key, *self.model.tenant_columns}
        names |= set(self.model.user_columns.get(self.table.qualified, ()))
        names |= {name for unique in self.table.uniques for name in unique.columns if name}
        for key in self.table.foreign_keys:
            if self.caller.scope.tables[key.target].protected:
                names |= set(key.columns)
        names |= {column.name for column in self.table.columns.values() if column.filled_by_server or _drawn(column)}
        names |= self._followed_columns()
        return names | {name for name in self.table.columns if _NAMES_A_READER.search(name)}

    def _followed_columns(self) -> set[str]:
        """Columns that lead to an own row of another table without a foreign key: whose row it is, they do say."""
        keys = set()
        for name, rows in self.population.tables.items():
            table, own = self.model.relations.tables[name], rows.rows.get(ATTACKER, {})
            keys |= {own.get(column) for column in table.primary_key if table.columns[column].base == "uuid"}
        row = self.rows.rows[ATTACKER]
        spare = self.rows.spares.get(ATTACKER, {})
        return {name for name in row if {row[name], spare.get(name)} & (keys - {None})}


def _drawn(column: Column) -> bool:
    """Whether the column holds what nobody guesses and no two rows share, as the token of a shared link."""
    drawn = column.base in ("uuid", "bytea") and "(" in (column.default or "")
    return drawn or (column.base in _TOKENS and SECRET.search(column.name) is not None)


def _shown(value: str | None) -> str:
    return "is null" if value is None else f"= {literal(value)}"
