"""Read one line of migrations from a folder in another runner's layout: a reader for each."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from pathlib import Path

from dbkit.errors import DbkitError
from dbkit.migrate import foreign
from dbkit.migrate.files import Migration, bad_file
from dbkit.patterns import lazy_pattern

__all__ = ["FLYWAY_NAME", "READERS", "Reading", "folders_in", "names_in", "sql_files"]

_TIMESTAMP = lazy_pattern(r"\d{14}(?!\d)")
_NUMBER = lazy_pattern(r"(\d+)")
FLYWAY_NAME = lazy_pattern(r"(?:(?P<kind>[VUB])(?P<version>\d+(?:[._]\d+)*)|(?P<repeatable>R))__(?P<name>.+)\.sql")


@dataclass
class Reading:
    """One line being read: what a layout's reader fills."""

    folder: Path
    line: str
    migrations: list[Migration]
    ignored: list[tuple[Path, str]]

    def add(
        self,
        version: str,
        name: str,
        path: Path,
        order: Iterable[object],
        parser: Callable[..., object],
        **more: object,
    ) -> None:
        timestamp = version[:14] if _TIMESTAMP.match(version) else ""
        self.migrations.append(
            Migration(self.line, version, name, path, tuple(order), parser, timestamp=timestamp, **more)  # type: ignore[arg-type]
        )


def _read_plain(reading: Reading) -> None:
    names = sorted(_names_below(reading.folder))  # which is nearly the order of the line, and then soon sorted into it
    files = {name.replace(os.sep, "/")[: -len(".sql")]: reading.folder / name for name in names}
    undoes = {name: up for name in files if (up := _way_up_of(name, files)) is not None}
    down_paths = {up: files[name] for name, up in sorted(undoes.items(), key=lambda pair: _natural(f"{pair[0]}.sql"))}
    for name, path in files.items():
        if name not in undoes:
            reading.add(name, "", path, _natural(name), foreign.parse_marked, down_path=down_paths.get(name))


# A word of a file's path that says "way back", and what the same path says of the way up: that word, or nothing.
_BACK_WORD = lazy_pattern(r"(?:^|[._/-])(down|undo|rollback|revert)(?=[._/-]|$)", re.IGNORECASE)
_UP_WORDS = {"down": ("up",), "undo": ("do",), "rollback": ("up",), "revert": ("deploy", "up")}


def _way_up_of(name: str, names: Container[str]) -> str | None:
    """The file that another one undoes (`1.do.a` for `1.undo.a`, `a` for `down/a`); None where there is none."""
    for match in _BACK_WORD.finditer(name):
        start, end = match.span(1)
        named = [name[:start] + word + name[end:] for word in _UP_WORDS[match[1].lower()]]
        for candidate in (*named, (name[: match.start()] + name[end:]).lstrip("/")):
            if candidate in names:
                return candidate
    return None


def _read_supabase(reading: Reading) -> None:
    for path in sql_files(reading.folder, deep=False):
        match = re.fullmatch(r"(\d+)_(.*)\.sql", path.name)
        if match:
            reading.add(match[1], match[2], path, (path.name,), foreign.parse_plain)
        else:
            reading.ignored.append((path, "the name is not <digits>_<name>.sql"))
    seed = reading.folder.parent / "seed.sql"
    if seed.is_file():
        reading.ignored.append((seed, "seeds are not migrations; load it with psql -f"))


def _read_dbmate(reading: Reading) -> None:
    for path in sql_files(reading.folder, deep=False):
        match = re.fullmatch(r"(\d+)_?(.*)\.sql", path.name)
        if match:
            reading.add(match[1], match[2], path, (path.name,), foreign.parse_dbmate)
        else:
            reading.ignored.append((path, "the name does not begin with a version"))


def _read_golang_migrate(reading: Reading) -> None:
    downs: dict[int, Path] = {}
    for path in sql_files(reading.folder, deep=False):
        match = re.fullmatch(r"(?P<version>\d+)_(?P<name>.*)\.(?P<direction>up|down)\.sql", path.name)
        if not match:
            reading.ignored.append((path, "the name is not <version>_<name>.up.sql or .down.sql"))
        elif match["direction"] == "down":
            downs[int(match["version"])] = path
        else:
            number = int(match["version"])
            reading.add(str(number), match["name"], path, (number,), foreign.parse_plain)
    for migration in reading.migrations:
        migration.down_path = downs.pop(int(migration.version), None)
    reading.ignored += [(path, "there is no .up.sql of this version") for path in downs.values()]


def _read_goose(reading: Reading) -> None:
    for path in sorted(reading.folder.iterdir()):
        match = re.fullmatch(r"(\d+)_(.*)\.(sql|go)", path.name)
        if match and match[3] == "go" and not path.name.endswith("_test.go"):
            raise bad_file(
                path,
                1,
                "goose migration is written in Go",
                "dbkit runs SQL only, and leaving it out would break the order.",
                "Apply this folder with goose, or rewrite the file in SQL.",
            )
        if match and match[3] == "sql":
            number = int(match[1])
            reading.add(str(number), match[2], path, (number,), foreign.parse_goose)
        elif path.suffix == ".sql":
            reading.ignored.append((path, "the name is not <version>_<name>.sql"))


def _read_flyway(reading: Reading) -> None:
    undo: dict[str, Path] = {}
    for path in sql_files(reading.folder):
        match = FLYWAY_NAME.fullmatch(path.name)
        if not match:
            reading.ignored.append((path, "not a versioned, undo, baseline or repeatable script"))
            continue
        if match["repeatable"]:
            version = f"R__{match['name']}"
            reading.add(version, match["name"], path, ((1,), version), foreign.parse_flyway, repeatable=True)
            continue
        numbers = [int(part) for part in re.split(r"[._]", match["version"])]
        while len(numbers) > 1 and numbers[-1] == 0:
            numbers.pop()
        version = ".".join(map(str, numbers))
        if match["kind"] == "U":
            undo[version] = path
        elif match["kind"] == "B":
            reading.add(f"B{version}", match["name"], path, ((0, *numbers), ""), foreign.parse_flyway, squashes=True)
        else:
            reading.add(version, match["name"], path, ((0, *numbers), version), foreign.parse_flyway)
    for migration in reading.migrations:
        migration.down_path = undo.pop(migration.version, None)
    reading.ignored += [(path, "there is no V script of this version") for path in undo.values()]


def _read_prisma(reading: Reading) -> None:
    for path in sorted(reading.folder.iterdir()):
        script = path / "migration.sql"
        if script.is_file():
            reading.add(
                path.name, "", script, (path.name,), foreign.parse_plain, down_path=_existing(path / "down.sql")
            )
        elif path.is_dir():
            reading.ignored.append((path, "there is no migration.sql in it"))


def _read_diesel(reading: Reading) -> None:
    for path in sorted(reading.folder.iterdir()):
        version, _, name = path.name.partition("_")
        version = version.replace("-", "")
        script = path / "up.sql"
        if script.is_file():
            down = _existing(path / "down.sql")
            reading.add(version, name, script, (version,), foreign.parse_diesel, down_path=down)
        elif path.is_dir():
            reading.ignored.append((path, "there is no up.sql in it"))


_SQITCH_CHANGE = lazy_pattern(
    r"\+?\s*(?P<name>[^\s@\[%#-][^\s\[]*)\s*(?:\[(?P<needs>[^\]]*)\])?\s+(?P<time>\d{4}-\d\d-\d\dT\S+)\s+.*"
)


def _read_sqitch(reading: Reading) -> None:
    plan = reading.folder / "sqitch.plan"
    tags: list[str] = []
    placed: dict[str, tuple[int, int]] = {}  # change name -> index of its latest place, tags seen by then
    for number, line in enumerate(plan.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith(("%", "#")):
            continue
        if text.startswith("@"):
            tags.append(text.split()[0])
            continue
        match = _SQITCH_CHANGE.fullmatch(text)
        if not match:
            raise bad_file(plan, number, "cannot read sqitch plan", f"{text!r} is not a change or a tag.")
        name = match["name"]
        if name in placed:
            _keep_reworked(reading, name, placed[name], tags)
        placed[name] = (len(reading.migrations), len(tags))
        deploy = reading.folder / "deploy" / f"{name}.sql"
        version = name if not _taken(reading, name) else f"{name}@{number}"
        reading.add(
            version, "", deploy, (len(reading.migrations),), foreign.parse_plain,
            down_path=_existing(reading.folder / "revert" / f"{name}.sql"),
        )  # fmt: skip


def _keep_reworked(reading: Reading, name: str, place: tuple[int, int], tags: list[str]) -> None:
    """A change that the plan lists again: its earlier scripts carry the tag that was set in between."""
    index, seen = place
    if len(tags) == seen:
        raise DbkitError(f"sqitch change is reworked without a tag between: {name}", hint="Set a tag: sqitch tag.")
    earlier = reading.migrations[index]
    suffix = next(
        (tag for tag in tags[seen:] if (reading.folder / "deploy" / f"{name}{tag}.sql").is_file()), tags[seen]
    )
    earlier.version = f"{name}{suffix}"
    earlier.path = reading.folder / "deploy" / f"{name}{suffix}.sql"
    earlier.down_path = _existing(reading.folder / "revert" / f"{name}{suffix}.sql")


def _taken(reading: Reading, version: str) -> bool:
    return any(migration.version == version for migration in reading.migrations)


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def sql_files(folder: Path, *, deep: bool = True) -> list[Path]:
    """Every visible .sql file: of sub-folders too and in natural order, or with `deep=False` by name."""
    if not deep:
        return [folder / name for name in names_in(folder) if name.endswith(".sql") and not name.startswith(".")]
    return [folder / name for name in sorted(_names_below(folder), key=_natural)]


def _names_below(folder: Path) -> list[str]:
    """The visible .sql files of a folder and its sub-folders, in no particular order."""
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = os.path.relpath(place, folder)
        prefix = "" if inside == "." else inside + os.sep
        found += [prefix + name for name in names if name.endswith(".sql") and not name.startswith(".")]
    return found


def _natural(text: str) -> tuple[object, ...]:
    """Sort key in which 2 comes before 10. Ends with the text itself, so that 01 and 1 stay apart."""
    parts = [part for part in _NUMBER.split(text) if part]
    return (*[(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts], (0, 0, text))


def folders_in(folder: Path) -> list[str]:
    """The names of a folder's visible sub-folders, sorted."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())


def names_in(folder: Path) -> list[str]:
    """The names of a folder's entries, sorted."""
    return sorted(os.listdir(folder))  # noqa: PTH208 - a thousand Path objects would cost more than the names


READERS: dict[str, Callable[[Reading], None]] = {
    "plain": _read_plain,
    "supabase": _read_supabase,
    "dbmate": _read_dbmate,
    "golang-migrate": _read_golang_migrate,
    "goose": _read_goose,
    "flyway": _read_flyway,
    "prisma": _read_prisma,
    "diesel": _read_diesel,
    "sqitch": _read_sqitch,
}
