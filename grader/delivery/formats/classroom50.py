"""Classroom 50 (schema ``classroom50/result/v1``): whole numbers at one scale for the whole assignment."""

from __future__ import annotations

from decimal import Decimal

from grader.delivery.formats.markdown import render_markdown
from grader.delivery.formats.words import describe_criterion, list_criteria, name_criterion
from grader.errors import ConfigError
from grader.feedback.student_view import StudentView

# The platform captures that much of a test's output; a release body may hold 125,000 characters on GitHub.
_MOST_OUTPUT, _MOST_BODY = 2_000, 60_000


def build_scores(view: StudentView, scale: int) -> dict[str, object]:
    """Return ``score``, ``max-score`` and ``tests`` of a result; what waits for a person has no points yet.

    Raises ConfigError where marks times ``scale`` are no whole numbers.
    """
    rows: list[dict[str, object]] = [
        {
            "test-name": name_criterion(item),
            "passed": item.awarded == item.available,
            "score": scale_marks(item.awarded or Decimal(0), scale),
            "max-score": scale_marks(item.available, scale),
            "output": describe_criterion(item, _MOST_OUTPUT),
        }
        for item in list_criteria(view)
    ]
    rows += [
        {"test-name": "Taken off", "passed": False, "score": 0, "max-score": 0, "output": item.text[:_MOST_OUTPUT]}
        for item in view.deductions
    ]
    return {
        "score": scale_marks(view.earned, scale),
        "max-score": scale_marks(view.available, scale),
        "tests": rows,
    }


def render_release_body(view: StudentView, scale: int) -> str:
    """Return the release's text as Markdown, with a word on the scale where it is not 1."""
    note = f"Points here are the marks times {scale}, since this platform knows whole numbers only.\n\n"
    return (note if scale > 1 else "") + render_markdown(view, most=_MOST_BODY)


def scale_marks(value: Decimal, scale: int) -> int:
    """Return marks as points. Raises ConfigError where they are no whole number, or are negative."""
    scaled = value * scale
    if scaled != scaled.to_integral_value() or scaled < 0:
        raise ConfigError(f"{value} marks at scale {scale} are no whole number of points (take --scale 100)")
    return int(scaled)
