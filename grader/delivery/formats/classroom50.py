"""Rows of a Classroom 50 result (schema ``classroom50/result/v1``): whole numbers at one scale."""

from __future__ import annotations

from grader.feedback.student_view import StudentView


def build_rows(view: StudentView) -> tuple[list[dict[str, object]], int]:
    """Return a row for each criterion and the scale of its scores: 1 where all are whole numbers, else 100."""
    items = [item for group in view.groups for item in group.criteria]
    whole = all(value % 1 == 0 for item in items for value in (item.available, item.awarded or 0))
    scale = 1 if whole else 100
    return [
        {
            "test-name": " ".join(filter(None, (item.label, item.title))),
            "passed": item.awarded == item.available,
            "score": int((item.awarded or 0) * scale),
            "max-score": int(item.available * scale),
            "output": "\n".join(filter(None, (item.observed.text, item.waiting, item.next)))[:2000],
        }
        for item in items
    ], scale
