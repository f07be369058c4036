"""The index of rules says what the rules' modules say, and is written anew when they change."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from dbkit.lint import rule_index
from dbkit.lint.rule import Rule
from dbkit.lint.rule_index import Later, imported_rules, indexed_rules

_CHECKS = ("statement_checks", "alter_checks", "column_checks")


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBKIT_CACHE_DIR", str(tmp_path))
    return tmp_path / "lint-rules"


def test_what_is_remembered_is_what_the_modules_say() -> None:
    real = indexed_rules()
    remembered = indexed_rules()
    assert list(remembered) == list(real) and len(real) > 100
    for name, rule in remembered.items():
        assert rule is not real[name]
        for item in fields(Rule):
            value, other = getattr(rule, item.name), getattr(real[name], item.name)
            if item.name in _CHECKS:
                assert {key: list(map(_name, listed)) for key, listed in value.items()} == {
                    key: list(map(_name, listed)) for key, listed in other.items()
                }
            elif item.name.endswith("_checks"):
                assert [(key, _name(check)) for key, check in value] == [(key, _name(check)) for key, check in other]
            else:
                assert value == other, (name, item.name)


def _name(check: object) -> object:
    """The function a check is, also one that is still to be imported."""
    return check if not isinstance(check, Later) else check.function


def test_rules_are_documented_alike_with_and_without_an_index() -> None:
    script = "from dbkit.lint.render import reference\nimport hashlib\nfor _ in range(2):\n"
    script += "    print(hashlib.sha256(reference().encode()).hexdigest())\n"
    assert len({*_run(script), *_run(script)}) == 1


def test_a_check_of_several_subcommands_is_one_check() -> None:
    indexed_rules()
    several = 0
    for name, rule in indexed_rules().items():
        ours = {check for listed in rule.alter_checks.values() for check in listed}
        real = {check for listed in imported_rules()[name].alter_checks.values() for check in listed}
        assert len(ours) == len(real)
        several += len(real) < sum(map(len, rule.alter_checks.values()))
    assert several, "some rule looks at several subcommands with one function"


def test_a_run_imports_the_rules_it_asks(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("create table app.a (id bigint primary key, price money);\n")
    script = (
        "import sys, pathlib\nfrom dbkit.config import Config\nfrom dbkit.lint.engine import lint\n"
        f"found = lint(Config(pathlib.Path('.')), [pathlib.Path({str(tmp_path)!r})], remember=False).report.findings\n"
        "print(*sorted(item.rule for item in found))\n"
        "print(*(name.rpartition('.')[2] for name in sys.modules if name.startswith('dbkit.lint.rules.')))\n"
    )
    found, everything = _run(script)
    again, asked = _run(script)
    assert again == found and "money_type" in found.split()
    assert "money_type" in asked.split() and "vacuum_full" not in asked.split()
    assert len(asked.split()) < len(everything.split()) / 2


def _run(script: str) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    first, second = done.stdout.splitlines()
    return first, second


@pytest.mark.parametrize("damage", [b"", b"\x00garbage", b"[1, 2]", "other code"])
def test_an_index_that_is_damaged_or_of_other_code_is_written_anew(
    index: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | str
) -> None:
    indexed_rules()
    written = index.read_bytes()
    if isinstance(damage, bytes):
        index.write_bytes(damage)
    else:
        monkeypatch.setattr(rule_index, "code_digest", lambda: "0")
    rules = indexed_rules()
    assert rules.keys() == imported_rules().keys()
    assert not any(isinstance(check, Later) for rule in rules.values() for _, check in rule.settled_checks)
    assert (index.read_bytes() == written) is isinstance(damage, bytes)


def test_an_index_somebody_else_wrote_is_not_read(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    indexed_rules()
    monkeypatch.setattr(rule_index, "is_ours", lambda _: False)
    index.write_bytes(b"")
    assert indexed_rules() and index.read_bytes() == b""


def test_a_cache_folder_that_cannot_be_written_costs_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DBKIT_CACHE_DIR", str(tmp_path / "file"))
    assert indexed_rules().keys() == imported_rules().keys()
