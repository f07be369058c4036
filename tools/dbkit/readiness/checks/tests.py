"""Check of kind `tests`: pgTAP files that state the promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dbkit.readiness.measured import Measured

if TYPE_CHECKING:
    from dbkit.readiness.stage import Stage

__all__ = ["Tests"]


@dataclass(frozen=True)
class Tests:
    """Every file passes, and none is skipped.

    Attributes:
        paths: files and folders, relative to the project.
    """

    ROWS: ClassVar[Mapping[str, type]] = {}
    __test__ = False  # pytest: not a test class
    paths: tuple[str, ...]

    @property
    def alone(self) -> str | None:
        return f"dbkit test {self.paths[0]}" if len(self.paths) == 1 else None

    def measure(self, stage: Stage) -> Measured:
        from dbkit.tap.command import Options, run_tests

        stage.tell("running pgTAP files")
        paths = tuple(stage.config.resolve(path) for path in self.paths)
        run = run_tests(stage.config, Options(paths, disposable=True))
        skipped = [result.file.display for result in run.results if result.skipped]
        wrong = sorted({result.file.display for result in run.failed_files} | set(skipped))
        return Measured(
            value=f"{len(run.results)} files, {run.tests} tests, {run.failed_tests} failed",
            target="0 failed",
            verdict="missed" if run.failed_files else "unverified" if skipped or not run.tests else "met",
            figures={"files": len(run.results), "tests": run.tests, "failed": run.failed_tests, "skipped": skipped},
            detail="\n".join(wrong) or None,
            hint=f"Run: dbkit test {' '.join(wrong)}" if wrong else None,
        )
