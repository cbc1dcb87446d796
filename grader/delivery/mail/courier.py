"""One connection to the mail server: encrypted or not at all, and one message at a time through it.

RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 3461 (delivery reports).
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader.delivery.mail.settings import MailSettings
from grader.errors import ConfigError, DeliveryError

_COMMAND_SECONDS = 60.0
_REPLY_SECONDS = 600.0
"""How long to wait for the answer to a whole message (RFC 5321, section 4.5.3.2.6)."""


class ServerAwayError(Exception):
    """The server cannot be reached, or has no time, just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one try; ``code`` is the server's, 0 where the connection was lost."""

    state: Literal["sent", "retry", "failed", "unknown"]
    code: int = 0
    reply: str = ""
    lost: bool = False


class Courier:
    """Connects when it must, and again after a loss."""

    def __init__(self, settings: MailSettings, password: str | None, ca_file: Path | None = None) -> None:
        self._settings, self._password = settings, password
        try:
            self._context = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"ca_file {ca_file}: holds no certificates ({error})") from None
        self._smtp: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect, encrypt and log in, unless that is done. Raises ServerAwayError, or DeliveryError: no use."""
        if self._smtp is not None:
            return
        where = f"{self._settings.host}:{self._settings.port}"
        try:
            self._smtp = self._connect()
            self._log_in(self._smtp)
        except ssl.SSLCertVerificationError as error:
            raise self._give_up(f"{where}: its certificate is not trusted ({error.verify_message}). Nothing was sent. "
                                "For an authority of the campus's own set ca_file in mail.yaml") from None  # fmt: skip
        except ssl.SSLError as error:
            raise self._give_up(f"{where}: no encrypted connection ({error.reason}). Nothing was sent. Is it tls: "
                                "implicit (port 465) or tls: starttls (port 587)?") from None  # fmt: skip
        except smtplib.SMTPNotSupportedError as error:
            raise self._give_up(f"{where}: {error}. Nothing is sent over a connection that others can read") from None
        except smtplib.SMTPResponseException as error:
            if error.smtp_code < 500:
                self._drop()
                raise ServerAwayError(f"{where} answered {error.smtp_code}") from None
            if isinstance(error, smtplib.SMTPAuthenticationError):
                raise self._give_up(f"{where}: user name or password were refused ({error.smtp_code}). Nothing more is "
                                    "tried, lest the account be locked") from None  # fmt: skip
            raise self._give_up(f"{where} refused the connection ({error.smtp_code})") from None
        except smtplib.SMTPServerDisconnected:
            self._drop()
            raise ServerAwayError(f"{where} closed the connection") from None
        except smtplib.SMTPException as error:
            raise self._give_up(f"{where}: {error}") from None
        except OSError as error:
            self._drop()
            raise ServerAwayError(f"{where}: {error.strerror or error}") from None

    def deliver(self, address: str, reference: str, data: bytes, before_data: Callable[[], None]) -> Outcome:
        """Give one message; ``before_data`` is called before its first byte leaves, and must leave a trace on the disk.

        Only what is lost after DATA was agreed to is ``unknown``: before, the server has nothing that it could deliver.
        """
        smtp = self._smtp
        if smtp is None:
            return Outcome(state="retry", reply="not connected", lost=True)
        try:
            code, reply = self._announce(smtp, address, reference, len(data))
            if code in (250, 251):
                before_data()
                code, reply = smtp.docmd("DATA")
            if code != 354:
                return self._refuse(smtp, code, reply)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Outcome(state="retry", reply=f"connection lost before the message was given: {error}", lost=True)
        try:
            _patience(smtp, _REPLY_SECONDS)
            smtp.send(_stuff(data))
            code, reply = smtp.getreply()
            _patience(smtp, _COMMAND_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Outcome(state="unknown", reply=f"connection lost while the message was given: {error}", lost=True)
        if code == 250:
            return Outcome(state="sent", code=code, reply=_show(reply))
        return self._refuse(smtp, code, reply)

    def close(self) -> None:
        """Say goodbye."""
        if self._smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
            self._drop()

    def _connect(self) -> smtplib.SMTP:
        host, port = self._settings.host, self._settings.port
        if self._settings.tls == "implicit":
            return smtplib.SMTP_SSL(host, port, timeout=_COMMAND_SECONDS, context=self._context)
        smtp = smtplib.SMTP(host, port, timeout=_COMMAND_SECONDS)
        try:
            smtp.ehlo()
            if not smtp.has_extn("starttls"):
                raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS")
            code, _ = smtp.starttls(context=self._context)
            if code != 220:
                raise smtplib.SMTPNotSupportedError(f"the server offers STARTTLS and refuses it ({code})")
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        user, secret = self._settings.user, self._password
        if user is None or secret is None:
            return
        if self._settings.auth == "xoauth2":
            # https://developers.google.com/workspace/gmail/imap/xoauth2-protocol; a refusal is answered by nothing.
            smtp.auth("XOAUTH2", lambda challenge=None: "" if challenge else f"user={user}\1auth=Bearer {secret}\1\1")
        else:
            smtp.login(user, secret)

    def _announce(self, smtp: smtplib.SMTP, address: str, reference: str, size: int) -> tuple[int, bytes]:
        """Say from whom and to whom; with a report of what cannot be delivered, where the server offers it."""
        options = [f"SIZE={size}"] if smtp.has_extn("size") else []
        wanted: list[str] = []
        if smtp.has_extn("dsn"):
            options += ["RET=HDRS", f"ENVID={reference}"]
            wanted = ["NOTIFY=FAILURE,DELAY"]
        code, reply = smtp.mail(self._settings.envelope_sender, options)
        return smtp.rcpt(address, wanted) if code == 250 else (code, reply)

    def _refuse(self, smtp: smtplib.SMTP, code: int, reply: bytes) -> Outcome:
        """Return the outcome of a refusal, the connection ready for the next message; 421 ends it."""
        lost = code == 421
        if not lost:
            try:
                lost = smtp.rset()[0] != 250
            except (OSError, smtplib.SMTPException):
                lost = True
        if lost:
            self._drop()
        return Outcome(state="failed" if code >= 500 else "retry", code=code, reply=_show(reply), lost=lost)

    def _give_up(self, words: str) -> DeliveryError:
        self._drop()
        return DeliveryError(words)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _stuff(data: bytes) -> bytes:
    """Return a message as it goes over the line: points at line starts doubled, ended by a point (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", data.removesuffix(b"\r\n")) + b"\r\n.\r\n"


def _patience(smtp: smtplib.SMTP, seconds: float) -> None:
    if smtp.sock is not None:
        smtp.sock.settimeout(seconds)


def _show(reply: bytes) -> str:
    return " ".join(reply.decode("utf-8", "replace").split())
