"""The hooks that other repositories name in their .pre-commit-config.yaml."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parent.parent.parent
HOOKS = (REPO / ".pre-commit-hooks.yaml").read_text()
IDS = re.findall(r"^- id: (\S+)$", HOOKS, re.MULTILINE)
ENTRIES = re.findall(r"^  entry: dbkit (.+)$", HOOKS, re.MULTILINE)
BAD = "create table app.t (id bigint primary key, doc json);\n"


def test_every_hook_has_its_entry() -> None:
    assert IDS == ["dbkit-lint", "dbkit-lint-fix"] and len(ENTRIES) == len(IDS)


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_is_a_command_that_takes_files(tmp_path: Path, entry: str) -> None:
    (tmp_path / "bad.sql").write_text(BAD)
    (tmp_path / "good.sql").write_text("select 1;\n")
    command = [sys.executable, "-m", "dbkit", *entry.split()]
    environment = os.environ | {"DBKIT_CACHE_DIR": str(tmp_path / "cache")}
    good = subprocess.run([*command, "good.sql"], cwd=tmp_path, capture_output=True, env=environment, check=False)
    assert good.returncode == 0
    bad = subprocess.run([*command, "bad.sql"], cwd=tmp_path, capture_output=True, env=environment, check=False)
    repaired = "jsonb" in (tmp_path / "bad.sql").read_text()
    assert (bad.returncode, repaired) == ((0, True) if "--fix" in entry else (1, False))


def test_pre_commit_installs_and_runs_the_hook(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "dbkit", tmp_path / "theirs"
    kept = shutil.ignore_patterns(".git", ".venv", ".dbkit", ".*_cache", ".hypothesis", "__pycache__")
    shutil.copytree(REPO, ours, ignore=kept, symlinks=True)
    theirs.mkdir()
    (theirs / "bad.sql").write_text(BAD)
    for folder in (ours, theirs):
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
            identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
            subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)
    environment = os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "home"), "DBKIT_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(ours), "dbkit-lint", "--all-files"]
    run = subprocess.run(command, cwd=theirs, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "bad.sql:1:44: warning: column doc is json" in run.stdout
    (theirs / "bad.sql").write_text("select 1;\n")
    run = subprocess.run(command, cwd=theirs, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
