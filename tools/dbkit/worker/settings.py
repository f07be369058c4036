"""What the operator configured: `[worker]` and its tables in dbkit.toml, secrets from the environment only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dbkit.config import Config, read_table
from dbkit.errors import DbkitError

__all__ = [
    "AlertSettings",
    "EmailSettings",
    "InvoiceSettings",
    "Settings",
    "WebhookSettings",
    "load_settings",
    "webhook_secrets",
]

SECURITY = ("starttls", "tls", "none")
_TABLES = ("email", "webhook", "invoice", "alert")
_SMTP_VARIABLES = {
    "DBKIT_SMTP_HOST": "host",
    "DBKIT_SMTP_SECURITY": "security",
    "DBKIT_SMTP_USER": "user",
    "DBKIT_SMTP_SENDER": "sender",
    "DBKIT_SMTP_PASSWORD": "password",
}


@dataclass(frozen=True)
class EmailSettings:
    """How mail leaves (`[worker.email]`).

    Attributes:
        host: SMTP server, None where this worker sends no mail.
        port: 587 as a rule, 465 with tls.
        security: starttls, tls (from the first byte) or none.
        user: login name, None to send without login.
        password: from DBKIT_SMTP_PASSWORD only.
        sender: the From address of everything sent.
        timeout: seconds one answer of the server may take.
        templates: folder of <name>.txt and <name>.html.
    """

    host: str | None = None
    port: int = 587
    security: str = "starttls"
    user: str | None = None
    sender: str | None = None
    timeout: float = 30.0
    templates: str = "templates/email"
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class WebhookSettings:
    """How webhooks leave (`[worker.webhook]`).

    Attributes:
        timeout: seconds for one delivery, from the look-up of the name to the status line.
        trusted_hosts: hosts that may have private addresses and plain http; all others may not.
        secrets: from DBKIT_WEBHOOK_SECRET, separated by commas: the first signs, all of them while keys rotate.
    """

    timeout: float = 10.0
    trusted_hosts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class InvoiceSettings:
    """Where PDFs go (`[worker.invoice]`).

    Attributes:
        folder: gets <tenant>/<job>.pdf: the bytes of the bucket.
        bucket: of storage.buckets, where each PDF is an object of its tenant; empty for files alone.
        font: TrueType file, None to search the usual places.
    """

    folder: str = "invoices"
    bucket: str = "invoices"
    font: str | None = None


@dataclass(frozen=True)
class AlertSettings:
    """Who hears of alerts (`[worker.alert]`).

    Attributes:
        email: addresses.
        webhook: URL that gets the alert as JSON.
    """

    email: tuple[str, ...] = ()
    webhook: str | None = None


@dataclass(frozen=True)
class Settings:
    """Everything under `[worker]`.

    Attributes:
        queue: the queue jobs are claimed from.
        concurrency: handlers that run at the same time.
        batch: most jobs held at a time; those beyond the concurrency are only claimed while jobs are quick.
        handlers: modules with handlers.
        grace: seconds running jobs get to finish after SIGTERM.
        poll: seconds between looks at an idle queue where no notification arrives.
    """

    queue: str = "default"
    concurrency: int = 8
    batch: int = 200
    handlers: tuple[str, ...] = ()
    grace: float = 25.0
    poll: float = 1.0
    email: EmailSettings = field(default_factory=EmailSettings)
    webhook: WebhookSettings = field(default_factory=WebhookSettings)
    invoice: InvoiceSettings = field(default_factory=InvoiceSettings)
    alert: AlertSettings = field(default_factory=AlertSettings)
    root: Path = Path()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be logged."""
        return tuple(secret for secret in (self.email.password, *self.webhook.secrets) if secret)


def load_settings(config: Config, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read `[worker]` and the environment.

    Raises:
        DbkitError: an unknown key, or a value of the wrong kind.
    """
    own = {key: value for key, value in config.worker.items() if key not in _TABLES}
    chosen = read_table(config, "worker", own, Settings, without=(*_TABLES, "root"))
    for name, most in (("concurrency", 256), ("batch", 1000), ("poll", 3600)):
        if name in chosen and not 0 < chosen[name] <= most:
            raise DbkitError(
                f"bad value in {config.path.name if config.path else 'dbkit.toml'}: worker.{name}",
                detail=f"It is {chosen[name]}.",
                hint=f"Give a number above 0 and up to {most}.",
            )
    return Settings(
        **chosen,
        email=_email(config, environment),
        webhook=replace(_table(config, "webhook", WebhookSettings, "secrets"), secrets=webhook_secrets(environment)),
        invoice=_table(config, "invoice", InvoiceSettings),
        alert=_table(config, "alert", AlertSettings),
        root=config.root,
    )


def _table(config: Config, name: str, cls: Any, *secret: str) -> Any:
    return cls(**read_table(config, f"worker.{name}", config.worker.get(name, {}), cls, without=secret))


def webhook_secrets(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The secrets of DBKIT_WEBHOOK_SECRET, the one that signs first."""
    given = environment.get("DBKIT_WEBHOOK_SECRET", "").split(",")
    return tuple(secret.strip() for secret in given if secret.strip())


def _email(config: Config, environment: Mapping[str, str]) -> EmailSettings:
    settings: EmailSettings = _table(config, "email", EmailSettings, "password")
    given_texts: dict[str, Any] = {
        name: environment[variable] for variable, name in _SMTP_VARIABLES.items() if environment.get(variable)
    }
    settings = replace(settings, **given_texts)
    if given := environment.get("DBKIT_SMTP_PORT"):
        if not given.isdigit() or not 0 < int(given) < 65536:
            raise DbkitError(
                "bad value in DBKIT_SMTP_PORT", detail=f"It is {given!r}.", hint="Give a port from 1 to 65535."
            )
        settings = replace(settings, port=int(given))
    if settings.security not in SECURITY:
        raise DbkitError(
            "bad value of the mail server's security",
            detail=f"It is {settings.security!r}; expected one of {', '.join(SECURITY)}.",
            hint="Correct security under [worker.email], or DBKIT_SMTP_SECURITY.",
        )
    if settings.password and settings.user and settings.security == "none":
        raise DbkitError(
            "the mail server's password would travel in the clear",
            detail="A user and a password are set, and security is none.",
            hint='Set security = "starttls" or "tls" under [worker.email].',
        )
    return settings
