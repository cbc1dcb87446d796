"""Rows of a Classroom 50 result (schema ``classroom50/result/v1``): whole numbers at one scale."""

from __future__ import annotations

from grader.feedback.student_view import StudentView


def build_rows(view: StudentView, scale: int) -> list[dict[str, object]]:
    """Return a row for each criterion, its marks multiplied by ``scale`` (100 makes a whole number of any)."""
    items = [item for group in view.groups for item in group.criteria]
    return [
        {
            "test-name": " ".join(filter(None, (item.label, item.title))),
            "passed": item.awarded == item.available,
            "score": int((item.awarded or 0) * scale),
            "max-score": int(item.available * scale),
            "output": "\n".join(filter(None, (item.observed.text, item.waiting, item.next)))[:2000],
        }
        for item in items
    ]
