"""What a layout finds in a class: hand-ins, with everything that is known of who handed them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from grader.intake.handin import HandIn
from grader.intake.names import escape_name
from grader.intake.roster import normalise_id

_MOST_LETTERS = 120

# What a place knows of one person: (roster column, value), the surest first; the column "" may be any of them.
Person = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A hand-in under the id that its layout has for it, and the persons whose it is: several of a group."""

    hand_in: HandIn
    persons: tuple[Person, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The hand-ins of a class, and the names of what belongs to none."""

    found: tuple[Found, ...]
    left: tuple[str, ...] = ()


def clean_id(text: str) -> str:
    """Return an id that can be a folder's name, whatever a learning platform lets people call themselves."""
    return escape_name(normalise_id(text)).replace("/", "_").lstrip(".")[:_MOST_LETTERS] or "_"


def find_time(text: object, *, utc: bool = False) -> str | None:
    """Return a time as ISO 8601 with its zone; None where it is none, or has no zone and not ``utc``."""
    if not isinstance(text, datetime):
        text = _parse_time(str(text))
    if text is None or (text.tzinfo is None and not utc):
        return None
    return (text if text.tzinfo else text.replace(tzinfo=UTC)).isoformat(timespec="seconds")


def _parse_time(text: str) -> datetime | None:
    text = text.strip().removesuffix(" UTC")
    for form in ("%Y-%m-%d-%H-%M-%S", "%Y-%m-%d %H:%M:%S %z"):
        try:
            return datetime.strptime(text, form)  # a zone is asked for by the caller
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text.replace(" Z", "+00:00"))
    except ValueError:
        return None
