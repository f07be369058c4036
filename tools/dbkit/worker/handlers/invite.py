"""`tenant_invite`: a renter's invitation, which the database writes at the moment it is sent.

The job holds the invitation's id alone. `rental.invite_email` draws the token of the link for each attempt, so that no
token ever rests in a queue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dbkit.worker.client import connect
from dbkit.worker.handlers.email import EmailHandler
from dbkit.worker.handlers.payload import text
from dbkit.worker.job import Job, JobError

__all__ = ["InviteHandler"]


@dataclass(frozen=True, slots=True)
class InviteHandler:
    """Sends invitations; a claimed, expired or removed one needs no mail.

    Attributes:
        conninfo: the worker's own database.
    """

    conninfo: str
    email: EmailHandler

    def __call__(self, job: Job) -> dict[str, Any]:
        import psycopg

        try:
            with connect(self.conninfo, "dbkit worker (handler)") as connection:
                row = connection.execute("select rental.invite_email(%s)", (text(job, "invite_id"),)).fetchone()
        except psycopg.Error as error:
            raise JobError(
                f"the invitation cannot be written: {error.diag.message_detail or type(error).__name__}"
            ) from None
        if row is None or row[0] is None:
            return {"recipients": 0}
        return self.email(replace(job, payload=row[0]))
