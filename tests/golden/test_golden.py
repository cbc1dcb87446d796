"""Whole hand-ins with the marks that a careful teacher gives them.

``expected.yaml`` beside each hand-in says what must come out. After a change that was meant:
``python tests/golden/test_golden.py NAME`` prints what comes out now, to be read and copied by a person.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

GOLDEN = Path(__file__).resolve().parent
ROOT = GOLDEN.parents[1]
NAMES = sorted(
    path.parent.name for path in GOLDEN.glob("*/expected.yaml") if "teacher:" not in path.read_text().split("\n", 1)[0]
)


def make_hand_in(name: str, folder: Path) -> Path:
    """Copy the hand-in ``name`` into a class folder that uses the public demo key."""
    expected = yaml.safe_load((GOLDEN / name / "expected.yaml").read_text()) or {}
    target = folder / "submissions" / expected.get("student", name)
    if source := expected.get("folder"):
        shutil.copytree(ROOT / source, target)
    else:
        shutil.copytree(GOLDEN / name, target, ignore=shutil.ignore_patterns("expected.yaml"))
    if notebook := expected.get("notebook"):
        shutil.copy(ROOT / notebook, target / "Q4.ipynb")
    machine_read = [expected["student"]] if expected.get("machine_read") else []
    (target.parent / "class.yaml").write_text(yaml.safe_dump({"key": "demo", "machine_read": machine_read}))
    return target


def grade(name: str, folder: Path, lodgings: Any) -> dict[str, Any]:
    """Return the marksheet of one golden hand-in as JSON data."""
    from grader.codec import build_marksheet, render_json
    from grader.course import load_course
    from grader.feedback import render_feedback
    from grader.pipeline import grade_submission

    target = make_hand_in(name, folder)
    course = load_course([target], root=ROOT, rubric=None, class_folder=target.parent)
    sheet = grade_submission(course, target, lodgings=lodgings)
    (folder / "feedback.html").write_text(render_feedback(sheet, ROOT))
    return json.loads(render_json(build_marksheet(sheet)))


def summary(data: dict[str, Any]) -> dict[str, Any]:
    """Return what expected.yaml holds of a marksheet."""
    return {
        "status": data["status"],
        "awarded": data["awarded"],
        "awarded_so_far": data["awarded_so_far"],
        "criteria": {
            item["id"]: {
                "verdict": item["verdict"],
                "awarded": item["awarded"],
                "reading": item["reading"],
                "review": bool(item["review"]),
                "findings": sorted({finding["code"] for finding in item["findings"]}),
            }
            for item in data["criteria"]
        },
    }


def _is_slow(name: str) -> bool:
    """Return whether a notebook runs; the everyday tests run the example's alone."""
    expected = yaml.safe_load((GOLDEN / name / "expected.yaml").read_text()) or {}
    return name != "example" and (bool(expected.get("notebook")) or any((GOLDEN / name).rglob("*.ipynb")))


@pytest.mark.notebook
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.thorough] if _is_slow(name) else []) for name in NAMES]
)
def test_golden_hand_in(name: str, tmp_path: Path, lodgings: Any) -> None:
    expected = yaml.safe_load((GOLDEN / name / "expected.yaml").read_text()) or {}
    data = grade(name, tmp_path, lodgings)
    faults = [f["message"] for item in data["criteria"] for f in item["findings"] if f["code"] == "grader.fault"]
    assert not faults, faults[0]
    got = summary(data)
    assert got["criteria"] == expected["criteria"]
    assert {key: got[key] for key in ("status", "awarded", "awarded_so_far")} == {
        key: expected[key] for key in ("status", "awarded", "awarded_so_far")
    }


if __name__ == "__main__":
    import contextlib
    import tempfile

    from grader.course import load_course
    from grader.pipeline import open_lodgings

    demo_course = load_course([], root=ROOT, rubric=None, class_folder=None)
    rooms = open_lodgings(demo_course)
    assert rooms is not None
    with tempfile.TemporaryDirectory() as scratch, contextlib.closing(rooms):
        result = summary(grade(sys.argv[1], Path(scratch), rooms))
        print(yaml.safe_dump(result, sort_keys=False, allow_unicode=True), end="")
