"""`webhook_delivery`: one signed HTTP POST.

Payload: `url`, `event`, optional `data`. The body is `{"type": event, "data": data}`; headers and signature follow the
Standard Webhooks specification (webhook-id, webhook-timestamp, webhook-signature), so receivers verify with an existing
library. The secret is the tenant's own, derived from the worker's: a receiver of one tenant cannot sign for another.

Delivered is a 2xx. 5xx, 408, 425 and 429 are tried again (after Retry-After where given), other 4xx are not, and a
redirect is never followed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from dbkit import __version__
from dbkit.deadline import cut_at
from dbkit.worker.handlers.addresses import look_up
from dbkit.worker.handlers.payload import text
from dbkit.worker.job import Job, JobError, PermanentError
from dbkit.worker.settings import WebhookSettings

__all__ = ["WebhookHandler", "post", "signature", "tenant_secret"]

_AGAIN = frozenset({408, 425, 429})
LONGEST_WAIT = 24 * 3600.0
_JSON = {"content-type": "application/json", "user-agent": f"dbkit/{__version__}"}


@dataclass(frozen=True, slots=True)
class WebhookHandler:
    """Delivers the webhooks of jobs."""

    settings: WebhookSettings

    def __call__(self, job: Job) -> dict[str, Any]:
        url = text(job, "url")
        body = json.dumps(
            {"type": text(job, "event"), "data": job.payload.get("data")}, ensure_ascii=False, separators=(",", ":")
        ).encode()
        timestamp = int(time.time())
        secrets = [tenant_secret(secret, job.tenant_id) for secret in self.settings.secrets]
        headers = {
            "webhook-id": str(job.id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signature(secret, str(job.id), timestamp, body) for secret in secrets),
        }
        return {"status": post(url, body, headers, self.settings)}


def tenant_secret(secret: str, tenant: UUID | None) -> str:
    """The secret a tenant's receivers verify with: `whsec_` and base64 of HMAC-SHA256(secret, tenant id)."""
    key = hmac.digest(secret.encode(), str(tenant or "platform").encode(), hashlib.sha256)
    return "whsec_" + base64.b64encode(key).decode()


def signature(secret: str, identifier: str, timestamp: int, body: bytes) -> str:
    """`v1,` and base64 of the MAC over id, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.digest(key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac).decode()


def post(url: str, body: bytes, headers: Mapping[str, str], settings: WebhookSettings) -> int:
    """POST a JSON body and return the status, a 2xx.

    Nothing of the answer but status and Retry-After is kept: it may come from where the tenant cannot look.

    Raises:
        PermanentError: the URL is refused, or the receiver does not want this delivery.
        JobError: it may want it later.
    """
    parts = _checked(url, settings)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _connection(parts, settings) as connection:
        connection.request("POST", target, body, {**_JSON, **headers})
        response = connection.getresponse()
        status, wait = response.status, _retry_after(response)
    if 200 <= status < 300:
        return status
    if 300 <= status < 400:
        raise PermanentError(f"the receiver redirects ({status}), which is not followed")
    if status >= 500 or status in _AGAIN:
        raise JobError(f"the receiver answered {status}", retry_after=wait)
    raise PermanentError(f"the receiver refused the delivery ({status})")


def _checked(url: str, settings: WebhookSettings) -> SplitResult:
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        raise PermanentError("the payload's url is no URL") from None
    # A space or a line break in the target would be a second request in the receiver's eyes.
    clean = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not clean:
        raise PermanentError("the payload's url is no http or https URL")
    if parts.username is not None or parts.password is not None:
        raise PermanentError("the payload's url carries a login")
    if parts.scheme == "http" and parts.hostname not in settings.trusted_hosts:
        raise PermanentError("the payload's url is not https")
    return parts


@contextmanager
def _connection(parts: SplitResult, settings: WebhookSettings) -> Iterator[http.client.HTTPConnection]:
    """A connection to an address that was judged, cut off when the time for the whole delivery is over.

    A timeout of the socket alone would let a receiver that sends one byte at a time hold on for ever.
    """
    host = parts.hostname or ""
    deadline = time.monotonic() + settings.timeout
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = look_up(host, port, trusted=host in settings.trusted_hosts)
    connection = http.client.HTTPConnection(host, port)
    try:
        raw = connection.sock = _connected(addresses, port, deadline)
        with cut_at(deadline, raw.fileno()):
            if parts.scheme == "https":
                connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
                connection.default_port = 443  # for the Host header
            yield connection
            if time.monotonic() >= deadline:  # an answer that was cut short looks like a whole one
                raise TimeoutError
    except (OSError, http.client.HTTPException) as error:
        if time.monotonic() >= deadline or isinstance(error, TimeoutError):
            raise JobError(f"the receiver took longer than {settings.timeout:g} s") from None
        if isinstance(error, ssl.SSLError):
            raise JobError(f"no trusted TLS with the receiver: {error.reason or type(error).__name__}") from None
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise JobError(f"the receiver cannot be reached: {reason}") from None
    finally:
        connection.close()


def _connected(addresses: list[str], port: int, deadline: float) -> socket.socket:
    """A socket to the first address that answers."""
    problem: OSError = TimeoutError()
    for address in addresses:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            made = socket.create_connection((address, port), timeout=left)
            made.settimeout(max(deadline - time.monotonic(), 0.001))
            return made
        except OSError as error:
            problem = error
    raise problem


def _retry_after(response: http.client.HTTPResponse) -> float | None:
    """Seconds that the receiver asks us to wait, at most a day; None where it asks for no pause.

    A date is measured against the receiver's own clock, where it tells it. No pause is no reason to spend every attempt
    within a second: the job's usual backoff counts then.
    """
    given = (response.headers.get("retry-after") or "").strip()
    if given.isdecimal():
        return min(float(given), LONGEST_WAIT) or None
    try:
        told = response.headers.get("date")
        now = parsedate_to_datetime(told) if told else datetime.now(UTC)
        wanted = parsedate_to_datetime(given)
        return min(max((wanted - now).total_seconds(), 0.0), LONGEST_WAIT) or None
    except (ValueError, TypeError):
        return None
