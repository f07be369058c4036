"""Which files are judged, which are read before them, and in what order: the linter's source step.

Two kinds of series. A *history* is a line of migrations: each file meets the database its predecessors left. The
*declared tree* says what exists: it is judged as a whole, in no order that matters. Files that are read only so that
others can be judged (earlier migrations, the rest of the tree) are part of the series but are not `judged`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.parse import Script, parse
from dbkit.source import KINDS

__all__ = ["DECLARED", "MIGRATION", "SEED", "LintFile", "Section", "Series", "collect"]

MIGRATION = "migration"
DECLARED = "declared"
SEED = "seed"


@dataclass(frozen=True, slots=True)
class Section:
    """The up or down part of a migration; other files are one up section.

    Attributes:
        name: up or down.
        start, end: character offsets in the file.
        transactional: whether the runner wraps it in a transaction.
    """

    name: str
    start: int
    end: int
    transactional: bool


@dataclass(eq=False)
class LintFile:
    """One file of a series.

    Attributes:
        display: the path as shown to people.
        kind: migration, declared or seed.
        judged: False for a file that is read only for what it creates.
        module: the module whose line it belongs to; None outside this project's own folders.
        own_line: whether it is a migration of this project's own line, where file name and header rules hold.
        down: whether the whole file is a way back (golang-migrate, diesel, sqitch …).
        script_if_parsed: the parsed text once somebody has asked for `script`, or an earlier run's.
        bare: whether its runner runs it without a transaction around it, whatever the file says.
    """

    path: Path
    display: str
    text: str
    kind: str
    judged: bool = True
    module: str | None = None
    own_line: bool = False
    down: bool = False
    bare: bool = False
    script_if_parsed: Script | None = field(default=None, repr=False)
    _sections: tuple[Section, ...] | None = field(default=None, repr=False)

    @property
    def script(self) -> Script:
        """The parsed text; parsed when first asked for."""
        if self.script_if_parsed is None:
            self.script_if_parsed = parse(self.text)
        return self.script_if_parsed

    @property
    def sections(self) -> tuple[Section, ...]:
        if self._sections is None:
            self._sections = _sections(self)
        return self._sections

    @cached_property
    def destructive(self) -> bool:
        """Whether a comment says, with a reason, that the file is meant to destroy."""
        return "dbkit:" in self.text and _DESTRUCTIVE.search(self.text) is not None

    def section_at(self, offset: int) -> Section:
        """The section a statement at that offset belongs to; what stands before the first one counts as its start."""
        for section in reversed(self.sections):
            if offset >= section.start:
                return section
        return self.sections[0]


_DESTRUCTIVE = re.compile(r"^--[ \t]*dbkit:[ \t]*destructive[ \t:]+\S", re.IGNORECASE | re.MULTILINE)
# The version of any layout: 20250102030405_x.sql, 0001_x.sql, V1.2__x.sql; down files share their up file's.
_FILE_VERSION = re.compile(r"(?P<version>[Vv]?\d+(?:[._]\d+)*)_+(?!.*\bdown\.sql$).*\.sql$")


@dataclass
class Series:
    """Files that build on each other, in the order they are read."""

    kind: str
    files: list[LintFile]

    @cached_property
    def place(self) -> dict[LintFile, int]:
        """Where in the order each file stands."""
        return {file: number for number, file in enumerate(self.files)}

    def twin(self, file: LintFile) -> tuple[str, LintFile] | None:
        """The file's version and the earlier file beside it that has the same one, or None."""
        match = _FILE_VERSION.match(file.path.name)
        first = self._first_of_version[file.path.parent, match["version"]] if match else file
        return (match["version"], first) if match and first is not file else None

    @cached_property
    def _first_of_version(self) -> dict[tuple[Path, str], LintFile]:
        firsts: dict[tuple[Path, str], LintFile] = {}
        for file in self.files:
            match = _FILE_VERSION.match(file.path.name)
            if match:
                firsts.setdefault((file.path.parent, match["version"]), file)
        return firsts

    @cached_property
    def own_versions(self) -> frozenset[str]:
        """`line/version` of every migration of the project's own lines."""
        return frozenset(f"{file.module}/{file.path.name.partition('_')[0]}" for file in self.files if file.own_line)


def collect(config: Config, paths: Sequence[Path], history: Sequence[Path] = (), *, each: bool = False) -> list[Series]:
    """Sort the files to judge into series, with the files they build on.

    Args:
        paths: files and folders; none means the project's own SQL folder.
        history: files or folders that were applied before; given, nothing else is read beforehand.
        each: judge every migration as if it were the only one after the history.

    Raises:
        DbkitError: a path does not exist, no SQL file was found, or a file cannot be read.
    """
    from dbkit.source import sql_root

    root = sql_root(config)
    roots = list(paths) or [root]
    wanted = _expand([root.absolute() for root in roots], config)
    earlier = [_read(path.absolute(), config, MIGRATION, judged=False) for path in _expand(history, config)]
    line = config.resolve(config.migrations.dir)
    own = [path for path in wanted if _is_inside(path, line)]
    tree = [root / kind for kind in KINDS]
    declared = [path for path in wanted if any(_is_inside(path, folder) for folder in tree)]
    seeds = [path for path in wanted if _is_inside(path, root / "seeds")]
    taken = {*own, *declared, *seeds}
    other = [path for path in wanted if path not in taken]

    series: list[Series] = []
    if declared or seeds:
        series.append(_tree(config, root, set(declared), seeds))
    if own and not each:
        series.append(_own_history(config, line, set(own), earlier))
    elif own:
        other = [*own, *other]
    if each:
        lines = [[_read(path, config, MIGRATION)] for path in other]
    else:
        lines = _foreign_lines(config, other, roots, use_siblings=not history)
    series.extend(Series(MIGRATION, [*_unjudged(earlier), *line_files]) for line_files in lines)
    return series


def _tree(config: Config, root: Path, judged: set[Path], seeds: list[Path]) -> Series:
    files = []
    for kind in KINDS:
        for path in sorted((root / kind).rglob("*.sql")):
            files.append(_read(path, config, DECLARED, judged=path in judged, module=path.parent.name))
    files.extend(_read(path, config, SEED) for path in seeds)
    return Series(DECLARED, files)


def _own_history(config: Config, line: Path, judged: set[Path], earlier: list[LintFile]) -> Series:
    """The project's own migrations: module after module, as a fresh installation would run them.

    Those of a packaged module are read too: the project's tables and dependencies build on them.
    """
    from dbkit.source import migrations_dir, module_order

    modules = module_order(config) if config.modules else []
    packaged = {folder for folder in (migrations_dir(config, module) for module in modules) if folder.is_dir()}
    folders = sorted(packaged | {path.parent for path in line.rglob("*.sql")})
    rank = {name: number for number, name in enumerate(modules)}
    folders.sort(key=lambda folder: (rank.get(folder.name, len(rank)), folder))
    own_layout = config.migrations.layout in ("auto", "dbkit")
    files = list(_unjudged(earlier))
    for folder in folders:
        for path in _in_order(folder.glob("*.sql")):
            file = _read(path, config, MIGRATION, judged=path in judged, module=folder.name)
            file.own_line = own_layout and folder != line
            files.append(file)
    return Series(MIGRATION, files)


def _foreign_lines(
    config: Config, paths: list[Path], roots: Iterable[Path], *, use_siblings: bool
) -> list[list[LintFile]]:
    """Folders given as lines of their own; single files with the numbered files beside them that come before."""
    lines: list[list[LintFile]] = []
    rest = set(paths)
    for root in roots:
        folder = root.absolute()
        inside = {path for path in rest if _is_inside(path, folder)} if root.is_dir() else set()
        rest -= inside
        if inside:
            files = _as_the_runner_reads(config, root, inside)
            lines.append(files)
            left = _in_order(inside - {file.path for file in files})
            lines.append([_read(path, config, MIGRATION) for path in left])
    by_folder: dict[Path, list[Path]] = {}
    for path in _in_order(rest):
        by_folder.setdefault(path.parent, []).append(path)
    for folder, wanted in by_folder.items():
        before: list[Path] = []
        if use_siblings and _VERSION.match(wanted[-1].name):
            until = _sort_key(wanted[-1])
            numbered = [path for path in folder.glob("*.sql") if _VERSION.match(path.name) and path not in rest]
            before = [path for path in numbered if _sort_key(path) < until]
        line = _in_order([*before, *wanted])
        lines.append([_read(path, config, MIGRATION, judged=path in rest) for path in line])
    return [line for line in lines if line]


def _as_the_runner_reads(config: Config, root: Path, inside: set[Path]) -> list[LintFile]:
    """A folder's migrations in the order and with the transactions of its layout.

    A folder the runner would refuse (two files with one version, a broken name) is read in natural order: what is wrong
    with it is for the rules to say.
    """
    from dbkit.migrate.layouts import discover

    try:
        found = discover(config, folder=root)
        files = []
        for migration in found.migrations:
            bare = found.layout in _UNWRAPPED or migration.parsed.up.transaction is False
            for path, down in ((migration.path, False), (migration.down_path, True)):
                path = path.absolute() if path is not None and not path.is_absolute() else path
                if path in inside:
                    file = _read(path, config, MIGRATION)
                    file.down, file.bare = down, bare
                    files.append(file)
    except DbkitError:
        return [_read(path, config, MIGRATION) for path in _in_order(inside)]
    return files


# Layouts whose runner leaves transactions to the file.
_UNWRAPPED = frozenset({"golang-migrate", "plain", "prisma", "sqitch"})

# 20250102030405_x.sql, 0001_x.sql, V1.2__x.sql
_VERSION = re.compile(r"[VvUu]?\d+[\d.]*_")
_NUMBER = re.compile(r"(\d+)")


def _in_order(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=_sort_key)


def _sort_key(path: Path) -> tuple[object, ...]:
    """Numbers as numbers, so that V10 comes after V9; repeatable files (Flyway's R__) come last."""
    name = str(path)
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in _NUMBER.split(name) if part)
    return (path.name.startswith("R__"), parts)


def _expand(paths: Iterable[Path], config: Config) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = [entry for entry in _sql_below(path) if entry.is_file()]
            if not found:
                raise DbkitError(
                    f"no SQL files in {config.display(path)}",
                    detail="The folder and its sub-folders hold no file that ends in .sql.",
                    hint="Name a folder or file with SQL: dbkit lint PATH",
                )
            files.extend(found)
        elif path.is_file():
            files.append(path)
        else:
            raise DbkitError(
                f"no such file or folder: {config.display(path)}",
                hint="Name existing SQL files or folders: dbkit lint PATH",
            )
    return list(dict.fromkeys(files))


def _sql_below(folder: Path) -> list[Path]:
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names if name.endswith(".sql")]


def _read(path: Path, config: Config, kind: str, *, judged: bool = True, module: str | None = None) -> LintFile:
    from dbkit.source import read_sql

    # As config.display() says it, without building a path for each of thousands of files.
    display = str(path).removeprefix(f"{os.getcwd()}{os.sep}")  # noqa: PTH109
    return LintFile(path, display, read_sql(path, module or "", kind).text, kind, judged, module)


def _is_inside(path: Path, folder: Path) -> bool:
    """Path.is_relative_to for two absolute paths, at the price of a string comparison."""
    return str(path).startswith(str(folder) + os.sep)


def _unjudged(files: Iterable[LintFile]) -> list[LintFile]:
    """Fresh copies, so that each series replays its own."""
    return [replace(file, judged=False) for file in files]


# ---------------------------------------------------------------------------------------------------------------------
# Sections
# ---------------------------------------------------------------------------------------------------------------------

_MARK = re.compile(
    r"^--\s*(?:migrate:|\+goose\s+|\+migrate\s+)(?P<name>up|down)\b(?P<options>[^\n]*)", re.IGNORECASE | re.MULTILINE
)
_NO_TRANSACTION = re.compile(
    r"^--\s*(?:\+goose\s+NO\s+TRANSACTION|!\s*no-transaction|atlas:txmode\s+none|disable-transaction)\b",
    re.IGNORECASE | re.MULTILINE,
)

_DOWN_NAME = re.compile(r"(?:^|\.)down\.sql$")


def _sections(file: LintFile) -> tuple[Section, ...]:
    text = file.text
    bare = file.bare or bool(_NO_TRANSACTION.search(text))
    marks = list(_MARK.finditer(text)) if file.kind == MIGRATION and not file.down else []
    if not marks:
        down = file.down or (file.kind == MIGRATION and _DOWN_NAME.search(file.path.name) is not None)
        return (Section("down" if down else "up", 0, len(text), not bare),)
    sections = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        options = mark["options"].lower().replace(" ", "")
        # A layout that marks sections also marks the transaction there; of `bare` only a file-wide marker counts.
        off = "transaction:false" in options or "notransaction" in options or bool(_NO_TRANSACTION.search(text))
        end = following.start() if following else len(text)
        sections.append(Section(mark["name"].lower(), mark.start(), end, not off))
    return tuple(sections)
