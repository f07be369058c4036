r"""Carry out the backslash commands that need no psql: `\set`, `\gset`, `\i`, `\echo`, `\pset` and their like."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from dbkit.sqltext import Statement
from dbkit.tap.exchange import Exchange
from dbkit.tap.psql_script import BRANCHING, COMMAND, NATIVE, SENDING, Branches, read_sql
from dbkit.tap.psql_state import PsqlState
from dbkit.tap.psql_variables import NeedsPsql, PsqlError, arguments, parse_bool

__all__ = ["Commands", "EndOfFile"]


class EndOfFile(Exception):
    r"""`\q`: ends the file it stands in."""


class Commands:
    """The commands of one run, over the state they change."""

    def __init__(
        self,
        state: PsqlState,
        exchange: Exchange,
        send: Callable[[str, str | None], None],
        include: Callable[[Path, str], None],
    ) -> None:
        r"""Tie them together.

        Args:
            send: runs a statement; the second argument is the prefix of `\gset`, None without one.
            include: runs another file, given with its text.
        """
        self._state = state
        self._exchange = exchange
        self._send = send
        self._include_file = include

    def line(self, text: str, before: Statement | None, branches: Branches, path: Path) -> None:
        """One line of commands.

        Args:
            before: the statement they may send.
            branches: of the file they stand in.
            path: that file.

        Raises:
            EndOfFile: the file ends here.
            NeedsPsql: only psql carries one of them out.
            PsqlError: one of them failed.
        """
        while text.startswith("\\"):
            match = COMMAND.match(text)
            assert match is not None
            raw_words = match[2].lstrip()
            words, text = arguments(match[2], self._state.variables, self._exchange.quote)
            name = match[1]
            if name in BRANCHING:
                branches.command(name, words, self._state.err)
            elif branches.active:
                self._command(name, words, raw_words, before, path)

    def _command(self, name: str, words: list[str], raw_words: str, before: Statement | None, path: Path) -> None:
        if name not in NATIVE:
            raise NeedsPsql(f"\\{name}")
        if name in SENDING:
            self._send_buffer(name, words, before)
        elif name in ("set", "unset"):
            self._variable(name, words)
        elif name in ("echo", "qecho", "warn"):
            self._echo(name, words, raw_words)
        elif name in ("i", "include", "ir", "include_relative"):
            self._include(name, words, path)
        elif name in ("q", "quit"):
            raise EndOfFile
        elif name == "encoding":
            self._encoding(words)
        elif name == "getenv":
            if len(words) != 2:
                raise PsqlError("\\getenv: missing required argument")
            if words[1] in os.environ:
                self._state.variables.set(words[0], os.environ[words[1]])
        else:
            self._display_option(name, words)

    def _send_buffer(self, name: str, words: list[str], before: Statement | None) -> None:
        r"""`\g`, `\gx`, `\gset`: send the statement in front of it, or the last one again."""
        pending = before is not None and before.kind == "sql" and not before.terminated
        query = before.text if before is not None and pending else self._state.last_query
        if name == "gset":
            self._send(query, words[0] if words else "")
            return
        if words:
            raise NeedsPsql(f"\\{name} with an argument")
        options = self._state.print
        expanded, options.expanded = options.expanded, options.expanded or name == "gx"
        try:
            self._send(query, None)
        finally:
            options.expanded = expanded

    def _variable(self, name: str, words: list[str]) -> None:
        if name == "unset":
            if not words:
                raise PsqlError("\\unset: missing required argument")
            self._state.variables.unset(words[0])
        else:
            if not words:
                raise NeedsPsql("\\set without a name")
            self._state.variables.set(words[0], "".join(words[1:]))

    def _echo(self, name: str, words: list[str], raw_words: str) -> None:
        newline = "\n"
        if words[:1] == ["-n"] and raw_words.startswith("-n"):  # quoted, it is a word like any other
            words, newline = words[1:], ""
        text = " ".join(words) + newline
        if name == "warn":
            self._state.transcript.err(text, self._state.place)
        else:
            self._state.out(text)

    def _include(self, name: str, words: list[str], path: Path) -> None:
        if not words:
            raise PsqlError(f"\\{name}: missing required argument")
        if words[0].startswith("|"):
            raise NeedsPsql(f"\\{name} of a command")
        file = Path(words[0]).expanduser()
        if name in ("ir", "include_relative") and not file.is_absolute():
            file = path.parent / file
        try:
            text = read_sql(file)
        except OSError as error:
            raise PsqlError(f"{file}: {error.strerror}") from None
        self._include_file(file, text)

    def _encoding(self, words: list[str]) -> None:
        if words and not self._exchange.execute(f"set client_encoding to '{words[0]}'".encode()):
            raise PsqlError(f"{words[0]}: invalid encoding name or conversion procedure not found")

    def _display_option(self, name: str, words: list[str]) -> None:
        first = words[0] if words else None
        if name == "timing":
            meaning = parse_bool(first)
            if first is not None and meaning is None:
                raise PsqlError(f'unrecognized value "{first}" for "\\timing": Boolean expected')
            self._state.timing = (not self._state.timing) if meaning is None else meaning
        elif name == "a":
            raise NeedsPsql("\\a")
        elif name == "pset":
            if first is None:
                raise NeedsPsql("\\pset without an option")
            self._state.print.pset(first, words[1] if len(words) > 1 else None)
        else:
            self._state.print.pset({"x": "expanded", "t": "tuples_only", "f": "fieldsep"}[name], first)
