"""What each platform is given of one checked hand-in: a row for each, all from the student's view."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from grader.delivery.ci import github
from grader.delivery.ci.run import write_files
from grader.delivery.formats.classroom50 import build_scores, render_release_body
from grader.delivery.formats.gradescope import render_gradescope
from grader.delivery.formats.junit import render_junit
from grader.delivery.formats.markdown import render_markdown
from grader.feedback.page import render_page
from grader.feedback.student_view import StudentView, student_view
from grader.model import Marksheet

Write = Callable[[StudentView, Path, int], None]
POINT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """How results are written; ``early`` also before the notebook runs, for what stops a run without a word."""

    write: Write
    early: bool = False


def write_results(platform: str, sheet: Marksheet, out: Path, *, scale: int = 1) -> None:
    """Write what ``platform`` reads into the folder ``out``, and say to a runner of GitHub's what it listens for.

    ``scale`` is for platforms that know whole numbers only: what every mark is multiplied by.
    """
    PLATFORMS[platform].write(student_view(sheet), out, scale)


def build_reporter_result(view: StudentView) -> dict[str, object]:
    """Return the old grader actions' result (delivery-formats.md 1.1): what the reporter trips over is always there.

    ``status`` is ``pass`` whatever the points, since the reporter makes a red cross of anything else.
    """
    tests = [
        {
            "name": " ".join(filter(None, (item.label, item.title))),
            "status": "pass" if item.awarded == item.available else "fail",
            "score": _round(item.awarded or Decimal(0)),
            "message": " ".join(filter(None, (item.observed.text, item.waiting or item.next)))[:500],
            "test_code": "",
            "filename": "",
            "line_no": 0,
            "duration": 0,
        }
        for group in view.groups
        for item in group.criteria
    ]
    return {"version": 1, "status": "pass", "max_score": _round(view.available), "tests": tests}


def _round(value: Decimal) -> int | float:
    rounded = value.quantize(POINT)
    return int(rounded) if rounded == int(rounded) else float(rounded)


def _write_actions(view: StudentView, out: Path, scale: int) -> None:
    summary = github.cut(render_markdown(view))
    page = render_page(view, [])
    write_files(out, [("feedback.html", page), ("summary.md", summary), ("junit.xml", render_junit([view]))])
    print(github.quote(github.list_lines(view)))
    for line in github.build_annotations(view):
        print(line)
    github.append_summary(summary)
    github.set_outputs({"points": str(_round(view.earned)), "max-points": str(_round(view.available))})


def _write_reporter(view: StudentView, out: Path, scale: int) -> None:
    _write_actions(view, out, scale)
    result = build_reporter_result(view)
    earned, most = _round(view.earned), _round(view.available)
    totals = json.dumps({"totalPoints": earned, "maxPoints": most}, separators=(",", ":"))
    print(f"::notice title=Autograding complete::Points {earned}/{most}")
    print(f"::notice title=Autograding report::{totals}")
    github.set_outputs({"result": base64.b64encode(json.dumps(result).encode()).decode()})


def _write_classroom50(view: StudentView, out: Path, scale: int) -> None:
    write_files(
        out,
        [("tests.json", json.dumps(build_scores(view, scale))), ("release-body.md", render_release_body(view, scale))],
    )
    print("\n".join(f"    {line}" for line in github.quote(github.list_lines(view)).splitlines()[1:-1]))


def _write_gradescope(view: StudentView, out: Path, scale: int) -> None:
    write_files(out, [("results.json", render_gradescope(view))])


PLATFORMS: Mapping[str, Platform] = {
    "actions": Platform(write=_write_actions),
    "classroom-reporter": Platform(write=_write_reporter),
    "classroom50": Platform(write=_write_classroom50),
    "gradescope": Platform(write=_write_gradescope, early=True),
}
