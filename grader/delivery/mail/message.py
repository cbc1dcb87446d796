"""A content and an address to the bytes of one message (RFC 5322, MIME), the same bytes each time it is built.

::

    multipart/mixed( multipart/alternative( text/plain, multipart/related( text/html, image/png... ) ), feedback.html )
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from grader.delivery.mail.compose import Content
from grader.delivery.mail.settings import MailSettings, parse_mailbox

ATTACHMENT = "feedback.html"


def build_message_id(assignment: str, student: str, digest: str, domain: str) -> str:
    """Return the Message-ID: the same at every try, so that a receiver sees a second copy for what it is."""
    name = hashlib.sha256(f"{assignment}|{student}|{digest}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return f"<{name}@{domain}>"


def build_message(content: Content, *, address: str, message_id: str, settings: MailSettings, date: datetime) -> bytes:
    """Return the message, lines ended by CRLF, ASCII throughout.

    Header values are checked by the standard library: a line break in one raises ValueError.
    """
    message: Any = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(date)
    message["From"] = parse_mailbox(settings.sender)
    message["To"] = address
    if settings.reply_to:
        message["Reply-To"] = parse_mailbox(settings.reply_to)
    message["Subject"] = content.subject
    message["Message-ID"] = message_id
    # RFC 3834; and the header by which Exchange is told not to answer that somebody is away.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(content.text, cte="quoted-printable")
    message.add_alternative(content.html, subtype="html", cte="quoted-printable")
    related = message.get_payload()[1]
    for name, picture in content.pictures.items():
        related.add_related(picture.data, "image", "png", cid=f"<{name}>", disposition="inline")
    message.add_attachment(
        content.page, maintype="text", subtype="html", params={"charset": "utf-8"}, filename=ATTACHMENT
    )
    # "=_" stands in no base64 and in no quoted-printable text (RFC 2045, section 6.7), so nobody can write a boundary.
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:24]}_{number}")
    data: bytes = message.as_bytes()
    return data
