"""Send query strings over one connection and get their results, COPY and notifications included.

It waits outside of libpq, so that the other workers' threads run meanwhile.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

from dbkit.tap.psql_output import quoted_value

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGresult

__all__ = ["Exchange", "decode", "encode"]


class Exchange:
    """A connection for the length of one file; a context manager.

    Attributes:
        loss: why the connection is gone, empty while it is not known to be.
        copied_out: the last query string printed the rows of a COPY.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        on_notice: Callable[[PGresult], None],
        on_copied: Callable[[str], None],
    ) -> None:
        """Wrap a connection.

        Args:
            connection: in autocommit mode.
            on_notice: called with each notice and warning.
            on_copied: called with each row of a `copy … to stdout`.
        """
        from psycopg import OperationalError, pq

        self.loss = ""
        self.copied_out = False
        self._pgconn = connection.pgconn
        self._on_notice = on_notice
        self._on_copied = on_copied
        self._command_ok = pq.ExecStatus.COMMAND_OK
        self._copy_in, self._copy_out = pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT
        self._transaction, self._bad = pq.TransactionStatus, pq.ConnStatus.BAD
        self._operational_error = OperationalError
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        self._selector.register(self._pgconn.socket, selectors.EVENT_READ)
        self._outer_handler = self._pgconn.notice_handler
        self._pgconn.notice_handler = self._on_notice
        return self

    def __exit__(self, *_: object) -> None:
        self._pgconn.notice_handler = self._outer_handler
        self._selector.close()

    @property
    def idle(self) -> bool:
        """Between transactions."""
        return self._pgconn.transaction_status == self._transaction.IDLE

    @property
    def in_transaction(self) -> bool:
        """In a transaction that has not failed."""
        return self._pgconn.transaction_status == self._transaction.INTRANS

    @property
    def in_failed_transaction(self) -> bool:
        return self._pgconn.transaction_status == self._transaction.INERROR

    @property
    def lost(self) -> bool:
        return self._pgconn.status == self._bad

    @property
    def error_message(self) -> str:
        """What libpq says of the connection's last error."""
        return decode(self._pgconn.error_message)

    def results(self, query: str, data: str | None = None) -> Iterator[PGresult]:
        """Send a query string and give its results as they come; all of them have to be taken.

        Args:
            data: rows for a `copy … from stdin`.
        """
        self.copied_out = False
        self._pgconn.send_query(encode(query))
        while (result := self._next_result()) is not None:
            if result.status == self._copy_in:
                if data:
                    self._pgconn.put_copy_data(encode(data))
                self._pgconn.put_copy_end()
            elif result.status == self._copy_out:
                self._take_copied_rows()
                self.copied_out = True
            else:
                yield result

    def execute(self, query: bytes) -> bool:
        """A statement of dbkit's own, whose result nobody sees; False when it failed."""
        return self._pgconn.exec_(query).status == self._command_ok

    def quote(self, form: str, value: str) -> str:
        """A value as psql puts it in place of `:'x'` and `:"x"`."""
        return quoted_value(self._pgconn, form, value)

    def notifications(self) -> Iterator[str]:
        """What psql prints about notifications that have arrived."""
        while (received := self._pgconn.notifies()) is not None:
            payload = f' with payload "{decode(received.extra)}"' if received.extra else ""
            yield (
                f'Asynchronous notification "{decode(received.relname)}"{payload} '
                f"received from server process with PID {received.be_pid}.\n"
            )

    def predefined_variables(self) -> dict[str, str]:
        """The variables psql sets when it has connected."""
        connection, number = self._pgconn, self._pgconn.server_version
        version = decode(connection.parameter_status(b"server_version") or b"")
        return {
            "DBNAME": decode(connection.db),
            "USER": decode(connection.user),
            "HOST": decode(connection.host),
            "PORT": decode(connection.port),
            "ENCODING": decode(connection.parameter_status(b"client_encoding") or b""),
            "SERVER_VERSION_NAME": version,
            "SERVER_VERSION_NUM": str(number),
            "VERSION_NUM": str(number),
            "VERSION_NAME": version,
        }

    def _next_result(self) -> PGresult | None:
        pgconn = self._pgconn
        while pgconn.is_busy():
            self._selector.select()
            try:
                pgconn.consume_input()
            except self._operational_error as error:
                self.loss = "FATAL:  " + str(error).removeprefix("consuming input failed: ")
                break
        return pgconn.get_result()

    def _take_copied_rows(self) -> None:
        while True:
            size, row = self._pgconn.get_copy_data(0)
            if size < 0:
                return
            self._on_copied(decode(bytes(row)))


def encode(text: str) -> bytes:
    """Text for the server; bytes that were not UTF-8 go back as they came."""
    return text.encode("utf-8", "surrogateescape")


def decode(raw: bytes) -> str:
    """Text from the server."""
    return raw.decode("utf-8", "surrogateescape")
