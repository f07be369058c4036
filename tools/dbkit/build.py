"""Declared tree to database: compute the order of the files, then apply them in one transaction.

Nothing is numbered. Modules come after what they need; inside one, `_module.sql` is first and a file that mentions
another file's object comes after it. What that leaves open is settled by folder (schema, functions, policies), then by
the alphabet.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbkit import source
from dbkit.config import Config
from dbkit.conninfo import cannot_connect, parse, refuse_old_server
from dbkit.errors import DbkitError
from dbkit.mentions import FileObjects, ObjectName, read_objects
from dbkit.source import KINDS, MODULE_FILE, SqlFile
from dbkit.sqltext import Statement, code_frame, position, split

if TYPE_CHECKING:
    import psycopg

__all__ = ["apply_files", "bootstrap", "build", "build_order", "run_file", "set_role", "sql_error", "transaction"]

_CONTROL = re.compile(
    r"(?:begin|start\s+transaction|commit|end|rollback|abort|prepare\s+transaction|savepoint|release)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file with what it creates and mentions."""

    file: SqlFile
    objects: FileObjects


def build(conninfo: str, config: Config, modules: Iterable[str] | None = None) -> list[SqlFile]:
    """Build the declared tree in a database, all of it or nothing.

    Args:
        conninfo: a role that may create the ledger schema and become `[migrations] role`; the cluster's roles exist.
        modules: modules to build, with what they need; None takes all that are declared.

    Returns:
        The files in the order they were applied.

    Raises:
        DbkitError: no order exists, or a file fails (with file, line, column, SQLSTATE and the line itself).
    """
    files = build_order(config, modules)
    apply_files(conninfo, config, files)
    return files


def bootstrap(conninfo: str, config: Config, modules: Iterable[str] | None = None) -> list[str]:
    """Create the roles that migrations assume; running it again changes nothing.

    Args:
        conninfo: a DBA: may create roles and grant on the database.

    Returns:
        Warnings of the server, such as an attribute this DBA may not grant.
    """
    warnings: list[str] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING" and diagnostic.message_primary:
            warnings.append(diagnostic.message_primary)

    with transaction(conninfo) as connection:
        connection.add_notice_handler(note)
        for file in source.bootstrap_files(config, modules):
            run_file(connection, file.text, config.display(file.path))
    return warnings


def apply_files(conninfo: str, config: Config, files: Sequence[SqlFile]) -> None:
    """Apply files in the order given, in one transaction, as `[migrations] role`.

    Raises:
        DbkitError: a file fails; nothing is left behind.
    """
    from dbkit.migrate import ledger

    with transaction(conninfo) as connection:
        ledger.ensure(connection, config.migrations.role)
        set_role(connection, config.migrations.role)
        for file in files:
            run_file(connection, file.text, config.display(file.path))


@contextmanager
def transaction(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    """One connection with one transaction around all that happens in the `with` block.

    Raises:
        DbkitError: the server cannot be reached or refuses the login.
    """
    import psycopg

    try:
        # Autocommit, so that the transaction below is the outermost one and files run in savepoints of it.
        connection = psycopg.connect(
            conninfo,
            autocommit=True,
            fallback_application_name="dbkit",
            connect_timeout=parse(conninfo).get("connect_timeout", 10),
        )
    except psycopg.OperationalError as error:
        raise cannot_connect(conninfo, str(error)) from None
    with connection, connection.transaction():
        refuse_old_server(connection.info.server_version)
        yield connection


def set_role(connection: psycopg.Connection[Any], role: str | None) -> None:
    """Become `role` until the transaction ends; None stays the login role.

    Raises:
        DbkitError: the role does not exist or the login may not become it.
    """
    import psycopg
    from psycopg import sql

    if role is None:
        return
    try:
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
    except (psycopg.errors.UndefinedObject, psycopg.errors.InvalidParameterValue):
        raise DbkitError(
            f"role does not exist: {role}",
            detail="The server has no such role; roles are created once per cluster, by a DBA.",
            hint="Run: dbkit bootstrap --database URL",
        ) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise DbkitError(
            f"cannot become role {role}",
            detail=f"{error.diag.message_primary}.",
            hint=f"Connect as a member of {role}, such as dbkit_migrator.",
        ) from None


def run_file(connection: psycopg.Connection[Any], text: str, display: str) -> None:
    """Run a file's statements inside the transaction that is open.

    The file is sent whole; only where that fails and the server names no place is it run again statement by statement,
    to find which one it was.

    Args:
        display: the file's name in error messages.

    Raises:
        DbkitError: the server refused a statement. The transaction is as it was before the file.
    """
    import psycopg

    statements = split(text)
    _refuse_control(text, display, statements)
    try:
        with connection.transaction():
            connection.execute(text.encode(), prepare=False)
        return
    except psycopg.Error as error:
        if error.diag.statement_position is not None or connection.broken:
            raise sql_error(error, text, display) from None
        failure = error
    for statement in statements:
        try:
            with connection.transaction():
                connection.execute(statement.text.encode(), prepare=False)
        except psycopg.Error as error:
            raise sql_error(error, text, display, statement.offset) from None
    raise sql_error(failure, text, display)  # it passed this time: report what was seen


def _refuse_control(text: str, display: str, statements: Sequence[Statement]) -> None:
    """A COMMIT in one file would keep half of what all of them do."""
    for statement in statements:
        if _CONTROL.match(statement.text):
            raise DbkitError(
                "transaction control in a file of one transaction",
                detail=f"{display}:{statement.line}:{statement.column}: dbkit begins and ends the transaction.\n"
                + code_frame(text, statement.line, statement.column),
                hint="Remove the statement.",
            )


def sql_error(error: psycopg.Error, text: str, display: str, offset: int = 0) -> DbkitError:
    """The server's complaint with the place it is about.

    Args:
        text: the whole file.
        display: the file's name.
        offset: character offset of the statement that was sent, for errors that name a place within it.
    """
    diagnostic = error.diag
    if diagnostic.statement_position is not None:
        offset += int(diagnostic.statement_position) - 1
    line, column = position(text, offset)
    parts = [f"{display}:{line}:{column}: {error.sqlstate or 'connection lost'}", code_frame(text, line, column)]
    parts += [part for part in (diagnostic.message_detail, diagnostic.internal_query, diagnostic.context) if part]
    message = diagnostic.message_primary or str(error).strip() or type(error).__name__
    mend = {
        "53100": "Make room on the server's disk.",
        "3F000": "Correct the name at the caret, or apply the migrations that make the schema: dbkit migrate apply",
        None: "Check that the server runs, and run the command again.",
    }
    return DbkitError(
        message,
        detail="\n".join(parts),
        hint=diagnostic.message_hint or mend.get(error.sqlstate, "Correct the statement at the caret."),
    )


def build_order(config: Config, modules: Iterable[str] | None = None) -> list[SqlFile]:
    """The files of the declared tree in the order they can be applied.

    Raises:
        DbkitError: an unknown module, a syntax error, files that need each other, an object two files create, or one
            of a module that `[modules]` does not declare as needed.
    """
    order = source.module_order(config, modules)
    entries = {
        module: [
            _Entry(file, read_objects(file.text, config.display(file.path)))
            for file in source.module_files(config, module)
        ]
        for module in order
    }
    creators = _creators(config, [entry for module in order for entry in entries[module]])
    for module in order:
        allowed = source.closure(config, module)
        for entry in entries[module]:
            _refuse_undeclared_needs(config, entry, allowed, creators)
    return [file for module in order for file in _order_module(config, entries[module], creators)]


def _creators(config: Config, entries: Sequence[_Entry]) -> dict[ObjectName, list[_Entry]]:
    """Which files create an object; several only for the overloads of a routine."""
    creators: dict[ObjectName, list[_Entry]] = {}
    signatures: dict[str, _Entry] = {}
    for entry in entries:
        for name in entry.objects.creates:
            creators.setdefault(name, []).append(entry)
            if name.kind == "relation" and len(creators[name]) > 1:
                raise _created_twice(config, str(name), creators[name][0], entry)
        for signature in entry.objects.signatures:
            first = signatures.setdefault(signature, entry)
            if first is not entry:
                raise _created_twice(config, signature, first, entry)
    return creators


def _created_twice(config: Config, name: str, first: _Entry, second: _Entry) -> DbkitError:
    return DbkitError(
        f"two files create {name}",
        detail=f"{config.display(first.file.path)} and {config.display(second.file.path)}.",
        hint="Keep one of them: each object has one file.",
    )


def _refuse_undeclared_needs(
    config: Config, entry: _Entry, allowed: set[str], creators: Mapping[ObjectName, list[_Entry]]
) -> None:
    # Modules outside this build have not been read, but a module's schema carries its name.
    declared = set(source.declared_modules(config))
    for name, offset in entry.objects.mentions.items():
        owners = {creator.file.module for creator in creators.get(name, ())}
        owners |= {name.schema} & declared
        if owners and not owners & allowed:
            module, owner = entry.file.module, min(owners)
            line, column = position(entry.file.text, offset)
            raise DbkitError(
                f"module {module} does not declare that it needs {owner}",
                detail=f"{config.display(entry.file.path)}:{line}:{column} mentions {name}, which is part of {owner}.\n"
                + code_frame(entry.file.text, line, column),
                hint=f'Add "{owner}" to the needs of {module} under [modules] in dbkit.toml, or remove the mention.',
            )


def _order_module(
    config: Config, entries: Sequence[_Entry], creators: Mapping[ObjectName, list[_Entry]]
) -> list[SqlFile]:
    """Topological order of one module's files; among those that are ready, the smallest key goes first."""
    by_key = {_key(entry): entry for entry in entries}
    waits_for: dict[tuple[int, str], set[tuple[int, str]]] = {}
    for key, entry in by_key.items():
        waits_for[key] = {
            _key(creator)
            for name in entry.objects.mentions
            for creator in creators.get(name, ())
            if creator.file.module == entry.file.module and creator is not entry
        }
        if entry.file.path.name != MODULE_FILE:
            waits_for[key] |= {first for first in by_key if first[0] < 0}
    ready = [key for key, needs in waits_for.items() if not needs]
    heapq.heapify(ready)
    order: list[SqlFile] = []
    while ready:
        done = heapq.heappop(ready)
        order.append(by_key[done].file)
        del waits_for[done]
        for key, needs in waits_for.items():
            if done in needs:
                needs.remove(done)
                if not needs:
                    heapq.heappush(ready, key)
    if waits_for:
        raise _cycle_error(config, [by_key[key] for key in _shortest_cycle(waits_for)])
    return order


def _key(entry: _Entry) -> tuple[int, str]:
    """Place of a file where mentions decide nothing: `_module.sql`, then by folder, then by name."""
    kind = -1 if entry.file.path.name == MODULE_FILE else KINDS.index(entry.file.kind)
    return kind, entry.file.path.name


def _shortest_cycle(waits_for: Mapping[tuple[int, str], set[tuple[int, str]]]) -> list[tuple[int, str]]:
    """The shortest ring among files that wait for each other, found breadth first from each of them."""
    best: list[tuple[int, str]] = []
    for start in sorted(waits_for):
        paths = [[start]]
        seen = {start}
        while paths and (not best or len(paths[0]) < len(best)):
            path = paths.pop(0)
            needs = waits_for[path[-1]]
            if start in needs:
                best = path
                break
            for need in sorted(needs - seen):
                seen.add(need)
                paths.append([*path, need])
    return best


def _cycle_error(config: Config, ring: Sequence[_Entry]) -> DbkitError:
    lines = []
    for entry, needed in zip(ring, [*ring[1:], ring[0]], strict=True):
        shared = [name for name in entry.objects.mentions if name in needed.objects.creates]
        if not shared:
            lines.append(f"{config.display(entry.file.path)} comes after {MODULE_FILE}, as every file does.")
            continue
        name = min(shared)
        line, column = position(entry.file.text, entry.objects.mentions[name])
        lines.append(
            f"{config.display(entry.file.path)}:{line}:{column} mentions {name}, "
            f"which {config.display(needed.file.path)} creates."
        )
    names = " and ".join(config.display(entry.file.path) for entry in ring)
    return DbkitError(
        f"files need each other: {names}",
        detail="\n".join(lines),
        hint="Move one of these mentions, such as the constraint or default, to a file of its own.",
    )
