"""core and rental in the isolation modes that are not the default: their promises, and what must not depend on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dbkit.config import Config
from dbkit.tap.command import Options, run_tests

REPO = Path(__file__).resolve().parents[2]

# Files about what only a sealed context can promise; each mode has its own context.sql instead. The two of rental and
# that of the audit log write a context by hand among other attempts.
OTHER_PROMISES = {
    "trusted": {
        "audit_actor.sql",
        "context.sql",
        "context_keys.sql",
        "context_transactions.sql",
        "isolation.sql",
        "renters.sql",
    },
    "signed": {"context.sql"},
}


@pytest.mark.parametrize("mode", sorted(OTHER_PROMISES))
def test_mode(config: Config, mode: str) -> None:
    shared = [
        path
        for path in sorted((REPO / "tests/pgtap").glob("*/*.sql"))
        if not path.name.startswith("_") and path.name not in OTHER_PROMISES[mode]
    ]
    own = REPO / "tests/isolation" / mode / "context.sql"

    run = run_tests(replace(config, isolation=mode), Options(paths=(own, *shared)))

    assert [result.file.display for result in run.failed_files] == []
    assert len(run.results) == len(shared) + 1


def test_signed_differs_from_sealed_in_grants_only() -> None:
    def functions(mode: str) -> str:
        text = (REPO / f"sql/schema/core/context.{mode}.sql").read_text(encoding="utf-8")
        return text[text.index("create function") :]

    assert functions("signed") == functions("sealed")
    assert functions("trusted") != functions("sealed")
