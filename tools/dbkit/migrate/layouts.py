"""Folders of migrations: dbkit's own and those of other runners, read as they are.

Each layout says which files are migrations, in what order, where the way back is, and what an annotation means. Foreign
folders are never written to and their files need no change.

| layout         | files                                     | order           | a file runs                           |
|----------------|-------------------------------------------|-----------------|---------------------------------------|
| dbkit          | `<module>/<14 digits>_<name>.sql`         | version         | one transaction, `transaction:false`  |
| dbmate         | `<digits>_<name>.sql`, `-- migrate:up`    | file name       | one transaction, `transaction:false`  |
| golang-migrate | `<n>_<name>.up.sql`, `.down.sql`          | number          | one transaction if the server lets it |
| goose          | `<n>_<name>.sql`, `-- +goose Up`          | number          | one transaction, `NO TRANSACTION`     |
| flyway         | `V<v>__<name>.sql`, `U…`, `R__…`, `B…`    | version, then R | one transaction if the server lets it |
| prisma         | `<name>/migration.sql`, `down.sql`        | folder name     | one transaction if the server lets it |
| diesel         | `<version>_<name>/up.sql`, `down.sql`     | version         | one transaction, `run_in_transaction` |
| supabase       | `supabase/migrations/<digits>_<name>.sql` | file name       | one transaction if the server lets it |
| sqitch         | `sqitch.plan`, `deploy/`, `revert/`       | plan            | in the transaction it opens itself    |
| plain          | `*.sql`, sub-folders too                  | natural         | one transaction if the server lets it |

In a plain folder too the way back is not run on the way up: a file named as the undo of another one (`1.undo.a.sql`,
`a.down.sql`, `down/a.sql`), and what stands below a mark that other tools put above it (`-- +migrate Down`).
A foreign file that opens and commits transactions itself keeps them: `control` finds them, `steps` runs them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.migrate.files import NATIVE_NAME, Migration, bad_file, parse_native, show_path
from dbkit.migrate.readers import FLYWAY_NAME, READERS, Reading, folders_in, names_in, sql_files

__all__ = ["DEFAULT_LINE", "LAYOUTS", "Folder", "discover", "recognise"]

LAYOUTS = ("dbkit", *READERS)

# Name of the only line of a folder that is not divided into modules. It does not follow the folder's name: a folder
# that is moved keeps its history.
DEFAULT_LINE = "main"


@dataclass(frozen=True)
class Folder:
    """What was found.

    Attributes:
        layout: a name of LAYOUTS.
        path: the folder the migrations were read from.
        lines: names of the lines, in the order of module requirements.
        migrations: of all lines, each line in its own order.
        needs: line -> lines it needs, from `[modules]`.
        ignored: files that look as if they belonged here and are not run, with the reason.
    """

    layout: str
    path: Path
    lines: tuple[str, ...]
    migrations: tuple[Migration, ...]
    needs: dict[str, tuple[str, ...]]
    ignored: tuple[tuple[Path, str], ...] = ()


def discover(
    config: Config, *, folder: Path | None = None, line: str | None = None, layout: str | None = None
) -> Folder:
    """Find every migration.

    Args:
        folder: `--migrations`; None takes the folder of the project file and, for its modules, the packaged SQL.
        line: the name of the line of a folder that has only one; None for "main".
        layout: a name of LAYOUTS, or auto; None takes `[migrations] layout`.

    Raises:
        DbkitError: no such folder, unknown layout, two files with one version, a name that breaks the layout's rule.
    """
    layout = layout or config.migrations.layout
    if layout != "auto" and layout not in LAYOUTS:
        raise DbkitError(
            f"unknown migration layout: {layout}",
            detail=f"The layouts are auto, {', '.join(LAYOUTS)}.",
            hint="Correct [migrations] layout in dbkit.toml.",
        )
    if folder is None and config.modules and layout in ("auto", "dbkit"):
        project = _project_lines(config)
        if project is not None:
            return _checked(project)
    path = folder.absolute() if folder is not None else config.resolve(config.migrations.dir)
    if not path.is_dir():
        raise DbkitError(
            f"no such migrations folder: {show_path(path)}",
            hint="Name an existing folder with --migrations."
            if folder is not None
            else 'Name it in dbkit.toml: dir = "…" under [migrations]. A new project starts with: dbkit init',
        )
    path = _descend(path)
    layout = recognise(path) if layout == "auto" else layout
    if layout == "dbkit":
        return _checked(_dbkit_lines(path, line, config))
    reading = Reading(path, line or DEFAULT_LINE, [], [])
    READERS[layout](reading)
    reading.migrations.sort(key=lambda migration: migration.order)
    return _checked(Folder(layout, path, (reading.line,), tuple(reading.migrations), {}, tuple(reading.ignored)))


def recognise(folder: Path) -> str:
    """The layout of a folder, by its files' names first and by annotations inside them where names do not tell."""
    names = names_in(folder)
    if "sqitch.plan" in names:
        return "sqitch"
    folders = folders_in(folder)
    if "migration_lock.toml" in names or any((folder / name / "migration.sql").is_file() for name in folders):
        return "prisma"
    if any((folder / name / "up.sql").is_file() for name in folders):
        return "diesel"
    scripts = [name for name in names if name.endswith(".sql")]
    if any(name.endswith(".up.sql") for name in scripts):
        return "golang-migrate"
    paths = [folder / name for name in scripts[:_LOOK_INTO]] or sql_files(folder)
    if any(FLYWAY_NAME.fullmatch(name) for name in scripts or (path.name for path in paths)):
        return "flyway"
    if marked := _by_annotation(paths[:_LOOK_INTO]):
        return marked
    if folder.name == "migrations" and folder.parent.name == "supabase":
        return "supabase"
    return "plain"


# Files looked into for an annotation; a folder written for a runner carries it in every file.
_LOOK_INTO = 20


def _by_annotation(paths: list[Path]) -> str | None:
    for path in paths:
        data = path.read_bytes()
        if re.search(rb"^--\s*\+goose\s+up\b", data, re.MULTILINE | re.IGNORECASE):
            return "goose"
        if re.search(rb"^--\s*migrate:up\b", data, re.MULTILINE):
            return (
                "dbkit" if re.search(rb"^--\s?(?:Migration|Rollback|Dependencies):", data, re.MULTILINE) else "dbmate"
            )
    return None


def _descend(folder: Path) -> Path:
    """The folder itself, or the well-known sub-folder of a tool's own folder (`supabase/`, `prisma/`, `db/`)."""
    for _ in range(2):
        if (folder / "sqitch.plan").is_file() or any(
            name.endswith(".sql") and name != "seed.sql" for name in names_in(folder)
        ):
            break
        for name in ("migrations", "supabase", "prisma"):
            if (folder / name).is_dir():
                folder = folder / name
                break
        else:
            break
    return folder


def _project_lines(config: Config) -> Folder | None:
    """The lines of `[modules]`, None where the project's folder holds another layout."""
    from dbkit.source import migrations_dir, module_order

    root = config.resolve(config.migrations.dir)
    if config.migrations.layout == "auto" and root.is_dir():
        inside = names_in(root)
        strangers = any(name.endswith(".sql") for name in inside) or "sqitch.plan" in inside
        if strangers and recognise(root) != "dbkit":
            return None
    lines = module_order(config)
    if root.is_dir():
        for entry in sorted(root.iterdir()):
            if entry.is_dir() and entry.name not in config.modules and any(entry.glob("*.sql")):
                raise DbkitError(
                    f"migrations of an unknown module: {entry.name}",
                    detail=f"{show_path(entry)} is not declared under [modules].",
                    hint=f'Add `{entry.name} = ["core"]` under [modules] in dbkit.toml, or move the folder away.',
                )
    found: list[Migration] = []
    for name in lines:
        found += _native_line(migrations_dir(config, name), name)
    return Folder("dbkit", root, tuple(lines), tuple(found), {name: tuple(config.modules[name]) for name in lines})


def _dbkit_lines(folder: Path, line: str | None, config: Config) -> Folder:
    """A folder in dbkit's format: itself one line, or each sub-folder a line."""
    if any(name.endswith(".sql") for name in names_in(folder)):
        name = line or DEFAULT_LINE
        return Folder("dbkit", folder, (name,), tuple(_native_line(folder, name)), {})
    names = folders_in(folder)
    declared = [name for name in config.modules if name in names]
    names = declared + [name for name in names if name not in declared]
    found = [migration for name in names for migration in _native_line(folder / name, name)]
    needs = {name: tuple(need for need in config.modules.get(name, ()) if need in names) for name in names}
    return Folder("dbkit", folder, tuple(names), tuple(found), needs)


def _native_line(folder: Path, line: str) -> list[Migration]:
    reading = Reading(folder, line, [], [])
    for name in names_in(folder) if folder.is_dir() else ():
        if not name.endswith(".sql") or name.startswith("."):
            continue
        match = NATIVE_NAME.fullmatch(name)
        if not match or not _is_time(match["version"]):
            raise bad_file(
                folder / name,
                1,
                "migration file name breaks the rule",
                "A name is YYYYMMDDHHMMSS_descriptive_name.sql in lower case, with a real date and time.",
                "Rename the file; dbkit migrate new makes a right name.",
            )
        reading.add(match["version"], match["name"], folder / name, (match["version"],), parse_native)
    return reading.migrations


def _is_time(version: str) -> bool:
    from datetime import datetime

    try:
        datetime.strptime(version, "%Y%m%d%H%M%S")
    except ValueError:
        return False
    return True


def _checked(folder: Folder) -> Folder:
    seen: dict[tuple[str, str], Migration] = {}
    for migration in folder.migrations:
        key = (migration.line, migration.version)
        if key in seen:
            raise DbkitError(
                f"two migrations have version {migration.version}",
                detail=f"{show_path(seen[key].path)} and {show_path(migration.path)}.",
                hint="Give the newer one a later version and rename its file.",
            )
        seen[key] = migration
    return folder
