"""Remember what was parsed and what was found, by content: a second run over the same files costs a look at them.

Two memories in the cache folder. The findings of a whole run are kept under a digest of everything they depend on:
files, settings, configuration, dbkit itself. The trees of each file are kept under a digest of its text, so that after
one change only one file is parsed. Both can be deleted at any time; a memory that cannot be read is no memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import marshal
import os
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from dbkit.config import Config, cache_dir
from dbkit.lint.files import Series
from dbkit.lint.settings import Settings
from dbkit.parse import Script, Statement, SyntaxProblem
from dbkit.report import Finding, Location, Severity

__all__ = ["Memory"]

# Findings of this many runs are kept; the oldest go first.
_RUNS_KEPT = 32


class Memory:
    """What earlier runs over these files left.

    Args:
        enabled: False neither reads nor writes.
    """

    def __init__(self, config: Config, settings: Settings, series: Sequence[Series], *, enabled: bool = True) -> None:
        self._folder = cache_dir() / "lint"
        self._enabled = enabled and _is_ours(self._folder)
        self._series = series
        self._known: dict[bytes, Any] = {}
        if self._enabled:
            folders = sorted({str(file.path.parent) for line in series for file in line.files})
            self._trees = self._folder / f"trees-{_digest(folders)}"
            self._findings = self._folder / f"findings-{_run_digest(config, settings, series)}.json"

    def findings(self) -> list[Finding] | None:
        """What the same run found before; None when there was none."""
        if not self._enabled:
            return None
        try:
            return [_finding(entry) for entry in json.loads(self._findings.read_bytes())]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def recall_trees(self) -> None:
        """Give the files the trees that are known, so that they are not parsed again."""
        if not self._enabled:
            return
        try:
            made_by, self._known = marshal.loads(self._trees.read_bytes())
        except (OSError, ValueError, EOFError, TypeError):
            made_by = None
        if made_by != _code_digest():
            self._known = {}
        for file in self._files():
            entry = self._known.get(_text_key(file.text))
            if entry is not None and file.script_if_parsed is None:
                file.script_if_parsed = _script(file.text, entry)

    def keep(self, findings: Iterable[Finding]) -> None:
        """Remember this run. A full disk or a folder that cannot be written costs the memory, not the run."""
        if not self._enabled:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(self._findings, json.dumps([_row(finding) for finding in findings], ensure_ascii=False).encode())
            trees = {}
            for file in self._files():
                key = _text_key(file.text)
                script = file.script_if_parsed
                if script is not None:
                    trees[key] = self._known.get(key) or _entry(script)
            if trees.keys() != self._known.keys():
                _write(self._trees, marshal.dumps((_code_digest(), trees)))
            self._prune()

    def _files(self) -> Iterable[Any]:
        return (file for line in self._series for file in line.files)

    def _prune(self) -> None:
        runs = sorted(self._folder.glob("findings-*.json"), key=lambda path: path.stat().st_mtime)
        for path in runs[:-_RUNS_KEPT]:
            path.unlink(missing_ok=True)


def _is_ours(folder: Path) -> bool:
    """marshal trusts what it reads: nobody else may have written it."""
    try:
        return folder.stat().st_uid == os.geteuid()
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also under a second run and kill -9."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


# ---------------------------------------------------------------------------------------------------------------------
# Keys
# ---------------------------------------------------------------------------------------------------------------------


def _digest(parts: Iterable[object]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(f"{part}\0".encode(errors="surrogatepass"))
    return digest.hexdigest()


def _text_key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


@cache
def _code_digest() -> str:
    """Changes with the linter: every module of it and what it builds on, by size and time of change."""
    package = Path(__file__).parent
    folders = (package, package / "rules", package.parent, package.parent / "tenancy")
    entries = [entry for folder in folders for entry in os.scandir(folder) if entry.name.endswith((".py", ".toml"))]
    return _digest(sorted(f"{entry.path} {entry.stat().st_size} {entry.stat().st_mtime_ns}" for entry in entries))


def _run_digest(config: Config, settings: Settings, series: Sequence[Series]) -> str:
    parts: list[object] = [_code_digest(), repr(config), settings.profile, settings.house]
    parts += sorted(settings.rules)
    parts += sorted(f"{name} {severity}" for name, severity in settings.severity.items())
    for line in series:
        parts.append(line.kind)
        for file in line.files:
            parts.append((file.display, file.kind, file.judged, file.module, file.own_line, file.down, file.bare))
            parts.append(file.text)
    return _digest(parts)


# ---------------------------------------------------------------------------------------------------------------------
# Entries
# ---------------------------------------------------------------------------------------------------------------------


def _entry(script: Script) -> tuple[list[Any], list[Any]]:
    statements = [
        (item.tag, item.node, item.start, item.end, None if item.chunk is script.text else item.chunk, item.base)
        for item in script.statements
    ]
    return statements, [(problem.message, problem.offset) for problem in script.problems]


def _script(text: str, entry: tuple[list[Any], list[Any]]) -> Script:
    script = Script(text)
    for tag, node, start, end, chunk, base in entry[0]:
        script.statements.append(Statement(tag, node, start, end, script, text if chunk is None else chunk, base))
    script.problems.extend(SyntaxProblem(message, offset) for message, offset in entry[1])
    return script


def _row(finding: Finding) -> list[Any]:
    place = finding.location
    return [
        finding.rule,
        finding.message,
        int(finding.severity),
        finding.category,
        finding.object,
        [place.file, place.line, place.column] if place else None,
        finding.detail,
        finding.hint,
    ]


def _finding(row: list[Any]) -> Finding:
    rule, message, severity, category, named, place, detail, hint = row
    return Finding(
        rule=rule,
        message=message,
        severity=Severity(severity),
        category=category,
        object=named,
        location=Location(*place) if place else None,
        detail=detail,
        hint=hint,
    )
