"""Gradescope's results.json."""

from __future__ import annotations

import json

from grader.feedback.student_view import StudentView


def render_gradescope(view: StudentView) -> str:
    """Return results.json for one student."""
    tests = [
        {
            "number": item.label or str(number),
            "name": item.title,
            "score": float(item.awarded or 0),
            "max_score": float(item.available),
            "status": "passed" if item.awarded == item.available else "failed",
            "output": "\n".join(filter(None, (item.observed.text, item.waiting, *item.messages, item.next))),
            "output_format": "text",
        }
        for number, item in enumerate((item for group in view.groups for item in group.criteria), 1)
    ]
    notes = "\n".join(view.notes)
    return json.dumps({"score": float(view.earned), "output": notes, "output_format": "text", "tests": tests}, indent=1)
