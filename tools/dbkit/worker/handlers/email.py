"""`send_email`: one message through the operator's SMTP server.

Payload: `to` (address or list), and either `subject` with `text` and/or `html`, or `template` with `data`. Optional
`reply_to`. The sender is the operator's: a payload cannot choose whom the mail claims to come from.

A message goes to all its recipients or to none, so that another attempt never writes twice to the first of them. The
Message-ID is the job's id and stays the same over attempts.
"""

from __future__ import annotations

import html
import re
import smtplib
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path
from string import Template
from typing import Any

from dbkit.deadline import cut_at
from dbkit.worker.handlers.payload import mapping, text
from dbkit.worker.job import Job, JobError, PermanentError
from dbkit.worker.settings import EmailSettings

__all__ = ["EmailHandler", "addresses_of", "send"]

_TEMPLATE_NAME = re.compile(r"[a-z][a-z0-9_-]*")
MAX_RECIPIENTS = 100
# For the whole session, less than a handler has: a server that answers letter by letter keeps each single timeout.
SESSION_SECONDS = 240.0


class _Template(Template):
    """`${customer.name}` reaches into the data."""

    braceidpattern = r"(?a:[_a-z][_a-z0-9]*(?:\.[_a-z0-9]+)*)"


@dataclass(frozen=True, slots=True)
class EmailHandler:
    """Sends the mail of jobs."""

    settings: EmailSettings
    root: Path

    def __call__(self, job: Job) -> dict[str, Any]:
        message = self._message(job)
        recipients = addresses_of(job.payload.get("to"))
        message["To"] = recipients
        send(self.settings, message, recipients)
        return {"message_id": message["Message-ID"], "recipients": len(recipients)}

    def _message(self, job: Job) -> EmailMessage:
        message = EmailMessage()
        message["Message-ID"] = f"<{job.id}@{_domain(self.settings)}>"
        if "template" in job.payload:
            subject, plain, rich = self._rendered(text(job, "template"), mapping(job, "data"))
        else:
            subject, plain, rich = text(job, "subject"), _optional(job, "text"), _optional(job, "html")
        if plain is None and rich is None:
            raise PermanentError("the payload has neither a text nor an html nor a template")
        try:
            message["Subject"] = subject
            if "reply_to" in job.payload:
                message["Reply-To"] = addresses_of(job.payload["reply_to"])
            if plain is not None:
                message.set_content(plain)
            if rich is not None:
                (message.set_content if plain is None else message.add_alternative)(rich, subtype="html")
        except (ValueError, MessageError):  # a line break in a header would smuggle in further headers
            raise PermanentError("the payload's subject or reply_to is no header") from None
        return message

    def _rendered(self, name: str, data: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
        """Subject, text and html of a template: <name>.txt begins with `Subject: …`, <name>.html may lie beside it."""
        folder = self.root / self.settings.templates
        if not _TEMPLATE_NAME.fullmatch(name):
            raise PermanentError("the payload's template is no name of a template")
        try:
            source = (folder / f"{name}.txt").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise PermanentError(f"there is no template {name}.txt in {self.settings.templates}") from None
        heading, _, body = source.partition("\n")
        if not heading.startswith("Subject:"):
            raise PermanentError(f"the first line of {name}.txt is not Subject: …")
        rich = None
        with suppress(FileNotFoundError):
            rich = (folder / f"{name}.html").read_text(encoding="utf-8")
        values = dict(_flattened(data))
        escaped = {key: html.escape(value) for key, value in values.items()}
        try:
            return (
                _Template(heading.removeprefix("Subject:").strip()).substitute(values),
                _Template(body.lstrip("\n")).substitute(values),
                _Template(rich).substitute(escaped) if rich else None,
            )
        except KeyError as missing:
            raise PermanentError(f"the payload's data lacks {missing.args[0]} for template {name}") from None
        except ValueError:
            raise PermanentError(f"template {name} holds a $ that is neither $$ nor $name nor ${{name}}") from None


def send(settings: EmailSettings, message: EmailMessage, recipients: Iterable[Address]) -> None:
    """Hand a message to the SMTP server, for all recipients or none.

    Raises:
        PermanentError: the server refused the message or a recipient for good (5xx).
        JobError: it cannot be reached, does not let us in, or refused for now (4xx).
    """
    message["From"] = _sender(settings)
    message["Date"] = formatdate(localtime=False)
    addresses = [_envelope(address) for address in recipients]
    with _session(settings) as client:
        options = []
        if not all(address.isascii() for address in addresses):
            if not client.has_extn("smtputf8"):
                raise PermanentError("the SMTP server does not take addresses with letters beyond ASCII")
            options = ["SMTPUTF8"]
        _accepted(client.mail(_envelope(_sender(settings)), options), "the sender")
        for address in addresses:
            _accepted(client.rcpt(address), "a recipient")
        try:
            answer = client.data(message.as_bytes(policy=SMTP.clone(utf8=bool(options))))
        except smtplib.SMTPDataError as refusal:  # it would not even hear it
            answer = refusal.smtp_code, b""
        _accepted(answer, "the message")


@contextmanager
def _session(settings: EmailSettings) -> Iterator[smtplib.SMTP]:
    """A session that is encrypted and logged in as configured. Whatever fails on the way is worth another attempt."""
    assert settings.host is not None
    context = ssl.create_default_context()
    try:
        if settings.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout, context=context
            )
        else:
            client = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        assert client.sock is not None
        with cut_at(time.monotonic() + SESSION_SECONDS, client.sock.fileno()):
            try:
                client.ehlo_or_helo_if_needed()
                if settings.security == "starttls":
                    client.starttls(context=context)
                    client.ehlo()
                if settings.user and settings.password:
                    client.login(settings.user, settings.password)
                yield client
            finally:
                # Whatever is said to our goodbye, or is not: the message is taken or refused by then.
                with suppress(smtplib.SMTPException, OSError):
                    client.quit()
                client.close()
    except smtplib.SMTPAuthenticationError as error:
        raise JobError(f"the SMTP server refused the login ({error.smtp_code})") from None
    except smtplib.SMTPResponseException as error:
        raise JobError(f"the SMTP server answered {error.smtp_code}") from None
    except smtplib.SMTPException as error:
        raise JobError(f"the SMTP session failed: {type(error).__name__}") from None
    except ssl.SSLError as error:
        raise JobError(f"no trusted TLS with the SMTP server: {error.reason or type(error).__name__}") from None
    except OSError as error:
        raise JobError(f"the SMTP server cannot be reached: {error.strerror or type(error).__name__}") from None


def _accepted(answer: tuple[int, bytes], what: str) -> None:
    code, _text = answer  # the text often repeats the address
    if code >= 500:
        raise PermanentError(f"the SMTP server refused {what} for good ({code})")
    if code >= 400 or code < 200:
        raise JobError(f"the SMTP server refused {what} for now ({code})")


def _optional(job: Job, key: str) -> str | None:
    return text(job, key) if job.payload.get(key) is not None else None


def addresses_of(value: Any) -> tuple[Address, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given:
        raise PermanentError("the payload's to is missing, or neither an address nor a list of them")
    if len(given) > MAX_RECIPIENTS:
        raise PermanentError(f"the payload names more than {MAX_RECIPIENTS} recipients")
    try:
        return tuple(Address(addr_spec=address.strip()) for address in given)
    except (AttributeError, ValueError, IndexError, MessageError):
        raise PermanentError("the payload's to or reply_to holds something that is no address") from None


def _envelope(address: Address) -> str:
    try:
        domain = address.domain.encode("idna").decode()
    except UnicodeError:
        raise PermanentError("an address has an impossible domain") from None
    return f"{address.username}@{domain}"


def _sender(settings: EmailSettings) -> Address:
    given = settings.sender or settings.user
    try:
        return Address(addr_spec=given or "")
    except (ValueError, IndexError, MessageError):
        raise JobError("no sender address is configured ([worker.email] sender)") from None


def _domain(settings: EmailSettings) -> str:
    return _sender(settings).domain


def _flattened(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            yield prefix + key, "" if value is None else str(value)
