"""Who was mailed what: an SQLite file, written so that nobody is mailed twice however often the sender is killed.

A message is ``ready``, then ``sending`` (on the disk before its first byte leaves), then ``sent``, ``retry`` (the
server asked to come again), ``failed`` (it refused) or ``unknown``: connection or sender were lost in between, and the
message may have arrived. What is unknown is sent again only where a person says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from grader.errors import InfrastructureError

State = Literal["sending", "sent", "retry", "failed", "unknown"]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  assignment TEXT NOT NULL, student TEXT NOT NULL, digest TEXT NOT NULL, message_id TEXT NOT NULL,
  address TEXT NOT NULL, state TEXT NOT NULL, code INTEGER NOT NULL, reply TEXT NOT NULL, changed TEXT NOT NULL,
  PRIMARY KEY (assignment, student, digest)
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message in the ledger; ``code`` and ``reply`` are the server's last word (0 for a lost connection)."""

    student: str
    digest: str
    message_id: str
    address: str
    state: State
    code: int = 0
    reply: str = ""


class Ledger:
    """The messages of one assignment. Every change is on the disk when the method returns."""

    def __init__(self, connection: sqlite3.Connection, assignment: str) -> None:
        self._connection, self._assignment = connection, assignment

    def note(self, entry: Entry) -> None:
        """Write an entry, in place of the one of the same student and digest."""
        now = datetime.now(UTC).isoformat()
        row = (self._assignment, entry.student, entry.digest, entry.message_id, entry.address, entry.state, entry.code,
               entry.reply[:500], now)  # fmt: skip
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def find(self, student: str) -> tuple[Entry, ...]:
        """Return what was ever tried to send to a student, oldest first."""
        rows = self._connection.execute(
            "SELECT student, digest, message_id, address, state, code, reply FROM messages"
            " WHERE assignment = ? AND student = ? ORDER BY changed",
            (self._assignment, student),
        )
        names = ("student", "digest", "message_id", "address", "state", "code", "reply")
        return tuple(Entry(**dict(zip(names, row, strict=True))) for row in rows)

    def find_objection(
        self, student: str, digest: str, *, resend_changed: bool, retry_unknown: bool
    ) -> tuple[str, str] | None:
        """Return how it stands with a message that must not be sent, and why; None where it may be sent."""
        arrived = [entry for entry in self.find(student) if entry.state in ("sent", "unknown", "sending")]
        if not arrived:
            return None
        if arrived[-1].state != "sent":
            why = "the connection was lost while a message was given; it may have arrived (--retry-unknown)"
            return None if retry_unknown else ("unknown", why)
        if arrived[-1].digest == digest:
            return "sent", "mailed already"
        return None if resend_changed else ("changed", "mailed already, and changed since (--resend-changed)")

    def give_up_sending(self) -> int:
        """Turn what a killed sender was sending into ``unknown``, and return how many these are."""
        with self._connection:
            done = self._connection.execute(
                "UPDATE messages SET state = 'unknown', code = 0, reply = 'the sender was ended meanwhile'"
                " WHERE state = 'sending'"
            )
        return done.rowcount


@contextlib.contextmanager
def open_ledger(path: Path | None, assignment: str) -> Iterator[Ledger]:
    """Open the ledger at ``path`` (None: one that is forgotten), for one sender at a time.

    Raises InfrastructureError where another sender is at work, or the file cannot be used.
    """
    with contextlib.ExitStack() as stack:
        try:
            if path is not None:
                stack.enter_context(_hold(path))
            connection = stack.enter_context(contextlib.closing(sqlite3.connect(path or ":memory:")))
            connection.execute("PRAGMA journal_mode = DELETE")  # no second file, and safe on a network's disk
            connection.execute("PRAGMA synchronous = EXTRA")
            with connection:
                connection.execute(_SCHEMA)
            ledger = Ledger(connection, assignment)
            ledger.give_up_sending()
        except (OSError, sqlite3.Error) as error:
            raise InfrastructureError(f"the ledger of mail {path} cannot be used: {error}") from None
        yield ledger


@contextlib.contextmanager
def _hold(path: Path) -> Iterator[None]:
    """Keep other senders away, and the file to its owner. The lock goes with the process, however that ends."""
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InfrastructureError(
                f"{path.parent.parent}: mail is being sent already; wait for it or stop it"
            ) from None
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        yield
    finally:
        os.close(lock)
