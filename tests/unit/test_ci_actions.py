"""Students' CI on GitHub Actions, step by step on a runner of our own: outputs, summary, annotations, artifact."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from grader.delivery.ci import github
from grader.delivery.ci.setup import write_setup
from grader.delivery.ci.targets import Names, build_actions, build_reporter
from tests.unit.ci_cases import load_homework, write_hand_in, write_notebook
from tests.unit.ci_runner import Job, Runner, hear

NAMES = Names(org="dl-course")


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ci")
    list(write_setup(folder / "actions", build_actions(load_homework(), NAMES)))
    list(write_setup(folder / "reporter", build_reporter(load_homework(), NAMES)))
    return folder


def run_actions(setup: Path, place: Path, submission: Path) -> Job:
    action = setup / "actions/course-ci/grade"
    runner = Runner(place, submission, {"dl-course/course-ci/grade": action})
    return runner.run(setup / "actions/course-ci/.github/workflows/grade.yml", {"assignment": "hw5"})


def test_a_report_is_checked_part_by_part(setup: Path, tmp_path: Path) -> None:
    job = run_actions(setup, tmp_path / "r", write_hand_in(tmp_path / "hand-in"))
    assert job.code == 0, job.log
    step = job.outputs["step-2"]
    assert (step["points"], step["max-points"]) == ("4", "13")
    assert {path.name for path in job.artifacts["feedback"].iterdir()} == {"feedback.html", "summary.md", "junit.xml"}
    levels = [command.name for command in job.commands]
    assert levels == ["warning"] * 6 + ["notice"]  # q2b to q2d, q3a, q3b and the notebook
    last = job.commands[-1]
    assert last.text == "4 of 13 points. They are not your grade."
    assert "Found and readable" in job.commands[1].properties
    # 2b is a placeholder, the notebook is not there.
    assert "begin that answer on a line of its own with its label, such as `2b)`" in job.commands[1].text
    assert "no notebook was handed in" in job.log
    assert job.summary.startswith("#")
    assert "not your grade" in job.summary
    suite = ElementTree.parse(job.artifacts["feedback"] / "junit.xml").getroot()
    assert len(suite.findall(".//testcase")) == 10
    page = (job.artifacts["feedback"] / "feedback.html").read_text()
    assert page.count("found</span>") >= 8, "each of four parts, in the list and by itself"
    assert "correct</span>" not in page, "nothing was judged"
    # No marksheet, and nothing for staff.
    for path in job.artifacts["feedback"].rglob("*"):
        data = path.read_text()
        for word in ("digests", "key_id", "suggested", "provenance", str(tmp_path)):
            assert word not in data, (path, word)


@pytest.mark.parametrize("size", [200_000, pytest.param(5_000_000, marks=pytest.mark.thorough)])
def test_a_hostile_hand_in_commands_nothing(setup: Path, tmp_path: Path, size: int) -> None:
    job = run_actions(setup, tmp_path / "r", write_hand_in(tmp_path / "hand-in", evil=True, size=size))
    assert job.code == 0, job.log[-2000:]
    assert len(job.commands) <= 8
    assert {command.name for command in job.commands} <= {"warning", "notice"}
    for command in job.commands:
        assert re.fullmatch(r"(file=[^,:]*(,line=\d+)?(,endLine=\d+)?,)?title=[^,:]*", command.properties)
    assert set(job.outputs["step-2"]) == {"points", "max-points", "result"}
    assert job.outputs["step-2"]["points"].isdigit()
    assert job.outputs["check"].keys() == {"points", "max-points"}
    assert not (tmp_path / "r/temp/env").exists()
    assert "\x1b" not in job.log
    assert "\u202e" not in job.log + job.summary
    for active in ("<script", "<img", "](", "![", "@everyone"):
        unescaped = re.sub(r"\\.", "", job.summary)
        assert active not in unescaped, active
    ElementTree.parse(job.artifacts["feedback"] / "junit.xml")
    page = (job.artifacts["feedback"] / "feedback.html").read_text()
    assert "<script" not in page
    assert "<img src=x" not in page


def test_an_empty_hand_in_says_so(setup: Path, tmp_path: Path) -> None:
    (tmp_path / "hand-in").mkdir()
    job = run_actions(setup, tmp_path / "r", tmp_path / "hand-in")
    assert job.code == 5
    assert [(command.name, command.properties) for command in job.commands] == [
        ("error", "title=Nothing was handed in")
    ]


def test_what_waits_for_a_person_is_success_with_a_notice(setup: Path, tmp_path: Path) -> None:
    hand_in = write_hand_in(tmp_path / "hand-in")
    (hand_in / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    job = run_actions(setup, tmp_path / "r", hand_in)
    assert job.code == 0
    assert "wait for a person" in job.commands[-1].text
    assert "notice" in [command.name for command in job.commands[:-1]]


def check_reporter(result: dict) -> float:
    """Return what the old reporter would add up; raises where it would crash or print nonsense."""
    assert set(result) == {"version", "status", "max_score", "tests"}
    assert result["status"] in ("pass", "fail", "error")
    for test in result["tests"]:
        assert isinstance(test["name"], str)
        assert test["status"] in ("pass", "fail", "error")
        assert test["line_no"] == 0  # else it prints "- line N"
        assert isinstance(test["score"], int | float)
        assert round(test["score"], 2) == test["score"]
        assert {"message", "test_code", "filename", "duration"} <= set(test)
    return sum(test["score"] for test in result["tests"])


@pytest.mark.parametrize("evil", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_the_old_reporter_reads_the_result(setup: Path, tmp_path: Path, evil: bool) -> None:
    runner = Runner(tmp_path / "r", write_hand_in(tmp_path / "hand-in", evil=evil),
                    {"dl-course/course-ci/grade": setup / "reporter/course-ci/grade"})  # fmt: skip
    job = runner.run(setup / "reporter/template/.github/workflows/classroom.yml")
    assert job.code == 0, job.log
    result = json.loads(base64.b64decode(job.outputs["hw5"]["result"], validate=True))
    points = check_reporter(result)
    lines = [(command.properties, command.text) for command in job.commands][-2:]
    assert lines[0] == ("title=Autograding complete", f"Points {points}/13")
    assert lines[1][0] == "title=Autograding report"
    assert json.loads(lines[1][1]) == {"totalPoints": points, "maxPoints": 13}
    assert "FORGED" not in "".join(command.properties for command in job.commands)


def test_the_summary_stays_below_its_limit_and_closes_what_it_opened() -> None:
    text = "### A\n<details>\n\n```\n" + "word ناز\n" * 200_000
    short = github.cut(text)
    assert len(short.encode()) <= github.SUMMARY_BYTES
    assert "```\n</details>" in short[-150:]
    assert github.cut("short") == "short"


def test_commands_are_escaped() -> None:
    line = github.annotate("warning", "a:b,c%\n", "x\r\n::error::y", "f:,::.md, line 3-4")
    (command,) = hear(line)
    assert command.properties == "file=f%3A%2C%3A%3A.md,line=3,endLine=4,title=a%3Ab%2Cc%25%0A"
    assert command.text == "x%0D%0A::error::y"
    assert hear(github.quote(["::error::x", "##[error]y", "::stop-commands::z", "a\r::error::b\n::error::c"])) == []


def test_no_output_takes_a_second_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    with pytest.raises(Exception, match="no single line"):
        github.set_outputs({"points": "1\nresult=FORGED"})
    assert not (tmp_path / "output").exists()


@pytest.mark.thorough
@pytest.mark.notebook
def test_a_notebook_is_run_and_told_of(setup: Path, tmp_path: Path) -> None:
    hand_in = write_hand_in(tmp_path / "hand-in")
    write_notebook(
        hand_in, "print('::error::FORGED')", "def train_network(): pass", "raise ValueError('::error::FORGED')"
    )
    job = run_actions(setup, tmp_path / "r", hand_in)
    assert job.code == 0, job.log
    assert "FORGED" not in "".join(command.text for command in job.commands if command.name == "error")
    assert "cell 2" in job.log or "1 of 3 points" in job.log
    assert "ValueError" in (job.artifacts["feedback"] / "feedback.html").read_text()


def test_ci_teaches() -> None:
    for words in (["ci", "--help"], ["ci", "init", "--help"], ["ci", "run", "--help"]):
        done = subprocess.run([sys.executable, "-m", "grader", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0
        assert len(done.stdout.splitlines()) > 8
