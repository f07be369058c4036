"""The linter on damaged and foreign SQL: never a traceback; what cannot be parsed is one finding with its place.

CI runs it for seconds; `make fuzz-lint MINUTES=10` sets DBKIT_FUZZ_MINUTES and runs it for that long.
"""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dbkit.config import Config
from dbkit.lint.engine import lint
from dbkit.lint.fix import _TOKEN
from dbkit.report import Severity

TESTS = Path(__file__).parent.parent
BASE = TESTS / "lint" / "_base.sql"
MINUTES = float(os.environ.get("DBKIT_FUZZ_MINUTES", "0"))
SHORT = 150  # examples of one CI run

# Characters that have broken scanners: null, marks, wide and combining ones, unpaired surrogates cannot be in UTF-8.
ODD = [
    "\x00",
    "\ufeff",
    "\u200b",
    "é",
    "ß",
    "漢",
    "😀",
    "e\u0301",
    "\r",
    "\x0b",
    "\u2028",
    "'",
    '"',
    "$$",
    "/*",
    "--",
    "\\",
    ";",
]


@cache
def seeds() -> list[str]:
    """SQL that the linter's own tests judge: every kind of statement a rule looks at."""
    paths = [*(TESTS / "lint").glob("*/*.sql"), *(TESTS.parent / "sql").rglob("*.sql")]
    return sorted({path.read_text() for path in paths if path.stat().st_size < 20_000})


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A seed with tokens deleted, doubled, swapped or replaced, cut off, or with odd characters in it."""
    pieces = [match.group() for match in _TOKEN.finditer(draw(st.sampled_from(seeds())))]
    for _ in range(draw(st.integers(1, 6))):
        if not pieces:
            break
        at = draw(st.integers(0, len(pieces) - 1))
        how = draw(st.sampled_from(["delete", "double", "swap", "odd", "borrow", "cut", "letter"]))
        if how == "delete":
            del pieces[at]
        elif how == "double":
            pieces.insert(at, pieces[at])
        elif how == "swap":
            other = draw(st.integers(0, len(pieces) - 1))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif how == "odd":
            pieces.insert(at, draw(st.sampled_from(ODD)))
        elif how == "borrow":
            words = draw(st.sampled_from(seeds())).split()
            pieces[at] = draw(st.sampled_from(words)) if words else ""
        elif how == "cut":
            pieces = pieces[: at + 1]
        else:
            pieces[at] = pieces[at][: draw(st.integers(0, len(pieces[at])))]
    return draw(st.sampled_from([" ", "\n"])).join(pieces)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return Config(root=tmp_path_factory.mktemp("fuzz"))


def judge(project: Config, text: str, *, repair: bool = False) -> None:
    """Lint a text in the strictest profile; every finding must have a place inside it."""
    path = project.root / "0001_case.sql"
    path.write_bytes(text.encode("utf-8"))
    result = lint(project, [path], history=[BASE], profile="strict", remember=False, repair=repair)
    lines = path.read_bytes().decode("utf-8-sig").split("\n")
    broken = 0
    for finding in result.report.findings:
        place = finding.location
        assert place is not None
        assert 1 <= place.line <= len(lines), finding
        assert place.column is not None and 1 <= place.column <= len(lines[place.line - 1]) + 1, finding
        broken += finding.rule == "syntax_error"
    assert broken <= 1, "one finding says that a file cannot be parsed"
    for item in result.repairs:
        for edit in item.fix.edits:
            assert 0 <= edit.start <= edit.end <= len(item.file.text)


@settings(
    max_examples=SHORT,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(text=damaged())
def test_damaged_sql_never_raises(project: Config, text: str) -> None:
    judge(project, text, repair=True)


@settings(max_examples=SHORT, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_never_raises(project: Config, text: str) -> None:
    judge(project, text)


@pytest.mark.skipif(not MINUTES, reason="make fuzz-lint MINUTES=10 runs it")
def test_for_minutes(project: Config) -> None:
    until = time.monotonic() + MINUTES * 60
    while time.monotonic() < until:

        @settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(text=damaged())
        def once(text: str) -> None:
            judge(project, text, repair=True)

        once()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("select 1;\nselect from from;\n", (2, 13)),
        ("select 1;\n\n  alter tabel x;\n", (3, 9)),
        ("select 'größe', 漢 漢 漢 from;\n", (1, 21)),
        ("select '\x00';\n", (1, 9)),
        ("select (1;\n", (1, 10)),
        ("select 'open\n", (1, 8)),
    ],
)
def test_what_cannot_be_parsed_is_one_finding_with_its_place(
    project: Config, text: str, place: tuple[int, int]
) -> None:
    path = project.root / "0001_case.sql"
    path.write_text(text)
    (finding,) = lint(project, [path], remember=False).report.findings
    assert (finding.rule, finding.severity) == ("syntax_error", Severity.ERROR)
    assert finding.location is not None and (finding.location.line, finding.location.column) == place


def server_sql() -> list[Path]:
    """SQL that PostgreSQL installations bring: extension scripts and, where it is packaged, the regression tests."""
    found = [path for root in Path("/usr/share/postgresql").glob("*") for path in root.rglob("*.sql")]
    found += [path for root in Path("/usr/lib/postgresql").glob("*") for path in root.rglob("*.sql")]
    extra = os.environ.get("DBKIT_REGRESS_SQL")  # a folder with src/test/regress/sql of PostgreSQL's source
    return sorted(found + (list(Path(extra).rglob("*.sql")) if extra else []))


def test_sql_of_postgresql_itself_never_raises(project: Config) -> None:
    paths = server_sql()
    if not paths:
        pytest.skip("no PostgreSQL installation with SQL files below /usr")
    texts = {path: path.read_bytes().decode("utf-8", errors="replace") for path in paths}
    for path, text in texts.items():
        try:
            judge(project, text, repair=True)
        except Exception as error:
            raise AssertionError(f"{path}: {error!r}") from error
