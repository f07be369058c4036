"""`send_alert`: tell the people who run the system, by mail and by webhook as configured.

Payload: `rule` and `message`, optional `severity`. Both ways are tried in each attempt, so that a dead mail server does
not silence the webhook; an attempt that failed in one way repeats both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from dbkit.worker.handlers.email import addresses_of, send
from dbkit.worker.handlers.payload import text
from dbkit.worker.handlers.webhook import post
from dbkit.worker.job import Job, JobError
from dbkit.worker.settings import Settings, WebhookSettings

__all__ = ["AlertHandler"]


@dataclass(frozen=True, slots=True)
class AlertHandler:
    """Sends the alerts of jobs."""

    settings: Settings

    def __call__(self, job: Job) -> dict[str, Any]:
        rule, message = text(job, "rule"), text(job, "message")
        severity = text(job, "severity", default="warning")
        told: list[str] = []
        problems: list[str] = []
        for name, configured, tell in (
            ("email", self.settings.alert.email, self._mail),
            ("webhook", self.settings.alert.webhook, self._post),
        ):
            if configured:
                try:
                    tell(job, rule, message, severity)
                    told.append(name)
                except JobError as error:
                    # Permanent or not: what refuses is the operator's own, and may be mended before the next attempt.
                    problems.append(f"{name}: {error.message}")
        if problems:
            raise JobError("; ".join(problems))
        return {"told": told}

    def _mail(self, job: Job, rule: str, message: str, severity: str) -> None:
        mail = EmailMessage()
        recipients = addresses_of(list(self.settings.alert.email))
        mail["To"] = recipients
        mail["Subject"] = " ".join(f"[{severity}] {rule}".split())
        mail["Message-ID"] = f"<{job.id}@dbkit>"
        mail.set_content(f"{message}\n")
        if not self.settings.email.host:
            raise JobError("no SMTP server is configured ([worker.email] host)")
        send(self.settings.email, mail, recipients)

    def _post(self, job: Job, rule: str, message: str, severity: str) -> None:
        url = self.settings.alert.webhook or ""
        # The operator named this host, a tenant cannot.
        trusted = WebhookSettings(self.settings.webhook.timeout, (urlsplit(url).hostname or "",))
        body = {
            "id": str(job.id),
            "rule": rule,
            "severity": severity,
            "message": message,
            "text": f"[{severity}] {message}",
        }
        post(url, json.dumps(body, ensure_ascii=False).encode(), {"webhook-id": str(job.id)}, trusted)
