"""The statements that attack one table: per command the attack, its permitted twin, and how the answer is judged.

A command can be attacked in several ways (variants): an UPDATE by key, without WHERE, moving an own row to the victim,
or taking the victim's rows over. Every variant is plain SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dbkit.leak.rows import ATTACKER, VICTIM, TableRows, delete_statements, identify, insert_statement
from dbkit.tenancy.model import Kind, TableModel
from dbkit.tenancy.relations import Column, ForeignKey, Privileges, Table, UniqueKey, literal

__all__ = ["COMMANDS", "FELLOW", "LED", "REFERENCE", "Variant", "build_variants", "identity_columns", "select_list"]

COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "UPSERT", "MERGE", "COPY TO", "RETURNING")

# By references: the foreign keys refuse what they refuse, and are no bystanders to be put out of the way.
LED = "by reference,"
# Name of the variants that make an own row point at another tenant's.
REFERENCE = "an own row that references the other tenant's"
# Of the variants that put an own row in another user's name.
FELLOW = "an own row with another user's"

Values = Mapping[str, str | None]


@dataclass(frozen=True)
class Variant:
    """One way to attack a table with one command.

    Attributes:
        name: what it tries, e.g. "without where".
        attack: the statement, aimed at the victim's rows or at all rows.
        control: the same statement on the attacker's own rows; None where only the administrator's run can be the
            control (an own row moved to the victim has no permitted twin of its own).
        judge: "rows" (returned rows are looked at), "blind" (rows affected beyond the own ones), "target" (any row
            affected), "insert" (any row stored for the victim).
        prepare: statements of the administrator run first, in the same transaction.
        returns: columns of the returned rows, for "rows".
    """

    command: str
    name: str
    attack: str
    control: str | None
    judge: str
    prepare: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()


def identity_columns(table: Table, privileges: Privileges) -> tuple[str, ...]:
    """Columns the role can read that tell rows apart: the key, else everything it can read."""
    readable = privileges.columns.get("select", frozenset())
    key = table.primary_key
    if key and set(key) <= readable:
        return key
    return tuple(name for name in table.columns if name in readable)


def select_list(table: Table, columns: Iterable[str]) -> str:
    return ", ".join(table.columns[name].sql for name in columns)


def build_variants(
    model: TableModel,
    rows: TableRows,
    privileges: Privileges,
    *,
    own: str = ATTACKER,
    user_columns: Iterable[str] = (),
    references: Mapping[str, tuple[str | None, ...]] | None = None,
    fellows: Iterable[Values] = (),
    leading: Iterable[str] = (),
) -> list[Variant]:
    """Every attack on one table by a role with these privileges, in the order of COMMANDS.

    Args:
        own: slot of the row that the controls work on.
        user_columns: columns that hold a user id.
        references: foreign keys that could name another tenant's row, by name, with the key of such a row.
        fellows: values with which an own row would be another user's of the same tenant.
        leading: references that say whose row it is, where no column does.
    """
    builder = _Builder(model, rows, privileges, own)
    builder.user_columns = tuple(user_columns)
    builder.foreign_keys = dict(references or {})
    builder.fellows = list(fellows)
    builder.leading = tuple(leading)
    builder.crossing = [key for key in model.table.foreign_keys if key.name in builder.foreign_keys]
    return [
        *builder.reads("SELECT"),
        *builder.inserts(),
        *builder.further_inserts(),
        *builder.updates(),
        *builder.deletes(),
        *builder.upserts(),
        *builder.merges(),
        *builder.reads("COPY TO"),
        *builder.returning(),
    ]


class _Builder:
    def __init__(self, model: TableModel, rows: TableRows, privileges: Privileges, own: str) -> None:
        self.model = model
        self.table = model.table
        self.rows = rows
        self.privileges = privileges
        self.own = rows.rows[own]
        self.foreign = rows.rows[VICTIM]
        self.identity = identity_columns(self.table, privileges)
        # Without a readable column the statement is written as if there were, and refused for the missing grant.
        self.columns = self.identity or self.table.primary_key or tuple(self.table.columns)
        self.setting = self._setting()
        self.user_columns: tuple[str, ...] = ()
        self.foreign_keys: dict[str, tuple[str | None, ...]] = {}
        self.crossing: list[ForeignKey] = []
        self.fellows: list[Values] = []
        self.leading: tuple[str, ...] = ()

    # Reading

    def reads(self, command: str) -> Iterator[Variant]:
        columns = select_list(self.table, self.columns)
        if command == "SELECT":
            statement = f"select {columns} from {self.table.sql}"
        elif self.table.kind == "p":
            statement = f"copy (select {columns} from {self.table.sql}) to stdout"
        else:
            statement = f"copy {self.table.sql} ({columns}) to stdout"
        yield Variant(command, "", statement, statement, "rows", returns=self.columns)

    def returning(self) -> Iterator[Variant]:
        returning = f" returning {select_list(self.table, self.columns)}"
        if self.privileges.may("update") or not self.privileges.may("delete"):
            statement = f"update {self.table.sql} set {self._unchanged()}{returning}"
        else:
            statement = f"delete from {self.table.sql}{returning}"
        yield Variant("RETURNING", "", statement, statement, "rows", returns=self.columns)

    # Writing

    def inserts(self) -> Iterator[Variant]:
        if VICTIM in self.rows.spares and ATTACKER in self.rows.spares:
            prepare = self._make_room(VICTIM)
            yield Variant(
                "INSERT",
                "a row of the other tenant",
                insert_statement(self.table, self._insertable(self.rows.spares[VICTIM])),
                insert_statement(self.table, self._insertable(self.rows.spares[ATTACKER])),
                "insert",
                prepare,
            )

    def further_inserts(self) -> Iterator[Variant]:
        """Rows the attacker has a hand in on both sides: its own name in the other tenant, its row on theirs."""
        if len(self.rows.spares) < 2:
            return
        prepare = self._make_room(VICTIM)
        theirs, mine = self.rows.spares[VICTIM], self.rows.spares[ATTACKER]
        named = {name: self.rows.rows[ATTACKER][name] for name in self.user_columns if theirs.get(name) is not None}
        if named and self.model.kind is Kind.TENANT and self.model.column not in named:
            joined = insert_statement(self.table, self._insertable({**theirs, **named}))
            yield Variant("INSERT", "the caller's own name in the other tenant", joined, None, "insert", prepare)
        if self.model.kind in (Kind.TENANT, Kind.USER) and self._checks_something_else():
            planted = insert_statement(self.table, self._insertable({**mine, **self._owner(theirs)}))
            yield Variant("INSERT", "an own row under the other tenant", planted, None, "insert", prepare)
        for key in self.crossing:
            changed = dict(zip(key.columns, self.foreign_keys[key.name], strict=True))
            values = {**mine, **changed}
            if not set(changed) - {self.model.column} <= set(self._insertable(values)):
                continue  # without the privilege it would be an own row like any other
            crossed = insert_statement(self.table, self._insertable(values))
            name = f"{REFERENCE}: {', '.join(key.columns)}"
            yield Variant("INSERT", name, crossed, None, "target", prepare)
        for fellow in self.fellows:
            given = self._insertable({**mine, **fellow})
            if set(fellow) <= set(given):
                posed = insert_statement(self.table, given)
                yield Variant("INSERT", f"{FELLOW} {', '.join(fellow)}", posed, None, "target", prepare)

    def _checks_something_else(self) -> bool:
        """Whether a policy admits new rows by what they reference or hold, and not by whose they are."""
        column = re.compile(rf"\b{re.escape(self.model.column or '')}\b")
        texts = [
            policy.check or policy.using or ""
            for policy in self.table.policies
            if policy.permissive and policy.command in ("all", "insert")
        ]
        return any(not column.search(text) for text in texts)

    def _owner(self, values: Values) -> dict[str, str | None]:
        return {name: value for name, value in values.items() if name == self.model.column}

    def updates(self) -> Iterator[Variant]:
        statement = f"update {self.table.sql} set {self.setting}"
        yield Variant("UPDATE", "without where", statement, statement, "blind")
        mine, theirs = self._where(self.own), self._where(self.foreign)
        yield Variant("UPDATE", "by key", f"{statement} where {theirs}", f"{statement} where {mine}", "target")
        moved, taken = self._ownership(self.foreign, self.own), self._ownership(self.own, self.foreign)
        led = f"{LED} " if self.leading else ""
        if moved:
            # Without WHERE no SELECT policy looks at the new rows, so both ways are tried.
            move = f"update {self.table.sql} set {moved}"
            yield Variant("UPDATE", f"{led}own rows moved to the other tenant", move, None, "target")
            moving = f"{led}an own row moved to the other tenant"
            yield Variant("UPDATE", moving, f"{move} where {mine}", None, "target")
        for key in self.crossing:
            pairs = zip(key.columns, self.foreign_keys[key.name], strict=True)
            values = {name: value for name, value in pairs if name != self.model.column}
            led = ", ".join(f"{self.table.columns[name].sql} = {literal(value)}" for name, value in values.items())
            name = f"{REFERENCE}: {', '.join(key.columns)}"
            yield Variant("UPDATE", name, f"update {self.table.sql} set {led} where {mine}", None, "target")
        for fellow in self.fellows:
            led = ", ".join(f"{self.table.columns[name].sql} = {literal(value)}" for name, value in fellow.items())
            for where in ("", f" where {mine}"):
                posed = f"update {self.table.sql} set {led}{where}"
                yield Variant("UPDATE", f"{FELLOW} {', '.join(fellow)}", posed, None, "target")
        if taken:
            yield Variant("UPDATE", f"{led}all rows taken over", f"update {self.table.sql} set {taken}", None, "blind")

    def deletes(self) -> Iterator[Variant]:
        statement = f"delete from {self.table.sql}"
        yield Variant("DELETE", "without where", statement, statement, "blind")
        mine, theirs = self._where(self.own), self._where(self.foreign)
        yield Variant("DELETE", "by key", f"{statement} where {theirs}", f"{statement} where {mine}", "target")

    def upserts(self) -> Iterator[Variant]:
        target = self._conflict_target()
        if target is None:
            for variant in self.inserts():
                yield Variant(
                    "UPSERT",
                    "do nothing",
                    f"{variant.attack} on conflict do nothing",
                    f"{variant.control} on conflict do nothing",
                    "insert",
                    variant.prepare,
                )
            return
        action = f" on conflict ({select_list(self.table, target)}) do update set {self._constant()}"
        own, foreign = self._insertable(self._given(self.own)), self._insertable(self._given(self.foreign))
        control = insert_statement(self.table, own) + action
        yield Variant(
            "UPSERT", "the other tenant's row", insert_statement(self.table, foreign) + action, control, "target"
        )
        key = self.model.column
        if key is not None and key not in target:
            disguised = {**foreign, **self._ownership_values(self.own)}
            attack = insert_statement(self.table, disguised) + action
            yield Variant("UPSERT", "its key under the own tenant", attack, control, "target")

    def merges(self) -> Iterator[Variant]:
        mine, theirs = self._where(self.own, "t"), self._where(self.foreign, "t")
        head = f"merge into {self.table.sql} as t using (select 1) as s on"
        if self.privileges.may("update") or not (self.privileges.may("insert") or self.privileges.may("delete")):
            action = f"when matched then update set {self._constant()}"
            yield Variant("MERGE", "update", f"{head} {theirs} {action}", f"{head} {mine} {action}", "target")
        if self.privileges.may("delete"):
            action = "when matched then delete"
            yield Variant("MERGE", "delete", f"{head} {theirs} {action}", f"{head} {mine} {action}", "target")
        if self.privileges.may("insert") and len(self.rows.spares) == 2:
            theirs, mine = (self._merge_insert(self._insertable(self.rows.spares[slot])) for slot in (VICTIM, ATTACKER))
            room = self._make_room(VICTIM)
            yield Variant("MERGE", "insert", f"{head} false {theirs}", f"{head} false {mine}", "insert", room)

    # Parts of statements

    def _make_room(self, slot: str) -> tuple[str, ...]:
        """Where a tenant can have one row only, the stored ones go first."""
        if slot not in self.rows.displaced and ATTACKER not in self.rows.displaced:
            return ()
        return tuple(delete_statements(self.table, self.rows.rows.values()))

    def _insertable(self, values: Values) -> dict[str, str | None]:
        """Only columns the role may insert, and always the one that says whose row it is."""
        granted = self.privileges.columns.get("insert", frozenset())
        if not granted:
            return dict(values)
        return {name: value for name, value in values.items() if name in granted or name == self.model.column}

    def _given(self, row: Values) -> dict[str, str | None]:
        return {name: value for name, value in row.items() if not self.table.columns[name].generated}

    def _where(self, row: Values, alias: str = "") -> str:
        return identify(self.table, row, self.columns, alias)

    def _merge_insert(self, values: Values) -> str:
        columns = ", ".join(self.table.columns[name].sql for name in values)
        overriding = " overriding system value" if any(self.table.columns[n].identity == "a" for n in values) else ""
        given = ", ".join(map(literal, values.values()))
        return f"when not matched then insert ({columns}){overriding} values ({given})"

    def _setting(self) -> str:
        column = self._neutral_column()
        if column.name in self._constrained() and column.name in self.privileges.columns.get("select", frozenset()):
            return f"{column.sql} = {column.sql}"
        return f"{column.sql} = {literal(self.own[column.name])}"

    def _unchanged(self) -> str:
        """As `_setting`, for statements that read the rows anyway: what comes back is what was there."""
        column = self._neutral_column()
        readable = column.name in self.privileges.columns.get("select", frozenset())
        # A check may ask that a row be in its writer's name: what a fellow wrote only becomes the caller's own.
        named = column.name in self.user_columns and column.name not in self.columns
        return f"{column.sql} = {column.sql}" if readable and not named else self.setting

    def _constant(self) -> str:
        column = self._neutral_column()
        return f"{column.sql} = {literal(self.own[column.name])}"

    def _neutral_column(self) -> Column:
        """The updatable column whose change matters least: no key, no constraint, not what tells rows apart."""
        granted = self.privileges.columns.get("update", frozenset())
        columns = [column for column in self.table.columns.values() if not column.filled_by_server]
        choices = [column for column in columns if column.name in granted] or columns
        constrained, identity = self._constrained(), set(self.columns) | {self.model.column}

        def cost(column: Column) -> tuple[bool, bool, bool, bool]:
            return (
                column.name in identity,
                column.name in constrained,
                any(column.name in check.columns for check in self.table.checks),
                self.own[column.name] is None,
            )

        return min(choices, key=cost)

    def _constrained(self) -> set[str]:
        """Columns of keys and of foreign keys."""
        names = {name for unique in self.table.uniques for name in unique.columns if name}
        return names | {name for key in self.table.foreign_keys for name in key.columns}

    def _ownership_values(self, row: Values) -> dict[str, str | None]:
        """The column that says whose row it is, and the references that repeat it, as they are in `row`."""
        key = self.model.column
        if self.leading:
            return {name: row[name] for name in self.leading if self.own[name] != self.foreign[name]}
        if key is None or self.model.kind not in (Kind.TENANT, Kind.USER):
            return {}
        names = {key} | {name for fk in self.table.foreign_keys if key in fk.columns for name in fk.columns}
        return {name: row[name] for name in self.table.columns if name in names}

    def _ownership(self, target: Values, source: Values) -> str:
        """A SET list that turns a row of `source`'s owner into one of `target`'s."""
        granted = self.privileges.columns.get("update", frozenset())
        values = {
            name: value
            for name, value in self._ownership_values(target).items()
            if name == self.model.column or (value != source[name] and (name in granted or not granted))
        }
        return ", ".join(f"{self.table.columns[name].sql} = {literal(value)}" for name, value in values.items())

    def _conflict_target(self) -> tuple[str, ...] | None:
        granted = self.privileges.columns.get("insert", frozenset())
        keys: list[UniqueKey] = [
            unique
            for unique in self.table.uniques
            if not unique.partial and not unique.exclusion and None not in unique.columns
        ]
        for unique in sorted(keys, key=lambda unique: not unique.primary):
            columns = tuple(name for name in unique.columns if name)
            if all(self.own[name] is not None for name in columns) and (not granted or set(columns) <= granted):
                return columns
        return None
