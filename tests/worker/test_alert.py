"""send_alert reaches the people in charge by every way that works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from between import free_port
from receivers import Mailbox, Receiver, http_server, mail_server

from dbkit.worker.handlers import shipped
from dbkit.worker.handlers.alert import AlertHandler
from dbkit.worker.job import Job, JobError
from dbkit.worker.settings import AlertSettings, EmailSettings, Settings

ALERT = Job(
    uuid4(), uuid4(), None, "send_alert", {"rule": "queue_depth", "message": "1,001 jobs wait", "severity": "critical"}
)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_server() as running:
        yield running


def settings(mail: EmailSettings, url: str | None) -> Settings:
    return Settings(email=mail, alert=AlertSettings(("ops@example.test",), url), root=Path())


def test_an_alert_goes_out_by_mail_and_webhook(mailbox: Mailbox, receiver: Receiver) -> None:
    assert AlertHandler(settings(mailbox.settings, receiver.url))(ALERT) == {"told": ["email", "webhook"]}
    ((recipients, message),) = mailbox.messages
    assert recipients == ["ops@example.test"]
    assert message["Subject"] == "[critical] queue_depth"
    body = json.loads(receiver.requests[0].body)
    assert (body["rule"], body["message"], body["id"]) == ("queue_depth", "1,001 jobs wait", str(ALERT.id))


def test_a_dead_mail_server_does_not_silence_the_webhook(receiver: Receiver) -> None:
    dead = EmailSettings("127.0.0.1", free_port(), "none", sender="a@example.test", timeout=60)
    with pytest.raises(JobError, match=r"^email: the SMTP server cannot be reached") as caught:
        AlertHandler(settings(dead, receiver.url))(ALERT)
    assert caught.value.retryable
    assert len(receiver.requests) == 1


def test_a_receiver_that_refuses_does_not_silence_the_mail_and_is_asked_again(
    mailbox: Mailbox, receiver: Receiver
) -> None:
    receiver.answers = [(404, {})]
    with pytest.raises(JobError, match=r"^webhook: ") as caught:
        AlertHandler(settings(mailbox.settings, receiver.url))(ALERT)
    assert caught.value.retryable
    assert len(mailbox.messages) == 1


def test_a_worker_claims_only_what_it_is_configured_for() -> None:
    assert [handler.type for handler in shipped(Settings(), "")] == ["generate_invoice_pdf"]
    types = {handler.type for handler in shipped(settings(EmailSettings("mail.example.test"), None), "")}
    assert types == {"generate_invoice_pdf", "send_email", "tenant_invite", "send_alert"}
