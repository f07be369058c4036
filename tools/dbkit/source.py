"""Find the project's SQL: the first step of every flow, from folders to files.

A project keeps its own SQL under `sql/` (`[project] sql`). A module that is not there comes from the SQL that travels
inside dbkit, so that an adopter writes `core = []` under `[modules]` and a module of their own beside it.

    sql/schema/<module>/    what exists            sql/migrations/<module>/   how a live database gets there
    sql/functions/<module>/ what it does           sql/seeds/<folder>/        rows, by environment
    sql/policies/<module>/  who may
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbkit.config import CONFIG_NAME, ISOLATION_MODES, Config, load_config
from dbkit.errors import DbkitError

__all__ = [
    "KINDS",
    "SqlFile",
    "bootstrap_files",
    "closure",
    "declared_modules",
    "decode_text",
    "migrations_dir",
    "module_files",
    "module_order",
    "module_root",
    "packaged_modules",
    "packaged_root",
    "read_bytes",
    "read_sql",
    "read_text",
    "sql_root",
]

# Folders of the declared tree, in the order that settles ties.
KINDS = ("schema", "functions", "policies")

MODULE_FILE = "_module.sql"
ROLES_FILE = "_roles.sql"

_CHUNK = 1 << 16  # bytes; most files are smaller

# <name>.<variant>.sql: one of several files with the same name is built, `[core] isolation` says which.
_VARIANT = re.compile(r"(?P<name>[^.]+)\.(?P<variant>[^.]+)\.sql")


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One file of the declared tree.

    Attributes:
        module: the module it belongs to.
        kind: schema, functions or policies.
        name: file name without `.sql` and without the variant; "_module" for a module's first file.
        text: the content.
        digest: SHA-256 of the bytes, hexadecimal.
    """

    path: Path
    module: str
    kind: str
    name: str
    text: str
    digest: str


def sql_root(config: Config) -> Path:
    """The project's own SQL folder. It need not exist: modules that are not in it are the packaged ones."""
    return config.resolve(config.sql_dir)


def packaged_root() -> Path:
    """The SQL that travels with dbkit: inside the wheel, or `sql/` of the checkout dbkit is run from."""
    package = Path(__file__).absolute().parent
    inside_wheel = package / "_sql"
    return inside_wheel if inside_wheel.is_dir() else package.parent.parent / "sql"


def packaged_modules() -> Mapping[str, tuple[str, ...]]:
    """The modules that travel with dbkit and what each needs, from the project file packed beside their SQL."""
    root = packaged_root()
    for candidate in (root / CONFIG_NAME, root.parent / CONFIG_NAME):
        if candidate.is_file():
            return load_config(candidate).modules
    return {}


def declared_modules(config: Config) -> Mapping[str, tuple[str, ...]]:
    """Module -> what it needs: `[modules]`, or the packaged modules in a project without it."""
    return config.modules or packaged_modules()


def module_root(config: Config, module: str) -> Path:
    """The SQL folder a module comes from: the project's if it has the module, else the packaged one.

    Raises:
        DbkitError: neither has a declared tree of that module.
    """
    for root in (sql_root(config), packaged_root()):
        if any((root / kind / module).is_dir() for kind in KINDS):
            return root
    raise DbkitError(
        f"module without SQL: {module}",
        detail=f"[modules] declares {module}, but {config.display(sql_root(config) / 'schema' / module)} "
        "does not exist, and it is not a module that dbkit brings.",
        hint=f"Create that folder with {MODULE_FILE}, or remove {module} from [modules].",
    )


def migrations_dir(config: Config, module: str) -> Path:
    """The folder of a module's migration line: the project's, or the packaged one for a packaged module.

    A folder that does not exist yet is returned where the project would create it.
    """
    own = config.resolve(config.migrations.dir) / module
    packaged = packaged_root() / "migrations" / module
    if own.is_dir() or not packaged.is_dir():
        return own
    # A module the project declares a tree for has its own line, even before the first migration is written.
    has_own_tree = any((sql_root(config) / kind / module).is_dir() for kind in KINDS)
    return own if has_own_tree else packaged


def module_order(config: Config, modules: Iterable[str] | None = None) -> list[str]:
    """Modules and what they need, each after its needs; ties in the order `[modules]` declares.

    Args:
        modules: the modules asked for; None takes all that are declared. A project without [modules] knows the
            packaged ones, which then have to be asked for by name.

    Raises:
        DbkitError: a name that `[modules]` does not declare, no module at all, or modules that need each other.
    """
    known = declared_modules(config)
    if modules is None and not config.modules:
        raise DbkitError(
            "no modules declared",
            detail=config.lacks("modules"),
            hint="Add [modules] with one line a module, such as `core = []`."
            if config.path
            else "Go to the project's folder, or start a project: dbkit init",
        )
    wanted = list(known) if modules is None else list(modules)
    for module in wanted:
        if module not in known:
            raise DbkitError(
                f"unknown module: {module}",
                detail=f"The modules of this project are {', '.join(known)}."
                if config.modules
                else f"The project declares no modules; dbkit brings {', '.join(known)}.",
                hint="Correct the name, or declare the module under [modules] in dbkit.toml.",
            )
    order: list[str] = []
    for module in known:
        if module in wanted:
            _append_with_needs(module, known, order, ())
    return order


def closure(config: Config, module: str) -> set[str]:
    """A module and everything it needs, directly or not."""
    return set(module_order(config, [module]))


def module_files(config: Config, module: str) -> list[SqlFile]:
    """The declared tree of one module: every file once, one variant of each file that has variants.

    Files whose name begins with an underscore are not part of it, but for `_module.sql`.

    Raises:
        DbkitError: the module has no SQL, a file is not UTF-8, or a file's variants do not fit `[core] isolation`.
    """
    root = module_root(config, module)
    files: list[SqlFile] = []
    for kind in KINDS:
        paths = sorted((root / kind / module).glob("*.sql"))
        kept = [path for path in paths if not path.name.startswith("_") or path.name == MODULE_FILE]
        for name, path in _pick_variants(config, kept):
            files.append(read_sql(path, module, kind, name))
    return files


def bootstrap_files(config: Config, modules: Iterable[str] | None = None) -> list[SqlFile]:
    """`_roles.sql` of each module that has one, in module order: what a DBA runs once per cluster."""
    files = []
    for module in module_order(config, modules):
        path = module_root(config, module) / "schema" / module / ROLES_FILE
        if path.is_file():
            files.append(read_sql(path, module, "schema", "_roles"))
    return files


def read_sql(path: Path, module: str, kind: str, name: str | None = None) -> SqlFile:
    """Read one SQL file. A byte order mark is dropped.

    Raises:
        DbkitError: the file cannot be read or is not UTF-8.
    """
    import hashlib

    content, text = read_text(path)
    return SqlFile(path, module, kind, name or path.stem, text, hashlib.sha256(content).hexdigest())


def read_bytes(path: str | Path) -> bytes:
    """The content of a file, without the price of a file object: the linter reads thousands. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))  # Windows would end lines its own way
    try:
        parts = []
        while part := os.read(handle, _CHUNK):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def read_text(path: Path) -> tuple[bytes, str]:
    """The bytes of an SQL file and its text without a byte order mark.

    Raises:
        DbkitError: the file cannot be read or is not UTF-8.
    """
    try:
        content = read_bytes(path)
    except OSError as error:
        raise DbkitError(
            f"cannot read {path}", detail=f"{error.strerror}.", hint="Check that the file exists and its permissions."
        ) from None
    return content, decode_text(path, content)


def decode_text(path: Path, content: bytes) -> str:
    """The text of an SQL file that was read, without a byte order mark.

    Raises:
        DbkitError: it is not UTF-8.
    """
    try:
        return content.decode().removeprefix("\ufeff")  # the codec utf-8-sig is written in Python, and slow
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DbkitError(
            f"not UTF-8: {path}",
            detail=f"Byte {content[error.start]:#04x} on line {line} is not part of a UTF-8 character.",
            hint="Save the file as UTF-8.",
        ) from None


def _append_with_needs(
    module: str, known: Mapping[str, Sequence[str]], order: list[str], parents: tuple[str, ...]
) -> None:
    if module in parents:
        ring = (*parents[parents.index(module) :], module)
        raise DbkitError(
            "modules need each other",
            detail=f"[modules]: {' needs '.join(ring)}.",
            hint="Remove one of these needs from dbkit.toml.",
        )
    if module in order:
        return
    for need in known[module]:
        _append_with_needs(need, known, order, (*parents, module))
    order.append(module)


def _pick_variants(config: Config, paths: list[Path]) -> list[tuple[str, Path]]:
    """Name and path of each file to build; of a file's variants only the one `[core] isolation` chooses."""
    picked: list[tuple[str, Path]] = []
    variants: dict[str, dict[str, Path]] = {}
    for path in paths:
        match = _VARIANT.fullmatch(path.name)
        if match is None:
            picked.append((path.stem, path))
            continue
        if match["variant"] not in ISOLATION_MODES:
            raise DbkitError(
                f"unknown variant: {config.display(path)}",
                detail=f"<name>.<variant>.sql knows the variants {', '.join(ISOLATION_MODES)}.",
                hint="Rename the file; a plain name has no dot before .sql.",
            )
        variants.setdefault(match["name"], {})[match["variant"]] = path
    for name, by_variant in variants.items():
        if config.isolation not in by_variant:
            raise DbkitError(
                f"missing variant: {name}.{config.isolation}.sql",
                detail=f"[core] isolation is {config.isolation}, but there is only "
                + ", ".join(config.display(path) for path in by_variant.values())
                + ".",
                hint="Write that variant, or choose another isolation in dbkit.toml.",
            )
        picked.append((name, by_variant[config.isolation]))
    return sorted(picked)
