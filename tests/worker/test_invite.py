"""tenant_invite: from the landlord's call to the renter's home, over a real worker and a real mail server."""

from __future__ import annotations

import re

import psycopg
import pytest
from receivers import Mailbox, mail_server
from worker_processes import Queue, Workers

LANDLORD = "11111111-1111-4111-8111-111111111111"
RENTER = "22222222-2222-4222-8222-222222222222"
URL = "https://homes.example.test/invite/{token}"


def as_person(connection: psycopg.Connection, user: str, tenant: str | None = None) -> None:
    connection.execute("set local role app_user")
    connection.execute("select core.set_context(%s, %s)", (user, tenant))


@pytest.fixture
def invited(queue: Queue) -> str:
    """The id of the job that is to send an invitation."""
    with psycopg.connect(queue.database.conninfo) as connection:
        for user, name in ((LANDLORD, "landlord"), (RENTER, "nora")):
            connection.execute(
                "insert into core.users (id, email, name) values (%s, %s, 'North Homes')",
                (user, f"{name}@example.test"),
            )
        connection.execute(
            "insert into core.tenants (id, system, name, owner_user_id) values (%(id)s, 'rental', 'North', %(id)s)",
            {"id": LANDLORD},
        )
        connection.execute(
            "insert into core.memberships (tenant_id, user_id, role_key) values (%(id)s, %(id)s, 'OWNER')",
            {"id": LANDLORD},
        )
        as_person(connection, LANDLORD, LANDLORD)
        connection.execute("select rental.create_tenant_invite('Nora', 'New', 'nora@example.test')")
        connection.execute("reset role")
        row = connection.execute("select id::text from core.job_queue where job_type = 'tenant_invite'").fetchone()
    assert row is not None
    return str(row[0])


def mailing(mailbox: Mailbox) -> dict[str, str]:
    return {
        "DBKIT_SMTP_HOST": "localhost",
        "DBKIT_SMTP_PORT": str(mailbox.port),
        "DBKIT_SMTP_SECURITY": "none",
        "DBKIT_SMTP_SENDER": "homes@example.test",
    }


def configure(queue: Queue) -> None:
    with psycopg.connect(queue.database.conninfo) as connection:
        connection.execute(
            "insert into core.app_settings (key, value) values ('rental.invite_url', %s)"
            " on conflict (key) do update set value = excluded.value",
            (URL,),
        )


def test_the_link_in_the_mail_lets_the_renter_in(queue: Queue, workers: Workers, invited: str) -> None:
    configure(queue)
    with mail_server() as mailbox:
        worker = workers.drain(**mailing(mailbox))
    ((recipients, message),) = mailbox.messages
    assert recipients == ["nora@example.test"] and message["Subject"] == "North Homes invites you"
    found = re.search(r"https://homes\.example\.test/invite/([0-9a-f]{64})", message.get_content())
    assert found is not None
    assert found[1] not in "".join(worker.text), "a token in a log lets its readers in"
    with psycopg.connect(queue.database.conninfo) as connection:
        as_person(connection, RENTER)
        row = connection.execute("select user_id::text from rental.claim_invite(%s)", (found[1],)).fetchone()
        assert row == (RENTER,)
        connection.execute("reset role")
        stored = connection.execute("select row_to_json(q)::text from core.job_queue q").fetchall()
        assert not any(found[1] in row[0] for row in stored), "a token in the queue outlives its invitation"


def test_an_invitation_that_is_gone_needs_no_mail(queue: Queue, workers: Workers, invited: str) -> None:
    configure(queue)
    with psycopg.connect(queue.database.conninfo) as connection:
        connection.execute("update rental.tenant_invites set claimed_at = now()")
    with mail_server() as mailbox:
        workers.drain(**mailing(mailbox))
    assert mailbox.messages == []
    with psycopg.connect(queue.database.conninfo) as connection:
        row = connection.execute("select status, result from core.job_queue where id = %s", (invited,)).fetchone()
    assert row == ("completed", {"recipients": 0})


def test_without_the_address_of_the_page_the_job_says_so(queue: Queue, workers: Workers, invited: str) -> None:
    with psycopg.connect(queue.database.conninfo) as connection:
        connection.execute("delete from core.app_settings where key = 'rental.invite_url'")
    with mail_server() as mailbox:
        workers.drain(**mailing(mailbox))
    assert mailbox.messages == []
    with psycopg.connect(queue.database.conninfo) as connection:
        row = connection.execute(
            "select status, error_message from core.job_queue where id = %s", (invited,)
        ).fetchone()
    assert row is not None and row[0] == "failed"
    assert row[1] == (
        "the invitation cannot be written: The setting rental.invite_url, an address that contains {token}, is missing."
    )
