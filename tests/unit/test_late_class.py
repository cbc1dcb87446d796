"""A class with a deadline from the command line: totals, pages, gradebook, exit codes, and what is done again."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.class_maker import make_quick_course, make_reports
from tests.unit.archive_cases import make_zip
from tests.unit.batch_cases import read_sheets, run_grade
from tests.unit.test_batch_run import works
from tests.unit.test_intake_times import make_repository

LATE = """
late:
  deadline: 2026-12-01T23:59:00+03:30
  grace_minutes: 15
  per_day: 4
  extensions: {s0003: 2026-12-03T23:59:00+03:30}
"""
IN_TIME, LATE_BY_TWO = "2026-12-02T00:10:00+03:30", "2026-12-03T10:12:00+03:30"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with a deadline, and four reports that earn the same."""
    folder = make_quick_course(tmp_path / "course", preload=[])
    make_reports(folder / "submissions", 4)
    for report in (folder / "submissions").glob("*/report.md"):
        report.write_text("# Q1\na) 2 and 3\n\nb) the third option\n\nc) option 3\n")
    rubric = folder / "rubrics" / "hw5.yaml"
    rubric.write_text(rubric.read_text() + LATE)
    return folder


def grade(course: Path, out: Path, *arguments: object, times: dict[str, str] | None = None) -> Any:
    options = ["--out", out, "--jobs", 1]
    if times is not None:
        path = course / "times.csv"
        path.write_text("student_id,submitted_at\n" + "".join(f"{name},{at}\n" for name, at in times.items()))
        options += ["--times", path]
    return run_grade(course / "submissions", *options, *arguments)


def totals(out: Path) -> dict[str, Any]:
    return {name: data["awarded"] for name, data in read_sheets(out).items()}


def test_late_hand_ins_lose_marks_in_sight_and_a_changed_deadline_runs_nothing_again(
    course: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    times = {"s0001": IN_TIME, "s0002": LATE_BY_TWO, "s0003": LATE_BY_TWO, "s0004": "2026-12-20T00:00:00Z"}
    run = grade(course, out, "--fail-under", 7, times=times)
    assert run.returncode == 1, run.stdout + run.stderr  # what counts is the total after the deduction
    assert totals(out) == {"s0001": 15, "s0002": 7, "s0003": 15, "s0004": 0}
    assert "lowest 0, median 11, highest 15" in run.stdout
    sheet = read_sheets(out)["s0002"]
    assert sheet["submitted_at"] == LATE_BY_TWO and sheet["status"] == "final"
    (deduction,) = sheet["deductions"]
    assert (deduction["code"], deduction["marks"]) == ("late", 8)
    assert sheet["awarded"] == sheet["awarded_so_far"] == sum(item["awarded"] for item in sheet["criteria"]) - 8
    page = re.sub(r"\s+", " ", (out / "s0002" / "feedback.html").read_text())
    assert "2 days late (handed in 2026-12-03 10:12, deadline 2026-12-01 23:59 +03:30 with 15 minutes" in page
    assert "−8" in page and "<strong>7</strong> / 100" in page
    assert "deducted</" not in (out / "s0001" / "feedback.html").read_text()
    rows = {row["student"]: row for row in csv.DictReader((out / "gradebook.csv").read_text().splitlines())}
    assert [rows[name]["deducted"] for name in sorted(rows)] == ["0", "8", "0", "15"]
    assert (rows["s0002"]["total"], rows["s0002"]["submitted_at"]) == ("7", LATE_BY_TWO)

    rubric = course / "rubrics" / "hw5.yaml"
    rubric.write_text(rubric.read_text().replace("2026-12-01T23:59", "2026-12-02T23:59"))
    assert grade(course, out, times=times).returncode == 0
    assert set(works(out).values()) == {"marked again"}
    assert totals(out) == {"s0001": 15, "s0002": 11, "s0003": 15, "s0004": 0}
    grade(course, out, times={**times, "s0004": IN_TIME})
    assert {name: work for name, work in works(out).items() if name == "s0004"} == {"s0004": "marked again"}
    assert totals(out)["s0004"] == 15
    told = run_grade("diff", "--out", out).stdout
    assert "s0004: 0 -> 15; changed: when it was handed in" in told and "deducted: 15 -> 0" in told
    assert "s0001" not in told


@pytest.mark.thorough
def test_an_unknown_time_costs_nothing_and_waits_for_a_person(course: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (course / "submissions" / "s0005").mkdir()
    run = grade(course, out, times={"s0001": IN_TIME})
    assert run.returncode == 3, run.stdout + run.stderr
    assert totals(out) == {"s0001": 15, "s0002": None, "s0003": None, "s0004": None, "s0005": 0}
    sheet = read_sheets(out)["s0002"]
    assert (sheet["status"], sheet["awarded_so_far"], sheet["deductions"]) == ("needs_review", 15, [])
    assert "not known" in sheet["review"]["reason"]
    assert all(item["review"] is None for item in sheet["criteria"])
    page = (out / "s0002" / "feedback.html").read_text()
    assert "When you handed in is not known here yet" in page and "Your result so far" in page
    rows = {row["student"]: row for row in csv.DictReader((out / "gradebook.csv").read_text().splitlines())}
    assert (rows["s0002"]["total"], rows["s0002"]["waiting_for_a_person"]) == ("", "submitted_at")
    assert "3 waiting for a person" in run_grade("status", course / "submissions", "--out", out, "--times",
                                                 course / "times.csv").stdout  # fmt: skip
    assert "s0003" in (out / "class.html").read_text()


def test_one_hand_in_shows_the_sum_the_deduction_and_the_total(course: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    times = {"s0001": IN_TIME, "s0002": LATE_BY_TWO}
    run = grade(course, out, "--only", "s0002", "--json", tmp_path / "all.json", times=times)
    said = " ".join(run.stdout.split())
    assert "Earned 15 of 100. 2 days late (handed in 2026-12-03 10:12," in said
    assert "each day or part of a day: -8 Total 7 of 100." in said
    (sheet,) = json.loads((tmp_path / "all.json").read_text())["marksheets"]
    assert sheet["awarded"] == 7
    run = grade(course, out, "--only", "s0003", times=times)
    assert run.returncode == 3
    assert "So far 15 of 100. a person must look: when this was handed in is not known" in " ".join(run.stdout.split())


@pytest.mark.thorough
def test_a_students_own_repository_tells_where_nothing_better_is_known(course: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make_repository(course / "submissions" / "s0009", when=LATE_BY_TWO)
    for name in ("s0001", "s0002", "s0003", "s0004"):
        (course / "submissions" / name / "report.md").unlink()
    assert grade(course, out).returncode == 0
    sheet = read_sheets(out)["s0009"]
    assert (sheet["awarded"], sheet["deductions"][0]["marks"]) == (0, 5)
    assert "by the date of the student's own last commit" in sheet["deductions"][0]["reason"]
    assert [item["audience"] for item in sheet["findings"] if item["code"] == "late.commit_date"] == ["staff"]
    assert grade(course, out, times={"s0009": IN_TIME}).returncode == 0
    sheet = read_sheets(out)["s0009"]
    assert (sheet["awarded"], sheet["deductions"], sheet["submitted_at"]) == (5, [], IN_TIME)
    assert not [item for item in sheet["findings"] if item["code"] == "late.commit_date"]


def test_what_is_wrong_with_times_and_extensions_stops_before_anything_is_graded(course: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = grade(course, out, times={"s0001": "2026-12-02 00:10", "s0002": LATE_BY_TWO})
    assert run.returncode == 2 and "times.csv:2: '2026-12-02 00:10' has no zone" in run.stderr
    run = grade(course, out, times={"s0001": IN_TIME, "s0077": LATE_BY_TWO})
    assert run.returncode == 2 and "times.csv:3: s0077 is neither a hand-in nor on the roster" in run.stderr
    roster = tmp_path / "roster.csv"
    roster.write_text("student_id\ns0001\ns0077\n")
    run = grade(course, out, "--roster", roster, "--allow-strangers", times={"s0001": IN_TIME})
    assert run.returncode == 2 and "late.extensions.s0003: is not on the roster" in run.stderr
    assert not out.exists()


@pytest.mark.thorough
def test_a_platforms_time_counts_and_its_mark_alone_does_not(course: Path, tmp_path: Path) -> None:
    report = (course / "submissions" / "s0001" / "report.md").read_bytes()
    scores = f"username,submission_tag,datetime\ns0001,x,{IN_TIME}\ns0002,x,{LATE_BY_TWO}\n".encode()
    members = [(f"dl-hw5-s000{number}/report.md", report) for number in (1, 2)]
    download = course / "dl-hw5_submissions_2026_12_05_T_10_00_00.zip"
    download.write_bytes(make_zip(("scores.csv", scores), *members))
    run = run_grade(download, "--out", tmp_path / "out", "--jobs", 1)
    assert run.returncode == 0, run.stdout + run.stderr
    assert totals(tmp_path / "out") == {"s0001": 15, "s0002": 7}
    heap = course / "heap"
    heap.mkdir()
    for name in ("doejane_LATE_4321_98765_report.md", "roeal_77_98766_report.md"):
        (heap / name).write_bytes(report)
    assert run_grade(heap, "--out", tmp_path / "canvas", "--jobs", 1).returncode == 3
    sheets = read_sheets(tmp_path / "canvas")
    assert {name: (data["awarded"], bool(data["review"])) for name, data in sheets.items()} == {
        "4321": (None, True), "77": (None, True)
    }  # fmt: skip
    flagged = {name for name, data in sheets.items() if "intake.late_flag" in str(data["findings"])}
    assert flagged == {"4321"}
    assert "learning platform marks" not in (tmp_path / "canvas" / "4321" / "feedback.html").read_text()


def test_without_a_deadline_times_change_nothing(course: Path, tmp_path: Path) -> None:
    rubric = course / "rubrics" / "hw5.yaml"
    rubric.write_text(rubric.read_text().replace(LATE, ""))
    run = grade(course, tmp_path / "out", times={"s0001": LATE_BY_TWO})
    assert run.returncode == 0 and "the rubric has no deadline" in " ".join(run.stderr.split())
    assert totals(tmp_path / "out") == dict.fromkeys(["s0001", "s0002", "s0003", "s0004"], 15)
    assert "deducted" not in (tmp_path / "out" / "gradebook.csv").read_text()
