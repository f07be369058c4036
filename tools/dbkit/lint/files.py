"""Which files are judged, which are read before them, and in what order: the linter's source step.

Two kinds of series. A *history* is a line of migrations: each file meets the database its predecessors left. The
*declared tree* says what exists: it is judged as a whole, in no order that matters. Files that are read only so that
others can be judged (earlier migrations, the rest of the tree) are part of the series but are not `judged`.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.lint.lines import marked_root
from dbkit.lint.sections import Section, sections_of
from dbkit.lint.store import blake2b
from dbkit.parse import Script, parse
from dbkit.patterns import lazy_pattern
from dbkit.source import KINDS, decode_text, migrations_dir, module_order, read_text, sql_root

__all__ = ["DECLARED", "MIGRATION", "SEED", "LintFile", "Section", "Series", "collect"]

MIGRATION = "migration"
DECLARED = "declared"
SEED = "seed"


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
        recalled: gives what an earlier run parsed of the same text.
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
    recalled: Callable[[], Script] | None = field(default=None, repr=False)

    @cached_property
    def script(self) -> Script:
        """The parsed text; parsed when first asked for."""
        return parse(self.text) if self.recalled is None else self.recalled()

    @cached_property
    def lower(self) -> str:
        """The text in lower case: for looking whether it holds a word at all."""
        return self.text.lower()

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        migration = self.kind == MIGRATION
        down = self.down or (migration and str(self.path).endswith(_DOWN_NAMES))
        return sections_of(self.text, marked=migration and not self.down, down=down, bare=self.bare)

    @cached_property
    def digest(self) -> bytes:
        """Of the text."""
        return blake2b(self.text.encode(errors="surrogatepass"), digest_size=16).digest()

    @cached_property
    def destructive(self) -> bool:
        """Whether a comment says, with a reason, that the file is meant to destroy."""
        return "dbkit:" in self.text and _DESTRUCTIVE.search(self.text) is not None

    def section_at(self, offset: int) -> Section:
        """The section a statement at that offset belongs to; what stands before the first one counts as its start."""
        sections = self.sections
        if len(sections) > 1:
            for section in reversed(sections):
                if offset >= section.start:
                    return section
        return sections[0]


_DOWN_NAMES = (".down.sql", f"{os.sep}down.sql")
_DESTRUCTIVE = lazy_pattern(r"^--[ \t]*dbkit:[ \t]*destructive[ \t:]+\S", re.IGNORECASE | re.MULTILINE)
# The version of any layout: 20250102030405_x.sql, 0001_x.sql, V1.2__x.sql; down files share their up file's.
_FILE_VERSION = lazy_pattern(r"(?P<version>[Vv]?\d+(?:[._]\d+)*)_+(?!.*\bdown\.sql$).*\.sql$")


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
        return self._twins.get(file)

    @cached_property
    def _twins(self) -> dict[LintFile, tuple[str, LintFile]]:
        firsts: dict[tuple[str, str], LintFile] = {}
        twins = {}
        for file in self.files:
            folder, name = os.path.split(file.path)
            match = _FILE_VERSION.match(name)
            if match:
                first = firsts.setdefault((folder, match["version"]), file)
                if first is not file:
                    twins[file] = match["version"], first
        return twins

    @cached_property
    def own_versions(self) -> frozenset[str]:
        """`line/version` of every migration of the project's own lines."""
        return frozenset(f"{file.module}/{file.path.name.partition('_')[0]}" for file in self.files if file.own_line)


@dataclass(frozen=True)
class _Source:
    """Where files come from: what was read of the disk before, else the disk."""

    config: Config
    contents: Mapping[str, bytes]
    above: str = field(default_factory=lambda: f"{Path.cwd()}{os.sep}")

    def file(self, path: Path, kind: str, *, judged: bool = True, module: str | None = None) -> LintFile:
        name = str(path)
        content = self.contents.get(name)
        text = read_text(path)[1] if content is None else decode_text(path, content)
        # As config.display() says it, without building a path for each of thousands of files.
        return LintFile(path, name.removeprefix(self.above), text, kind, judged, module)

    def sql_below(self, folder: Path) -> list[str]:
        """Every SQL file below a folder; what the disk says of a file is asked only where it was not read before."""
        found, folders = [], [str(folder)]
        while folders:
            place, inside = folders.pop(), []
            with contextlib.suppress(OSError), os.scandir(place) as entries:
                for entry in entries:
                    if entry.name.endswith(".sql") and (entry.path in self.contents or entry.is_file()):
                        found.append(entry.path)
                    elif entry.is_dir(follow_symlinks=False):
                        inside.append(entry.path)
            folders += reversed(inside)
        return found

    def expand(self, paths: Iterable[Path]) -> list[str]:
        """Every SQL file that is named or stands below a folder that is; as text, since a path is slow to make."""
        display = self.config.display
        files: list[str] = []
        for path in paths:
            if path.is_dir():
                found = self.sql_below(path)
                if not found:
                    raise DbkitError(
                        f"no SQL files in {display(path)}",
                        detail="The folder and its sub-folders hold no file that ends in .sql.",
                        hint="Name a folder or file with SQL: dbkit lint PATH",
                    )
                files.extend(found)
            elif path.is_file():
                files.append(str(path))
            else:
                raise DbkitError(
                    f"no such file or folder: {display(path)}",
                    hint="Name existing SQL files or folders: dbkit lint PATH",
                )
        return list(dict.fromkeys(files))


def collect(
    config: Config,
    paths: Sequence[Path],
    history: Sequence[Path] = (),
    *,
    each: bool = False,
    contents: Mapping[str, bytes] | None = None,
) -> list[Series]:
    """Sort the files to judge into series, with the files they build on.

    Args:
        paths: files and folders; none means the project's own SQL folder and its migrations.
        history: files or folders that were applied before; given, nothing else is read beforehand.
        each: judge every migration as if it were the only one after the history.
        contents: bytes of files, by absolute path, that were read already and are not read again.

    Raises:
        DbkitError: a path does not exist, no SQL file was found, or a file cannot be read.
    """
    source = _Source(config, contents or {})
    root = sql_root(config)
    line = config.resolve(config.migrations.dir)
    roots = list(paths) or _own_roots(root, line)
    wanted = source.expand([root.absolute() for root in roots])
    earlier = [source.file(Path(path).absolute(), MIGRATION, judged=False) for path in source.expand(history)]
    own = _inside(wanted, line)
    foreign_line = line if own and _is_foreign(config, line) else None
    if foreign_line is not None:
        own = []
    declared = _inside(wanted, *(root / kind for kind in KINDS))
    seeds = _inside(wanted, root / "seeds")
    taken = {*own, *declared, *seeds}
    other = [path for path in wanted if path not in taken] if taken else wanted

    series: list[Series] = []
    if declared or seeds:
        series.append(_tree(source, root, set(declared), seeds))
    if own and not each:
        series.append(_own_history(source, line, set(own), earlier))
    elif own:
        other = [*own, *other]
    if each:
        lines = [[source.file(Path(path), MIGRATION)] for path in other]
    else:
        lines = _foreign_lines(source, other, roots, foreign_line, use_siblings=not history)
    series.extend(Series(MIGRATION, [*_unjudged(earlier), *line_files]) for line_files in lines)
    return series


def _own_roots(root: Path, line: Path) -> list[Path]:
    """What is judged when nothing is named: the SQL folder, and the migrations where they stand elsewhere."""
    if not line.is_dir() or _is_inside(line, root):
        return [root]
    return [root, line] if root.is_dir() else [line]


def _tree(source: _Source, root: Path, judged: set[str], seeds: list[str]) -> Series:
    files = []
    for kind in KINDS:
        for path in sorted((root / kind).rglob("*.sql")):
            files.append(source.file(path, DECLARED, judged=str(path) in judged, module=path.parent.name))
    files.extend(source.file(Path(path), SEED) for path in seeds)
    return Series(DECLARED, files)


def _own_history(source: _Source, line: Path, judged: set[str], earlier: list[LintFile]) -> Series:
    """The project's own migrations: module after module, as a fresh installation would run them.

    Those of a packaged module are read too: the project's tables and dependencies build on them.
    """
    config = source.config
    modules = module_order(config) if config.modules else []
    packaged = {folder for folder in (migrations_dir(config, module) for module in modules) if folder.is_dir()}
    folders = sorted(packaged | {path.parent for path in line.rglob("*.sql")})
    rank = {name: number for number, name in enumerate(modules)}
    folders.sort(key=lambda folder: (rank.get(folder.name, len(rank)), folder))
    own_layout = config.migrations.layout in ("auto", "dbkit")
    files = list(_unjudged(earlier))
    for folder in folders:
        for path in _in_order(folder.glob("*.sql")):
            file = source.file(path, MIGRATION, judged=str(path) in judged, module=folder.name)
            file.own_line = own_layout and folder != line
            files.append(file)
    return Series(MIGRATION, files)


def _foreign_lines(
    source: _Source, paths: list[str], roots: Iterable[Path], own: Path | None, *, use_siblings: bool
) -> list[list[LintFile]]:
    """Folders given as lines of their own; single files in their line, or after the numbered files beside them.

    Args:
        own: the project's own folder of migrations, where that is in the layout of another tool.
    """
    lines: list[list[LintFile]] = []
    rest = dict.fromkeys(paths)
    for root in roots:
        folder = root.absolute()
        inside = _inside(rest, folder) if root.is_dir() else []
        for name in inside:
            del rest[name]
        if inside:
            lines += _as_the_runner_reads(source, root, inside)
    by_folder: dict[Path, list[Path]] = {}
    for path in _in_order(map(Path, rest)):
        by_folder.setdefault(path.parent, []).append(path)
    by_root: dict[Path, list[Path]] = {}
    for folder in list(by_folder):
        is_own = own is not None and (folder == own or _is_inside(folder, own))
        known = own if is_own else marked_root(folder, {path.name for path in by_folder[folder]})
        if known is not None:
            by_root.setdefault(known, []).extend(by_folder.pop(folder))
    for line_root, wanted in by_root.items():
        # No deeper: the folder may be anything's.
        read: Iterable[Path | str] = wanted
        if use_siblings and line_root == own:
            read = source.sql_below(line_root)
        elif use_siblings:
            read = [*line_root.glob("*.sql"), *line_root.glob("*/*.sql")]
        for files in _as_the_runner_reads(source, line_root, list(map(str, read))):
            for file in files:
                file.judged = str(file.path) in rest
            lines.append(files)
    for folder, wanted in by_folder.items():
        before: list[Path] = []
        if use_siblings and _VERSION.match(wanted[-1].name):
            until = _sort_key(wanted[-1])
            numbered = [path for path in folder.glob("*.sql") if _VERSION.match(path.name) and str(path) not in rest]
            before = [path for path in numbered if _sort_key(path) < until]
        line = _in_order([*before, *wanted])
        lines.append([source.file(path, MIGRATION, judged=str(path) in rest) for path in line])
    return [line for line in lines if any(file.judged for file in line)]


def _is_foreign(config: Config, line: Path) -> bool:
    """Whether another tool's files stand where the project's own line would."""
    from dbkit.migrate.layouts import recognise

    if config.migrations.layout != "auto":
        return config.migrations.layout != "dbkit"
    if not line.is_dir() or (config.modules and not any(line.glob("*.sql"))):
        return False
    return recognise(line) != "dbkit"


def _as_the_runner_reads(source: _Source, root: Path, inside: list[str]) -> list[list[LintFile]]:
    """A folder's migrations in the order and with the transactions of its layout, then what the runner does not run.

    A folder the runner would refuse (two files with one version, a broken name) is read in natural order: what is wrong
    with it is for the rules to say.
    """
    from dbkit.migrate.layouts import discover

    try:
        found = discover(source.config, folder=root)
        left = dict.fromkeys(inside)
        files = []
        for migration in found.migrations:
            bare = found.layout in _UNWRAPPED or migration.parsed.up.transaction is False
            for named, down in ((migration.path, False), (migration.down_path, True)):
                if named is not None and str(named) in left:
                    del left[str(named)]
                    file = source.file(named, MIGRATION)
                    file.down, file.bare = down, bare
                    files.append(file)
    except DbkitError:
        return [[source.file(path, MIGRATION) for path in _in_order(map(Path, inside))]]
    return [files, [source.file(path, MIGRATION) for path in _in_order(map(Path, left))]]


# Layouts whose runner leaves transactions to the file.
_UNWRAPPED = frozenset({"golang-migrate", "plain", "prisma", "sqitch"})

# 20250102030405_x.sql, 0001_x.sql, V1.2__x.sql
_VERSION = lazy_pattern(r"[VvUu]?\d+[\d.]*_")
_NUMBER = lazy_pattern(r"(\d+)")


def _in_order(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=_sort_key)


def _sort_key(path: Path) -> tuple[object, ...]:
    """Numbers as numbers, so that V10 comes after V9; repeatable files (Flyway's R__) come last."""
    name = str(path)
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in _NUMBER.split(name) if part)
    return (path.name.startswith("R__"), parts)


def _inside(paths: Iterable[str], *folders: Path) -> list[str]:
    """Those of the paths that are in one of the folders; all of them are absolute."""
    above = tuple(f"{folder}{os.sep}" for folder in folders)
    return [path for path in paths if path.startswith(above)]


def _is_inside(path: Path, folder: Path) -> bool:
    """Path.is_relative_to for two absolute paths, at the price of a string comparison."""
    return str(path).startswith(str(folder) + os.sep)


def _unjudged(files: Iterable[LintFile]) -> list[LintFile]:
    """Fresh copies, so that each series replays its own."""
    return [replace(file, judged=False) for file in files]
