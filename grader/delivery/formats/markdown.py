"""Markdown as GitHub shows it; nothing in a student's text is taken for markup."""

from __future__ import annotations

import re

from grader.delivery.formats.words import cut, describe_criterion, list_criteria, list_remarks, show_total
from grader.feedback.markup import show_marks
from grader.feedback.student_view import StudentView

# What may make markup anywhere in a line; what makes mentions, links to issues, tags, emoji and addresses (nobody is to
# be called by a hand-in); and what begins a list, a rule or a heading.
_SIGNS = re.compile(r"[\\`*_{}\[\]()!|~$]")
_NAMES = re.compile(r"[<>&@#]|:(?=\S)|(?<=[Ww]{3})\.")
_BEGINNING = re.compile(r"^(?=[-+=]|\d+\.)")
_MOST_TEXT = 2_000
SUMMARY_BYTES = 900 * 1024
"""A step summary on GitHub holds 1 MiB."""


def render_markdown(view: StudentView, most: int = SUMMARY_BYTES) -> str:
    """Return the view in at most ``most`` bytes of UTF-8; where it would be more, each criterion says less."""
    for room in (_MOST_TEXT, 300, 80, 0):
        text = _render(view, room)
        if len(text.encode()) <= most:
            return text
    return text.encode()[:most].decode(errors="ignore")


def _render(view: StudentView, room: int) -> str:
    lines = [f"### {_quote(view.title)}", "", f"**{show_total(view)}**", ""]
    lines += [f"> {_quote(remark)}\n>" for remark in list_remarks(view)]
    lines += ["", "|  | part | marks | what was found, and what to do next |", "|---|---|---:|---|"]
    for item in list_criteria(view):
        marks = "waits" if item.awarded is None else show_marks(item.awarded)
        # A cell is one line: what was told in lines is parted by a stop.
        said = " · ".join(map(_quote, describe_criterion(item, room).splitlines())) if room else ""
        lines.append(f"| {item.label} | {_quote(item.title)} | {marks} of {show_marks(item.available)} | {said} |")
    return "\n".join([*lines, ""])


def _quote(text: str) -> str:
    """Return one line in which no character is markup."""
    line = cut(" ".join(text.split()), _MOST_TEXT)
    tame = _NAMES.sub(lambda found: f"&#{ord(found[0])};", _SIGNS.sub(r"\\\g<0>", line))
    return _BEGINNING.sub("&#8203;", tame)
