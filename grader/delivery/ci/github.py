"""Words to GitHub's runners: annotations, outputs and the step summary, with every student's text made harmless.

Sources: GitHub's "Workflow commands" (escapes, stop-commands, 1 MiB for a summary) and delivery-formats.md 1.4: about
ten annotations of a level are shown for a step.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from grader.errors import InfrastructureError
from grader.feedback.markup import show_marks
from grader.feedback.student_view import CriterionView, StudentView

MOST_ANNOTATIONS = 8
SUMMARY_BYTES = 900 * 1024
_PLACE = re.compile(r", line (\d{1,9})(?:-(\d{1,9}))?$")
_CUT = "\n\n*The rest did not fit here: see the feedback page.*\n"


def escape_data(text: str) -> str:
    """Return a command's message so that it stays one message."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Return a command's property (title, file) so that it stays one property."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def annotate(level: str, title: str, message: str, place: str = "") -> str:
    """Return one annotation; ``place`` is a file and lines as pages show them (``report.md, line 3-5``)."""
    properties = [f"title={escape_property(title)}"]
    if place:
        lines = _PLACE.search(place)
        file = place[: lines.start()] if lines else place
        properties.insert(0, f"file={escape_property(file)}")
        properties[1:1] = [f"line={lines[1]}", *([f"endLine={lines[2]}"] if lines[2] else [])] if lines else []
    return f"::{level} {','.join(properties)}::{escape_data(message)}"


def build_annotations(view: StudentView) -> list[str]:
    """Return at most MOST_ANNOTATIONS lines: what to mend, the parts worth most first, and the points at the end."""
    troubled = [item for group in view.groups for item in group.criteria if item.awarded != item.available]
    troubled.sort(key=lambda item: (item.awarded or 0) - item.available)
    room = MOST_ANNOTATIONS - 2
    shown = [_annotate_criterion(item) for item in troubled[:room]]
    if rest := len(troubled) - len(shown):
        shown.append(annotate("warning", "And more", f"{rest} more parts need a look: see the summary of this run."))
    points = f"{show_marks(view.earned)} of {show_marks(view.available)} points. They are not your grade."
    waits = f" {view.waiting_count} parts wait for a person: you need not do anything." if view.waiting_count else ""
    return [*shown, annotate("notice", view.title, points + waits)]


def _annotate_criterion(item: CriterionView) -> str:
    name = " ".join(filter(None, (item.label, item.title)))
    said = item.waiting or item.next or next(iter(item.messages), "") or item.observed.text
    level = "notice" if item.awarded is None else "warning"
    return annotate(level, name, f"{item.observed.text}. {said}" if said != item.observed.text else said,
                    item.observed.location)  # fmt: skip


def list_lines(view: StudentView) -> Iterator[str]:
    """Yield the result as plain lines for the log, each one line whatever it holds."""
    yield f"{view.title}: {show_marks(view.earned)} of {show_marks(view.available)}"
    for item in (item for group in view.groups for item in group.criteria):
        marks = "waits" if item.awarded is None else show_marks(item.awarded)
        name = " ".join(filter(None, (item.label, item.title)))
        where = f" ({item.observed.location})" if item.observed.location else ""
        yield f"  {marks} of {show_marks(item.available)}  {name}: {item.observed.text}{where}"
        yield from (f"      {message}" for message in (*item.messages, item.next) if message)
    yield from (f"  note: {note}" for note in view.notes)


def quote(lines: Iterable[str]) -> str:
    """Return lines between ``::stop-commands::`` and its end, so that none of them is a command to a runner."""
    token = secrets.token_hex(16)
    flat = "\n".join("".join(" " if letter < " " else letter for letter in line) for line in lines)
    return f"::stop-commands::{token}\n{flat}\n::{token}::"


def append_summary(text: str) -> None:
    """Add Markdown to the step summary, where there is one; what is beyond its limit is cut at a line."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        _append(path, cut(text))


def cut(text: str) -> str:
    """Return Markdown of at most SUMMARY_BYTES."""
    data = text.encode()
    if len(data) <= SUMMARY_BYTES:
        return text
    kept = data[: SUMMARY_BYTES - len(_CUT.encode()) - 100].decode(errors="ignore")
    kept = kept[: kept.rfind("\n") + 1] or ""
    # What was opened is closed, so that the last line is not swallowed.
    fence = "```\n" if len(re.findall(r"(?m)^```", kept)) % 2 else ""
    opened = kept.count("<details>") - kept.count("</details>")
    return kept + fence + "</details>\n" * max(0, min(opened, 5)) + _CUT


def set_outputs(values: Mapping[str, str]) -> None:
    """Set outputs of the step. Values are ours, one line each: anything else raises InfrastructureError."""
    path = os.environ.get("GITHUB_OUTPUT")
    for name, value in values.items():
        if re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", value):
            raise InfrastructureError(f"output {name} is no single line")
        if path:
            _append(path, f"{name}={value}\n")


def _append(path: str, text: str) -> None:
    with Path(path).open("a", encoding="utf-8") as stream:
        stream.write(text)
