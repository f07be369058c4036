"""Check of kind `import`: `dbkit import` takes so many rows in time, and what follows from each of them is there."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from dbkit.readiness.measured import Measured

if TYPE_CHECKING:
    from dbkit.readiness.stage import Stage

__all__ = ["Imported"]

_SHOWN = 3


@dataclass(frozen=True)
class Imported:
    """Rows imported by caller 1.

    Attributes:
        function: what `dbkit import` calls.
        header: first line of the file.
        row: a further line; {i} counts from 1.
        rows: how many.
        seconds: the most it may take.
        then: query of the administrator that counts what came of the rows: as many as there are rows.
        then_says: what it counts.
    """

    ROWS: ClassVar[Mapping[str, type]] = {}
    function: str
    header: str
    row: str
    rows: int
    seconds: float
    then: str
    then_says: str

    @property
    def alone(self) -> str | None:
        return None

    def measure(self, stage: Stage) -> Measured:
        import psycopg

        from dbkit.csv_file import open_csv
        from dbkit.csv_import import Caller, import_csv

        stage.tell(f"importing {self.rows} rows")
        with stage.database() as database, tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.csv"
            lines = [self.header, *(self.row.replace("{i}", str(i)) for i in range(1, self.rows + 1))]
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
            user = stage.caller(database, 1)
            caller = Caller(user, user, stage.claim.role)
            started = time.perf_counter()
            with open_csv(file) as source, import_csv(database.conninfo, self.function, source, caller) as result:
                took = time.perf_counter() - started
                refused = [f"line {outcome.line}: {outcome.error}" for outcome in islice(result.refused(), _SHOWN)]
            with psycopg.connect(database.conninfo) as connection:
                row = connection.execute(self.then.encode()).fetchone()
        followed = int(row[0]) if row else 0
        taken = result.total - result.failed
        good = taken == self.rows == followed and took <= self.seconds
        return Measured(
            value=f"{taken} rows in {took:.1f} s, {followed} {self.then_says}",
            target=f"{self.rows} in ≤ {self.seconds:g} s, {self.rows} {self.then_says}",
            verdict="met" if good else "missed",
            figures={"rows": taken, "refused": result.failed, "followed": followed, "seconds": round(took, 3)},
            detail="\n".join(refused) or None,
        )
