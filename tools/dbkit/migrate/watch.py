"""While a statement waits: who holds the lock it wants.

The migrating session is busy, so a second connection asks. It opens only when a statement takes long enough to be
worth a question, and it prints the statement that waits and who blocks it, never what the blocker is running: that
text may hold a tenant's values.
"""

from __future__ import annotations

from collections.abc import Callable

from dbkit.errors import DbkitError
from dbkit.migrate.session import ConnectionLost, ServerError, Session

__all__ = ["Watcher"]

# Seconds after which a statement is looked at, and how the pause between looks grows.
_FIRST_LOOK = 0.1
_LONGEST_PAUSE = 5.0
# Seconds of waiting after which a statement without lock_timeout says what it waits for.
_SAY_AFTER = 10.0

_BLOCKERS = """
select b.pid, coalesce(nullif(b.application_name, ''), 'unnamed'), coalesce(b.usename, ''), coalesce(b.state, ''),
       coalesce(round(extract(epoch from clock_timestamp() - b.xact_start))::text, '?')
from unnest(pg_blocking_pids({pid})) as blocker (pid) join pg_stat_activity b using (pid)
"""


class Watcher:
    """Looks at one session while it waits. Call it with the seconds waited (`Session.run(…, watch=watcher)`)."""

    def __init__(self, session: Session, say: Callable[[str], None]) -> None:
        self._session = session
        self._say = say
        self._eye: Session | None = None
        self._blind = False
        self.begin("")

    def begin(self, subject: str) -> None:
        """A new statement begins; `subject` names it in what is printed."""
        self._subject = subject
        self._next = _FIRST_LOOK
        self._said = 0.0
        self.blockers: list[str] = []

    def __call__(self, waited: float) -> None:
        if waited < self._next or self._blind:
            return
        self._next = waited + min(_LONGEST_PAUSE, max(_FIRST_LOOK, waited / 2))
        found = self._look()
        if found:
            self.blockers = found
        if found and waited - self._said >= _SAY_AFTER:
            self._said = waited
            self._say(f"{self._subject} has waited {waited:.0f} s for {'; '.join(found)}")

    def culprits(self) -> str:
        """Who blocked the statement when it was last looked at."""
        return "; ".join(self.blockers) or "a session that is gone by now"

    def close(self) -> None:
        if self._eye is not None:
            self._eye.close()

    def _look(self) -> list[str]:
        try:
            if self._eye is None:
                self._eye = Session.connect(self._session.conninfo)
            rows = self._eye.rows(_BLOCKERS.format(pid=self._session.pgconn.backend_pid))
        except (DbkitError, ServerError, ConnectionLost):
            # No connection to spare: the migration matters more than the report.
            self._blind = True
            return []
        return [
            f"pid {pid} (application {application}, user {user}, {state}, in a transaction for {age} s)"
            for pid, application, user, state, age in rows
        ]
