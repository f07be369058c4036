"""The kinds of checks: each a dataclass of its settings that measures itself on a stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from dbkit.readiness.checks.calls import Calls
from dbkit.readiness.checks.each import Each
from dbkit.readiness.checks.imported import Imported
from dbkit.readiness.checks.leak import Leak
from dbkit.readiness.checks.limiter import Limiter
from dbkit.readiness.checks.load import Load
from dbkit.readiness.checks.tests import Tests

if TYPE_CHECKING:
    from dbkit.readiness.measured import Measured
    from dbkit.readiness.stage import Stage

__all__ = ["KINDS", "Check"]


class Check(Protocol):
    """One measurement.

    Attributes:
        ROWS: keys that hold a list of tables, and the dataclass of one.
    """

    ROWS: ClassVar[Mapping[str, type]]

    def measure(self, stage: Stage) -> Measured:
        """Carry it out. Raises DbkitError where that is not possible."""
        ...

    @property
    def alone(self) -> str | None:
        """The command that shows the same, None where only this one does."""
        ...


KINDS: dict[str, type[Check]] = {
    "leak": Leak,
    "tests": Tests,
    "load": Load,
    "each": Each,
    "import": Imported,
    "calls": Calls,
    "limiter": Limiter,
}
