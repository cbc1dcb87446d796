"""JUnit XML of one marksheet."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from grader.feedback.student_view import StudentView


def render_junit(view: StudentView) -> str:
    """Return a test suite with a case for each criterion."""
    items = [item for group in view.groups for item in group.criteria]
    failed = sum(item.awarded is not None and item.awarded < item.available for item in items)
    waits = sum(item.awarded is None for item in items)
    lines = [f'<testsuite name={quoteattr(view.title)} tests="{len(items)}" failures="{failed}" skipped="{waits}">']
    for item in items:
        lines.append(f"<testcase name={quoteattr(item.title)} classname={quoteattr(item.group)}>")
        if item.awarded is None:
            lines.append(f"<skipped message={quoteattr(item.waiting)}/>")
        elif item.awarded < item.available:
            lines.append(f"<failure message={quoteattr(item.observed.text)}>{escape(item.next)}</failure>")
        lines.append("</testcase>")
    return "\n".join([*lines, "</testsuite>", ""])
