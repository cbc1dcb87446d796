"""The course's mail.yaml: by which server mail leaves, in whose name, and to which domains."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.headerregistry import Address
from email.policy import SMTP
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from grader.codec import find_line, load_record
from grader.errors import ConfigError, Problem

SETTINGS_FILE = "mail.yaml"
EXAMPLE = """\
host: smtp.example.edu
port: 587
tls: starttls            # or implicit, on port 465
user: course@example.edu # left out where the relay asks for no password
from: Deep Learning course <course@example.edu>
reply_to: staff@example.edu
domains: [example.edu]   # where students' addresses are; mail goes nowhere else
rate: 20                 # messages a minute
"""
# What servers everywhere take, which is less than RFC 5321 allows: no quotes, no comments, ASCII only.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9.-]+)")
_DOMAIN = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """How mail is sent; passwords stand elsewhere (see ``find_password``)."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True}
    host: Annotated[str, Field(min_length=1, max_length=253)]
    sender: Annotated[str, Field(alias="from")]
    domains: Annotated[tuple[str, ...], Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    # STARTTLS is asked for and insisted on; implicit is TLS from the first byte, as on port 465. There is no third.
    tls: Literal["starttls", "implicit"] = "starttls"
    # The certificates to trust instead of the system's, for a campus with an authority of its own.
    ca_file: str | None = None
    user: str | None = None
    auth: Literal["password", "xoauth2"] = "password"
    reply_to: str | None = None
    # Where servers report what could not be delivered: a mailbox that is read. The sender's, if left out.
    bounces_to: str | None = None
    # What stands in the subject: never a name, an id or marks.
    subject: Annotated[str | None, Field(max_length=150)] = None
    rate: Annotated[float, Field(gt=0, le=100_000)] = 20

    @property
    def sender_address(self) -> str:
        """The address that mail comes from, without its name."""
        return parse_mailbox(self.sender).addr_spec

    @property
    def envelope_sender(self) -> str:
        """The address that delivery reports go to."""
        return parse_mailbox(self.bounces_to or self.sender).addr_spec

    @property
    def domain(self) -> str:
        """The sender's domain, in which messages and pictures are named."""
        return find_domain(self.sender_address) or ""


def parse_mailbox(text: str) -> Address:
    """Return one mailbox, ``Name <a@b.c>`` or ``a@b.c``. Raises ValueError with what is wrong."""
    if any(ord(letter) < 32 for letter in text):
        raise ValueError("holds a line break or another control character")
    header: Any = SMTP.header_factory("To", text)
    if len(header.addresses) != 1 or header.defects:
        raise ValueError("is not one mail address, such as: Course <course@example.edu>")
    found: Address = header.addresses[0]
    if find_domain(found.addr_spec) is None:
        raise ValueError("holds no plain mail address (letters and digits of ASCII, one @, a domain)")
    return found


def find_domain(address: str) -> str | None:
    """Return the domain of a plain mail address in small letters; None where it is none that can be mailed."""
    match = _ADDRESS.fullmatch(address) if len(address) <= 254 else None
    return match[1].lower() if match and _DOMAIN.fullmatch(match[1]) else None


def load_settings(root: Path, path: Path | None = None) -> MailSettings:
    """Return the settings in ``path``, else in the course's mail.yaml. Raises ConfigError with every problem."""
    path = path or root / SETTINGS_FILE
    if not path.is_file():
        lines = "".join(f"    {line}\n" for line in EXAMPLE.splitlines())
        raise ConfigError(f"{path} is not there: it says how mail is sent. For instance:\n{lines.rstrip()}")
    settings, places = load_record(MailSettings, path)
    problems = [
        Problem(file=str(path), line=find_line([name], places), where=name, message=text)
        for name, text in _list_problems(settings, path)
    ]
    if problems:
        raise ConfigError(problems)
    return settings


def _list_problems(settings: MailSettings, path: Path) -> Iterator[tuple[str, str]]:
    for name, value in (
        ("from", settings.sender),
        ("reply_to", settings.reply_to),
        ("bounces_to", settings.bounces_to),
    ):
        try:
            if value is not None:
                parse_mailbox(value)
        except ValueError as error:
            yield name, str(error)
    for item in settings.domains:
        if not _DOMAIN.fullmatch(item):
            yield "domains", f"{item!r} is no domain, such as example.edu"
    if settings.subject is not None and (not settings.subject.strip() or not settings.subject.isprintable()):
        yield "subject", "is empty, or holds a line break or a sign that nobody sees"
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", settings.host):
        yield "host", "is no name of a server"
    if settings.auth == "xoauth2" and settings.user is None:
        yield "auth", "xoauth2 needs the key user"
    if settings.ca_file is not None and not (path.parent / settings.ca_file).is_file():
        yield "ca_file", f"{settings.ca_file} is not there"


def find_ca_file(settings: MailSettings, root: Path, path: Path | None = None) -> Path | None:
    """Return where the certificates to trust lie (a relative path is meant from the settings' own folder)."""
    folder = path.parent if path else root
    return folder / settings.ca_file if settings.ca_file else None
