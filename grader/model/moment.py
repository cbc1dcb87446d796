"""Moments: when something was due and when it was handed in, always with a zone, to the second."""

from __future__ import annotations

from datetime import datetime

EXAMPLE = "2026-12-01T23:59:00+03:30"


def parse_moment(text: str) -> datetime:
    """Return the moment of an ISO 8601 text with its zone, whole seconds only. Raises ValueError with the reason."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("is no time as ISO 8601 writes it") from None
    if moment.utcoffset() is None:
        raise ValueError("has no zone")
    if not 1970 <= moment.year < 3000:  # forged: at the ends of the calendar no zone can be changed
        raise ValueError("is no time of a course")
    # A second that has begun is not over: whoever handed in at 23:59:00.4 is in time for 23:59:00.
    return moment.replace(microsecond=0)


def find_moment(text: str | None) -> datetime | None:
    """Return the moment of ``text``, None where it names none."""
    try:
        return parse_moment(text or "")
    except ValueError:
        return None


def show_moment(moment: datetime) -> str:
    """Return a moment for people, without its zone; seconds are shown where there are any."""
    return moment.strftime("%Y-%m-%d %H:%M:%S" if moment.second else "%Y-%m-%d %H:%M")
