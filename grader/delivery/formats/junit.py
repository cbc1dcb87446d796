"""JUnit XML, as every CI reads it: a suite for each hand-in, a case for each criterion."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from grader.delivery.formats.words import describe_criterion, list_criteria, list_remarks, name_criterion, show_total
from grader.feedback.markup import show_marks
from grader.feedback.student_view import StudentView

_MOST_TEXT = 10_000


def render_junit(views: Iterable[StudentView]) -> str:
    """Return ``testsuites``; less than full marks is a failure, what waits for a person is skipped.

    The marks themselves are properties of each suite (awarded, available, deducted, status).
    """
    suites = [_render_suite(view) for view in views]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", *suites, "</testsuites>", ""])


def _render_suite(view: StudentView) -> str:
    items = list_criteria(view)
    failed = sum(item.awarded is not None and item.awarded < item.available for item in items)
    waits = sum(item.awarded is None for item in items)
    properties = {
        "title": view.title,
        "status": "final" if view.settled else "provisional",
        "awarded": show_marks(view.earned),
        "available": show_marks(view.available),
        "deducted": show_marks(view.deducted),
    }
    lines = [
        f'<testsuite name={_quote(view.submission)} tests="{len(items)}" failures="{failed}" errors="0" '
        f'skipped="{waits}">',
        "<properties>",
        *(f'<property name="{name}" value={_quote(value)}/>' for name, value in properties.items()),
        "</properties>",
    ]
    for item in items:
        lines.append(f"<testcase name={_quote(name_criterion(item))} classname={_quote(item.group)}>")
        said = describe_criterion(item, _MOST_TEXT)
        if item.awarded is None:
            lines.append(f"<skipped message={_quote(item.waiting)}/>")
        elif item.awarded < item.available:
            marks = f"{show_marks(item.awarded)} of {show_marks(item.available)}"
            lines.append(f"<failure message={_quote(marks)}>{_escape(said)}</failure>")
        elif said:
            lines.append(f"<system-out>{_escape(said)}</system-out>")
        lines.append("</testcase>")
    remarks = "\n".join([show_total(view), *list_remarks(view)])
    return "\n".join([*lines, f"<system-out>{_escape(remarks)}</system-out>", "</testsuite>"])


def _quote(text: str) -> str:
    return quoteattr(_tame(text))


def _escape(text: str) -> str:
    return escape(_tame(text))


def _tame(text: str) -> str:
    """Return text that XML 1.0 can hold and that is no command where a runner prints it: none begins a line."""
    kept = "".join(
        char
        for char in text
        if char in "\t\n" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char >= "\U00010000"
    )
    return kept.replace("::", ": :").replace("##[", "## [")
