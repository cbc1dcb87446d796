"""What every format says of a criterion and of a sheet, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from grader.feedback.markup import show_marks
from grader.feedback.student_view import CriterionView, StudentView

PROVISIONAL = "Provisional: a person must still decide on a part of this, so the total may change."


def list_criteria(view: StudentView) -> list[CriterionView]:
    """Return the criteria of all questions, in order."""
    return [item for group in view.groups for item in group.criteria]


def name_criterion(item: CriterionView) -> str:
    """Return a name in one line: ``2a softmax derivative``."""
    return " ".join(f"{item.label} {item.title}".split())


def describe_criterion(item: CriterionView, most: int) -> str:
    """Return what was found and what to do next, a line each, at most ``most`` characters."""
    absent = "No answer was found for this part." if item.verdict == "missing" else ""
    lines = dict.fromkeys(filter(None, (item.observed.text, item.waiting, *item.messages, item.next)))
    return cut("\n".join(lines) or absent, most)


def show_total(view: StudentView) -> str:
    """Return ``71.75 of 100``."""
    return f"{show_marks(view.earned)} of {show_marks(view.available)}"


def list_remarks(view: StudentView) -> Iterator[str]:
    """Yield what is to be said of the sheet as a whole: that it is provisional, what was taken off, notes."""
    if not view.settled:
        yield PROVISIONAL
    for item in view.deductions:
        yield f"{show_marks(item.marks)} taken off: {item.text}"
    yield from view.notes


def cut(text: str, most: int) -> str:
    """Return at most ``most`` characters; what is cut ends in an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
