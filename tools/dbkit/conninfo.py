"""Connection strings: taken apart by libpq, never repeated, and one answer where no server is behind them.

A connection string may carry a password, and libpq's own complaints quote the string. Whatever a person or a CI log
gets to see of one goes through here.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from types import ModuleType
from typing import Any

from dbkit.errors import DbkitError

__all__ = ["cannot_connect", "for_program", "load_pq", "masked", "parse", "refuse_old_server"]

_OLDEST = 150000
_HINT = "Write postgresql://user@host:5432/name or host=… dbname=… user=…."
_ESCAPE_HINT = "Write special characters of the password as %40 (@), %3A (:), %2F (/), %3F (?), %23 (#)."

# A password in a URL (up to the last @ of the word: an unescaped one belongs to it) and in a keyword string or query.
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@\"']*):[^\s\"']*@", re.IGNORECASE)
_AS_KEYWORD = re.compile(r"\b((?:ssl)?password\s*=\s*)('(?:\\.|[^'\\])*'?|[^\s&\"']+)", re.IGNORECASE)

# What libpq and the server say -> what mends it. The first that is found in the reason counts.
_MENDS = (
    (r"password authentication failed|no password supplied", "Correct the user or its password: in the URL, in"
     " PGPASSWORD or in ~/.pgpass."),
    (r'database "(?P<name>[^"]+)" does not exist', "Create it (createdb {name}), or correct the name in {source}."),
    (r'role "(?P<name>[^"]+)" does not exist', "Correct the user in {source}, or create the role."),
    (r"translate host name|resolve host", "Correct the host in {source}."),
    (r'definition of service "(?P<name>[^"]+)" not found', "Correct PGSERVICE or service=, or add [{name}] to"
     " ~/.pg_service.conf."),
    (r"pg_hba\.conf", "Let this login in from here: an entry in the server's pg_hba.conf."),
    (r"too many clients|connection slots", "End other sessions, or run this again later."),
    (r"\bSSL\b", "Give sslmode in {source} as the server wants it."),
)  # fmt: skip
_OTHERWISE = "Check that the server runs and that {source} names it."


def load_pq() -> ModuleType:
    """`psycopg.pq` without the rest of psycopg, whose import is half of what a no-op run costs.

    The package object left behind finishes its own import as soon as anything else of psycopg is asked for.
    """
    if "psycopg" in sys.modules:
        return importlib.import_module("psycopg.pq")
    spec = importlib.util.find_spec("psycopg")
    assert spec is not None and spec.loader is not None  # a declared dependency
    package = importlib.util.module_from_spec(spec)
    loader = spec.loader

    def finish(name: str) -> Any:
        package.__dict__.pop("__getattr__", None)
        loader.exec_module(package)
        return getattr(package, name)

    sys.modules["psycopg"] = package
    try:
        pq = importlib.import_module("psycopg.pq")
    except ImportError:
        del sys.modules["psycopg"]
        raise
    package.__dict__["__getattr__"] = finish
    return pq


def parse(conninfo: str) -> dict[str, str]:
    """Keyword -> value of a connection string, without connecting.

    Args:
        conninfo: URL or keyword string; empty leaves everything to the libpq variables.

    Raises:
        DbkitError: libpq cannot take it apart, or an unescaped character cuts its password in two. The string is not
            repeated.
    """
    try:
        options = load_pq().Conninfo.parse(conninfo.encode())
    except Exception as error:
        raise _malformed(conninfo, str(error)) from None
    given = {option.keyword.decode(): option.val.decode() for option in options if option.val is not None}
    if not given.get("connect_timeout", "0").strip().lstrip("-").isdecimal():
        raise DbkitError("bad connection string", detail="connect_timeout is a number of seconds.", hint=_HINT)
    scheme, separator, rest = conninfo.partition("://")
    if separator and scheme in ("postgres", "postgresql"):
        before_query = rest.partition("?")[0]
        ports = given.get("port", "").split(",")
        if before_query.count("@") > 1 or "@" in before_query.partition("/")[2]:
            unclear = "The URL does not say clearly where its password ends and its host, port and database begin."
            raise DbkitError("bad connection string", detail=unclear, hint=_ESCAPE_HINT)
        if not all(map(_is_port, ports)):
            # It is not repeated: it may be a part of the password.
            unclear = "Its port is no number, or the URL does not say clearly where its password ends."
            raise DbkitError("bad connection string", detail=unclear, hint=_ESCAPE_HINT)
    return given


def masked(text: str) -> str:
    """A text with *** for the passwords of connection strings in it."""
    return _AS_KEYWORD.sub(r"\1***", _IN_URL.sub(r"\1:***@", text))


def for_program(conninfo: str) -> tuple[str, dict[str, str]]:
    """A connection string for the arguments of psql or pg_dump, and the environment that holds its password.

    Every user of the machine can read a program's arguments.
    """
    from psycopg.conninfo import make_conninfo

    given = parse(conninfo)
    password = given.pop("password", None)
    environment = dict(os.environ) if password is None else {**os.environ, "PGPASSWORD": password}
    return make_conninfo("", **given), environment


def cannot_connect(
    conninfo: str,
    reason: str,
    *,
    message: str = "cannot connect to the database",
    source: str = "--database (or DATABASE_URL)",
) -> DbkitError:
    """The error for a server that cannot be reached or does not let us in, with what mends it.

    Args:
        conninfo: where it was tried; only host and port are repeated.
        reason: what libpq said.
        source: where the connection string came from, for the hint.
    """
    given = parse(conninfo)
    host, port = given.get("host") or given.get("hostaddr"), given.get("port")
    place = f"{host or 'the default host'}, port {port or '5432'}" if host or port else ""
    cause = _cause(reason, placed=bool(place))
    hint = _OTHERWISE.format(source=source)
    for pattern, mend in _MENDS:
        if found := re.search(pattern, cause):
            hint = mend.format(source=source, **found.groupdict())
            break
    return DbkitError(message, detail=": ".join(part for part in (place, f"{cause}.") if part), hint=hint)


def refuse_old_server(version: int) -> None:
    """Stop where a server is older than what dbkit knows.

    Args:
        version: as libpq has it, 150004 for 15.4.

    Raises:
        DbkitError: it is older than 15.
    """
    if version < _OLDEST:
        raise DbkitError(
            f"server is too old: PostgreSQL {version // 10000}",
            detail=f"dbkit needs PostgreSQL {_OLDEST // 10000} or newer.",
            hint="Upgrade the server (pg_upgrade), or name another one with --database.",
        )


def _cause(reason: str, *, placed: bool) -> str:
    """libpq's words on one line, without what only repeats that a connection was tried, and where if that is known."""
    text = " ".join(reason.split())
    text = re.sub(r"^connection (failed|is bad): ", "", text)
    text = re.sub(r" Is the server running .*$", "", text)  # the hint asks that
    if placed and text.count("connection to server ") == 1:
        text = re.sub(r"^connection to server .*? failed: ", "", text)
    return text.removeprefix("FATAL: ").rstrip(".?") or "no reason given"


def _is_port(text: str) -> bool:
    return not text or text.isdigit()


def _malformed(conninfo: str, reason: str) -> DbkitError:
    """libpq's complaint, keeping of what it quotes only the names of parameters."""

    def keep(quoted: re.Match[str]) -> str:
        word = quoted.group(1)
        harmless = word not in conninfo or len(word) == 1 or (word.isidentifier() and f"{word}=" in conninfo)
        return quoted.group() if harmless else '"…"'

    scheme, separator, _ = conninfo.partition("://")
    if separator and scheme.isalnum() and scheme not in ("postgres", "postgresql"):
        return DbkitError("bad connection string", detail="The URL does not begin with postgresql://.", hint=_HINT)
    cause = " ".join(reason.split()).rstrip(".")
    # Greedy, so that a quote inside the quoted part does not let the rest of it through.
    cause = re.sub(r'(?<=")((?:postgres|postgresql)://.*)(?=")', "…", cause)
    cause = re.sub(r'"([^"]*)"', keep, cause)
    return DbkitError("bad connection string", detail=f"{cause}.", hint=_HINT)
