"""Every rule against its own bad and good cases, and its documentation against itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dbkit.config import load_config
from dbkit.lint.engine import lint
from dbkit.lint.files import MIGRATION
from dbkit.lint.render import SECTIONS, reference
from dbkit.lint.result import LintResult
from dbkit.lint.rule import CITUS, HOUSE, STRICT, load_rules
from dbkit.report import Severity

CASES = Path(__file__).parent
BASE = CASES / "_base.sql"
REPO = CASES.parent.parent
PROJECT = """
[modules]
clinic = []
"""
# Hold for nearly every file by themselves: they are judged in their own cases only.
COMMON = {"missing_lock_timeout", "missing_statement_timeout", "many_tables_locked"}

_FILE = re.compile(r"^-- file: (\S+)\n", re.MULTILINE)
_FINDING = re.compile(r"-- finding$")
_FINDING_ABOVE = "-- ^ finding"


def case_files(prefix: str) -> list[Path]:
    return sorted(path for path in CASES.glob(f"*/{prefix}*.sql"))


def case_id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def judge(case: Path, folder: Path) -> tuple[LintResult, set[tuple[str, int]]]:
    """Lay a case out in a folder and judge it; returns the result and the (file, line) of the marked findings."""
    rule = load_rules()[case.parent.name]
    house = case.stem.endswith("_house")
    profile = rule.set if rule.set in (HOUSE, STRICT, CITUS) else HOUSE if house else "recommended"
    ignored = ", ".join(f'"{name}"' for name in sorted(COMMON & load_rules().keys() - {rule.name}))
    (folder / "dbkit.toml").write_text(f"{PROJECT}[lint]\nignore = [{ignored}]\n")
    parts = _FILE.split(case.read_text())
    files = dict(zip(parts[1::2], parts[2::2], strict=True)) or {"case.sql": parts[0]}
    marked = set()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for number, line in enumerate(text.split("\n"), start=1):
            if _FINDING.search(line):
                marked.add((name, number))
            elif line == _FINDING_ABOVE:
                marked.add((name, number - 1))
    roots = sorted({folder / Path(name).parts[0] for name in files if name != "dbkit.toml"})
    result = lint(load_config(folder / "dbkit.toml"), roots, history=[BASE], profile=profile)
    return result, marked


def places(result: LintResult, rule: str, folder: Path) -> set[tuple[str, int]]:
    found = set()
    for finding in result.report.findings:
        if finding.rule != rule:
            continue
        assert finding.location is not None
        found.add((str(Path(finding.location.file).absolute().relative_to(folder)), finding.location.line))
    return found


@pytest.mark.parametrize("case", case_files("bad"), ids=case_id)
def test_bad_has_exactly_the_marked_findings(case: Path, tmp_path: Path) -> None:
    result, marked = judge(case, tmp_path)
    assert marked, "a bad case marks at least one line"
    assert places(result, case.parent.name, tmp_path) == marked


@pytest.mark.parametrize("case", case_files("good"), ids=case_id)
def test_good_has_no_finding(case: Path, tmp_path: Path) -> None:
    result, marked = judge(case, tmp_path)
    assert not marked
    own = case.parent.name
    assert [
        (str(finding.location), finding.rule, finding.message)
        for finding in result.report.findings
        if finding.rule == own or finding.severity > Severity.NOTE
    ] == []


@pytest.mark.parametrize(("rest", "found"), [("", True), (" || sqlerrm", False)])
def test_a_long_text_in_a_handler_is_read_once(tmp_path: Path, rest: str, found: bool) -> None:
    """A pattern that may split what is blanked in three ways takes hours for a text of this length."""
    path = tmp_path / "case.sql"
    path.write_text(
        "create function app.f() returns text language plpgsql set search_path = pg_catalog, pg_temp as $$\n"
        "declare v_said text; begin delete from app.docs; return v_said;\n"
        f"exception when others then v_said := '{'long ' * 4000}'{rest}; return v_said; end $$;\n"
    )
    result = lint(load_config_of(tmp_path), [path], history=[BASE])
    assert ("swallowed_exception" in {finding.rule for finding in result.report.findings}) is found


def test_rules_and_case_folders_pair() -> None:
    folders = {path.name for path in CASES.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(load_rules())
    for folder in folders:
        stems = [path.stem for path in (CASES / folder).glob("*.sql")]
        assert any(stem.startswith("bad") for stem in stems), folder
        assert any(stem.startswith("good") for stem in stems), folder


@pytest.mark.parametrize("name", load_rules())
def test_docstring_has_every_section(name: str) -> None:
    rule = load_rules()[name]
    summary, *rest = rule.doc.strip().split("\n")
    assert re.fullmatch(r"[A-Z_a-z].*[.)]", summary) and len(summary) <= 120
    assert rest[0] == "", "a blank line follows the summary"
    assert re.findall(r"^## (.+)$", rule.doc, re.MULTILINE) == list(SECTIONS)
    for section in SECTIONS:
        assert section_text(rule.doc, section), section
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
    assert not name.startswith(("ban_", "require_", "no_", "disallow_")), "a rule is named after the defect"


def section_text(doc: str, section: str) -> str:
    match = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", doc, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match[1].strip()


def sql_block(doc: str, section: str) -> str | None:
    match = re.search(r"```sql\n(.*?)```", section_text(doc, section), re.DOTALL)
    return match[1] if match else None


# The examples of these are about file names and headers, not about SQL a lone file can show.
EXAMPLES = [
    name
    for name, rule in load_rules().items()
    if sql_block(rule.doc, "Example") and rule.code != "L003" and MIGRATION in rule.files
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_documented_example_is_found_and_its_replacement_is_not(name: str, tmp_path: Path) -> None:
    doc = load_rules()[name].doc
    for section, expected in (("Example", True), ("Use instead", False)):
        path = tmp_path / f"{expected}.sql"
        path.write_text(sql_block(doc, section) or "")
        profile = {STRICT: STRICT, CITUS: CITUS}.get(load_rules()[name].set, HOUSE)
        result = lint(load_config_of(tmp_path), [path], history=[BASE], profile=profile)
        assert (name in {finding.rule for finding in result.report.findings}) is expected, section


def load_config_of(folder: Path):  # type: ignore[no-untyped-def]
    (folder / "dbkit.toml").write_text(PROJECT)
    return load_config(folder / "dbkit.toml")


def test_reference_is_generated_from_the_rules() -> None:
    path = REPO / "docs" / "reference" / "lint-rules.md"
    assert path.read_text() == reference(), "run: dbkit lint --rules --format markdown > docs/reference/lint-rules.md"
