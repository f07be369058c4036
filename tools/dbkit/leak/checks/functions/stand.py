"""Where one role attacks from, what it knows to be the victim's, and what of that an outcome shows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from dbkit.leak.attacker import Attacker
from dbkit.leak.contexts import State, right_state
from dbkit.leak.rows import ATTACKER, VICTIM, Population, identify
from dbkit.leak.session import Outcome
from dbkit.leak.statements import Variant, select_list
from dbkit.tenancy.model import Kind, Model, ScopeModel, TableModel
from dbkit.tenancy.relations import Role, literal

__all__ = ["CALL_TIMEOUT", "OPTIONS", "Stand"]

_SHORTEST = 8
_CARRIERS = ("uuid", "text", "varchar", "bpchar", "citext", "name", "json", "jsonb", "numeric")
# Of connections that are not the attacker's own: no statement of theirs may take long either.
OPTIONS = "-c statement_timeout=5s"
CALL_TIMEOUT = "set local statement_timeout = '2s'"
_PROBED = 6


class Stand:
    """Where one role attacks from: its own right context on one connection, or another state."""

    def __init__(
        self,
        conninfo: str,
        model: Model,
        scope: ScopeModel,
        role: Role,
        population: Population,
        state: State | None = None,
    ) -> None:
        self.model = model
        self.scope = scope
        self.role = role
        self.population = population
        self.conninfo = conninfo
        self.transactions = 0
        self.attacker = Attacker(conninfo, role, state or right_state(scope, population.identities[ATTACKER]))
        self.renew()
        # Asked now: later it would take back what a call under attack has just done.
        self.readable = self._readable()

    def __enter__(self) -> Stand:
        return self

    def __exit__(self, *_: object) -> None:
        self.attacker.session.close()
        if "nobody" in vars(self):
            self.nobody.attacker.session.close()

    @cached_property
    def nobody(self) -> Stand:
        """The same role on a connection that no context was set on."""
        return Stand(self.conninfo, self.model, self.scope, self.role, self.population, State("none", ""))

    def renew(self) -> None:
        """A new transaction in the right context, in which no statement may take long."""
        self.attacker.renew()
        self.transactions += 1
        self.attacker.session.must(CALL_TIMEOUT, "savepoint attack")

    def run(self, statement: str, prepare: Iterable[str] = (), *, admin: bool = False) -> Outcome:
        """Run a statement from the savepoint that every attack starts from."""
        return self.attacker.run(statement, prepare, admin=admin)

    def run_steps(self, steps: Iterable[str]) -> Outcome:
        """Several statements of the role, one after the other; the outcome of the last or of the first refused."""
        return self.attacker.session.run("rollback to savepoint attack", *steps)

    def paste(self, *statements: str, prepare: Iterable[str] = ()) -> str:
        """The whole script up to these statements, ready to paste as the superuser of the populated copy."""
        return self.attacker.paste(Variant("", "", "", None, "rows", tuple(prepare)), ";\n".join(statements))

    @cached_property
    def protected(self) -> dict[str, TableModel]:
        """Tables with rows of the victim, by name: the protected ones, and those that functions alone reach."""
        found = {}
        for name, table in self.scope.tables.items():
            rows = self.population.tables.get(name)
            if table.owned and rows is not None and VICTIM in rows.rows:
                found[name] = table
        return found

    @cached_property
    def victims(self) -> dict[str, str]:
        """Protected table -> condition that picks the victim's rows."""
        conditions = {name: _victim_condition(table, self.population) for name, table in self.protected.items()}
        return {name: condition for name, condition in conditions.items() if condition}

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Values that only rows of the victim's tenant hold -> where they stand."""
        return self.values_of("A")

    def values_of(self, tenant: str) -> dict[str, str]:
        """Values that only protected rows of one tenant hold -> where they stand.

        Args:
            tenant: the letter that its slots begin with.
        """
        open_to_caller: set[str] = set()
        theirs: dict[str, str] = {}
        for name, rows in self.population.tables.items():
            columns = self.model.relations.tables[name].columns
            for slot, row in rows.rows.items():
                hidden = slot.startswith(tenant) and name in self.protected
                for column, value in row.items():
                    if value is None or len(value) < _SHORTEST or columns[column].base not in _CARRIERS:
                        continue
                    if hidden:
                        theirs.setdefault(value, f"{name}.{column}")
                    else:  # an own row, or reference data that everybody may see
                        open_to_caller.add(value)
        return {value: place for value, place in theirs.items() if value not in open_to_caller}

    def whole_rows(self, name: str) -> tuple[tuple[str | None, ...], ...]:
        """The victim's rows of a table as they are now, each as one text, the way a row type comes out of a call."""
        query = f"select t::text from {self.protected[name].table.sql} t where {self.victims[name]}"
        return self.attacker.session.run("reset session authorization", query).rows

    # What an outcome shows

    def shown(self, outcome: Outcome, given: str) -> str | None:
        """The first of the victim's values in the answer or in the error text that did not go in."""
        known = given + "\n".join(self.attacker.script)
        text = "\x1f".join(cell for row in outcome.rows for cell in row if cell)
        if outcome.refused:
            text = f"{outcome.message} {outcome.detail}"
        if len(text) < _SHORTEST:
            return None
        for value, place in self.secrets.items():
            if value in text and value not in known:
                return f"{value!r} of {place}"
        return None

    def visible(self) -> str | None:
        """Which protected table shows the victim's rows now, without going back to the savepoint."""
        for name, table in self.readable:
            query = f"select {select_list(table.table, [self._witness_column(table)])} from {table.table.sql}"
            self.attacker.session.run("savepoint look")
            outcome = self.attacker.session.run(f"{query} where {self.victims[name]} limit 1")
            if outcome.refused:
                self.attacker.session.run("rollback to savepoint look")
            elif outcome.rows:
                return f"{query} returns {outcome.rows[0][0]!r}, a row of {name} that is the victim's"
        return None

    def _readable(self) -> list[tuple[str, TableModel]]:
        """A few protected tables that the role may read and where its own context shows nothing of the victim's."""
        found = []
        for name, table in self.protected.items():
            privileges = self.model.relations.privileges[self.role.name, name]
            if "select" not in privileges.table or name not in self.victims:
                continue
            outcome = self.run(f"select 1 from {table.table.sql} where {self.victims[name]} limit 1")
            if not outcome.refused and not outcome.rows:
                found.append((name, table))
        # Tables with a tenant column first: they follow the context most surely.
        return sorted(found, key=lambda item: item[1].kind is not Kind.TENANT)[:_PROBED]

    def _witness_column(self, table: TableModel) -> str:
        texts = [
            c.name for c in table.table.columns.values() if c.base in ("text", "varchar") and c.name != table.column
        ]
        return (texts or list(table.table.columns))[0]


def _victim_condition(table: TableModel, population: Population) -> str | None:
    """A WHERE condition that exactly the victim tenant's rows meet; None where no row of the victim is known."""
    columns, victim = table.table.columns, population.identities[VICTIM]
    if table.column:
        return f"{columns[table.column].sql} = {literal(victim.user if table.kind is Kind.USER else victim.tenant)}"
    stored = population.tables.get(table.table.qualified)
    rows = [row for slot, row in stored.rows.items() if slot.startswith("A")] if stored else []
    return " or ".join(dict.fromkeys(f"({identify(table.table, row)})" for row in rows)) or None
