"""Start a project: a folder whose own module sits beside the packaged core.

What is written is the folder `_template/` of this package with `__module__` replaced, and the test helpers that core's
own tests use. The files are ordinary SQL that `drift`, `lint`, `test` and `leak` accept as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dbkit import source
from dbkit.config import CONFIG_NAME
from dbkit.errors import DbkitError

__all__ = ["Project", "init"]

PLACEHOLDER = "__module__"
HELPERS = Path("tests/pgtap/_helpers.sql")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
# Schemas that PostgreSQL, dbkit or the tests already have a use for.
_TAKEN = {"public", "information_schema", "dbkit", "tap", "tests"}


@dataclass(frozen=True, slots=True)
class Project:
    """What `init` wrote.

    Attributes:
        root: the project's folder.
        module: its own module.
        files: every file, in the order it was written, `dbkit.toml` first.
    """

    root: Path
    module: str
    files: list[Path]


def init(root: Path, module: str = "app") -> Project:
    """Write a new project.

    Args:
        root: its folder; made where it does not exist. What else lies there is left alone.
        module: name of its own module, schema and migration line.

    Raises:
        DbkitError: the name cannot be a module, one of the files exists already (then nothing is written), or the
            folder cannot be written to.
    """
    _check_name(module)
    texts = {path: text.replace(PLACEHOLDER, module) for path, text in _template(module).items()}
    existing = [str(path) for path in texts if (root / path).exists()]
    if existing:
        raise DbkitError(
            f"{root / existing[0]} exists already",
            detail=f"dbkit init writes new files only; in the way: {', '.join(existing)}.",
            hint="Name another folder: dbkit init DIR",
        )
    files = []
    try:
        for path, text in texts.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            # "x": a file that appeared since the check above is not overwritten either.
            with target.open("x", encoding="utf-8") as file:
                file.write(text)
            files.append(target)
    except OSError as error:
        for written in files:
            written.unlink()
        raise DbkitError(
            f"cannot write {error.filename or root}",
            detail=f"{error.strerror}. Nothing was left behind but empty folders.",
            hint="Name a folder that can be written.",
        ) from None
    return Project(root, module, files)


def _check_name(module: str) -> None:
    from pglast import parser

    if not _NAME.fullmatch(module) or module.startswith("pg_"):
        raise DbkitError(
            f"bad module name: {module}",
            detail="A module is a folder and a schema: up to 31 lower-case letters, digits and underscores, a letter "
            "first, not pg_….",
            hint="Name it, for example, with --module shop.",
        )
    if module in _TAKEN or module in source.packaged_modules():
        raise DbkitError(
            f"module name is taken: {module}",
            detail="PostgreSQL or dbkit has a schema of this name.",
            hint="Give another one with --module NAME.",
        )
    try:
        parser.parse_sql(f"create schema {module}")
        parser.parse_sql(f"select {module}.f()")
    except parser.ParseError:
        raise DbkitError(
            f"module name is an SQL keyword: {module}",
            detail="It would have to be quoted wherever it is used.",
            hint="Give another one with --module NAME.",
        ) from None


def _template(module: str) -> dict[Path, str]:
    """Path in the project -> text, the project file first."""
    folder = Path(__file__).parent / "_template"
    found = {
        Path(str(path.relative_to(folder)).replace(PLACEHOLDER, module)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    found[HELPERS] = _helpers()
    return {Path(CONFIG_NAME): found.pop(Path(CONFIG_NAME)), **found}


def _helpers() -> str:
    """The test helpers: inside the wheel beside the packaged SQL, else those of the checkout dbkit is run from."""
    inside_wheel = Path(__file__).parent / "_helpers.sql"
    path = inside_wheel if inside_wheel.is_file() else source.packaged_root().parent / HELPERS
    return path.read_text(encoding="utf-8")
