"""Check of kind `each`: every caller asks the same and gets what it must get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dbkit.readiness.measured import Measured

if TYPE_CHECKING:
    from dbkit.readiness.stage import Stage

__all__ = ["Each"]

_SHOWN = 3


@dataclass(frozen=True)
class Each:
    """A query whose one row is the same for all.

    Attributes:
        says: what callers that get it do, in the plural, e.g. "landlords see their own 1,000 units".
        sql: a query of one row, run in the context of {caller}.
        expect: its columns as text.
    """

    ROWS: ClassVar[Mapping[str, type]] = {}
    says: str
    sql: str
    expect: tuple[str, ...]

    @property
    def alone(self) -> str | None:
        return None

    def measure(self, stage: Stage) -> Measured:
        import psycopg

        callers = stage.claim.callers
        others: list[str] = []
        with stage.database() as database:
            for n in range(1, callers + 1):
                stage.tell(f"asking as caller {n} of {callers}")
                try:
                    with stage.request(database, n) as connection:
                        rows = connection.execute(stage.claim.written(self.sql, n).encode()).fetchall()
                except psycopg.Error as error:
                    others.append(f"caller {n}: {error.sqlstate} {error.diag.message_primary}")
                    continue
                found = [tuple(str(value) for value in row) for row in rows]
                if found != [self.expect]:
                    shown = "; ".join(", ".join(row) for row in found[:_SHOWN]) or "nothing"
                    others.append(f"caller {n}: {shown}")
        good = callers - len(others)
        return Measured(
            value=f"{good} of {callers} {self.says}",
            target=f"{callers} of {callers}",
            verdict="missed" if others else "met",
            figures={"callers": callers, "good": good},
            detail="\n".join(others[:_SHOWN]) or None,
            hint=f"Expected was {', '.join(self.expect)}." if others else None,
        )
