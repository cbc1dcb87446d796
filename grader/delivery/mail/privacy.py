"""One student's data in one message: looked for in the finished bytes, as a receiver would decode them."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import SMTP
from typing import Any

from grader.delivery.mail.settings import find_domain
from grader.intake import Roster

# Letters and digits; whatever stands between (spaces, points, tags, an underscore) parts them.
_TOKEN = re.compile(r"[^\W_]+")
_TAG = re.compile(r"<[^<>]*>")
_DIGITS = {ord(digit): str(value) for zero in ("٠", "۰") for value in range(10) if (digit := chr(ord(zero) + value))}
_NEVER_SENT = ("Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc")


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What tells the students of a roster apart, ready to be looked for: every id, name and mail address.

    Left out is what stands in a text by chance: names of one word, ids of letters alone, and ids of fewer than five
    digits. A student's own words and those of the own group are let through.
    """

    _index: dict[str, list[tuple[tuple[str, ...], str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, roster: Roster) -> Screen:
        """Return the screen for a class."""
        screen = cls()
        for student in roster.students:
            fields = student.fields
            for words in _list_words(student.student_id, fields.get("name", ""), fields.get("email", "")):
                screen._index.setdefault(words[0], []).append((words, student.student_id))
        return screen

    def find_others(self, data: bytes, own: Collection[str | None]) -> tuple[str, ...]:
        """Return whom a message (its bytes) speaks of besides the students ``own``, by id."""
        found = {
            student
            for text in _decode(data)
            for words, student in self._search(_find_tokens(text))
            if student not in own
        }
        return tuple(sorted(found))

    def is_named(self, text: str, student: str) -> bool:
        """Return whether a text (a subject) gives a student away."""
        return any(found == student for _, found in self._search(_find_tokens(text)))

    def _search(self, tokens: Sequence[str]) -> Iterator[tuple[tuple[str, ...], str]]:
        for place, token in enumerate(tokens):
            for words, student in self._index.get(token, ()):
                if len(words) == 1 or tuple(tokens[place : place + len(words)]) == words:
                    yield words, student


def find_wrong_receiver(data: bytes, address: str) -> str | None:
    """Return what is wrong with the receivers that stand in a message; None where it is ``address`` alone."""
    message: Any = message_from_bytes(data, policy=SMTP)
    receivers = [item.addr_spec for header in message.get_all("To", []) for item in header.addresses]
    if receivers != [address]:
        return f"{len(receivers)} receivers, or another than meant"
    return next((f"a header {name}" for name in _NEVER_SENT if message[name] is not None), None)


def _list_words(student_id: str, name: str, email: str) -> Iterator[tuple[str, ...]]:
    words = tuple(_find_tokens(student_id))
    joined = "".join(words)
    telling = len(joined) >= 5 if joined.isdigit() else len(joined) >= 4 and any(char.isdigit() for char in joined)
    if words and telling:
        yield words
    words = tuple(_find_tokens(name))
    if len(words) >= 2 and len("".join(words)) >= 6:
        yield words
    words = tuple(_find_tokens(email))
    if find_domain(email) is not None:
        yield words


def _find_tokens(text: str) -> list[str]:
    """Return the words of a text as they are compared: without regard to case, width of letters, or kind of digits."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold().translate(_DIGITS))


def _decode(data: bytes) -> Iterator[str]:
    """Yield every text of a message: headers, and what its text parts say to a reader and in their source."""
    message: Any = message_from_bytes(data, policy=SMTP)
    for part in message.walk():
        yield "\n".join(f"{name}: {value}" for name, value in part.items())
        if part.get_content_maintype() == "text":
            text = part.get_content()
            if part.get_content_subtype() == "html":
                # What a reader sees may be parted by tags, within a word or between two.
                yield html.unescape(_TAG.sub("", text))
                yield html.unescape(_TAG.sub(" ", text))
                text = html.unescape(text)
            yield text
