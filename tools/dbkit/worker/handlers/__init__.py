"""The handlers that dbkit ships, bound to the operator's settings."""

from __future__ import annotations

from dbkit.worker.handlers.alert import AlertHandler
from dbkit.worker.handlers.email import EmailHandler
from dbkit.worker.handlers.invite import InviteHandler
from dbkit.worker.handlers.invoice import InvoiceHandler
from dbkit.worker.handlers.webhook import WebhookHandler
from dbkit.worker.registry import Handler
from dbkit.worker.settings import Settings

__all__ = ["shipped"]


def shipped(settings: Settings, conninfo: str) -> list[Handler]:
    """Handlers of the job types that are configured.

    send_email and tenant_invite need `[worker.email] host`, webhook_delivery a signing secret, send_alert a recipient:
    a worker that cannot do a job must not claim it, another one may.
    """
    invoices = InvoiceHandler(settings.invoice, settings.root, conninfo)
    handlers = [Handler("generate_invoice_pdf", invoices, timeout=120)]
    if settings.email.host:
        email = EmailHandler(settings.email, settings.root)
        handlers.append(Handler("send_email", email))
        handlers.append(Handler("tenant_invite", InviteHandler(conninfo, email)))
    if settings.webhook.secrets:
        handlers.append(Handler("webhook_delivery", WebhookHandler(settings.webhook), settings.webhook.timeout + 20))
    if settings.alert.email or settings.alert.webhook:
        handlers.append(Handler("send_alert", AlertHandler(settings)))
    return handlers
