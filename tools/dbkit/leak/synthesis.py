"""Fill a disposable database with rows of two tenants and two users each, from the catalog alone.

Tables are filled in the order of their references. Each insert is tried and what the server says about it (the
constraint, the column) decides what `draft` mends before the next try; what cannot be populated keeps the last refusal
as its reason.
"""

from __future__ import annotations

from collections.abc import Iterable

from dbkit.leak.contexts import own_context
from dbkit.leak.draft import ENDED, Draft
from dbkit.leak.filling_order import belongs_to_callers, filling_order
from dbkit.leak.fixtures import Fixtures
from dbkit.leak.identities import invent, make_identities, user_type
from dbkit.leak.replica import AS_ORIGIN, AS_REPLICA, as_replica
from dbkit.leak.rows import (
    ATTACKER,
    NEWCOMERS,
    PARTNER,
    SLOTS,
    VICTIM,
    Identity,
    Population,
    TableRows,
    Values,
    delete_statements,
    identify,
    insert_statement,
    ordinal,
)
from dbkit.leak.session import Outcome, Session
from dbkit.leak.states import set_setting
from dbkit.tenancy.model import Kind, Model
from dbkit.tenancy.relations import ForeignKey, Table, literal

__all__ = ["Synthesis", "invent_row", "populate"]

_ATTEMPTS = 25


def populate(session: Session, model: Model) -> Population:
    """Insert rows for every slot into every table that belongs to tenants or users, and into what those reference.

    The rows are committed. Tables that cannot be populated keep the reason; nothing is raised for them.
    """
    return Synthesis(session, model).run()


def invent_row(session: Session, model: Model, population: Population, table: Table, slot: str) -> Values | Outcome:
    """Values of a row that fits into a table, beside those that are there; nothing of it stays.

    Returns:
        The values, or the last refusal where none could be made.
    """
    synthesis = Synthesis(session, model)
    synthesis.population = population
    session.must("begin")
    try:
        return synthesis._try_insert(table, slot, keep=False, generation=2)
    finally:
        session.must("rollback")


class Synthesis:
    """The filling of one database: `population` is the result."""

    def __init__(self, session: Session, model: Model) -> None:
        self.session = session
        self.model = model
        self.relations = model.relations
        self.default = model.scopes[0]
        self.population = Population(make_identities(model))
        file = model.declaration.fixtures
        self.fixtures = Fixtures(self, model.declaration.beside(file)) if file else None
        self.third: str | None = None  # key of the third tenant, "" where none could be made
        self.existing: dict[tuple[str, tuple[str, ...]], list[tuple[str | None, ...]]] = {}

    def run(self) -> Population:
        order = filling_order(self.model)
        hidden = [
            table
            for table in self.relations.base_tables
            if self.default.tables[table.qualified].owned and table not in order and not table.is_partition
        ]
        for table in [*order, *hidden]:
            self.population.tables[table.qualified] = TableRows()
        self.session.must("begin")
        for table in order:
            if not self._referenced_rows_exist(table):
                slots: tuple[str, ...] = SLOTS
                if self.model.users and table.qualified == self.model.users[0]:
                    slots += tuple(NEWCOMERS.values())
                for slot in slots:
                    self._store(table, slot)
        if self.fixtures is not None:
            self.fixtures.place([*order, *hidden])
            self._retry(order)
        for table in order:
            self._close_cycles(table)
        for table in order:
            if belongs_to_callers(self.model, table) and self.population.tables[table.qualified].reason is None:
                for slot in (VICTIM, ATTACKER):
                    self._find_spare(table, slot)
        self._fill_internal(hidden)
        self._read_references()
        self.session.must("commit")
        self._place_partitions()
        return self.population

    def ask(self, query: str) -> Outcome:
        """A query that may fail without ending the transaction."""
        self.session.must("savepoint ask")
        outcome = self.session.run(query)
        self.session.must("rollback to savepoint ask", "release savepoint ask")
        return outcome

    def _referenced_rows_exist(self, table: Table) -> bool:
        """True for reference data that already has rows: it is used as it is."""
        if belongs_to_callers(self.model, table):
            return False
        return bool(self.session.must(f"select 1 from {table.sql} limit 1").rows)

    def _fill_internal(self, owned: Iterable[Table]) -> None:
        """One row in each empty table that app roles cannot reach: a context may need its key or its settings.

        Nothing is attacked there for want of a row, so a table that takes none is passed over.

        Args:
            owned: those in which a column says whose row it is: one for everybody, since functions may carry them.
        """
        from dbkit.catalog import TOOL_SCHEMAS

        for table in owned:
            rows = self.population.tables[table.qualified]
            for slot in [slot for slot in SLOTS if slot not in rows.rows]:
                if isinstance(found := self._try_insert(table, slot, keep=True), dict):
                    rows.rows[slot] = found
        for table in self.relations.base_tables:
            model = self.default.tables[table.qualified]
            if model.kind is not Kind.INTERNAL or model.owned or table.is_partition or table.schema in TOOL_SCHEMAS:
                continue
            if not self.session.must(f"select 1 from {table.sql} limit 1").rows:
                self.population.tables.setdefault(table.qualified, TableRows())
                self._try_insert(table, ATTACKER, keep=True)

    def _read_references(self) -> None:
        """The first row of each table that holds nobody's, by its key."""
        from dbkit.catalog import TOOL_SCHEMAS

        for table in self.relations.base_tables:
            nobodys = not any(scope.tables[table.qualified].owned for scope in self.model.scopes)
            if nobodys and table.columns and table.schema not in TOOL_SCHEMAS:
                listed = ", ".join(column.sql for column in table.columns.values())
                key = ", ".join(table.columns[name].sql for name in table.primary_key)
                ordered = f"order by {key} limit 1" if key else "limit 1"
                for row in self.session.must(f"select {listed} from {table.sql} {ordered}").rows:
                    self.population.references[table.qualified] = dict(zip(table.columns, row, strict=True))

    def _place_partitions(self) -> None:
        """A partition holds the rows of its root table that landed in it."""
        for table in self.relations.base_tables:
            root = self._root(table)
            if not table.is_partition or root is None or root.qualified not in self.population.tables:
                continue
            rows = TableRows(notes=[f"rows of {root.qualified}"])
            for slot, row in self.population.tables[root.qualified].rows.items():
                if self.session.must(f"select 1 from {table.sql} where {identify(table, row)}").rows:
                    rows.rows[slot] = row
            if len({slot[0] for slot in rows.rows}) < 2:
                rows.reason = f"not both tenants have a row of {root.qualified} in this partition"
            self.population.tables[table.qualified] = rows

    def _root(self, table: Table) -> Table | None:
        while table.is_partition:
            parent = self.relations.tables.get(table.parents[0]) if table.parents else None
            if parent is None:
                return None
            table = parent
        return table

    # One row

    def _store(self, table: Table, slot: str) -> None:
        rows = self.population.tables[table.qualified]
        twin = Draft(self, table, slot, 0).twin()
        if rows.reason is not None or twin is not None:
            if twin is not None:
                rows.rows[slot] = twin
            return
        found = self._try_insert(table, slot, keep=True)
        if not isinstance(found, dict) and found.sqlstate == "23505":
            found = self._made_by_trigger(table, slot) or found
        if isinstance(found, dict):
            rows.rows[slot] = found
            return
        self.session.must(AS_REPLICA)
        again = self._try_insert(table, slot, keep=True)
        self.session.must(AS_ORIGIN)
        if isinstance(again, dict):
            rows.rows[slot] = again
            self.population.statements[-1:] = as_replica(*self.population.statements[-1:])
            rows.notes.append(f"triggers were off for slot {slot}: {found}")
        elif slot in (VICTIM, ATTACKER):
            rows.reason = f"no row of {slot} could be inserted: {found}"
        else:
            rows.notes.append(f"no row of {slot} could be inserted: {found}")

    def _made_by_trigger(self, table: Table, slot: str) -> Values | None:
        """The row that is there already under a key that leaves no choice, such as a new user's profile."""
        draft = Draft(self, table, slot, 0)
        for unique in table.uniques:
            names = [name for name in unique.columns if name and draft.values.get(name) is not None]
            if unique.partial or len(names) != len(unique.columns) or not set(names) <= draft.fixed:
                continue
            columns = ", ".join(column.sql for column in table.columns.values())
            where = identify(table, draft.values, names)
            for row in self.session.must(f"select {columns} from {table.sql} where {where}").rows:
                return dict(zip(table.columns, row, strict=True))
        return None

    def _find_spare(self, table: Table, slot: str) -> None:
        """Values of a further row: inserted and taken back.

        Tried in turn: as the stored rows; naming a user who has no row yet; after deleting the stored row, where a
        tenant can only have one; with triggers off, where a trigger refuses every row.
        """
        rows = self.population.tables[table.qualified]
        remove = delete_statements(table, self._tenant_rows(table, slot))
        by_user = self.default.tables[table.qualified].kind is Kind.USER
        ways: list[tuple[list[str], str | None]] = [
            ([], None),
            *([] if by_user else [([], NEWCOMERS[slot])]),
            (remove, None),
            ([AS_REPLICA], None),
        ]
        for prepare, user in ways:
            self.session.must("savepoint spare", *prepare)
            found = self._try_insert(table, slot, keep=False, generation=1, user=user)
            self.session.must("rollback to savepoint spare", "release savepoint spare")
            if isinstance(found, dict):
                rows.spares[slot] = found
                if prepare is remove:
                    rows.displaced.add(slot)
                return

        supplied = self.fixtures.spare(table, slot) if self.fixtures is not None else None
        if supplied is not None:
            rows.spares[slot] = supplied

    def _retry(self, order: list[Table]) -> None:
        """Tables that could not be filled for want of what the fixtures brought."""
        for table in order:
            if self.population.tables[table.qualified].reason is not None:
                self.population.tables[table.qualified] = TableRows()
                for slot in SLOTS:
                    self._store(table, slot)

    def _tenant_rows(self, table: Table, slot: str) -> list[Values]:
        rows = self.population.tables[table.qualified].rows
        return [row for name, row in rows.items() if name[0] == slot[0]]

    def _try_insert(
        self, table: Table, slot: str, *, keep: bool, generation: int = 0, user: str | None = None
    ) -> Values | Outcome:
        """Insert one row inside the open transaction; in the context of its slot where it cannot be without one.

        Args:
            keep: return the stored row; otherwise return the given values that fitted.
            generation: 0 for the stored rows, 1 for the spare; rows of different generations differ.
            user: slot of the user named in the row, where that is another one.

        Returns:
            The row, or the last refusal.
        """
        found = self._attempts(table, slot, keep, generation, user)
        if isinstance(found, dict) or not self._enter_context(slot):
            return found
        inside = self._attempts(table, slot, keep, generation, user)
        leave = [set_setting(name, "''") for name in self.relations.settings]
        for statement in leave:
            self.session.must(statement)
        if isinstance(inside, dict) and keep:
            context = own_context(self.default, self.population.identities[slot])
            self.population.statements[-1:] = [*context, *self.population.statements[-1:], *leave]
        return inside if isinstance(inside, dict) else found

    def _enter_context(self, slot: str) -> bool:
        """Whether the context statements of a slot could be run: a default or a trigger may ask who is at work."""
        statements = own_context(self.default, self.population.identities[slot])
        if not statements or self.default.scope.signed:
            return False
        self.session.must("savepoint context")
        if any(self.session.run(statement).refused for statement in statements):
            self.session.must("rollback to savepoint context")
            return False
        return True

    def _attempts(self, table: Table, slot: str, keep: bool, generation: int, user: str | None) -> Values | Outcome:
        """Insert one row, mending it after each refusal."""
        draft = Draft(self, table, slot, generation, user)
        last = Outcome(sqlstate="XX000", message="nothing was tried")
        # Without a cast: values are compared with what a plain SELECT shows, and inet::text, for one, shows more.
        returning = ", ".join(column.sql for column in table.columns.values())
        for _ in range(_ATTEMPTS):
            statement = insert_statement(table, draft.given)
            self.session.must("savepoint attempt")
            outcome = self.session.run(f"{statement} returning {returning}")
            if not outcome.refused:
                constraints = self.session.run("set constraints all immediate")
                outcome = constraints if constraints.refused else outcome
            if not outcome.refused and outcome.rows:
                self.session.must("release savepoint attempt")
                if not keep:
                    return draft.given
                row = dict(zip(table.columns, outcome.rows[0], strict=True))
                # As stored, keys that the server made included, so that the statements can be replayed.
                given = {name: value for name, value in row.items() if not table.columns[name].generated}
                self.population.statements.append(insert_statement(table, given))
                return row
            self.session.must("rollback to savepoint attempt", "release savepoint attempt")
            if not outcome.refused:
                return Outcome(sqlstate="02000", message="a trigger or rule swallowed the row")
            last = outcome
            if not draft.mend(outcome):
                break
        return last

    # References

    def referenced(self, table: Table, key: ForeignKey, slot: str) -> tuple[str | None, ...] | None:
        """Values of a foreign key: the row of the same slot, or a row of the reference data; None without either."""
        rows = self.population.tables.get(key.target)
        if rows and slot in rows.rows:
            return tuple(rows.rows[slot][column] for column in key.target_columns)
        cache = (key.target, key.target_columns)
        if cache not in self.existing or not self.existing[cache]:
            target = self.relations.tables[key.target]
            columns = ", ".join(f"{target.columns[name].sql}::text" for name in key.target_columns)
            if rows is not None and belongs_to_callers(self.model, target):
                return None
            found = self.session.must(f"select {columns} from {target.sql} order by 1 limit 8").rows
            self.existing[cache] = list(found)
        choices = self.existing[cache]
        return choices[ordinal(slot) % len(choices)] if choices else None

    def partner(self, key: ForeignKey) -> str | None:
        """The key of a third tenant, made when first asked for; None where the reference leads elsewhere."""
        registry = self.model.registry
        if registry is None or (key.target, key.target_columns) != (registry[0], (registry[1],)):
            return None
        if self.third is None:
            table = self.relations.tables[registry[0]]
            base, identities = table.columns[registry[1]].base, self.population.identities
            tenant, user = invent("tenant", "C", base), invent("user", "C1", user_type(self.model))
            identities[PARTNER] = Identity(tenant, user, tenant)
            found = self._try_insert(table, PARTNER, keep=True)
            del identities[PARTNER]  # nobody calls as this tenant
            self.third = found[registry[1]] if isinstance(found, dict) else ""
        return self.third or None

    def _close_cycles(self, table: Table) -> None:
        """Fill optional references that were left empty because the other row came later."""
        for slot, row in self.population.tables[table.qualified].rows.items():
            for key in table.foreign_keys:
                found = None if key.target == table.qualified else self.referenced(table, key, slot)
                if found is None or any(ENDED.match(name) for name in key.columns):
                    continue
                wanted = dict(zip(key.columns, found, strict=True))
                empty = {name: value for name, value in wanted.items() if row[name] is None}
                if not empty or any(row[name] not in (None, value) for name, value in wanted.items()):
                    continue
                pairs = ", ".join(f"{table.columns[name].sql} = {literal(value)}" for name, value in empty.items())
                statement = f"update {table.sql} set {pairs} where {identify(table, row)}"
                self.session.must("savepoint cycle")
                if self.session.run(statement).refused:
                    self.session.must("rollback to savepoint cycle")
                else:
                    row.update(empty)
                    self.population.statements.append(statement)
