"""Gradescope's results.json (autograder specification of 2025-01)."""

from __future__ import annotations

import json
from decimal import Decimal

from grader.delivery.formats.words import cut, describe_criterion, list_criteria, list_remarks
from grader.feedback.student_view import StudentView

_MOST_OUTPUT = 10_000


def render_gradescope(view: StudentView) -> str:
    """Return results.json for one student; everything in it is plain text and visible.

    ``score`` is the total after deductions, and overrules the sum of the tests. Hidden tests would hide the student's
    total, so that what may not be seen is not in it at all.
    """
    tests = [
        {
            "number": item.label or str(number),
            "name": " ".join(item.title.split()),
            "name_format": "text",
            "score": build_points(item.awarded or Decimal(0)),
            "max_score": build_points(item.available),
            "status": "passed" if item.awarded == item.available else "failed",
            "output": describe_criterion(item, _MOST_OUTPUT),
            "output_format": "text",
            "visibility": "visible",
        }
        for number, item in enumerate(list_criteria(view), 1)
    ]
    document = {
        "score": build_points(view.earned),
        "output": cut("\n".join(list_remarks(view)), _MOST_OUTPUT),
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": tests,
    }
    return json.dumps(document, indent=1) + "\n"


def build_points(value: Decimal) -> int | float:
    """Return marks as a JSON number of at most two decimals."""
    rounded = value.quantize(Decimal("0.01"))
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)
