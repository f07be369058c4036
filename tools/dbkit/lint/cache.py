"""Remember trees and answers from run to run: after a change only what it may matter to is parsed and asked again.

What the rules say of a file hangs on its own text and on what the files before it did to the database, their *effects*:
their trees without the places in the text, and the names their comments speak of. Trees are therefore kept under the
digest of their text, and answers under the digest of the text and of the chain of effects up to there. A comment in the
first of a thousand migrations, or a change to the last one, leaves the answers about the others standing.

The memory lies in the cache folder and can be deleted at any time; one that cannot be read is no memory.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from dbkit.config import cache_dir
from dbkit.lint.allow import Allowance, is_allowing, read_allowances
from dbkit.lint.answers import Answer, Answers
from dbkit.lint.files import DECLARED, LintFile, Series
from dbkit.lint.names_in_text import names_in_comments
from dbkit.lint.store import blake2b, code_digest, digest_of, forget_oldest, is_ours, write_whole
from dbkit.lint.trees import as_text
from dbkit.parse import Node, Script, Statement, SyntaxProblem

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
        # Path.parent would cost 2 ms for a thousand files.
        folders = sorted({os.path.dirname(file.path) for line in series for file in line.files})  # noqa: PTH120
        self._trees = _Store(folder / f"trees-{digest_of(folders)}")
        self._answers = _Store(folder / f"answers-{digest_of([options, *folders])}") if answers else None
        self._keys: list[list[_Keys]] = []
        self._bodies: dict[LintFile, _Bodies] = {}

    def recall(self) -> list[Answers]:
        """Let the files take the trees that are known, and return for each series the answers that still hold."""
        known = [Answers() for _ in self._series]
        if not self._enabled:
            return known
        self._trees.read()
        for file in (file for line in self._series for file in line.files):
            stored = self._trees.find(file.digest)
            if stored is not None:
                bodies = self._bodies[file] = _Bodies(self._trees.find(file.digest + b" bodies"))
                file.recalled = partial(_script_of, file.text, stored, bodies)
        if self._answers is not None:
            self._answers.read()
            self._keys = [list(_keys(line, self._effects)) for line in self._series]
            for keys, said in zip(self._keys, known, strict=True):
                for number, (settled, concluded) in enumerate(keys):
                    stored = self._answers.find(settled)
                    if stored is not None:
                        rows, said.locked[number] = stored
                        said.settled[number] = [Answer._make(row) for row in rows]
                    rows = self._answers.find(concluded)
                    if rows is not None:
                        said.concluded[number] = [Answer._make(row) for row in rows]
        return known

    def keep(self, answers: Sequence[Answers]) -> None:
        """Remember this run. A full disk or a folder that cannot be written costs the memory, not the run.

        Args:
            answers: for each series, those recalled included.
        """
        if not self._enabled:
            return
        for file in (file for line in self._series for file in line.files):
            if self._trees.find(file.digest) is None:
                self._trees.add(file.digest, _entry(file))
            if "script" in file.__dict__:  # a file that nobody looked into has nothing new
                bodies = self._bodies.get(file, _Bodies(None)).grown(file.script)
                if bodies is not None:
                    self._trees.add(file.digest + b" bodies", bodies)
        self._trees.write()
        if self._answers is not None:
            for keys, said in zip(self._keys, answers, strict=True):
                for number, listed in said.settled.items():
                    if self._answers.find(keys[number].settled) is None and _is_own(listed, number):
                        self._answers.add(keys[number].settled, (list(map(tuple, listed)), said.locked[number]))
                for number, listed in said.concluded.items():
                    if self._answers.find(keys[number].concluded) is None and _is_own(listed, number):
                        self._answers.add(keys[number].concluded, list(map(tuple, listed)))
            self._answers.write()

    def allowances(self, file: LintFile) -> list[Allowance]:
        """The allowances of a file; where they stand is told without its trees when that is known."""
        if not is_allowing(file) or not self._enabled:
            return read_allowances(file)
        key = file.digest + b" allowances"
        rows = self._trees.find(key)
        if rows is None:
            rows = [(item.rule, item.reason, item.offset, item.first, item.last) for item in read_allowances(file)]
            self._trees.add(key, rows)
        return [Allowance(*row) for row in rows]

    def _effects(self, file: LintFile) -> bytes:
        """Digest of what a file does to the meaning of others; the file is parsed where that is not known."""
        key = b"%b %b %d%d" % (file.digest, file.kind.encode(), file.down, file.bare)
        effects: bytes | None = self._trees.find(key)
        if effects is None:
            effects = effects_of(file)
            self._trees.add(key, effects)
        return effects


def _is_own(answers: Iterable[Answer], number: int) -> bool:
    """Whether answers about a file stay in it: one that points into another would outlive that file's text."""
    return all(item.file == number for item in answers)


class _Keys(NamedTuple):
    """What the answers about a file are kept under."""

    settled: bytes
    concluded: bytes


# So many values are kept that a run did not ask for, those longest unused go first: to judge one file of a folder must
# not cost the next run the others, and what an edit undoes was judged before.
_UNUSED = 4096
# So often a store only grows by what is new before it is written whole again: 2 ms instead of 18 for a store of 7 MB.
_ADDITIONS = 32


class _Store:
    """A file of values by digest: one part that was written whole, and the additions of later runs behind it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[bytes, Any] = {}
        self._used: dict[bytes, Any] = {}
        self._new: dict[bytes, Any] = {}
        self._inode = 0
        self._additions = _ADDITIONS

    def read(self) -> None:
        try:
            with self._path.open("rb", buffering=0) as stream:
                inode, data = os.fstat(stream.fileno()).st_ino, stream.read()
            known: dict[bytes, Any] = {}
            parts = list(_parts(memoryview(data)))
            for part in parts:
                made_by, values = marshal.loads(part)
                if made_by == code_digest():
                    known.update(values)
        except (OSError, ValueError, EOFError, TypeError):
            return
        self._known = known
        # Nothing is added to what another version wrote, nor behind what a killed run did not write whole.
        if known and sum(map(_size, parts)) == len(data):
            self._inode, self._additions = inode, len(parts) - 1

    def find(self, key: bytes) -> Any:
        """The value under a key, or None."""
        value = self._known.get(key)
        if value is not None:
            self._used[key] = value
        return value

    def add(self, key: bytes, value: object) -> None:
        """Have a value written with the others."""
        self._known[key] = self._used[key] = self._new[key] = value

    def write(self) -> None:
        """Write what was added, with all that is known where the file is not as it was read."""
        if not self._new:
            return
        with contextlib.suppress(OSError):
            if self._additions >= _ADDITIONS or not self._append(_part(self._new)):
                unused = [item for item in self._known.items() if item[0] not in self._used]
                values = {**dict(unused[max(0, len(unused) - _UNUSED) :]), **self._used}
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(self._path, _part(values))
                forget_oldest(self._path)

    def _append(self, part: bytes) -> bool:
        """Put a part behind the others; False where another run has replaced the file. Raises OSError."""
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            # In one call: two runs that write at the same time stand one behind the other.
            return os.fstat(handle).st_ino == self._inode and os.write(handle, part) == len(part)
        finally:
            os.close(handle)


# A part begins with the length of what follows and the beginning of its digest.
_HEAD = struct.Struct("<Q8s")


def _part(values: dict[bytes, Any]) -> bytes:
    data = marshal.dumps((code_digest(), values))
    return _HEAD.pack(len(data), _hash(data)[:8]) + data


def _parts(data: memoryview) -> Iterator[memoryview]:
    """The parts of a store, up to the first that was not written whole."""
    place = 0
    while place + _HEAD.size <= len(data):
        length, digest = _HEAD.unpack_from(data, place)
        part = data[place + _HEAD.size : place + _HEAD.size + length]
        # The first was put in place as a whole; its digest would take longer than to read it.
        if len(part) != length or (place and _hash(part)[:8] != digest):
            return
        yield part
        place += _size(part)


def _size(part: memoryview) -> int:
    return _HEAD.size + len(part)


# ---------------------------------------------------------------------------------------------------------------------
# Keys
# ---------------------------------------------------------------------------------------------------------------------


def _keys(line: Series, effects: Callable[[LintFile], bytes]) -> Iterator[_Keys]:
    """The keys of each file of a series."""
    identities = [
        f"{file.path} {file.kind} {file.judged} {file.module} {file.own_line} {file.down} {file.bare}".encode()
        for file in line.files
    ]
    # Digests are of one length: what is put together here can be read in one way only.
    chain = [_hash(line.kind.encode())]
    for file, identity in zip(line.files, identities, strict=True):
        chain.append(_hash(chain[-1] + effects(file) + identity))
    for file, identity, before in zip(line.files, identities, chain, strict=False):
        # The declared tree is judged as a whole, in no order that matters.
        met = chain[-1] if line.kind == DECLARED else before
        own = _hash(file.digest + identity)
        yield _Keys(b"settled" + met + own, b"concluded" + chain[-1] + own)


def effects_of(file: LintFile) -> bytes:
    """Digest of what a file can mean for others: all of it that rules and replay look at from there."""
    script = file.script
    parts = [file.text] if script.problems else sorted(names_in_comments(file.text))
    for statement in script.statements:
        section = file.section_at(statement.start)
        parts += [section.name, str(section.transactional), statement.tag, as_text(statement.node)]
        if not statement.node:
            parts.append(statement.text)
    encoded = (part.encode(errors="surrogatepass") for part in parts)
    return _hash(b"".join(b"%d:%b" % (len(part), part) for part in encoded))


def _hash(data: bytes | memoryview) -> bytes:
    return blake2b(data, digest_size=16).digest()


# ---------------------------------------------------------------------------------------------------------------------
# Values
# ---------------------------------------------------------------------------------------------------------------------


_Row = tuple[str, Node, int, int, str | None, int]


def _entry(file: LintFile) -> bytes:
    script = file.script
    return marshal.dumps((_rows(script.statements), [(problem.message, problem.offset) for problem in script.problems]))


def _script_of(text: str, stored: bytes, bodies: _Bodies) -> Script:
    """What `_entry` took."""
    rows, problems = marshal.loads(stored)
    script = Script(text, recalled=bodies.inside)
    script.statements.extend(_statements(rows, script))
    script.problems.extend(SyntaxProblem(message, offset) for message, offset in problems)
    return script


class _Bodies:
    """What earlier runs found in the bodies of a file: kept beside its trees, since a replay does not look there."""

    def __init__(self, stored: bytes | None) -> None:
        self._stored = stored

    @cached_property
    def _rows(self) -> dict[int, dict[int, list[_Row]]]:
        """The statements in each body, by the places of the statement that has it and of the body."""
        return {} if self._stored is None else marshal.loads(self._stored)

    def inside(self, statement: Statement) -> dict[int, list[Statement]]:
        """The statements in the bodies of a statement, by the places of the bodies."""
        known = self._rows.get(statement.start, {})
        return {place: list(_statements(rows, statement.script)) for place, rows in known.items()}

    def grown(self, script: Script) -> bytes | None:
        """All that is known of the file by now; None where that is nothing new."""
        found = {item.start: item.memo["bodies"] for item in script.statements if "bodies" in item.memo}
        if all(bodies.keys() <= self._rows.get(start, {}).keys() for start, bodies in found.items()):
            return None
        rows = {start: {place: _rows(listed) for place, listed in bodies.items()} for start, bodies in found.items()}
        return marshal.dumps({**self._rows, **rows})


def _rows(statements: Iterable[Statement]) -> list[_Row]:
    return [
        (item.tag, item.node, item.start, item.end, None if item.chunk is item.script.text else item.chunk, item.base)
        for item in statements
    ]


def _statements(rows: Iterable[_Row], script: Script) -> Iterator[Statement]:
    for tag, node, start, end, chunk, base in rows:
        yield Statement(tag, node, start, end, script, script.text if chunk is None else chunk, base)
