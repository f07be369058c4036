"""A migration as a file: what it says of itself and the SQL to run in each direction.

Reading is lazy. A run in which nothing is pending needs names and checksums only, so headers and sections are parsed
when a migration is about to run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dbkit.errors import DbkitError
from dbkit.patterns import lazy_pattern

__all__ = ["HEADER_KEYS", "NAME_PREFIXES", "PHASES", "Migration", "Parsed", "Script", "bad_file", "parse_native"]

# What a native header must say; Locks and Phase may be added.
HEADER_KEYS = ("Migration", "Description", "Author", "Date", "Dependencies", "Rollback")
OPTIONAL_HEADER_KEYS = ("Locks", "Phase")
PHASES = ("expand", "migrate", "contract")

# How a native file name goes on after its version. The runner does not insist; `dbkit lint` does.
NAME_PREFIXES = (
    "create_table_", "alter_table_", "drop_table_", "add_data_", "update_data_", "remove_data_", "rls_", "enable_rls_",
    "idx_", "create_index_", "trg_", "create_trigger_", "fn_", "view_", "cron_", "grant_", "seed_", "rollback_",
)  # fmt: skip

NATIVE_NAME = lazy_pattern(r"(?P<version>\d{14})_(?P<name>[a-z0-9][a-z0-9_]*)\.sql")
_HEADER_LINE = lazy_pattern(r"--\s?(?P<key>[A-Z][A-Za-z]+):\s*(?P<value>.*?)\s*$")
_HEADER_MORE = lazy_pattern(r"--\s{2,}(?P<value>\S.*?)\s*$")
_SECTION = lazy_pattern(r"^--\s*migrate:(?P<direction>up|down)\b[ \t]*(?P<options>[^\r\n]*?)[ \t\r]*$", re.MULTILINE)
_OPTION = lazy_pattern(r"(?P<key>[\w-]+):(?P<value>\S+)")


@dataclass(frozen=True, slots=True)
class Script:
    """The SQL of one direction: whole lines of one file.

    Attributes:
        first_line: line of the file on which `text` begins.
        transaction: True: one transaction. False: statement by statement. None: the layout does not say, so one
            transaction unless the server refuses a statement inside it.
        may_control_transaction: BEGIN and COMMIT inside are the layout's convention.
        blocks: line ranges (of the file, inclusive) that run as one statement (goose StatementBegin … StatementEnd).
    """

    text: str
    path: Path
    first_line: int = 1
    transaction: bool | None = True
    may_control_transaction: bool = False
    blocks: tuple[tuple[int, int], ...] = ()

    def locate(self, offset: int) -> tuple[int, int]:
        """Line of the file and column, both from 1, of a character offset in the text."""
        from dbkit.sqltext import position

        line, column = position(self.text, min(offset, len(self.text)))
        return line + self.first_line - 1, column

    @property
    def padded(self) -> str:
        """The text with empty lines in front, so that its line numbers are the file's."""
        return "\n" * (self.first_line - 1) + self.text


@dataclass(frozen=True, slots=True)
class Parsed:
    """What reading a file gave: header, sections, declared dependencies (`line/version`)."""

    up: Script
    down: Script | None = None
    header: dict[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    irreversible: str | None = None


@dataclass(eq=False)
class Migration:
    """One migration of a line.

    Attributes:
        line: module, or the name of the only line of a folder.
        version: unique within the line.
        name: what follows the version in the file name.
        path: the file that is hashed; the up file where a layout has two.
        order: position in the line; comparable within one line.
        parser: reads the file the way its layout wants.
        down_path: the file of the way back, where a layout has two.
        repeatable: runs again whenever it changed (Flyway `R__`).
        squashes: replaces all that come before it on a database without history (Flyway `B`).
        timestamp: 14 digits when the version is a time, "" otherwise; orders migrations of different lines.
    """

    line: str
    version: str
    name: str
    path: Path
    order: tuple[object, ...]
    parser: Callable[[Migration], Parsed]
    down_path: Path | None = None
    repeatable: bool = False
    squashes: bool = False
    timestamp: str = ""

    def __str__(self) -> str:
        return f"{self.line}/{self.version}"

    @cached_property
    def data(self) -> bytes:
        """The bytes of the file."""
        try:
            # Unbuffered, since a no-op run is mostly the reading of a thousand small files.
            with open(self.path, "rb", buffering=0) as file:  # noqa: PTH123
                return file.read()
        except OSError as error:
            raise DbkitError(
                f"cannot read migration {self}",
                detail=f"{self.path}: {error.strerror}.",
                hint="Restore the file or its permissions.",
            ) from None

    @cached_property
    def checksum(self) -> str:
        """sha256 of the bytes, hexadecimal."""
        import hashlib

        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def text(self) -> str:
        """The file as text, without a byte order mark and with plain line ends."""
        return decode(self.data, self.path)

    @cached_property
    def parsed(self) -> Parsed:
        return self.parser(self)

    @property
    def up(self) -> Script:
        return self.parsed.up

    @property
    def down(self) -> Script | None:
        return self.parsed.down

    @property
    def header(self) -> dict[str, str]:
        return self.parsed.header

    @property
    def depends_on(self) -> tuple[str, ...]:
        return self.parsed.depends_on

    @property
    def transactional(self) -> bool:
        return self.up.transaction is not False


def decode(data: bytes, path: Path) -> str:
    """Bytes of an SQL file to text.

    Raises:
        DbkitError: not UTF-8, or a NUL byte, with file and line.
    """
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        detail = f"Byte 0x{data[error.start]:02x} is not UTF-8."
        raise bad_file(path, line, "file is not UTF-8", detail, "Save the file as UTF-8.") from None
    if "\0" in text:
        raise bad_file(path, text.count("\n", 0, text.index("\0")) + 1, "file holds a NUL byte", "Is it an SQL file?")
    return text.replace("\r\n", "\n") if "\r" in text else text


def bad_file(path: Path, line: int, message: str, detail: str, hint: str = "Correct the file.") -> DbkitError:
    """An error of a file itself; the detail begins with `file:line`."""
    return DbkitError(message, detail=f"{show_path(path)}:{line}: {detail}", hint=hint)


def show_path(path: Path) -> str:
    """A path relative to the working directory where it is below it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def parse_native(migration: Migration) -> Parsed:
    """dbkit's own format: header, `-- migrate:up`, `-- migrate:down` (architecture, section 4).

    Raises:
        DbkitError: a header key is missing or wrong, or the sections do not fit the header; with file and line.
    """
    text, path = migration.text, migration.path
    header, lines = read_header(text)
    for key in HEADER_KEYS:
        if not header.get(key):
            raise bad_file(
                path,
                lines.get(key, 1),
                f"migration header lacks {key}",
                f"The header has {', '.join(header) or 'nothing'}.",
                f"Add a line at the top: -- {key}: …",
            )
    _check_date(migration, header["Date"], lines["Date"])
    phase = header.get("Phase")
    if phase and phase.lower() not in PHASES:
        raise bad_file(
            path, lines["Phase"], "unknown migration phase", f"Phase is {phase}.", f"Write one of {', '.join(PHASES)}."
        )
    parsed = parse_sections(migration, may_control_transaction=False)
    irreversible = _irreversible(path, header["Rollback"], lines["Rollback"])
    if irreversible is None and parsed.down is None:
        raise bad_file(
            path,
            lines["Rollback"],
            "migration has no way back",
            "The header promises a down section and the file has no -- migrate:down.",
            "Write the section, or declare: -- Rollback: irreversible: <reason>",
        )
    if irreversible is not None and parsed.down is not None and parsed.down.text.strip():
        raise bad_file(
            path,
            parsed.down.first_line,
            "irreversible migration has a down section",
            "The header says that the migration cannot be undone.",
            "Remove the section, or declare: -- Rollback: down section",
        )
    return Parsed(
        up=parsed.up,
        down=None if irreversible else parsed.down,
        header=header,
        depends_on=_dependencies(migration, header["Dependencies"], lines["Dependencies"]),
        irreversible=irreversible,
    )


def parse_sections(migration: Migration, *, may_control_transaction: bool) -> Parsed:
    """The `-- migrate:up` and `-- migrate:down` sections, with their `transaction:false`.

    Raises:
        DbkitError: a section is missing, doubled or out of order, or carries an option nobody knows.
    """
    text, path = migration.text, migration.path
    marks = list(_SECTION.finditer(text))
    found = [mark["direction"] for mark in marks]
    if found not in (["up"], ["up", "down"]):
        wrong = marks[1] if len(marks) > 1 else None
        line = text.count("\n", 0, wrong.start()) + 1 if wrong else 1
        raise bad_file(
            path,
            line,
            "migration sections are missing or out of order",
            f"Found {', '.join('migrate:' + name for name in found) or 'no section'}.",
            "Write -- migrate:up once and, after it, -- migrate:down at most once.",
        )
    scripts = []
    for number, mark in enumerate(marks):
        start = min(mark.end() + 1, len(text))
        end = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        first_line = text.count("\n", 0, start) + 1
        scripts.append(
            Script(
                text=text[start:end],
                path=path,
                first_line=first_line,
                transaction=_transaction_option(path, first_line - 1, mark["options"]),
                may_control_transaction=may_control_transaction,
            )
        )
    return Parsed(up=scripts[0], down=scripts[1] if len(scripts) > 1 else None)


def read_header(text: str) -> tuple[dict[str, str], dict[str, int]]:
    """The `-- Key: value` lines at the top and the line each stands on. Indented comment lines continue a value."""
    header: dict[str, str] = {}
    lines: dict[str, int] = {}
    key = None
    for number, line in enumerate(text.split("\n"), start=1):
        if match := _HEADER_LINE.match(line):
            key = match["key"]
            header[key], lines[key] = match["value"], number
        elif key and (more := _HEADER_MORE.match(line)):
            header[key] = f"{header[key]} {more['value']}".strip()
        elif (line.strip() and not line.startswith("--")) or _SECTION.match(line):
            break
        else:
            key = None
    return header, lines


def _check_date(migration: Migration, date: str, line: int) -> None:
    version = migration.version
    expected = f"{version[:4]}-{version[4:6]}-{version[6:8]}"
    if date != expected:
        raise bad_file(
            migration.path,
            line,
            "migration date differs from its version",
            f"Date is {date}, the version {version} is of {expected}.",
            f"Write: -- Date: {expected}",
        )


def _irreversible(path: Path, rollback: str, line: int) -> str | None:
    """The reason of an irreversible migration, None for a reversible one."""
    if rollback.lower() == "down section":
        return None
    match = re.match(r"irreversible\b[\s:]*(?P<reason>.*)", rollback, re.IGNORECASE)
    if match and match["reason"]:
        return match["reason"]
    raise bad_file(
        path,
        line,
        "migration header has a bad Rollback",
        f"Rollback is {rollback!r}.",
        "Write -- Rollback: down section, or -- Rollback: irreversible: <reason>.",
    )


def _dependencies(migration: Migration, text: str, line: int) -> tuple[str, ...]:
    """`none`, or versions (`line/version`, or `version` of the same line; a name behind the version is ignored)."""
    if text.strip().lower() in ("none", "-"):
        return ()
    found = []
    for part in re.split(r"[,\s]+", text.strip().rstrip(".")):
        match = re.fullmatch(r"(?:(?P<line>[\w-]+)/)?(?P<version>\d{14})(?:_\w+)?(?:\.sql)?", part)
        if not match:
            raise bad_file(
                migration.path,
                line,
                "migration header has a bad dependency",
                f"{part!r} is not a version.",
                "Write `none`, or versions such as core/20260101000000, separated by commas.",
            )
        found.append(f"{match['line'] or migration.line}/{match['version']}")
    return tuple(found)


def _transaction_option(path: Path, line: int, options: str) -> bool:
    transaction = True
    for part in options.split():
        match = _OPTION.fullmatch(part)
        if not match or match["key"] != "transaction" or match["value"] not in ("true", "false"):
            raise bad_file(
                path,
                line,
                "unknown option of a migration section",
                f"{part!r}.",
                "The only option is transaction:false.",
            )
        transaction = match["value"] == "true"
    return transaction
