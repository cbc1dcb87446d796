"""What tests of mail share: a graded class without the grading, its mail.yaml, and a mail server that is a real one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import os
import re
import socket
import subprocess
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from ssl import SSLContext
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from grader.batch.classes import GradedClass, keep_classes
from grader.batch.events import Job, Summary
from grader.batch.keys import digest_course
from grader.batch.store import Record, Store
from grader.batch.unit import load_job_course
from grader.codec import build_marksheet, render_json
from grader.feedback import render_feedback
from grader.intake import HandIn
from grader.model import Marksheet

ROOT = Path(__file__).resolve().parents[2]
USER, PASSWORD = "course", "correct horse"


# --- a graded class ---


def make_course(folder: Path, templates: Mapping[str, str] | None = None) -> Path:
    """Return a course's root like the clone's, with templates of its own if any are given."""
    folder.mkdir()
    for name in ("rubrics", "reference"):
        (folder / name).symlink_to(ROOT / name)
    for name, text in (templates or {}).items():
        (folder / "templates").mkdir(exist_ok=True)
        (folder / "templates" / name).write_text(text, encoding="utf-8")
    return folder


def make_graded(
    folder: Path,
    sheets: Sequence[Marksheet],
    *,
    course: Path = ROOT,
    groups: Mapping[str, Sequence[str]] | None = None,
    roster: str | None = None,
) -> Path:
    """Return a results folder with these marksheets, as if they had been graded; everybody is on the roster.

    ``groups`` are the members of a group's hand-in, ``roster`` a CSV in place of the one that is made up.
    """
    groups = groups or {}
    class_folder, out = folder / "submissions", folder / "graded"
    class_folder.mkdir(parents=True)
    (class_folder / "class.yaml").write_text("assignment: hw5\nkey: demo\n")
    people = [name for sheet in sheets for name in groups.get(sheet.submission, (sheet.submission,))]
    path = folder / "roster.csv"
    rows = "".join(f"{name},Person Number{name},{name}@example.edu\n" for name in people)
    path.write_text(roster or f"student_id,name,email\n{rows}", encoding="utf-8")
    store = Store(out)
    job = Job(
        course=str(course), rubric=str(course / "rubrics" / "hw5.yaml"), class_folder=str(class_folder), out=str(out)
    )
    keep_sheets(store, sheets, job)
    hand_ins = tuple(
        HandIn(
            student=sheet.submission,
            folder=str(class_folder / f"n{number}"),
            class_folder=str(class_folder),
            members=tuple(groups.get(sheet.submission, ())),
        )
        for number, sheet in enumerate(sheets)
    )
    keep_classes(store, [GradedClass(job=job, hand_ins=hand_ins, roster=str(path))])
    return out


def keep_sheets(store: Store, sheets: Sequence[Marksheet], job: Job) -> None:
    """Store marksheets and their pages, as a grader does."""
    digest = digest_course(load_job_course(job))
    for sheet in sheets:
        summary = Summary(
            student=sheet.submission,
            status=sheet.status,
            awarded=None,
            awarded_so_far=float(sheet.awarded_so_far),
            available=float(sheet.available),
            waiting=sheet.waiting,
        )
        page = render_feedback(sheet, Path(job.course))
        record = Record(
            student=sheet.submission,
            keys={"course": digest},
            objects={
                "marksheet": store.put(render_json(build_marksheet(sheet)).encode()),
                "page": store.put(page.encode("utf-8", "surrogateescape")),
            },
            summary=dataclasses.asdict(summary),
        )
        store.write_record(record)
        store.show(record)


def write_settings(folder: Path, port: int, **more: Any) -> Path:
    """Return a mail.yaml for the test's server, whose authority is in ca.pem beside it."""
    values = {
        "host": "localhost",
        "port": port,
        "user": USER,
        "from": "Deep Learning <course@example.edu>",
        "reply_to": "staff@example.edu",
        "domains": "[example.edu]",
        "ca_file": "ca.pem",
        "rate": 100000,
        **more,
    }
    path = folder / "mail.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in values.items() if value is not None))
    return path


def run_mail(out: Path, *arguments: object, password: str | None = PASSWORD) -> subprocess.CompletedProcess[str]:
    """Run ``grade mail`` to its end."""
    return subprocess.run(
        build_command(out, *arguments), cwd=ROOT, env=build_environment(password), capture_output=True, text=True,
        check=False, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def build_command(out: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "grader", "mail", *map(str, (out, *arguments))]


def build_environment(password: str | None) -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if key != "GRADER_MAIL_PASSWORD"}
    return environment if password is None else {**environment, "GRADER_MAIL_PASSWORD": password}


# --- a mail server ---


class Post:
    """What reaches the server; it also says what the server answers.

    ``answers`` are for a receiver, each for once: a reply to RCPT ("rcpt 450 ..."), to the whole message ("451 ..."),
    "drop" (the message is taken and the connection cut before the answer), "lose" (cut, and the message is lost) or
    "cut" (cut at the word DATA, before the message). ``thinks`` are seconds between taking a message and saying so;
    ``look`` is called when a message has come, and what it returns is kept in ``seen``.
    """

    def __init__(self, answers: Mapping[str, Sequence[str]] | None = None, *, thinks: float = 0) -> None:
        self.thinks = thinks
        self.look: Callable[[], object] = lambda: None
        self.seen: list[object] = []
        self.answers = defaultdict(list, {name: list(said) for name, said in (answers or {}).items()})
        self.received: list[tuple[str, bytes]] = []
        self.options: list[str] = []
        self.logins = 0

    @property
    def count(self) -> Counter[str]:
        return Counter(address for address, _ in self.received)

    @property
    def messages(self) -> dict[str, EmailMessage]:
        return {address: message_from_bytes(data, policy=SMTP_POLICY) for address, data in self.received}  # type: ignore

    async def auth_XOAUTH2(self, server, args):
        said = base64.b64decode(args[1]).decode()
        self.logins += 1
        if said == f"user={USER}\1auth=Bearer {PASSWORD}\1\1":
            return AuthResult(success=True, auth_data=said)
        await server.challenge_auth('{"status": "401"}')
        return AuthResult(success=False, handled=False)

    def next_answer(self, address: str, kind: str) -> str | None:
        said = self.answers[address]
        return said.pop(0) if said and said[0].startswith(kind) else None

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]]

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if answer := self.next_answer(address, "rcpt "):
            return answer.removeprefix("rcpt ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        (address,) = envelope.rcpt_tos
        self.seen.append(self.look())
        answer = self.next_answer(address, "")
        if answer in (None, "drop"):
            self.received.append((address, envelope.content))
        if answer in ("drop", "lose"):
            server.transport.abort()
        await asyncio.sleep(self.thinks)
        return answer or "250 taken"


class _Server(SMTP):
    """aiosmtpd's server, and delivery reports (RFC 3461), which that does not know."""

    async def smtp_MAIL(self, arg):
        self.event_handler.options.append(arg)
        await super().smtp_MAIL(re.sub(r" (RET|ENVID)=\S+", "", arg))

    async def smtp_RCPT(self, arg):
        self.event_handler.options.append(arg)
        await super().smtp_RCPT(re.sub(r" NOTIFY=\S+", "", arg))

    async def smtp_DATA(self, arg):
        if self.event_handler.next_answer(self.envelope.rcpt_tos[0], "cut"):
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self):
        with warnings.catch_warnings():  # aiosmtpd does not see that implicit TLS is TLS
            warnings.simplefilter("ignore")
            return _Server(self.handler, **self.SMTP_kwargs)


@contextlib.contextmanager
def open_server(post: Post, folder: Path, mode: str = "starttls") -> Iterator[int]:
    """Run a server and return its port: "starttls" (with a login), "implicit", "relay" (no login), "plain" (no TLS).

    The certificate of its authority is written to ``folder``/ca.pem.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = SSLContext(17)
    authority.issue_cert("localhost").configure_cert(context)

    def log_in(server, session, envelope, mechanism, data):
        post.logins += 1
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)

    options: dict[str, dict[str, Any]] = {
        "starttls": {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": log_in},
        "implicit": {"ssl_context": context, "auth_required": True, "auth_require_tls": False, "authenticator": log_in},
        "relay": {"tls_context": context, "require_starttls": True},
        "plain": {"auth_require_tls": False, "authenticator": log_in},
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = _Controller(post, hostname="127.0.0.1", port=port, ready_timeout=20, **options[mode])
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
