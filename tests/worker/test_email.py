"""send_email against a real SMTP server."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import trustme
from between import free_port
from receivers import PASSWORD, Mailbox, dripping_server, mail_server, scripted_mail_server

from dbkit.worker.handlers import email as mailing
from dbkit.worker.handlers.email import EmailHandler
from dbkit.worker.job import Job, JobError
from dbkit.worker.settings import EmailSettings


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as running:
        yield running


def job(payload: dict[str, Any], identifier: UUID | None = None) -> Job:
    return Job(identifier or uuid4(), uuid4(), uuid4(), "send_email", payload)


def letter(**changes: Any) -> dict[str, Any]:
    return {"to": "ann@example.test", "subject": "Rent", "text": "It is due.", **changes}


def refused(settings: EmailSettings, payload: dict[str, Any], root: Path = Path()) -> JobError:
    with pytest.raises(JobError) as caught:
        EmailHandler(settings, root)(job(payload))
    return caught.value


def test_a_message_arrives_with_text_and_html(mailbox: Mailbox) -> None:
    sent = job(
        letter(to=["ann@example.test", "bob@example.test"], html="<p>It is <b>due</b>.</p>", subject="Miete für Mai")
    )
    result = EmailHandler(mailbox.settings, Path())(sent)
    ((recipients, message),) = mailbox.messages
    assert recipients == ["ann@example.test", "bob@example.test"]
    assert message["Subject"] == "Miete für Mai"
    assert message["From"] == "billing@example.test"
    assert message.get_body(("plain",)).get_content().strip() == "It is due."  # type: ignore[union-attr]
    assert message.get_body(("html",)).get_content().strip() == "<p>It is <b>due</b>.</p>"  # type: ignore[union-attr]
    assert result == {"message_id": f"<{sent.id}@example.test>", "recipients": 2}
    assert message["Message-ID"] == result["message_id"]


def test_another_attempt_carries_the_same_message_id(mailbox: Mailbox) -> None:
    identifier = uuid4()
    for _ in range(2):
        EmailHandler(mailbox.settings, Path())(job(letter(), identifier))
    first, second = (message["Message-ID"] for _, message in mailbox.messages)
    assert first == second


def test_a_template_is_filled_and_its_html_escaped(mailbox: Mailbox, tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "invite.txt").write_text("Subject: Welcome, ${person.name}\n\nPay $$5 at $place.\n")
    (folder / "invite.html").write_text("<p>$place, ${person.name}</p>\n")
    payload = {
        "to": "ann@example.test",
        "template": "invite",
        "data": {"person": {"name": "Ann & Co"}, "place": "<home>"},
    }
    EmailHandler(mailbox.settings, tmp_path)(job(payload))
    ((_, message),) = mailbox.messages
    assert message["Subject"] == "Welcome, Ann & Co"
    assert message.get_body(("plain",)).get_content().strip() == "Pay $5 at <home>."  # type: ignore[union-attr]
    assert "<p>&lt;home&gt;, Ann &amp; Co</p>" in message.get_body(("html",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        ({"to": "ann@example.test", "template": "invite", "data": {}}, "data lacks place"),
        ({"to": "ann@example.test", "template": "other"}, "no template other.txt"),
        ({"to": "ann@example.test", "template": "../../etc/passwd"}, "no name of a template"),
        (letter(to="nobody"), "no address"),
        (letter(to=[]), "to is missing"),
        (letter(to=["ann@example.test"] * 101), "more than 100"),
        (letter(subject="Rent\r\nBcc: eve@example.test"), "no header"),
        (letter(to="ann@example.test\r\nBcc: eve@example.test"), "no address"),
        ({"to": "ann@example.test", "subject": "Rent"}, "neither a text nor an html"),
    ],
)
def test_a_payload_that_cannot_become_a_message_is_not_tried_again(
    mailbox: Mailbox, tmp_path: Path, payload: dict[str, Any], complaint: str
) -> None:
    folder = tmp_path / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "invite.txt").write_text("Subject: Welcome\n\nCome to $place.\n")
    problem = refused(mailbox.settings, payload, tmp_path)
    assert complaint in problem.message
    assert not problem.retryable
    assert mailbox.messages == []


@pytest.mark.parametrize(("answer", "retryable"), [("451 later", True), ("452 full", True), ("554 spam", False)])
def test_an_answer_to_the_message_decides_on_another_attempt(mailbox: Mailbox, answer: str, retryable: bool) -> None:
    mailbox.answer = answer
    problem = refused(mailbox.settings, letter())
    assert problem.retryable is retryable
    assert answer[:3] in problem.message
    mailbox.answer = "250 taken"
    EmailHandler(mailbox.settings, Path())(job(letter()))
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize(("answer", "retryable"), [("450 greylisted", True), ("550 unknown bob@example.test", False)])
def test_a_refused_recipient_keeps_the_message_from_all(mailbox: Mailbox, answer: str, retryable: bool) -> None:
    mailbox.refusals["bob@example.test"] = answer
    problem = refused(mailbox.settings, letter(to=["ann@example.test", "bob@example.test"]))
    assert problem.retryable is retryable
    assert "bob" not in problem.message
    assert mailbox.messages == []


@pytest.mark.parametrize("goodbye", ["421 too busy for that", "250 what?", "500 who?", ""])
def test_what_is_said_to_our_goodbye_sends_no_mail_twice(goodbye: str) -> None:
    with scripted_mail_server(quit=goodbye) as port:
        assert EmailHandler(scripted(port), Path())(job(letter()))["recipients"] == 1
    with scripted_mail_server(quit=goodbye, rcpt="550 no such person") as port:
        assert not refused(scripted(port), letter()).retryable


@pytest.mark.parametrize(
    ("answers", "retryable", "said"),
    [
        ({"data": "554 no"}, False, "554"),
        ({"data": "451 later"}, True, "451"),
        ({"mail": "421 later"}, True, "421"),
        ({"mail": ""}, True, "SMTPServerDisconnected"),
        ({"message": ""}, True, "SMTPServerDisconnected"),
        ({"ehlo": "502 no", "helo": "502 no"}, True, "502"),
    ],
)
def test_a_server_that_refuses_or_hangs_up_at_any_step(answers: dict[str, str], retryable: bool, said: str) -> None:
    with scripted_mail_server(**answers) as port:
        problem = refused(scripted(port), letter())
    assert problem.retryable is retryable
    assert said in problem.message


def test_a_server_that_never_comes_to_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing, "SESSION_SECONDS", 0.5)
    with dripping_server(b"220 here\r\n", b"250-and another thing\r\n") as port:
        problem = refused(scripted(port), letter())
    assert problem.retryable


def scripted(port: int) -> EmailSettings:
    return EmailSettings("127.0.0.1", port, "none", sender="a@example.test", timeout=60)


def test_a_server_that_is_down_is_tried_again() -> None:
    problem = refused(EmailSettings("127.0.0.1", free_port(), "none", sender="a@example.test", timeout=60), letter())
    assert problem.retryable
    assert "cannot be reached" in problem.message


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Mailbox]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with mail_server(context) as running:
        yield running


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts the test's authority."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


def logged_in(mailbox: Mailbox, password: str = PASSWORD) -> EmailSettings:
    return replace(mailbox.settings, security="starttls", user="billing@example.test", password=password)


@pytest.mark.usefixtures("trusting")
def test_mail_leaves_encrypted_and_logged_in(secure: Mailbox) -> None:
    EmailHandler(logged_in(secure), Path())(job(letter()))
    assert len(secure.messages) == 1
    assert secure.logins == ["billing@example.test"]


@pytest.mark.usefixtures("trusting")
def test_a_refused_login_is_worth_another_attempt_and_shows_no_password(secure: Mailbox) -> None:
    problem = refused(logged_in(secure, "wrong horse"), letter())
    assert problem.retryable
    assert "refused the login (535)" in problem.message
    assert "wrong horse" not in problem.message


def test_no_password_goes_to_a_server_nobody_vouches_for(secure: Mailbox) -> None:
    problem = refused(logged_in(secure), letter())
    assert problem.retryable
    assert "no trusted TLS" in problem.message
    assert secure.logins == []


def test_no_password_goes_to_a_server_without_encryption(mailbox: Mailbox) -> None:
    problem = refused(logged_in(mailbox), letter())
    assert problem.retryable
    assert mailbox.logins == []
    assert mailbox.messages == []
