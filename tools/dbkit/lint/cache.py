"""Remember the trees of each file under a digest of its text: after one change only one file is parsed.

The memory lies in the cache folder and can be deleted at any time; one that cannot be read is no memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
from collections.abc import Iterable, Sequence
from typing import Any

from dbkit.config import cache_dir
from dbkit.lint.files import LintFile, Series
from dbkit.lint.store import code_digest, digest_of, is_ours, write_whole
from dbkit.parse import Script, Statement, SyntaxProblem

__all__ = ["Memory"]


class Memory:
    """The trees that earlier runs over these folders left.

    Args:
        enabled: False neither reads nor writes.
    """

    def __init__(self, series: Sequence[Series], *, enabled: bool = True) -> None:
        folder = cache_dir() / "lint"
        # marshal trusts what it reads: nobody else may have written it.
        self._enabled = enabled and is_ours(folder)
        self._series = series
        self._known: dict[bytes, Any] = {}
        if self._enabled:
            folders = sorted({str(file.path.parent) for line in series for file in line.files})
            self._path = folder / f"trees-{digest_of(folders)}"

    def recall(self) -> None:
        """Give the files the trees that are known, so that they are not parsed again."""
        if not self._enabled:
            return
        try:
            made_by, self._known = marshal.loads(self._path.read_bytes())
        except (OSError, ValueError, EOFError, TypeError):
            made_by = None
        if made_by != code_digest():
            self._known = {}
        for file in self._files():
            entry = self._known.get(_text_key(file.text))
            if entry is not None and file.script_if_parsed is None:
                file.script_if_parsed = _script(file.text, entry)

    def keep(self) -> None:
        """Remember this run. A full disk or a folder that cannot be written costs the memory, not the run."""
        if not self._enabled:
            return
        trees = {}
        for file in self._files():
            script = file.script_if_parsed
            if script is not None:
                key = _text_key(file.text)
                trees[key] = self._known.get(key) or _entry(script)
        if trees.keys() != self._known.keys():
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(self._path, marshal.dumps((code_digest(), trees)))

    def _files(self) -> Iterable[LintFile]:
        return (file for line in self._series for file in line.files)


def _text_key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


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
