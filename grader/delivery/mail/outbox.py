"""The messages of a class as files that can be looked at: graded/mail/<reference>.eml, and an index of them.

Files are their owner's alone (0600, in a folder of 0700) and are named after the Message-ID, not the student; only the
index says whose is whose. What is sent are the bytes that were looked through here.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import hashlib
import io
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any

from grader.batch.gradebook import guard_cell
from grader.delivery.mail.compose import Composer, Content, build_subject, find_templates
from grader.delivery.mail.message import build_message, build_message_id
from grader.delivery.mail.privacy import Screen, find_wrong_receiver
from grader.delivery.mail.settings import MailSettings, find_domain
from grader.delivery.ready import Delivery, Held, Ready
from grader.errors import ConfigError, InfrastructureError
from grader.feedback import student_view
from grader.intake import Roster

INDEX = "index.csv"
_COLUMNS = ("student_id", "state", "why", "address", "file", "message_id", "bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message in the outbox; ``sha256`` is that of the file's bytes, ``digest`` that of what it says."""

    student: str
    address: str
    digest: str
    message_id: str
    provisional: bool
    pictures: int
    size: int
    sha256: str
    file: Path

    @property
    def reference(self) -> str:
        """A name for the message that tells nothing of the student: for logs and files."""
        return self.message_id[1:13]

    def read(self) -> bytes:
        """Return the message. Raises InfrastructureError where it is no longer the one that was looked through."""
        with contextlib.suppress(OSError):
            data = self.file.read_bytes()
            if hashlib.sha256(data).hexdigest() == self.sha256:
                return data
        raise InfrastructureError(f"{self.file}: is gone or was changed; start again, and nobody is mailed twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The messages that were written, and those who get none, with why. ``wary``: a person must look at these."""

    letters: tuple[Letter, ...]
    held: tuple[Held, ...]
    wary: tuple[Held, ...]


def prepare(
    delivery: Delivery,
    settings: MailSettings,
    folder: Path,
    *,
    now: datetime,
    domains: Collection[str] = (),
    redirect_to: str | None = None,
    looked_at: Collection[str] = (),
) -> Outbox:
    """Write the messages of a class into ``folder``, in place of those of an earlier call.

    ``domains`` are allowed besides those of the settings; ``redirect_to`` gets every message instead of the students;
    of the students ``looked_at`` a person has looked through the message. Raises ConfigError for a roster without
    addresses and for a broken template, before the first file is written.
    """
    roster = delivery.roster
    if roster is None or not any(student.fields.get("email") for student in roster.students):
        raise ConfigError("no mail addresses: give a roster with a column email (--roster CSV)")
    composer = Composer(
        templates=tuple(find_templates(delivery.course.root)),
        subject=build_subject(delivery.course.rubric.title, settings.subject),
        domain=settings.domain,
    )
    composer.check()
    allowed = frozenset(domain.lower() for domain in (*settings.domains, *domains))
    if redirect_to is not None and (problem := _find_address_problem(redirect_to, allowed)):
        raise ConfigError(f"--redirect-to: {problem}")
    _empty(folder)
    desk = _Desk(
        delivery=delivery, settings=settings, folder=folder, now=now, roster=roster, composer=composer,
        addresses={student.student_id: student.fields.get("email", "") for student in roster.students},
        sheets=Counter(student for item in delivery.ready for student in item.students),
        screen=Screen.of(roster), allowed=allowed, redirect_to=redirect_to, looked_at=frozenset(looked_at),
        members={item.student: item.members for group in delivery.classes for item in group.hand_ins},
    )  # fmt: skip
    letters: list[Letter] = []
    wary: list[Held] = []
    for item in delivery.ready:
        for found in desk.write(item):
            (letters if isinstance(found, Letter) else wary).append(found)  # type: ignore[arg-type]
    return Outbox(letters=tuple(letters), held=delivery.held, wary=tuple(wary))


@dataclass(frozen=True, kw_only=True)
class _Desk:
    delivery: Delivery
    settings: MailSettings
    folder: Path
    now: datetime
    roster: Roster
    addresses: Mapping[str, str]
    sheets: Mapping[str, int]
    composer: Composer
    screen: Screen
    allowed: frozenset[str]
    redirect_to: str | None
    looked_at: frozenset[str]
    members: Mapping[str, tuple[str, ...]]

    def write(self, item: Ready) -> Iterator[Letter | Held]:
        """Yield the letter of every student that a marksheet is for, or why there is none."""
        content: Content | None = None
        for student in item.students:
            if problem := self._find_obstacle(student):
                yield Held(name=student, reason=problem)
                continue
            if content is None:
                view = student_view(self.delivery.load_marksheet(item))
                content = self.composer.compose(view, self.delivery.load_page(item), provisional=item.provisional)
            yield self._write(item, student, self.addresses[student], content)

    def _find_obstacle(self, student: str) -> str | None:
        if student not in self.addresses:
            return "is not on the roster, so there is no address"
        if self.sheets[student] > 1:
            return "has more than one marksheet (alone and in a group?)"
        return _find_address_problem(self.addresses[student], self.allowed)

    def _write(self, item: Ready, student: str, address: str, content: Content) -> Letter | Held:
        assignment, redirected = self.delivery.course.rubric.assignment, self.redirect_to or ""
        # A message that goes to somebody else is another message: the student's own must not be taken for its copy.
        digest = hashlib.sha256(f"{content.digest}|{redirected}".encode()).hexdigest() if redirected else content.digest
        message_id = build_message_id(assignment, student, digest, self.settings.domain)
        receiver = redirected or address
        data = build_message(content, address=receiver, message_id=message_id, settings=self.settings, date=self.now)
        if problem := self._find_problem(data, content, item, student, receiver):
            return Held(name=student, reason=problem)
        file = self.folder / f"{message_id[1:13]}.eml"
        write_private(file, data)
        return Letter(
            student=student, address=receiver, digest=digest, message_id=message_id, provisional=item.provisional,
            pictures=len(content.pictures), size=len(data), sha256=hashlib.sha256(data).hexdigest(), file=file,
        )  # fmt: skip

    def _find_problem(self, data: bytes, content: Content, item: Ready, student: str, receiver: str) -> str | None:
        if wrong := find_wrong_receiver(data, receiver):
            return f"the message has {wrong}"
        if self.screen.is_named(content.subject, student):
            return "the subject names the student (change subject: in mail.yaml)"
        staff = (receiver, self.settings.sender_address, self.settings.reply_to or "")  # staff may be on the roster too
        mine = {student, *self.members.get(item.name, ()), *(self.roster.find("email", address) for address in staff)}
        if student not in self.looked_at and self.screen.find_others(data, mine):
            return "another student's id, name or address stands in the message (look at it, then --looked-at ID)"
        return None


def _find_address_problem(address: str, allowed: Collection[str]) -> str | None:
    if not address:
        return "has no mail address on the roster"
    domain = find_domain(address)
    if domain is None:
        return "the mail address cannot be used (ASCII letters, one @, a domain)"
    return None if domain in allowed else f"{domain} is no domain that mail may go to (domains: or --allow-domain)"


def write_index(folder: Path, outbox: Outbox, states: Mapping[str, tuple[str, str]]) -> Path:
    """Write who gets which message and how that stands; ``states`` are (state, why) by student."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for letter in outbox.letters:
        state, why = states.get(letter.student, ("ready", ""))
        name = letter.file.name if letter.file.exists() else ""
        cells = (letter.student, state, why, letter.address, name, letter.message_id, str(letter.size))
        writer.writerow([guard_cell(cell) for cell in cells])
    for held in (*outbox.wary, *outbox.held):
        writer.writerow([guard_cell(cell) for cell in (held.name, "held", held.reason, "", "", "", "")])
    write_private(folder / INDEX, stream.getvalue().encode("utf-8", "surrogateescape"))
    return folder / INDEX


def show_preview(letter: Letter) -> Path:
    """Write the message's HTML as a page that a browser opens, pictures inside, and return where it lies."""
    message: Any = message_from_bytes(letter.read(), policy=SMTP)
    text = message.get_body(("html",)).get_content()
    for part in message.walk():
        if part.get_content_type() == "image/png":
            data = base64.b64encode(part.get_content()).decode("ascii")
            text = text.replace(f"cid:{part['Content-ID'].strip('<>')}", f"data:image/png;base64,{data}")
    path = letter.file.with_suffix(".html")
    write_private(path, text.encode())
    return path


def write_private(path: Path, data: bytes) -> None:
    """Write a file for its owner alone, also where one of other rights lay there. Raises InfrastructureError."""
    try:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
    except OSError as error:
        raise InfrastructureError(f"cannot write {path}: {error.strerror or error}") from None


def _empty(folder: Path) -> None:
    """Make the folder, its owner's alone, and remove the messages of an earlier call."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        for path in (*folder.glob("????????????.eml"), *folder.glob("????????????.html")):
            path.unlink()
    except OSError as error:
        raise InfrastructureError(f"cannot write into {folder}: {error.strerror or error}") from None
