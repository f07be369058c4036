"""What a call did to the victim's rows, told by the server's counts and by the rows themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property

from dbkit.leak.checks.functions.stand import Stand
from dbkit.leak.rows import VICTIM, Values
from dbkit.leak.statements import select_list
from dbkit.tenancy.model import Kind
from dbkit.tenancy.relations import Table, literal

__all__ = ["Effects"]

_TOUCHED = """
select relid::bigint, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_xact_user_tables
where n_tup_ins + n_tup_upd + n_tup_del > 0
"""

# Views with a column of this name, and the tables below them, through other views too.
_OVERVIEWS = """
with recursive below (view, relation) as (
    select r.ev_class, d.refobjid from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass
        and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
    union
    select b.view, d.refobjid from below b join pg_rewrite r on r.ev_class = b.relation
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
)
select t.oid::bigint, n.nspname || '.' || v.relname
from below b join pg_class v on v.oid = b.view join pg_namespace n on n.oid = v.relnamespace
join pg_class t on t.oid = b.relation and t.relkind in ('r', 'p')
where v.relkind = 'v' and n.nspname not in ('pg_catalog', 'information_schema')
"""

Rows = Counter[tuple[str | None, ...]]


class Effects:
    """Finds out what calls wrote: which tables were touched, and which of the victim's rows are not what they were."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.transaction = stand.transactions
        self.counts = self._counts()
        self.before: dict[str, Rows] = {}
        self.names = {table.table.oid: [name] for name, table in stand.protected.items() if name in stand.victims}
        owned = set(self.names)
        for oid, view in stand.attacker.session.run("reset session authorization", _OVERVIEWS).rows:
            if view in self._overviews and int(oid or 0) not in owned:
                self.names.setdefault(int(oid or 0), []).append(view)

    @cached_property
    def _overviews(self) -> dict[str, tuple[Table, str]]:
        """Views with a tenant column, and what picks the victim's rows there: they say whose a row without one is."""
        victim, found = self.stand.population.identities[VICTIM].tenant, {}
        for name, relation in self.stand.model.relations.tables.items():
            column = next((each for each in self.stand.model.tenant_columns if each in relation.columns), None)
            if relation.kind == "v" and column is not None:
                found[name] = relation, f"{relation.columns[column].sql}::text = {literal(victim)}"
        return found

    def _counts(self) -> dict[int, tuple[str | None, ...]]:
        outcome = self.stand.attacker.session.run("reset session authorization", _TOUCHED)
        return {int(row[0] or 0): row[1:] for row in outcome.rows}

    def written(self, everything: bool = False) -> str | None:
        """What the last statement did to the victim's rows, before it is rolled back; None when nothing.

        Args:
            everything: look at every table, for statements that leave no count (TRUNCATE).
        """
        counts = self._counts()
        if self.transaction != self.stand.transactions:  # the server counts anew in each
            self.transaction, self.counts = self.stand.transactions, {}
        touched = [oid for oid, now in counts.items() if now != self.counts.get(oid)]
        self.counts = counts
        for name in [name for oid in (self.names if everything else touched) for name in self.names.get(oid, ())]:
            witness = self._difference(name)
            if witness:
                return witness
        return None

    def _difference(self, name: str) -> str | None:
        now = self.victims_rows(name)
        if name not in self.before:
            self.stand.attacker.session.run("savepoint look", "rollback to savepoint attack")
            self.before[name] = self.victims_rows(name)
            # The savepoint "look" is gone with what the statement did, which is not needed any more.
        before = self.before[name]
        gone, come = before - now, now - before
        if not gone and not come:
            return None
        if gone and come:
            return f"a row of the victim in {name} became {_shortened(next(iter(come)))}"
        if gone:
            return f"a row of the victim in {name} is gone: {_shortened(next(iter(gone)))}"
        return f"a row was stored for the victim in {name}: {_shortened(next(iter(come)))}"

    def victims_rows(self, name: str) -> Rows:
        table, condition = self._overviews.get(name) or (self.stand.protected[name].table, self._condition(name))
        query = f"select {select_list(table, list(table.columns))} from {table.sql} where {condition}"
        outcome = self.stand.attacker.session.run("reset session authorization", query)
        return Counter(outcome.rows)

    def _condition(self, name: str) -> str:
        """The victim's rows, and rows that reference one of them where no column names the tenant."""
        model = self.stand.protected[name]
        parts = [f"({self.stand.victims[name]})"]
        if model.kind is Kind.ROW:
            for key in model.table.foreign_keys:
                rows = self.stand.population.tables.get(key.target)
                theirs: list[Values] = [row for s, row in rows.rows.items() if s.startswith("A")] if rows else []
                own = [row for s, row in rows.rows.items() if not s.startswith("A")] if rows else []
                for row in theirs:
                    if row not in own:
                        parts.append(_referencing(model.table, key.columns, [row[c] for c in key.target_columns]))
        return " or ".join(dict.fromkeys(parts))


def _referencing(table: Table, columns: Iterable[str], values: Iterable[str | None]) -> str:
    pairs = (f"{table.columns[c].sql} = {literal(v)}" for c, v in zip(columns, values, strict=True) if v is not None)
    return "(" + (" and ".join(pairs) or "false") + ")"


def _shortened(row: tuple[str | None, ...]) -> str:
    text = ", ".join("null" if value is None else value for value in row)
    return text if len(text) <= 160 else f"{text[:160]}…"
