"""Markdown of one marksheet."""

from __future__ import annotations

import html
import re

from grader.feedback.markup import show_marks
from grader.feedback.student_view import StudentView

_ACTIVE = re.compile(r"([\\`*_{}\[\]()#+!|~@<>:-])")


def render_markdown(view: StudentView) -> str:
    """Return the view as GitHub's Markdown."""
    lines = [f"### {_text(view.title)}", "", f"**{show_marks(view.earned)} of {show_marks(view.available)}**", ""]
    lines += [f"> {_text(note)}" for note in view.notes] + ["", "| | part | points | |", "|-|-|-|-|"]
    for item in (item for group in view.groups for item in group.criteria):
        marks = "waits" if item.awarded is None else show_marks(item.awarded)
        said = " ".join(filter(None, (item.observed.text, item.waiting, *item.messages, item.next)))
        lines.append(f"| {item.label} | {_text(item.title)} | {marks}/{show_marks(item.available)} | {_text(said)} |")
    return "\n".join([*lines, ""])


def _text(text: str) -> str:
    return _ACTIVE.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False).replace("&", "&amp;"))
