"""Remember trees and answers from run to run: after a change only what it may matter to is parsed and asked again.

What the rules say of a file hangs on its own text and on what the files before it did to the database, their *effects*:
their trees without the places in the text, and the names their comments speak of. Trees are therefore kept under the
digest of their text, and answers under the digest of the text and of the chain of effects up to there. A comment in the
first of a thousand migrations, or a change to the last one, leaves the answers about the others standing.

The memory lies in the cache folder and can be deleted at any time; one that cannot be read is no memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from dbkit.config import cache_dir
from dbkit.lint.answers import Answer, Answers
from dbkit.lint.files import DECLARED, LintFile, Series
from dbkit.lint.names_in_text import names_in_comments
from dbkit.lint.store import code_digest, digest_of, forget_oldest, is_ours, write_whole
from dbkit.lint.trees import as_text
from dbkit.parse import Script, Statement, SyntaxProblem

__all__ = ["Memory"]


class Memory:
    """What earlier runs over these files left.

    Args:
        options: everything else the answers depend on.
        enabled: False neither reads nor writes.
        answers: False remembers trees only.
    """

    def __init__(self, series: Sequence[Series], options: str, *, enabled: bool = True, answers: bool = True) -> None:
        folder = cache_dir() / "lint"
        self._series = series
        # marshal trusts what it reads: nobody else may have written it.
        self._enabled = enabled and is_ours(folder)
        folders = sorted({str(file.path.parent) for line in series for file in line.files})
        self._trees = _Store(folder / f"trees-{digest_of(folders)}")
        self._answers = _Store(folder / f"answers-{digest_of([options, *folders])}") if answers else None
        self._keys: list[list[_Keys]] = []

    def recall(self) -> list[Answers]:
        """Let the files take the trees that are known, and return for each series the answers that still hold."""
        known = [Answers() for _ in self._series]
        if not self._enabled:
            return known
        self._trees.read()
        for file in (file for line in self._series for file in line.files):
            stored = self._trees.known.get(file.digest)
            if stored is not None:
                file.recalled = _recalling(file.text, stored)
        if self._answers is not None:
            self._answers.read()
            self._keys = [list(_keys(line, self._effects)) for line in self._series]
            for key, number, listed in self._places(known):
                rows = self._answers.known.get(key)
                if rows is not None:
                    listed[number] = [Answer._make(row) for row in rows]
        return known

    def keep(self, answers: Sequence[Answers]) -> None:
        """Remember this run. A full disk or a folder that cannot be written costs the memory, not the run.

        Args:
            answers: for each series, those recalled included.
        """
        if not self._enabled:
            return
        for file in (file for line in self._series for file in line.files):
            self._trees.keep(file.digest, partial(_entry, file))
        self._trees.write()
        if self._answers is not None:
            for key, number, listed in self._places(answers):
                # An answer that points into another file would outlive that file's text.
                if number in listed and all(item.file == number for item in listed[number]):
                    self._answers.keep(key, partial(_rows, listed[number]))
            self._answers.write()

    def _places(self, answers: Sequence[Answers]) -> Iterator[tuple[bytes, int, dict[int, list[Answer]]]]:
        """For what is or may be said of each file: its key, the number of the file, and where it stands."""
        for keys, said in zip(self._keys, answers, strict=True):
            for number, (settled, concluded) in enumerate(keys):
                yield settled, number, said.settled
                yield concluded, number, said.concluded

    def _effects(self, file: LintFile) -> bytes:
        """Digest of what a file does to the meaning of others; the file is parsed where that is not known."""
        key = _hash(b"effects", file.digest, f"{file.kind} {file.down} {file.bare}".encode())
        effects: bytes = self._trees.keep(key, partial(effects_of, file))
        return effects


class _Keys(NamedTuple):
    """What the answers about a file are kept under."""

    settled: bytes
    concluded: bytes


class _Store:
    """A file of values by digest: what was read, and what this run keeps of it or adds to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: dict[bytes, Any] = {}
        self._kept: dict[bytes, Any] = {}

    def read(self) -> None:
        try:
            made_by, known = marshal.loads(self._path.read_bytes())
        except (OSError, ValueError, EOFError, TypeError):
            return
        if made_by == code_digest() and isinstance(known, dict):
            self.known = known

    def keep(self, key: bytes, make: Callable[[], Any]) -> Any:
        """The value known under a key, or made now; it is written with the others."""
        if key not in self._kept:
            self._kept[key] = self.known[key] if key in self.known else make()
        return self._kept[key]

    def write(self) -> None:
        if self._kept.keys() != self.known.keys():
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(self._path, marshal.dumps((code_digest(), self._kept)))
                forget_oldest(self._path)


# ---------------------------------------------------------------------------------------------------------------------
# Keys
# ---------------------------------------------------------------------------------------------------------------------


def _keys(line: Series, effects: Callable[[LintFile], bytes]) -> Iterator[_Keys]:
    """The keys of each file of a series."""
    identities = [
        f"{file.path} {file.kind} {file.judged} {file.module} {file.own_line} {file.down} {file.bare}".encode()
        for file in line.files
    ]
    chain = [_hash(line.kind.encode())]
    for file, identity in zip(line.files, identities, strict=True):
        chain.append(_hash(chain[-1], identity, effects(file)))
    for file, identity, before in zip(line.files, identities, chain, strict=False):
        # The declared tree is judged as a whole, in no order that matters.
        met = chain[-1] if line.kind == DECLARED else before
        yield _Keys(
            _hash(b"settled", met, identity, file.digest), _hash(b"concluded", chain[-1], identity, file.digest)
        )


def effects_of(file: LintFile) -> bytes:
    """Digest of what a file can mean for others: all of it that rules and replay look at from there."""
    script = file.script
    parts = [file.text] if script.problems else sorted(names_in_comments(file.text))
    for statement in script.statements:
        section = file.section_at(statement.start)
        parts += [section.name, str(section.transactional), statement.tag, as_text(statement.node)]
        if not statement.node:
            parts.append(statement.text)
    return _hash(*(part.encode(errors="surrogatepass") for part in parts))


def _hash(*parts: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()


# ---------------------------------------------------------------------------------------------------------------------
# Values
# ---------------------------------------------------------------------------------------------------------------------


def _rows(said: Sequence[Answer]) -> list[tuple[object, ...]]:
    return [tuple(item) for item in said]


def _entry(file: LintFile) -> bytes:
    script = file.script
    statements = [
        (item.tag, item.node, item.start, item.end, None if item.chunk is script.text else item.chunk, item.base)
        for item in script.statements
    ]
    return marshal.dumps((statements, [(problem.message, problem.offset) for problem in script.problems]))


def _recalling(text: str, stored: bytes) -> Callable[[], Script]:
    def recalled() -> Script:
        statements, problems = marshal.loads(stored)
        script = Script(text)
        for tag, node, start, end, chunk, base in statements:
            script.statements.append(Statement(tag, node, start, end, script, text if chunk is None else chunk, base))
        script.problems.extend(SyntaxProblem(message, offset) for message, offset in problems)
        return script

    return recalled
