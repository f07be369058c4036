"""Values for an argument: what the caller would give for its own rows, and what it gives to reach the victim's.

They come in pairs, own and victim's. What the body compares an argument with decides first, then its name, then its
type. What only the victim can know (tokens, passwords, hashes) is never given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dbkit.leak.checks.functions.catalog import Argument, Routine, Routines, Type
from dbkit.leak.rows import ATTACKER, VICTIM, Population
from dbkit.leak.values import SECRET
from dbkit.tenancy.model import Model, ScopeModel
from dbkit.tenancy.relations import Table

__all__ = ["TEXTS", "Candidate", "Candidates"]

_TENANT = re.compile(
    r"^(?:tenant|organi[sz]ation|org|company|account|workspace|team|customer|agency|clinic|shop|store|client|school"
    r"|firm|business|merchant|landlord|practice|site|project|owner_user)(?:_?(?:id|uuid|key|code|slug|ref))?$"
)
_USER = re.compile(
    r"^(?:auth_)?(?:user|member|profile|person|owner|author|actor|caller|subject|login|who|assignee|created_by|uid|sub)"
    r"(?:_?(?:id|uuid))?$"
)
_PREFIX = re.compile(r"^(?:p|in|arg|a|i|v|par|param)?_+|_+$")
_INTEGERS = ("int2", "int4", "int8", "numeric")
# Base types that take any text.
TEXTS = ("text", "varchar", "bpchar", "citext", "name")
_TABLE = re.compile(r"^(?:table|tbl|relation|entity|model|resource)(?:_?(?:name|type|id))?$")
# Texts a body holds, and those it compares one name with: `x = 'a'`, `x in ('a', 'b')`, `case x when 'a'`.
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_COMPARISON = r"(?:=|<>|!=|is\s+(?:not\s+)?distinct\s+from|(?:not\s+)?in)\s*(\([^)]*\)|'(?:[^']|'')*')"
_CASE = r"\bcase\s+{name}\s+when\b(.*?)\bend\s+case\b"
_WHEN = re.compile(r"(?:^|\bwhen)\s*'((?:[^']|'')*)'", re.IGNORECASE)
_INSERTS = re.compile(r"\binsert\s+into\b", re.IGNORECASE)
_NEXT = re.compile(r"(\.\w+)?$")  # where a name goes on: before its extension
_KEYS_ALONE = 3
_PER_ARGUMENT = 8

# What an argument of the type takes that names nobody: first the usual, then what reaches furthest.
_NEUTRAL: dict[str, tuple[str, ...]] = {
    "bool": ("true", "false"),
    "int2": ("1", "0", "1000"),
    "int4": ("1", "0", "1000000", "-1"),
    "int8": ("1", "0", "1000000", "-1"),
    "numeric": ("1", "0", "1000000"),
    "float4": ("1", "0"),
    "float8": ("1", "0"),
    "text": ("x", "%", ""),
    "varchar": ("x", "%", ""),
    "bpchar": ("x", "%", ""),
    "citext": ("x", "%", ""),
    "name": ("x",),
    "bytea": ("\\x00",),
    "date": ("today", "2100-01-01", "1970-01-01"),
    "timestamp": ("now", "2100-01-01", "1970-01-01"),
    "timestamptz": ("now", "2100-01-01", "1970-01-01"),
    "time": ("12:00",),
    "timetz": ("12:00",),
    "interval": ("1 day", "0", "100 years", "-100 years"),
    "json": ("{}",),
    "jsonb": ("{}",),
    "inet": ("127.0.0.1",),
    "cidr": ("127.0.0.0/8",),
    "oid": ("0",),
    "uuid": ("00000000-0000-4000-8000-000000000000",),
}


@dataclass(frozen=True)
class Candidate:
    """One value for an argument: the caller's own and the victim's, as text; equal where it names nobody.

    Attributes:
        about: "tenant", "user", "object" (an id), "value" (anything else a row holds), or "" for what names nobody.
    """

    own: str | None
    victim: str | None
    about: str = ""


class Candidates:
    """Finds values for the arguments of functions, in the rows of the caller and the victim."""

    def __init__(self, model: Model, scope: ScopeModel, population: Population, routines: Routines) -> None:
        self.model = model
        self.scope = scope
        self.population = population
        self.routines = routines

    def of_all(self, routine: Routine) -> list[list[Candidate]]:
        """Candidates for every argument of a function, each the likeliest first; never none."""
        tables = self._tables(routine)
        return [
            self._candidates(routine, number, argument, tables) for number, argument in enumerate(routine.arguments)
        ]

    def _tables(self, routine: Routine) -> list[Table]:
        """Tables of the body that have rows of both; all of them where the body names none."""
        known = self.population.tables
        named = [name for name in self.routines.tables(routine, self.model.relations) if name in known]
        chosen = named or [name for name in known if self.scope.tables[name].protected]
        usable = [name for name in chosen if {ATTACKER, VICTIM} <= set(known[name].rows)]
        return [self.model.relations.tables[name] for name in usable]

    def _candidates(self, routine: Routine, number: int, argument: Argument, tables: list[Table]) -> list[Candidate]:
        if argument.type.base in ("json", "jsonb"):
            return self._documents(routine, tables)
        if argument.type.kind == "c":
            names = [name for name, _ in argument.type.attributes]
            stored = self._stored(argument.type)
            return [*stored, self._document(names, tables), self._document(names, tables, values=False)]
        name = _PREFIX.sub("", argument.name.lower()) or argument.name
        met = self.routines.arguments_met(routine, number)
        columns = [
            (binding.column, binding.tables)
            for each, at in met
            for binding in each.facts.bindings
            if binding.argument == at
        ]
        element = argument.type.element or argument.type
        found = list(self._looked_up(routine, name, element.base, columns))
        found += self._named(name, element.base, columns, tables)
        if any(_INSERTS.search(each.facts.text) for each in self.routines.reached(routine)):
            found += list(self._unused(found))
        if element.base == "regclass" or _TABLE.match(name):
            # In the order in which ids of rows are given, so that a table meets its own ids.
            found = [Candidate(table.sql, table.sql) for table in tables]
            if element.base != "regclass":
                found += [Candidate(table.name, table.name) for table in tables]
        if not found and element.base == "uuid":
            found = list(self._any_id(tables, element.base))
        found += [
            Candidate(text, text) for each, at in met for text in _compared(each.facts.text, each.arguments[at].name)
        ]
        found += [Candidate(text, text) for text in (element.labels or _NEUTRAL.get(element.base, ()))]
        if not found:
            found = [Candidate(None, None)]
        if _USER.match(name):
            # A person's id names the person, whatever column it was found in.
            found = [Candidate(c.own, c.victim, "user") if (c.own, c.victim) == self._persons() else c for c in found]
        return list(dict.fromkeys(found))[:_PER_ARGUMENT]

    def _unused(self, found: list[Candidate]) -> Iterator[Candidate]:
        """Beside values that begin with the tenant, such as paths, those that no row has: a second one is refused."""
        own, victim = self.population.identities[ATTACKER].tenant, self.population.identities[VICTIM].tenant
        for each in found:
            begun = (each.own or "").startswith(own) and (each.victim or "").startswith(victim)
            if begun and each.own and each.victim and each.own != own:
                yield Candidate(_NEXT.sub(r"-new\1", each.own, 1), _NEXT.sub(r"-new\1", each.victim, 1), each.about)

    def _named(
        self, name: str, base: str, columns: Iterable[tuple[str, frozenset[str]]], tables: list[Table]
    ) -> Iterator[Candidate]:
        """By the column it meets, then by its own name."""
        if SECRET.search(name):
            return
        for column, names in columns:
            yield from self._of_column(column, [table for table in tables if table.name in names], base)
        if _TENANT.match(name):
            yield from self._identity("tenant", base)
        if _USER.match(name):
            yield from self._identity("user", base)
        yield from self._of_name(name, base, tables)

    def _looked_up(
        self, routine: Routine, name: str, base: str, columns: Iterable[tuple[str, frozenset[str]]]
    ) -> Iterator[Candidate]:
        """What reference data has where the argument is looked up in it: with any other value nothing is done."""
        if SECRET.search(name):
            return
        for table in self.routines.tables(routine, self.model.relations):
            row = self.population.references.get(table, {})
            mentioned = [column for column, names in columns if table.rpartition(".")[2] in names]
            for column in dict.fromkeys((*mentioned, name)):
                value = row.get(column)
                if value is not None and _fits(value, base):
                    yield Candidate(value, value)

    def _identity(self, about: str, base: str) -> Iterator[Candidate]:
        own, victim = self.population.identities[ATTACKER], self.population.identities[VICTIM]
        pair = (own.tenant, victim.tenant) if about == "tenant" else self._persons()
        if _fits(pair[0], base) and _fits(pair[1], base):
            yield Candidate(*pair, about)

    def _persons(self) -> tuple[str, str]:
        return self.population.identities[ATTACKER].user, self.population.identities[VICTIM].user

    def _of_column(self, column: str, tables: list[Table], base: str) -> Iterator[Candidate]:
        if SECRET.search(column):
            return
        for table in tables:
            rows = self.population.tables[table.qualified].rows
            if column in table.columns and column not in rows[VICTIM]:
                continue
            if column in table.columns:
                own, victim = rows[ATTACKER][column], rows[VICTIM][column]
                if own is not None and victim is not None and _fits(own, base) and _fits(victim, base):
                    yield Candidate(own, victim, self._about(table, column) if own != victim else "")

    def _about(self, table: Table, column: str) -> str:
        """Whether a column names a tenant, a user, some row, or is just a value."""
        model = self.scope.tables[table.qualified]
        if column in self.model.user_columns.get(table.qualified, ()):
            return "user"
        if column == model.column or column in self.model.tenant_columns:
            return "tenant"
        references = {name for key in table.foreign_keys for name in key.columns}
        names_row = column in table.primary_key or column in references or table.columns[column].base == "uuid"
        return "object" if names_row else "value"

    def _of_name(self, name: str, base: str, tables: list[Table]) -> Iterator[Candidate]:
        """`invoice_id`, `invoice` and `id` name a row; `number` a column of the tables that are touched."""
        stem = re.sub(r"_?(?:ids?|uuids?|keys?)$", "", name)
        everywhere = [
            self.model.relations.tables[key]
            for key, rows in self.population.tables.items()
            if {ATTACKER, VICTIM} <= set(rows.rows)
        ]
        if stem != name or not stem or base == "uuid":
            matching = [table for table in tables or everywhere if not stem or _singular(table.name).endswith(stem)]
            matching += [table for table in everywhere if stem and _singular(table.name) == stem]
            for table in dict.fromkeys(table.qualified for table in matching):
                yield from self._row_id(self.model.relations.tables[table], base)
        yield from self._of_column(name, tables, base)
        if stem and stem != name and not any(name in table.columns for table in tables):
            yield from self._of_column(name, [table for table in everywhere if name in table.columns], base)

    def _any_id(self, tables: list[Table], base: str) -> Iterator[Candidate]:
        for table in tables:
            yield from self._row_id(table, base)
        yield from self._identity("tenant", base)
        yield from self._identity("user", base)

    def _row_id(self, table: Table, base: str) -> Iterator[Candidate]:
        model = self.scope.tables[table.qualified]
        keys = [name for name in table.primary_key if len(table.primary_key) == 1 or name != model.column]
        yield from self._of_column(keys[-1] if keys else "id", [table], base)

    def _documents(self, routine: Routine, tables: list[Table]) -> list[Candidate]:
        """JSON arguments carry what the body takes out of them or lists by name, as one object and as a list of one.

        Whole objects first; a body that refuses some of the keys may take each of them alone, or none.
        """
        reached = self.routines.reached(routine)
        columns = list(dict.fromkeys(name for table in tables for name in table.columns))
        named = {text for each in reached for text in _LITERAL.findall(each.facts.text)}
        keys = [key for each in reached for key in each.facts.json_keys] + [name for name in columns if name in named]
        keys = list(dict.fromkeys(keys))
        empty = [Candidate("{}", "{}"), Candidate("[]", "[]")]
        one = self._document(keys or columns, tables)
        many = Candidate(f"[{one.own}]", f"[{one.victim}]", one.about)
        if not keys:
            return [*empty, one, many]
        alone = [self._document([key], tables) for key in keys[:_KEYS_ALONE]]
        return [one, many, self._document(keys, tables, values=False), *empty, *alone]

    def _document(self, keys: Iterable[str], tables: list[Table], *, values: bool = True) -> Candidate:
        """One object for each; without `values` the victim's has the victim's ids and the caller's values."""
        own: dict[str, str | None] = {}
        victim: dict[str, str | None] = {}
        about = ""
        for key in keys:
            name = _PREFIX.sub("", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()) or key
            found = next(self._named(name, "text", (), tables), Candidate("1", "1"))
            own[key] = found.own
            victim[key] = found.victim if values or found.about != "value" else found.own
            about = about or found.about
        return Candidate(json.dumps(own), json.dumps(victim), about)

    def _stored(self, kind: Type) -> Iterator[Candidate]:
        """Rows of the table whose row type it is."""
        for name, rows in self.population.tables.items():
            if self.model.relations.tables[name].sql == kind.sql and {ATTACKER, VICTIM} <= set(rows.rows):
                yield Candidate(json.dumps(rows.rows[ATTACKER]), json.dumps(rows.rows[VICTIM]), "object")
        for name, row in self.population.references.items():
            if self.model.relations.tables[name].sql == kind.sql:
                yield Candidate(json.dumps(row), json.dumps(row))


def _fits(text: str, base: str) -> bool:
    """Whether a value of a row can be given for an argument of this type."""
    if base == "uuid":
        return bool(re.fullmatch(r"[0-9a-fA-F-]{36}", text))
    if base in _INTEGERS:
        return bool(re.fullmatch(r"-?\d{1,18}", text))
    if base in TEXTS:
        return True
    if base in ("date", "timestamp", "timestamptz"):
        return bool(re.match(r"\d{4}-\d\d-\d\d", text))
    if base == "bool":
        return text in ("t", "f")
    return base in ("inet", "int4range", "int8range", "daterange", "tstzrange", "tsrange", "numrange")


def _compared(text: str, name: str) -> list[str]:
    """Texts that a body compares an argument with, in its order."""
    if not name:
        return []
    word = rf"(?<![\w.]){re.escape(name)}"
    found: list[str] = []
    for listed in re.findall(rf"{word}\s*{_COMPARISON}", text, re.IGNORECASE):
        found += _LITERAL.findall(listed)
    for branches in re.findall(_CASE.format(name=re.escape(name)), text, re.IGNORECASE | re.DOTALL):
        found += _WHEN.findall(branches)
    return list(dict.fromkeys(found))


def _singular(name: str) -> str:
    if name.endswith("ies"):
        return name[:-3] + "y"
    return re.sub(r"(?<=(?:s|x|z|h))es$|s$", "", name)
