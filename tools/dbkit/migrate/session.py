"""One connection to the database being migrated, on libpq's own level.

A migration is sent as it is, whole, in one round trip together with its transaction and its ledger row. That needs
the simple query protocol and the results one by one, which is what `psycopg.pq` offers. While the server works the
client waits on the socket: Ctrl-C cancels the statement, and a watcher can say what the statement waits for.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from dbkit.config import Config
from dbkit.conninfo import cannot_connect, load_pq, parse, refuse_old_server
from dbkit.deadline import cut_at
from dbkit.errors import DbkitError

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.pq.abc import PGconn, PGresult

__all__ = [
    "APPLICATION_NAME",
    "ConnectionLost",
    "Interrupted",
    "ServerError",
    "Session",
    "connect",
    "load_pq",
    "require_role",
    "usable_role",
]

APPLICATION_NAME = "dbkit"
CONNECT_TIMEOUT = 10
# Seconds between two calls of a watcher while a statement runs.
WATCH_INTERVAL = 0.1
_COPY_CHUNK = 1 << 16
# After Ctrl-C: what a server gets to take the request to cancel, and having taken it, to end the statement.
_CANCEL_SECONDS = 1.0
_ANSWER_SECONDS = 10.0

# What libpq is told unless the user's connection string says otherwise. Keepalives find a server that went away while
# a long statement runs; client_encoding makes error positions count what Python counts.
_DEFAULTS = {
    "client_encoding": "utf8",
    "fallback_application_name": APPLICATION_NAME,
    "connect_timeout": str(CONNECT_TIMEOUT),
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


class ServerError(Exception):
    """A statement failed.

    Attributes:
        sqlstate: five characters.
        primary: the server's message.
        detail, server_hint, context: further parts of it, or None.
        position: character in the query string it points at, from 1, or None.
        completed: statements of the query string that finished before.
    """

    def __init__(self, result: PGresult, completed: int) -> None:
        from_result = _error_fields(result)
        self.sqlstate = from_result["sqlstate"] or "XX000"
        self.primary = from_result["primary"] or "unknown error"
        self.detail = from_result["detail"]
        self.server_hint = from_result["hint"]
        self.context = from_result["context"]
        self.position = int(from_result["position"]) if from_result["position"] else None
        self.completed = completed
        super().__init__(f"{self.primary} ({self.sqlstate})")

    def behind(self, sent_before: str) -> ServerError:
        """The same error, counted from the end of a query string that was sent in front."""
        from dbkit.sqltext import split

        self.completed -= len(split(sent_before))
        if self.position is not None:
            self.position -= len(sent_before)
        return self


class ConnectionLost(Exception):
    """The connection broke while a statement ran; whether it took effect is not known from here."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM while a statement ran. The statement was cancelled unless it finished first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a query string gave.

    Attributes:
        completed: statements that completed.
        last: the last result.
        tagged: the values of one-column results whose column was asked for with `tag`.
    """

    completed: int
    last: PGresult | None
    tagged: tuple[str, ...] = ()


class Session:
    """An open connection in autocommit mode. Close it, or use it in a `with` block."""

    def __init__(self, pgconn: PGconn, conninfo: str, *, owned: bool = True) -> None:
        self.pgconn = pgconn
        self.conninfo = conninfo
        self.notices: list[str] = []
        self._owned = owned
        self._pq = load_pq()
        self._escaping = self._pq.Escaping(pgconn)
        errors = importlib.import_module("psycopg.errors")
        self._broken: type[Exception] = errors.OperationalError
        self._unsupported: type[Exception] = errors.NotSupportedError
        if owned:
            pgconn.notice_handler = self._notice

    @classmethod
    def connect(cls, conninfo: str) -> Session:
        """Open a connection.

        Args:
            conninfo: URL or keyword string; empty takes everything from the libpq variables.

        Raises:
            DbkitError: the string is malformed or no server answers; passwords are not repeated.
        """
        pq = load_pq()
        given = set(parse(conninfo))
        given |= {"connect_timeout"} if os.environ.get("PGCONNECT_TIMEOUT") else set()
        defaults = " ".join(f"{key}={value}" for key, value in _DEFAULTS.items() if key not in given)
        pgconn = _open(pq, _merge(conninfo, defaults))
        return cls(pgconn, conninfo)

    @classmethod
    def of(cls, connection: Session | Connection[Any]) -> Session:
        """Use a psycopg connection that the caller keeps and closes; a session is returned as it is."""
        if isinstance(connection, Session):
            return connection
        return cls(connection.pgconn, connection.info.dsn, owned=False)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._owned:
            self.pgconn.finish()

    def run(
        self,
        query: str,
        watch: Callable[[float], None] | None = None,
        data: str | None = None,
        meanwhile: Callable[[], None] | None = None,
        tag: bytes | None = None,
    ) -> Outcome:
        """Send a query string of one or many statements and wait for all of it.

        Args:
            watch: called with the seconds waited, several times a second, while the server works.
            data: the rows of a COPY FROM STDIN in it.
            meanwhile: called once while the server works.
            tag: name of a column whose values are collected from the results that have only this column.

        Raises:
            ServerError: the first statement that failed; the server skipped the rest of the string.
            ConnectionLost: the connection broke.
            Interrupted: Ctrl-C; the statement was cancelled, or the connection cut where the server did not answer.
        """
        pgconn = self.pgconn
        try:
            pgconn.send_query(query.encode())
        except Exception as error:
            raise ConnectionLost(str(error)) from None
        try:
            if meanwhile is not None and not pgconn.flush():
                meanwhile()
            return self._collect(watch, data, tag)
        except KeyboardInterrupt:
            patience = _ANSWER_SECONDS if self._cancel() else 0.0
            with cut_at(time.monotonic() + patience, pgconn.socket), contextlib.suppress(ServerError, ConnectionLost):
                self._collect(None, None, None)
            raise Interrupted from None

    def rows(self, query: str) -> list[tuple[str | None, ...]]:
        """The rows of the last statement of a query string, every value as the server's text."""
        result = self.run(query).last
        if result is None:
            return []
        columns = range(result.nfields)
        get = result.get_value
        return [tuple(_text(get(row, column)) for column in columns) for row in range(result.ntuples)]

    def value(self, query: str) -> str | None:
        """The first column of the first row, None where there is none."""
        rows = self.rows(query)
        return rows[0][0] if rows else None

    def literal(self, value: str | None) -> str:
        """A quoted string constant, or null."""
        if value is None:
            return "null"
        escaped: bytes = self._escaping.escape_literal(value.encode())
        return bytes(escaped).decode()

    def identifier(self, name: str) -> str:
        """A quoted name."""
        escaped: bytes = self._escaping.escape_identifier(name.encode())
        return bytes(escaped).decode()

    @property
    def in_transaction(self) -> bool:
        return bool(self.pgconn.transaction_status != self._pq.TransactionStatus.IDLE)

    @property
    def alive(self) -> bool:
        return bool(self.pgconn.status == self._pq.ConnStatus.OK)

    def rollback(self) -> None:
        """Leave a failed or open transaction; nothing to do on a broken connection."""
        if self.alive and self.in_transaction:
            self.run("rollback")

    def _collect(self, watch: Callable[[float], None] | None, data: str | None, tag: bytes | None) -> Outcome:
        pgconn, status = self.pgconn, self._pq.ExecStatus
        good = (status.COMMAND_OK, status.TUPLES_OK, status.EMPTY_QUERY)
        completed, last, failed = 0, None, None
        tagged: list[str] = []
        self._wait(watch)
        while (result := self._next_result(watch)) is not None:
            state = result.status
            if state in good:
                completed += 1
                last = result
                if tag is not None and result.nfields == 1 and result.fname(0) == tag:
                    tagged.append(_text(result.get_value(0, 0)) or "")
            elif state == status.COPY_IN:
                self._copy_in(data)
            elif state == status.COPY_OUT:
                while pgconn.get_copy_data(0)[0] > 0:
                    pass
            elif failed is None:
                failed = result
        if failed is not None:
            fields = _error_fields(failed)
            if not self.alive or not fields["sqlstate"]:
                raise ConnectionLost(_message(failed))
            raise ServerError(failed, completed)
        return Outcome(completed, last, tuple(tagged))

    def _copy_in(self, data: str | None) -> None:
        if data is None:
            self.pgconn.put_copy_end(b"the rows of this COPY do not stand in the file")
            return
        raw = data.encode()
        for start in range(0, len(raw), _COPY_CHUNK):
            self.pgconn.put_copy_data(raw[start : start + _COPY_CHUNK])
            self._wait(None, until_sent=True)
        self.pgconn.put_copy_end()

    def _next_result(self, watch: Callable[[float], None] | None) -> PGresult | None:
        if self.pgconn.is_busy():
            self._wait(watch)
        return self.pgconn.get_result()

    def _wait(self, watch: Callable[[float], None] | None, *, until_sent: bool = False) -> None:
        """Until the next result can be read without blocking, or only until all is sent."""
        pgconn = self.pgconn
        try:
            unsent = pgconn.flush()
            if not unsent and (until_sent or not pgconn.is_busy()):
                return
            poller = select.poll()
            started = time.monotonic()
            while unsent or (not until_sent and pgconn.is_busy()):
                poller.register(pgconn.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
                if poller.poll(WATCH_INTERVAL * 1000):
                    pgconn.consume_input()
                elif watch is not None:
                    watch(time.monotonic() - started)
                if unsent:
                    unsent = pgconn.flush()
        except self._broken as error:
            raise ConnectionLost(str(error).strip()) from None

    def _cancel(self) -> bool:
        """Ask the server to cancel what it is doing; whether it took the request."""
        status, deadline = self._pq.PollingStatus, time.monotonic() + _CANCEL_SECONDS
        try:
            asking = self.pgconn.cancel_conn()
        except self._unsupported:  # libpq before 17 can only wait
            self.pgconn.get_cancel().cancel()
            return True
        try:
            asking.start()
            while (state := asking.poll()) in (status.READING, status.WRITING):
                poller = select.poll()
                poller.register(asking.socket, select.POLLIN if state == status.READING else select.POLLOUT)
                if not poller.poll(max(deadline - time.monotonic(), 0) * 1000):
                    return False
            return bool(state == status.OK)
        except self._broken:
            return False
        finally:
            asking.finish()

    def _notice(self, result: PGresult) -> None:
        fields = _error_fields(result)
        if fields["sqlstate"] == "25001":
            return  # BEGIN of a file that wraps itself, inside the runner's own transaction
        self.notices.append(f"{(fields['severity'] or 'notice').lower()}: {fields['primary']}")


def connect(conninfo: str, config: Config) -> Session:
    """A session ready to read the ledger: as the ledger's role where the login may become it.

    Raises:
        DbkitError: no server, or one older than 15.
    """
    session = Session.connect(conninfo)
    try:
        refuse_old_server(session.pgconn.server_version)
    except DbkitError:
        session.close()
        raise
    role = usable_role(session, config.migrations.role)
    if role:
        session.run(f"set role {session.identifier(role)}")
    return session


def require_role(session: Session, role: str | None) -> None:
    """Refuse to write where the configured role is missing: the login would own the ledger, and lock the role out.

    Raises:
        DbkitError: a role is configured and the server does not have it.
    """
    if role and session.value(f"select 1 from pg_roles where rolname = {session.literal(role)}") is None:
        raise DbkitError(
            f"role {role} does not exist",
            detail=f"[migrations] role is {role}: it owns the ledger and what migrations create. Nothing was changed.",
            hint="Run: dbkit bootstrap --database URL",
        )


def usable_role(session: Session, role: str | None) -> str | None:
    """The configured role if the server has it and the login may become it, else None: the login only reads.

    Raises:
        DbkitError: the server has the role and the login is not a member of it.
    """
    if role is None:
        return None
    member = session.value(
        f"select pg_has_role(session_user, oid, 'member') from pg_roles where rolname = {session.literal(role)}"
    )
    if member == "f":
        raise DbkitError(
            f"the login may not act as role {role}",
            detail=f"[migrations] role is {role}: it owns what migrations create.",
            hint=f"As a superuser run: grant {role} to <login>",
        )
    return role if member == "t" else None


def _open(pq: ModuleType, conninfo: str) -> PGconn:
    pgconn = pq.PGconn.connect_start(conninfo.encode())
    states = pq.PollingStatus
    options = {option.keyword: option.val for option in pq.Conninfo.parse(conninfo.encode())}
    timeout = int(options.get(b"connect_timeout") or os.environ.get("PGCONNECT_TIMEOUT") or 0)
    deadline = time.monotonic() + timeout if timeout > 0 else None
    wanted = {states.READING: select.POLLIN, states.WRITING: select.POLLOUT}
    state = states.WRITING
    while pgconn.status != pq.ConnStatus.BAD:
        poller = select.poll()
        poller.register(pgconn.socket, wanted[state])
        remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not poller.poll(None if remaining is None else remaining * 1000):
            raise _unreachable(pgconn, conninfo, f"no answer within {timeout} seconds")
        state = pgconn.connect_poll()
        if state == states.OK:
            pgconn.nonblocking = 1
            return pgconn  # type: ignore[no-any-return]
        if state == states.FAILED:
            break
    raise _unreachable(pgconn, conninfo, _decode(pgconn.error_message))


def _unreachable(pgconn: PGconn, conninfo: str, reason: str) -> DbkitError:
    pgconn.finish()
    return cannot_connect(conninfo, reason)


def _merge(conninfo: str, defaults: str) -> str:
    """Add keyword defaults to a URL or a keyword string."""
    if conninfo.startswith(("postgresql://", "postgres://")):
        separator = "&" if "?" in conninfo else "?"
        if "/" not in conninfo.split("://", 1)[1]:
            separator = "/" + separator
        return conninfo + separator + defaults.replace(" ", "&") if defaults else conninfo
    return f"{conninfo} {defaults}"


def _error_fields(result: PGresult) -> dict[str, str | None]:
    field = load_pq().DiagnosticField
    names = {
        "severity": field.SEVERITY_NONLOCALIZED,
        "sqlstate": field.SQLSTATE,
        "primary": field.MESSAGE_PRIMARY,
        "detail": field.MESSAGE_DETAIL,
        "hint": field.MESSAGE_HINT,
        "context": field.CONTEXT,
        "position": field.STATEMENT_POSITION,
    }
    return {name: _text(result.error_field(code)) for name, code in names.items()}


def _message(result: PGresult) -> str:
    return _decode(result.error_message).strip()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "replace")
