"""The other side of a delivery: a real SMTP server and a real HTTP server on loopback, told by a test how to answer."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from between import free_port

from dbkit.worker.settings import EmailSettings

PASSWORD = "correct horse"


@dataclass
class Mailbox:
    """What an SMTP server got, and how it answers.

    Attributes:
        refusals: address -> the answer to its RCPT.
        answer: to the message itself.
    """

    port: int
    messages: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    answer: str = "250 taken"
    logins: list[str] = field(default_factory=list)

    @property
    def settings(self) -> EmailSettings:
        return EmailSettings("localhost", self.port, "none", sender="billing@example.test", timeout=60)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.messages.append((envelope.rcpt_tos, message))
        return self.answer

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """An SMTP server; with a TLS context it insists on STARTTLS and a login."""
    mailbox = Mailbox(free_port())
    options: dict[str, Any] = {}
    if tls is not None:
        options = {"tls_context": tls, "require_starttls": True, "authenticator": mailbox.authenticate}
        options |= {"auth_required": True, "auth_require_tls": True}
    controller = Controller(mailbox, hostname="localhost", port=mailbox.port, enable_SMTPUTF8=True, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, dict[str, str]]


@dataclass
class Receiver:
    """What an HTTP server got, and how it answers.

    Attributes:
        answers: one a request; the last is repeated.
        before: called before the answer, to hang or to look.
    """

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=lambda: [(204, {})])
    before: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def http_server(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append(Request(self.path, headers, body))
            receiver.before()
            status, extra = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
            self.send_response_only(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self) -> None:
            receiver.requests.append(Request("GET " + self.path, {}, b""))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 100

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that gives up is what some tests want

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()


@contextmanager
def dripping_server(first: bytes = b"HTTP/1.1 200 OK\r\nx: ", then: bytes = b"y") -> Iterator[int]:
    """A server that answers a bit every 50 ms and never ends; the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stop = threading.Event()

        def drip() -> None:
            while not stop.is_set():
                try:
                    connected, _ = listening.accept()
                except OSError:
                    return
                with connected:
                    try:
                        connected.sendall(first)
                        while not stop.is_set():
                            connected.sendall(then)
                            time.sleep(0.05)
                    except OSError:
                        continue

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            stop.set()


@contextmanager
def scripted_mail_server(**answers: str) -> Iterator[int]:
    """An SMTP server that answers each command as it is told, else 250; the port.

    Args:
        answers: by the command in lower case, `message` for the message itself; an empty answer hangs up.
    """
    usual = {"data": "354 go on", "quit": "221 bye"}

    def serve(connected: socket.socket) -> None:
        def say(command: str) -> bool:
            line = answers.get(command, usual.get(command, "250 ok"))
            if line:
                connected.sendall(f"{line}\r\n".encode())
            return bool(line)

        with connected, connected.makefile("rb") as lines, suppress(OSError):
            connected.sendall(b"220 here\r\n")
            for line in lines:
                command = line.split()[0].decode().lower()
                if not say(command):
                    return
                if command == "data" and answers.get("data", "354").startswith("354"):
                    while lines.readline() not in (b".\r\n", b""):
                        pass
                    if not say("message"):
                        return

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
