"""Find the test files and decide which of them run, in which order."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dbkit.config import Config, cache_dir
from dbkit.errors import DbkitError
from dbkit.tap.isolation import Reading, annotation, read_isolation
from dbkit.tap.psql_script import read_sql

__all__ = ["LastFailed", "Selection", "TestFile", "collect", "compile_expression", "select", "xunit_files"]

SUFFIXES = {".sql", ".pg", ".pgtap"}
_WORD = re.compile(r"\s*(\(|\)|[^\s()]+)")


@dataclass(frozen=True)
class TestFile:
    """One file to run.

    Attributes:
        path: the file; for functions run by `--schema`, a name that is no file.
        display: its name as shown to people and kept for `--lf`.
        text: the SQL, when it is not read from the file.
    """

    __test__ = False  # pytest: not a test class

    path: Path
    display: str
    text: str | None = None

    @cached_property
    def reading(self) -> Reading:
        """What it may share with others; read when its turn comes, while the server is busy with another file."""
        return read_isolation(self.path, self.text)


@dataclass(frozen=True)
class Selection:
    """Which of the collected files run.

    Attributes:
        expression: `-k`: words of the file name joined by and, or, not and parentheses.
        last_failed: only those that failed the last time, if any did.
        seed: shuffle with this seed; None keeps the order of the names.
        shard: (i, n): every n-th file, starting with the i-th, from 1.
    """

    expression: str | None = None
    last_failed: bool = False
    seed: int | None = None
    shard: tuple[int, int] | None = None


class LastFailed:
    """The names of the files that failed last, kept beside the project (or in the cache, without one)."""

    def __init__(self, config: Config) -> None:
        if config.path is not None:
            folder = config.root / ".dbkit"
        else:
            folder = cache_dir() / "test" / hashlib.sha256(str(Path.cwd()).encode()).hexdigest()[:16]
        self._path = folder / "lastfailed.json"

    def read(self) -> set[str]:
        try:
            names = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return set()
        return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()

    def write(self, passed: Iterable[str], failed: Iterable[str]) -> None:
        """Remember what failed; files that did not run this time keep what was known about them."""
        before = self.read()
        after = (before - set(passed)) | set(failed)
        if after == before:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            (self._path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
            self._path.write_text(json.dumps(sorted(after), indent=2) + "\n", encoding="utf-8")
        except OSError:
            pass  # a read-only checkout still gets its tests run; only --lf has nothing to go by


def collect(paths: Sequence[Path], config: Config) -> list[TestFile]:
    """Every test file under `paths`, in the order of the paths and then of the names.

    A folder gives its .sql, .pg and .pgtap files, without those whose name starts with an underscore: these are setup.
    A file that is named itself is a test whatever it is called.

    Raises:
        DbkitError: a path that does not exist, or an unknown isolation annotation.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            files = (file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
            found |= dict.fromkeys(sorted(file for file in files if not file.name.startswith("_")))
        elif path.exists():
            found[path] = None
        else:
            raise DbkitError(
                f"test path not found: {config.display(path)}",
                hint="Name an existing file or folder, or correct `paths` under [test] in dbkit.toml.",
            )
    for path in found:
        annotation(path, read_sql(path))
    return [TestFile(path, config.display(path)) for path in found]


def xunit_files(schemas: Sequence[str]) -> list[TestFile]:
    """One virtual file a schema, which runs its test functions with `runtests()`."""
    files = []
    for schema in schemas:
        name = schema.replace("'", "''")
        text = f"begin;\nselect * from runtests('{name}'::name);\nrollback;\n"
        files.append(TestFile(Path(f"schema {schema}"), f"schema {schema}", text))
    return files


def select(files: Sequence[TestFile], selection: Selection, last_failed: LastFailed) -> list[TestFile]:
    """The files that run, in running order. The shard is cut before the shuffle, so that it does not depend on it."""
    chosen = list(files)
    if selection.expression is not None:
        matches = compile_expression(selection.expression)
        chosen = [file for file in chosen if matches(file.display)]
    if selection.last_failed:
        failed = last_failed.read()
        chosen = [file for file in chosen if file.display in failed] or chosen
    if selection.shard is not None:
        index, count = selection.shard
        chosen = sorted(chosen, key=lambda file: file.display)[index - 1 :: count]
    if selection.seed is not None:
        random.Random(selection.seed).shuffle(chosen)
    return chosen


def compile_expression(expression: str) -> Callable[[str], bool]:
    """`-k`: "tickets and not portal" -> a test of a file's name. Words match anywhere in it, ignoring case.

    Raises:
        DbkitError: the expression does not read as words joined by and, or, not and parentheses.
    """
    return _Expression(expression).compile()


class _Expression:
    """Recursive descent: or < and < not < word."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = _WORD.findall(text)
        self._at = 0

    def compile(self) -> Callable[[str], bool]:
        test = self._either()
        if self._at < len(self._words):
            raise self._bad(f"{self._words[self._at]!r} is not expected there")
        return lambda name: test(name.lower())

    def _either(self) -> Callable[[str], bool]:
        terms = [self._both()]
        while self._take("or"):
            terms.append(self._both())
        return lambda name: any(term(name) for term in terms)

    def _both(self) -> Callable[[str], bool]:
        terms = [self._negated()]
        while self._take("and"):
            terms.append(self._negated())
        return lambda name: all(term(name) for term in terms)

    def _negated(self) -> Callable[[str], bool]:
        if self._take("not"):
            inner = self._negated()
            return lambda name: not inner(name)
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise self._bad("a ')' is missing")
            return inner
        if self._at >= len(self._words):
            raise self._bad("a word is missing at the end")
        word = self._words[self._at]
        if word in ("and", "or", ")"):
            raise self._bad(f"{word!r} is not expected there")
        self._at += 1
        return lambda name: word.lower() in name

    def _take(self, word: str) -> bool:
        if self._at < len(self._words) and self._words[self._at] == word:
            self._at += 1
            return True
        return False

    def _bad(self, what: str) -> DbkitError:
        return DbkitError(
            f"cannot read -k {self._text!r}",
            detail=f"{what}.",
            hint='Join parts of file names with and, or, not and parentheses: -k "tickets and not portal".',
        )
