"""`dbkit migrate new`: draft a migration from what the declared tree has and the migrations lack.

Two databases are made, one from the declared tree and one from the migrations; `changes` turns their difference into
steps. The draft is then tried: applied, compared, reverted, compared. What is still different is written into the file
as notes, since an author can mend a draft that says what it lacks.
"""

from __future__ import annotations

import getpass
import re
import subprocess
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dbkit import build, source
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.migrate.changes import Block, Changes, find_changes
from dbkit.migrate.files import NAME_PREFIXES

if TYPE_CHECKING:
    from dbkit.catalog import Snapshot
    from dbkit.postgres import Server, Template

__all__ = ["default_author", "is_empty", "new_migration", "new_migrations", "write_baseline"]

# What a migration is called after, the most telling kind of change first.
_PREFIXES = (
    ("table", "create_table_"),
    ("alter", "alter_table_"),
    ("view", "view_"),
    ("function", "fn_"),
    ("policy", "rls_"),
    ("trigger", "trg_"),
    ("grant", "grant_"),
    ("index", "idx_"),
)
_DATA_PREFIX = "update_data_"
_VERSION = "%Y%m%d%H%M%S"
_FILE_NAME = re.compile(r"(\d{14})_.*\.sql")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class _Section:
    """One file to be: its steps, whether they run in a transaction, and what its author has to know."""

    blocks: list[Block]
    transaction: bool
    touched: frozenset[str]
    notes: list[str] = field(default_factory=list)


def new_migration(config: Config, module: str, title: str, author: str | None = None) -> Path:
    """Draft a migration and write its file, or two where a part must run outside a transaction.

    Args:
        module: the line it belongs to.
        title: what it does, in words; becomes the description and the file name.
        author: None takes git's user name, else the login name.

    Returns:
        The first file. With nothing to draft it is a skeleton for data to change by hand.

    Raises:
        DbkitError: an unknown module, a title without a letter or digit, a tree that does not build, or migrations
            that do not replay.
    """
    return new_migrations(config, module, title, author)[0]


def new_migrations(
    config: Config, module: str, title: str, author: str | None = None, *, server: Server | None = None
) -> list[Path]:
    """As `new_migration`, but returns every file that was written, in the order they run.

    Args:
        server: where to build both databases; None starts a disposable server.
    """
    folder = _own_folder(config, module)
    slug = _slug(title)
    sections = _draft(config, module, server=server)
    version = _next_version(config, module, datetime.now(UTC))
    return _write(config, module, folder, sections, title=title, slug=slug, author=author, version=version)


def is_empty(path: Path) -> bool:
    """Whether a file that was just drafted holds no statement, since there was nothing to draft."""
    from dbkit.sqltext import split

    return not split(path.read_text(encoding="utf-8"))


def write_baseline(config: Config, module: str, version: str, author: str, *, server: Server | None = None) -> Path:
    """Write a module's first migration, replacing the one of that version: the declared tree in one file.

    Args:
        server: as in `new_migrations`.

    Raises:
        DbkitError: the line has other migrations already, or the declared tree does not build.
    """
    folder = _own_folder(config, module)
    others = [path for path in sorted(folder.glob("*.sql")) if not path.name.startswith(version)]
    if others:
        raise DbkitError(
            f"module {module} has migrations already",
            detail=f"{config.display(others[0])} is not its baseline {version}.",
            hint=f'Draft the difference instead: dbkit migrate new {module} "<title>"',
        )
    sections = _draft(config, module, ignoring_line=True, server=server)
    for path in folder.glob(f"{version}*.sql"):
        path.unlink()
    written = _write(
        config,
        module,
        folder,
        sections,
        title=f"{module} baseline",
        slug=f"{module}_baseline",
        author=author,
        version=version,
    )
    return written[0]


def default_author() -> str:
    """Git's user name, else the login name."""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, timeout=5, check=True)
        if done.stdout.strip():
            return done.stdout.strip()
    return getpass.getuser()


# ---------------------------------------------------------------------------------------------------------------------
# Both databases, the difference, the trial
# ---------------------------------------------------------------------------------------------------------------------


def _draft(config: Config, module: str, *, ignoring_line: bool = False, server: Server | None = None) -> list[_Section]:
    """The files to write. `ignoring_line` starts from the needs of the module alone, as if it had no migrations."""
    from dbkit.catalog import snapshot
    from dbkit.postgres import open_server
    from dbkit.recipe import project_recipe

    files = [file for file in build.build_order(config, [module]) if file.module == module]
    needs = [name for name in source.module_order(config, [module]) if name != module]
    declared = project_recipe(config, [module])
    replayed = project_recipe(config, needs if ignoring_line else [module], via="migrations", bootstrap=[module])
    with nullcontext(server) if server else open_server(config, declared) as running:
        with running.template(declared).clone() as database:
            after = snapshot(database.conninfo)
        migrated = running.template(replayed)
        with migrated.clone() as database:
            before = snapshot(database.conninfo)
        changes = find_changes(files, before, after, module)
        notes = _trial(migrated, config, module, changes, before, after)
    sections = []
    if changes.blocks or not changes.bare:
        touched = frozenset(changes.touched - {"index"}) if changes.blocks else frozenset[str]()
        sections.append(_Section(changes.blocks, True, touched))
    if changes.bare:
        sections.append(_Section(changes.bare, False, frozenset({"index"})))
    sections[-1].notes.extend(notes)
    return sections


def _trial(
    migrated: Template, config: Config, module: str, changes: Changes, before: Snapshot, after: Snapshot
) -> list[str]:
    """Apply and revert the draft on a copy; what it fails to do, in words."""
    from dbkit import drift
    from dbkit.catalog import snapshot

    with migrated.clone() as database:
        build.bootstrap(database.conninfo, config, [module])
        build.apply_files(database.conninfo, config, [])  # the ledger, where no migration has run yet
        try:
            _run(database.conninfo, config, [block.up for block in changes.blocks], [item.up for item in changes.bare])
        except DbkitError as error:
            return [f"This draft does not apply as it is: {error.message}."]
        found = drift.compare(after, snapshot(database.conninfo), left="declared tree", right="this draft")
        notes = [f"Not drafted: {finding.object} {finding.message}." for finding in found]
        try:
            _run(
                database.conninfo,
                config,
                [block.down for block in reversed(changes.blocks)],
                [item.down for item in reversed(changes.bare)],
                bare_first=True,
            )
        except DbkitError as error:
            return [*notes, f"The way back does not apply as it is: {error.message}."]
        found = drift.compare(before, snapshot(database.conninfo), left="state before", right="way back")
        return notes + [f"Not reverted: {finding.object} {finding.message}." for finding in found]


def _run(
    conninfo: str, config: Config, transactional: Sequence[str], bare: Sequence[str], *, bare_first: bool = False
) -> None:
    """Run drafted text as `[migrations] role`: one transaction, and the bare statements one by one."""
    import psycopg
    from psycopg import sql

    def run_bare() -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            if config.migrations.role:
                connection.execute(sql.SQL("set role {}").format(sql.Identifier(config.migrations.role)))
            for text in filter(None, bare):
                try:
                    connection.execute(text.encode(), prepare=False)
                except psycopg.Error as error:
                    raise build.sql_error(error, text, "draft") from None

    if bare_first:
        run_bare()
    with build.transaction(conninfo) as connection:
        build.set_role(connection, config.migrations.role)
        build.run_file(connection, "\n\n".join(transactional), "draft")
    if not bare_first:
        run_bare()


# ---------------------------------------------------------------------------------------------------------------------
# Names, versions, text
# ---------------------------------------------------------------------------------------------------------------------


def _own_folder(config: Config, module: str) -> Path:
    source.module_order(config, [module])  # an unknown module is an error
    folder = source.migrations_dir(config, module)
    if source.packaged_root() in folder.parents and source.packaged_root() != source.sql_root(config):
        raise DbkitError(
            f"module {module} comes with dbkit",
            detail="Its migrations are part of the installed package.",
            hint="Write migrations for a module of your own, which may need this one.",
        )
    return folder


def _slug(title: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    if not slug:
        raise DbkitError(
            "empty title",
            detail=f"{title!r} has no letter or digit to make a file name of.",
            hint='Say what the migration does: dbkit migrate new core "add vaccine lots"',
        )
    return slug[:_LONGEST_NAME].rstrip("_")


def _next_version(config: Config, module: str, now: datetime) -> str:
    """Now, or a second after the newest version of the line and of the lines it needs, whichever is later."""
    newest = max(
        (version for need in source.module_order(config, [module]) for version in _versions(config, need)), default=""
    )
    version = now.strftime(_VERSION)
    return version if version > newest else _after(newest)


def _versions(config: Config, module: str) -> list[str]:
    matches = (_FILE_NAME.fullmatch(path.name) for path in source.migrations_dir(config, module).glob("*.sql"))
    return sorted(match[1] for match in matches if match)


def _after(version: str) -> str:
    try:
        return (datetime.strptime(version, _VERSION) + timedelta(seconds=1)).strftime(_VERSION)
    except ValueError:  # fourteen digits that are no time
        return f"{int(version) + 1:014}"


def _dependencies(config: Config, module: str, version: str, previous: str | None) -> str:
    """The newest earlier migration of each needed line, and the draft's own first part."""
    needs = [f"{module}/{previous}"] if previous else []
    for need in source.module_order(config, [module]):
        earlier = [item for item in _versions(config, need) if item < version]
        if need != module and earlier:
            needs.append(f"{need}/{earlier[-1]}")
    return ", ".join(needs) or "none"


def _prefixed(slug: str, touched: frozenset[str]) -> str:
    if slug.startswith(NAME_PREFIXES):
        return slug
    return next((prefix for kind, prefix in _PREFIXES if kind in touched), _DATA_PREFIX) + slug


def _write(
    config: Config,
    module: str,
    folder: Path,
    sections: Sequence[_Section],
    *,
    title: str,
    slug: str,
    author: str | None,
    version: str,
) -> list[Path]:
    paths: list[Path] = []
    previous = None
    for section in sections:
        name = f"{version}_{_prefixed(slug, section.touched)}"
        header = {
            "Migration": name,
            "Description": title.strip() if section.transaction else f"{title.strip()}: indexes and validation",
            "Author": author or default_author(),
            "Date": f"{version[:4]}-{version[4:6]}-{version[6:8]}",
            "Dependencies": _dependencies(config, module, version, previous),
            "Rollback": "down section",
        }
        path = folder / f"{name}.sql"
        _write_text(path, _text(header, section))
        paths.append(path)
        previous, version = version, _after(version)
    return paths


def _write_text(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DbkitError(
            f"cannot write {path}",
            detail=f"{error.strerror}.",
            hint="Check the permissions and free space of that folder, or set [migrations] dir.",
        ) from None


def _text(header: dict[str, str], section: _Section) -> str:
    option = "" if section.transaction else " transaction:false"
    lines = [f"-- {key}: {value}" for key, value in header.items()]
    if section.notes:
        lines += ["", *(f"-- {note}" for note in section.notes)]
    up = [block.up for block in section.blocks if block.up]
    down = [block.down for block in reversed(section.blocks) if block.down]
    sections = [*up, f"-- migrate:down{option}", *down]
    return _paragraphs(["\n".join(lines), f"-- migrate:up{option}", *sections])


def _paragraphs(parts: Sequence[str]) -> str:
    """Parts with an empty line between them; runs of single statements stay together."""
    text, previous = "", ""
    for part in (part.strip() for part in parts):
        together = previous and not any("\n" in item or item.startswith("--") for item in (previous, part))
        text += ("" if not text else "\n" if together else "\n\n") + part
        previous = part
    return text + "\n"
