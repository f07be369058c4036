"""Read single files of other runners: their annotations, sections and placeholders.

Called by `layouts`, which knows the folders. Substitutions keep line numbers, so an error still names the right line.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dbkit.errors import DbkitError
from dbkit.migrate.files import Parsed, Script, bad_file, decode, parse_sections
from dbkit.patterns import lazy_pattern

if TYPE_CHECKING:
    from dbkit.migrate.files import Migration

__all__ = ["parse_dbmate", "parse_diesel", "parse_flyway", "parse_goose", "parse_marked", "parse_plain"]

_GOOSE = lazy_pattern(r"^--[ \t]*\+goose[ \t]+(?P<command>[^\r\n]*?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_ENV = lazy_pattern(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?[-?])(?P<word>[^}]*))?\})")
_PLACEHOLDER = lazy_pattern(r"\$\{(?P<name>[^}\s]+)\}")
_TRUE = {"true", "1", "yes", "on"}

# The marks of tools that keep both ways in one file: sql-migrate and micrate, dbmate, rambler, node-pg-migrate, Play,
# MyBatis and dbdeploy, tern. Run as a whole such a file undoes itself, and its migration would count as applied.
_WAY_BACK = lazy_pattern(
    r"""^[ \t]*--[ \t]*(?:
        \+\w+[ \t]+down\b | migrate:down\b | rambler[ \t]+down\b | down[ \t]+migration\b
        | (?:-+[ \t]*)?!downs\b | //[ \t]*@undo\b | --[ \t]*create[ \t]+above[ \t]*/[ \t]*drop[ \t]+below\b
    )[^\n]*\n?""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_WAY_UP = lazy_pattern(
    r"^[ \t]*--[ \t]*(?:\+\w+[ \t]+up\b|migrate:up\b|rambler[ \t]+up\b|up[ \t]+migration\b|(?:-+[ \t]*)?!ups\b)",
    re.IGNORECASE | re.MULTILINE,
)


def parse_plain(migration: Migration) -> Parsed:
    """A whole file up, and a second file down where the layout has one; transactions as the server lets it."""
    return Parsed(up=_script(migration.text, migration.path), down=_down_script(migration))


def parse_marked(migration: Migration) -> Parsed:
    """A plain file; what stands below a known tool's mark of the way back is the way back.

    Raises:
        DbkitError: a way up follows the way back, so that the file is not two sections; with file and line.
    """
    text, path = migration.text, migration.path
    mark = _WAY_BACK.search(text)
    if mark is None:
        return parse_plain(migration)
    if again := _WAY_UP.search(text, mark.end()):
        raise bad_file(
            path,
            text.count("\n", 0, again.start()) + 1,
            "migration sections are out of order",
            "A way up follows the way back.",
            "Write the way up first and the way back below it, once each.",
        )
    first_line = text.count("\n", 0, mark.end()) + 1
    down = Script(text[mark.end() :], path, first_line, transaction=None, may_control_transaction=True)
    return Parsed(up=_script(text[: mark.start()], path), down=_down_script(migration) or down)


def parse_dbmate(migration: Migration) -> Parsed:
    """`-- migrate:up`, `-- migrate:down`, `transaction:false`; no header."""
    return parse_sections(migration, may_control_transaction=True)


def parse_diesel(migration: Migration) -> Parsed:
    """`up.sql`, `down.sql`; `metadata.toml` may say `run_in_transaction = false`."""
    metadata = migration.path.with_name("metadata.toml")
    transaction = True
    if metadata.is_file():
        try:
            transaction = tomllib.loads(metadata.read_text(encoding="utf-8")).get("run_in_transaction", True)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise bad_file(metadata, 1, "cannot read migration metadata", f"{error}.", "Mend the TOML.") from None
    return Parsed(up=_script(migration.text, migration.path, transaction), down=_down_script(migration, transaction))


def parse_goose(migration: Migration) -> Parsed:
    """`-- +goose Up`, `Down`, `StatementBegin`, `StatementEnd`, `NO TRANSACTION`, `ENVSUB ON|OFF`.

    Raises:
        DbkitError: an annotation that goose does not know, a missing Up, or statement marks that do not pair.
    """
    text, path = migration.text, migration.path
    sections: dict[str, int] = {}
    blocks: list[tuple[int, int]] = []
    opened: int | None = None
    transaction, substituting = True, False
    lines = text.split("\n")
    for index, line in enumerate(lines):
        number = index + 1
        match = _GOOSE.match(line)
        if not match:
            lines[index] = _substitute_environment(line, path, number) if substituting else line
            continue
        command = " ".join(match["command"].lower().split())
        if command in ("up", "down"):
            if command in sections or (command == "down" and "up" not in sections):
                raise bad_file(
                    path, number, "goose sections are out of order", "Up comes once, Down after it at most once."
                )
            sections[command] = number
        elif command == "statementbegin":
            opened = number
        elif command == "statementend":
            if opened is None:
                raise bad_file(
                    path, number, "goose statement block is not open", "StatementEnd without StatementBegin."
                )
            blocks.append((opened, number))
            opened = None
        elif command == "no transaction":
            transaction = False
        elif command in ("envsub on", "envsub off"):
            substituting = command == "envsub on"
        else:
            raise bad_file(path, number, "unknown goose annotation", f"{match['command']!r}.")
    if opened is not None:
        raise bad_file(path, opened, "goose statement block is not closed", "StatementBegin without StatementEnd.")
    if "up" not in sections:
        raise bad_file(path, 1, "goose file has no Up section", "No line is -- +goose Up.")

    def script(first: int, after: int) -> Script:
        inside = tuple(block for block in blocks if first <= block[0] < after)
        return Script("\n".join(lines[first:after]), path, first + 1, transaction, True, inside)

    up_end = sections["down"] - 1 if "down" in sections else len(lines)
    down = script(sections["down"], len(lines)) if "down" in sections else None
    return Parsed(up=script(sections["up"], up_end), down=down)


def parse_flyway(migration: Migration) -> Parsed:
    """A whole file with `${placeholders}`; its `<file>.conf` may switch off the transaction and the placeholders.

    Values come from FLYWAY_PLACEHOLDERS_<NAME> and from flyway.conf or flyway.toml beside or above the folder.

    Raises:
        DbkitError: a placeholder without a value, with file and line.
    """
    path = migration.path
    options = _properties(path.with_name(path.name + ".conf"))
    transaction = None if options.get("executeInTransaction", "true").lower() in _TRUE else False
    settings = _flyway_settings(path.parent)
    replacing = options.get("placeholderReplacement", settings.get("placeholderReplacement", "true")).lower() in _TRUE
    down = None
    if migration.down_path is not None:
        down_text = decode(migration.down_path.read_bytes(), migration.down_path)
        down = _script(
            _replace(down_text, migration.down_path, settings) if replacing else down_text, migration.down_path
        )
    text = _replace(migration.text, path, settings) if replacing else migration.text
    return Parsed(up=_script(text, path, transaction), down=down)


def _script(text: str, path: Path, transaction: bool | None = None) -> Script:
    return Script(text, path, transaction=transaction, may_control_transaction=True)


def _down_script(migration: Migration, transaction: bool | None = None) -> Script | None:
    path = migration.down_path
    if path is None or not path.is_file():
        return None
    return _script(decode(path.read_bytes(), path), path, transaction)


def _substitute_environment(line: str, path: Path, number: int) -> str:
    """Shell-style `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}`; `$$` stays."""

    def value(match: re.Match[str]) -> str:
        name, operator, word = match["plain"] or match["name"], match["operator"] or "", match["word"] or ""
        current = os.environ.get(name)
        missing = not current if operator.startswith(":") else current is None
        if missing and operator.endswith("-"):
            return word
        if missing and operator.endswith("?"):
            raise bad_file(
                path,
                number,
                f"environment variable is not set: {name}",
                f"{word or 'The file wants it'}.",
                f"Set {name}.",
            )
        return current or ""

    # A dollar quote is not a variable.
    parts = re.split(r"(\$\$)", line)
    return "".join(part if part == "$$" else _ENV.sub(value, part) for part in parts)


def _replace(text: str, path: Path, settings: Mapping[str, str]) -> str:
    values = {
        key.removeprefix("placeholders.").lower(): value
        for key, value in settings.items()
        if key.startswith("placeholders.")
    }
    for name, value in os.environ.items():
        if name.startswith("FLYWAY_PLACEHOLDERS_"):
            values[name.removeprefix("FLYWAY_PLACEHOLDERS_").lower()] = value

    def value_of(match: re.Match[str]) -> str:
        name = match["name"]
        if name.lower() not in values:
            raise bad_file(
                path,
                text.count("\n", 0, match.start()) + 1,
                f"Flyway placeholder has no value: {name}",
                f"The file says {match.group()}.",
                # Flyway's own names hold a colon, which no shell lets into a variable.
                f"Write in flyway.conf: flyway.placeholders.{name}=…"
                if ":" in name
                else f"Set FLYWAY_PLACEHOLDERS_{name.upper()}, or flyway.placeholders.{name} in flyway.conf.",
            )
        return values[name.lower()]

    return _PLACEHOLDER.sub(value_of, text)


def _flyway_settings(folder: Path) -> dict[str, str]:
    """The nearest flyway.conf or flyway.toml at or above a folder; keys without the leading `flyway.`."""
    for place in (folder, *list(folder.absolute().parents)[:5]):
        for candidate in (place / "flyway.conf", place / "conf" / "flyway.conf"):
            if candidate.is_file():
                return {key.removeprefix("flyway."): value for key, value in _properties(candidate).items()}
        if (place / "flyway.toml").is_file():
            return _toml_settings(place / "flyway.toml")
    return {}


def _toml_settings(path: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("flyway", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DbkitError(f"cannot read {path}", detail=f"{error}.", hint="Mend the TOML.") from None
    settings = {key: str(value) for key, value in table.items() if not isinstance(value, dict)}
    return settings | {f"placeholders.{key}": str(value) for key, value in table.get("placeholders", {}).items()}


def _properties(path: Path) -> dict[str, str]:
    """A Java properties file as far as Flyway's own files go; `${NAME}` takes the environment. Empty if missing."""
    if not path.is_file():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").replace("\\\n", "").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith(("#", "!")):
            found[key.strip()] = re.sub(r"\$\{(\w+)\}", lambda m: os.environ.get(m[1], m[0]), value.strip())
    return found
