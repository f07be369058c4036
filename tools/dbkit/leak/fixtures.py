"""Rows that the owner of a schema supplies, for tables that cannot be filled from the catalog: `[tenancy] fixtures`.

The file is plain SQL, run as the administrator once for each user of each tenant. {tenant} and {user} stand for their
ids as literals, {n} for a number that differs from run to run: that ties a row to the tenant it was made for, whatever
columns it has. The first row that a run adds to a table is that user's row there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dbkit.errors import DbkitError
from dbkit.leak.rows import ATTACKER, SLOTS, VICTIM, Values, ordinal
from dbkit.tenancy.declaration import render_context
from dbkit.tenancy.relations import Table

if TYPE_CHECKING:
    from dbkit.leak.synthesis import Synthesis

__all__ = ["Fixtures"]

# Numbers of the runs that are taken back: a further row that would fit beside the stored ones.
_SPARE = 100


class Fixtures:
    """The statements of one file and the database they are run in.

    Raises:
        DbkitError: the file cannot be read.
    """

    def __init__(self, synthesis: Synthesis, file: Path) -> None:
        from dbkit.sqltext import split

        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DbkitError(
                f"cannot read fixtures: {file}",
                detail=f"{error}.",
                hint="fixtures under [tenancy] names a file beside the one that says so.",
            ) from None
        self.synthesis = synthesis
        self.session = synthesis.session
        self.file = file
        self.statements = [statement.text for statement in split(text)]

    def place(self, tables: list[Table]) -> None:
        """Run the file for every slot and keep what it added to tables that have no row of that slot.

        Raises:
            DbkitError: a statement is refused.
        """
        population = self.synthesis.population
        for slot in SLOTS:
            for table, row in self._added(tables, slot, ordinal(slot), keep=True):
                population.tables[table.qualified].rows.setdefault(slot, row)
        for table in tables:
            rows = population.tables[table.qualified]
            if rows.reason is not None and {VICTIM, ATTACKER} <= set(rows.rows):
                rows.notes.append(f"rows of {self.file.name}, since otherwise {rows.reason}")
                rows.reason = None

    def spare(self, table: Table, slot: str) -> Values | None:
        """Values of a further row of the slot, None where the file adds none to this table."""
        self.session.must("savepoint fixture")
        try:
            rows = self._added([table], slot, _SPARE + ordinal(slot), keep=False)
        except DbkitError:
            rows = []  # a file that only fits once is fine: then there is no further row
        self.session.must("rollback to savepoint fixture", "release savepoint fixture")
        if not rows:
            return None
        return {name: value for name, value in rows[0][1].items() if not table.columns[name].filled_by_server}

    def _added(self, tables: list[Table], slot: str, number: int, *, keep: bool) -> list[tuple[Table, Values]]:
        """The first row that a run adds to each table."""
        identity = self.synthesis.population.identities[slot]
        before = {table.qualified: set(self._rows(table)) for table in tables}
        for text in self.statements:
            statement = render_context(text, identity.tenant, identity.user).replace("{n}", str(number))
            outcome = self.session.run(statement)
            if outcome.refused:
                raise DbkitError(
                    "a statement of the fixtures is refused",
                    detail=f"{outcome}. Statement: {statement[:1000]}",
                    hint=f"Correct {self.file}. It runs once for each user of a tenant: give keys {{user}} or {{n}}.",
                )
            if keep:
                self.synthesis.population.statements.append(statement)
        added = []
        for table in tables:
            new = [row for place, row in self._rows(table).items() if place not in before[table.qualified]]
            added += [(table, row) for row in new[:1]]
        return added

    def _rows(self, table: Table) -> dict[tuple[str | None, ...], Values]:
        """Every row by its physical place."""
        columns = ", ".join(f"{column.sql}::text" for column in table.columns.values())
        found = self.session.must(
            f"select tableoid::text, ctid::text, {columns} from {table.sql} order by tableoid, ctid"
        )
        return {row[:2]: dict(zip(table.columns, row[2:], strict=True)) for row in found.rows}
