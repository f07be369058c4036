"""core in the isolation modes that are not the default: their own promises, and what must not depend on the mode."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dbkit.config import Config
from dbkit.tap.command import Options, run_tests

REPO = Path(__file__).resolve().parents[2]

# Files about what only a sealed context can promise; each mode has its own context.sql instead.
OTHER_PROMISES = {
    "trusted": {"context.sql", "context_keys.sql", "context_transactions.sql"},
    "signed": {"context.sql"},
}


@pytest.mark.parametrize("mode", sorted(OTHER_PROMISES))
def test_mode(config: Config, mode: str) -> None:
    shared = [
        path
        for path in sorted((REPO / "tests/pgtap/core").glob("*.sql"))
        if not path.name.startswith("_") and path.name not in OTHER_PROMISES[mode]
    ]
    own = REPO / "tests/isolation" / mode / "context.sql"
    project = replace(
        config,
        isolation=mode,
        modules={"core": ()},
        test=replace(config.test, setup=("tests/pgtap/_helpers.sql", "tests/pgtap/core/_helpers.sql")),
    )

    run = run_tests(project, Options(paths=(own, *shared)))

    assert [result.file.display for result in run.failed_files] == []
    assert len(run.results) == len(shared) + 1


def test_signed_differs_from_sealed_in_grants_only() -> None:
    def functions(mode: str) -> str:
        text = (REPO / f"sql/schema/core/context.{mode}.sql").read_text(encoding="utf-8")
        return text[text.index("create function") :]

    assert functions("signed") == functions("sealed")
    assert functions("trusted") != functions("sealed")
