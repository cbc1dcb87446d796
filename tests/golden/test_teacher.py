"""Whole reports in many habits, with the verdicts that a careful teacher gives.

``expected.yaml`` beside each holds ``teacher`` (by criterion, several verdicts where more than one is fair) and, of the
criteria on which a person is not to be spared yet, ``referred``; ``not_yet`` lists what is decided otherwise than the
teacher would and is to be mended. Everything else must be decided, and as the teacher decides.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

GOLDEN = Path(__file__).resolve().parent
ROOT = GOLDEN.parents[1]
EXPECTED = {path.parent.name: yaml.safe_load(path.read_text()) or {} for path in GOLDEN.glob("*/expected.yaml")}
NAMES = sorted(name for name, expected in EXPECTED.items() if "teacher" in expected)


def grade(name: str, folder: Path) -> dict[str, Any]:
    """Return the criteria of one report's marksheet as JSON data, by id."""
    from grader.codec import build_marksheet, render_json
    from grader.course import load_course
    from grader.pipeline import grade_submission

    target = folder / "submissions" / name
    shutil.copytree(GOLDEN / name, target, ignore=shutil.ignore_patterns("expected.yaml"))
    (target.parent / "class.yaml").write_text(yaml.safe_dump({"key": "demo"}))
    course = load_course([target], root=ROOT, rubric=None, class_folder=target.parent)
    sheet = json.loads(render_json(build_marksheet(grade_submission(course, target, lodgings=None))))
    return {item["id"]: item for item in sheet["criteria"]}


@pytest.mark.parametrize("name", NAMES)
def test_report_is_decided_as_the_teacher_does(name: str, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    criteria = grade(name, tmp_path)
    wrong = {}
    for criterion, verdicts in expected["teacher"].items():
        item = criteria[criterion]
        decided = item["verdict"] in ("correct", "partial", "wrong", "missing") and not item["review"]
        fair = [verdicts] if isinstance(verdicts, str) else verdicts
        got = item["verdict"] if decided else "unreadable"
        allowed = got in fair or (not decided and criterion in expected.get("referred", ()))
        if not allowed and criterion not in expected.get("not_yet", ()):
            wrong[criterion] = (got, (item["review"] or {}).get("reason"))
    assert wrong == {}


def test_there_are_reports_in_many_habits() -> None:
    assert len(NAMES) >= 20
    listed = [(name, item) for name in NAMES for key in ("referred", "not_yet") for item in EXPECTED[name].get(key, ())]
    parts = sum(len(EXPECTED[name]["teacher"]) for name in NAMES)
    assert len(listed) * 5 <= parts, "too much is referred or decided otherwise than the teacher would"
