"""webhook_delivery against a real HTTP server, and where it must not go."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import trustme
from between import free_port
from receivers import Receiver, dripping_server, http_server
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from dbkit.worker.handlers.addresses import is_public
from dbkit.worker.handlers.webhook import WebhookHandler, tenant_secret
from dbkit.worker.job import Job, JobError
from dbkit.worker.settings import WebhookSettings

NORTH, SOUTH = uuid4(), uuid4()
SETTINGS = WebhookSettings(timeout=60, trusted_hosts=("127.0.0.1", "localhost"), secrets=("new key", "old key"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_server() as running:
        yield running


def job(url: str, tenant: UUID = NORTH, **payload: Any) -> Job:
    return Job(uuid4(), uuid4(), tenant, "webhook_delivery", {"url": url, "event": "lease.signed", **payload})


def refused(url: str, settings: WebhookSettings = SETTINGS) -> JobError:
    with pytest.raises(JobError) as caught:
        WebhookHandler(settings)(job(url))
    return caught.value


def test_a_delivery_is_signed_as_the_standard_says(receiver: Receiver) -> None:
    delivered = job(f"{receiver.url}/hooks?of=north", data={"name": "Müller", "rent": 12.5})
    assert WebhookHandler(SETTINGS)(delivered) == {"status": 204}
    (request,) = receiver.requests
    assert request.path == "/hooks?of=north"
    assert request.headers["webhook-id"] == str(delivered.id)
    assert request.headers["content-type"] == "application/json"
    # The receiver's own library is the judge, with the new and with the old secret of the tenant.
    for secret in SETTINGS.secrets:
        verified = Webhook(tenant_secret(secret, NORTH)).verify(request.body, request.headers)
        assert verified == {"type": "lease.signed", "data": {"name": "Müller", "rent": 12.5}}


def test_a_changed_body_or_another_tenants_secret_does_not_verify(receiver: Receiver) -> None:
    WebhookHandler(SETTINGS)(job(receiver.url))
    (request,) = receiver.requests
    own = Webhook(tenant_secret("new key", NORTH))
    own.verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        own.verify(request.body + b" ", request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(tenant_secret("new key", SOUTH)).verify(request.body, request.headers)


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        *((status, False) for status in (400, 401, 404, 410, 422)),
        *((status, True) for status in (408, 425, 429, 500, 502, 503)),
    ],
)
def test_the_status_decides_on_another_attempt(receiver: Receiver, status: int, retryable: bool) -> None:
    receiver.answers = [(status, {})]
    problem = refused(receiver.url)
    assert problem.retryable is retryable
    assert problem.retry_after is None
    assert str(status) in problem.message
    receiver.answers = [(200, {})]
    assert WebhookHandler(SETTINGS)(job(receiver.url)) == {"status": 200}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", None),
        ("999999999", 24 * 3600),
        ("Sat, 21 Nov 2026 12:02:00 GMT", 120),
        ("Sat, 21 Nov 2026 11:00:00 GMT", None),
        ("soon", None),
        ("-5", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_by_the_receivers_clock(
    receiver: Receiver, status: int, header: str, seconds: float | None
) -> None:
    headers = {"Retry-After": header}
    if header.endswith("GMT"):
        # An hour or years from this machine's time: the receiver's own Date is what counts.
        headers["Date"] = "Sat, 21 Nov 2026 12:00:00 GMT"
    receiver.answers = [(status, headers)]
    problem = refused(receiver.url)
    assert problem.retryable
    assert problem.retry_after == seconds


def test_a_date_to_wait_for_counts_by_our_clock_where_the_receiver_tells_none(receiver: Receiver) -> None:
    receiver.answers = [(503, {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)})]
    wait = refused(receiver.url).retry_after
    assert wait is not None and 80 < wait <= 90


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {"Location": f"{receiver.url}/private"})]
    problem = refused(receiver.url)
    assert not problem.retryable
    assert "redirects" in problem.message
    assert len(receiver.requests) == 1


def test_a_receiver_that_hangs_is_cut_off_and_tried_again(receiver: Receiver) -> None:
    released = threading.Event()
    receiver.before = lambda: void(released.wait(30))
    problem = refused(receiver.url, WebhookSettings(0.3, SETTINGS.trusted_hosts, SETTINGS.secrets))
    released.set()
    assert problem.retryable
    assert "longer than 0.3 s" in problem.message


def test_a_receiver_that_sends_byte_by_byte_is_cut_off() -> None:
    with dripping_server() as port:
        problem = refused(f"http://127.0.0.1:{port}", WebhookSettings(0.5, SETTINGS.trusted_hosts, SETTINGS.secrets))
    assert problem.retryable
    assert "longer than 0.5 s" in problem.message


def test_a_receiver_that_is_down_is_tried_again() -> None:
    problem = refused(f"http://127.0.0.1:{free_port()}")
    assert problem.retryable
    assert "cannot be reached" in problem.message


def test_https_needs_a_certificate_that_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with http_server(context) as receiver:
        problem = refused(f"https://localhost:{receiver.port}/hooks")
        assert problem.retryable
        assert "no trusted TLS" in problem.message
        assert receiver.requests == []
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        assert WebhookHandler(SETTINGS)(job(f"https://localhost:{receiver.port}/hooks")) == {"status": 204}
        (request,) = receiver.requests
        assert request.headers["host"] == f"localhost:{receiver.port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_a_tenant_cannot_name_a_private_host(host: str) -> None:
    """Whichever way it is spelt; the same server is reached once the operator trusts the host."""
    problem = refused(f"https://{host}:9/", WebhookSettings(2, (), ("key",)))
    assert not problem.retryable
    assert "not on the public internet" in problem.message


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://user:secret@example.com/",
        "https://example.com/a b",
        "https://example.com/\r\nHost: other",
        "https://[::1",
        "https://example.com:99999/",
        "https:///path",
        "example.com",
    ],
)
def test_a_url_that_is_not_plain_https_is_refused(url: str) -> None:
    problem = refused(url, WebhookSettings(2, (), ("key",)))
    assert not problem.retryable
    assert "secret" not in problem.message


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("224.0.0.1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:169.254.169.254", False),
        ("::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),
    ],
)
def test_what_counts_as_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_the_body_is_json_whatever_the_payload_holds(receiver: Receiver) -> None:
    WebhookHandler(SETTINGS)(job(receiver.url))
    assert json.loads(receiver.requests[0].body) == {"type": "lease.signed", "data": None}


def void(_value: object) -> None:
    """For a callback whose value nobody wants."""
