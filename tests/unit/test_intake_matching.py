"""Whose each hand-in is by the roster: every key, groups, strangers and doubles, and what the gradebook then says."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from grader.errors import ConfigError
from grader.intake import HandIn, Intake, Roster, find_hand_ins, load_roster
from tests.class_maker import make_quick_course, make_reports
from tests.unit.archive_cases import make_zip
from tests.unit.batch_cases import list_names, run_grade
from tests.unit.layout_cases import write_class, write_files

ROSTER = """\
student_id,name,email,canvas_id,moodle_id,github,section,group
s-001,Jane Doe,jane@uni.example,4321,Participant 101,OctoCat,A,
s-002,Al Roe,AL@uni.example,77,102,mona-lisa,B,Team 7
s-003,Bo  Poe,bo@uni.example,78,,,B,Team 7
s-004,Sara N,,79,,,A,
s-005,Sara N,,80,,,,
"""


def load(folder: Path, text: str = ROSTER) -> Roster:
    path = folder / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return load_roster(path)


def match(folder: Path, names: list[str], roster: Roster, **intake: bool) -> dict[str, HandIn]:
    root = write_files(folder / "submissions", {f"{name}/report.md": "x" for name in names})
    found = find_hand_ins([root], Intake(roster=roster, **intake))
    return {hand_in.path.name: hand_in for hand_in in found}


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("s-001", "s-001"),
        ("S-001", "s-001"),
        ("octocat", "s-001"),
        ("Jane@uni.example", "s-001"),
        ("4321", "s-001"),
        ("۱۰۱", "s-001"),
        ("jane doe", "s-001"),
        ("Bo Poe", "s-003"),
    ],
)
def test_a_folder_may_be_named_by_any_key(tmp_path: Path, name: str, student: str) -> None:
    assert match(tmp_path, [name], load(tmp_path))[name].student == student


def test_each_download_is_matched_by_its_own_key(tmp_path: Path) -> None:
    canvas = "student_id,canvas_id\n" + "".join(f"s-{user},{user}\n" for user in (4321, 77, 78, 79, 80))
    moodle = "student_id,moodle_id,name\n101,,sara n\ns-102,102,\ns-103,Participant 103,\ns-104,104,\n"
    gradescope = "student_id,email\ns-001,\n7,AL@uni.example\n99521082,bo@uni.example\nsubmission_12,\nsubmission_13,\n"
    classroom = "student_id,github\ns-1,OctoCat\ns-2,mona-lisa\ns-7,team-7\n"
    expected = {
        "canvas": (canvas, {"s-4321", "s-77", "s-78", "s-79", "s-80", "x7Yz2", "aB3dE"}),
        "moodle": (moodle, {"101", "s-102", "s-103", "s-104"}),
        "gradescope": (gradescope, {"s-001", "submission_9", "submission_12", "submission_13"}),
        "classroom50": (classroom, {"s-1", "s-2", "s-7"}),
    }
    for name, (text, students) in expected.items():
        intake = Intake(roster=load(tmp_path, text), allow_strangers=name == "canvas")
        found = find_hand_ins([write_class(tmp_path / name, name)], intake)
        assert {hand_in.student for hand_in in found} == students
        assert {hand_in.members for hand_in in found} - {()} == ({("7", "99521082")} if name == "gradescope" else set())


def test_a_name_that_two_have_matches_nobody(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nobody on the roster"):
        match(tmp_path, ["Sara N"], load(tmp_path))


def test_a_groups_folder_is_everybodys_who_has_the_group_on_the_roster(tmp_path: Path) -> None:
    found = match(tmp_path, ["team 7", "s-001"], load(tmp_path))
    assert {item.student: item.members for item in found.values()} == {"Team 7": ("s-002", "s-003"), "s-001": ()}


def test_moodles_groups_are_found_by_name_or_number(tmp_path: Path) -> None:
    text = "student_id,group\ns-1,گروه ۲\ns-2,گروه ۲\ns-3,101\n"
    names = ["گروه ۲_102_assignsubmission_file", "Sara_101_assignsubmission_file"]
    root = write_files(tmp_path / "d", {f"{name}/report.md": "x" for name in names})
    found = find_hand_ins([root], Intake(roster=load(tmp_path, text)))
    assert {item.student: item.members for item in found} == {"گروه 2": ("s-1", "s-2"), "101": ("s-3",)}


def test_strangers_and_doubles_are_all_told_at_once(tmp_path: Path) -> None:
    names = ["s-001", "octocat", "nobody", "stranger", "team 7", "s-003"]
    with pytest.raises(ConfigError) as caught:
        match(tmp_path, names, load(tmp_path))
    told = [(Path(problem.file).name, problem.message.partition(";")[0]) for problem in caught.value.problems]
    roster = tmp_path / "roster.csv"
    assert told == [
        ("nobody", f"nobody on the roster {roster} is known as nobody"),
        ("stranger", f"nobody on the roster {roster} is known as stranger"),
        ("s-001", "is a second hand-in of s-001"),
        ("team 7", "is a second hand-in of s-003"),
    ]
    assert "--allow-strangers" in caught.value.problems[0].hint
    with pytest.raises(ConfigError) as caught:
        match(tmp_path, names, load(tmp_path), allow_strangers=True)
    assert len(caught.value.problems) == 2


def test_without_a_roster_doubles_are_told_too(tmp_path: Path) -> None:
    write_files(tmp_path, {"submissions/s-1/report.md": "", "submissions/s-1.zip": "", "submissions/s-2.zip": ""})
    with pytest.raises(ConfigError, match="is a second hand-in of s-1"):
        find_hand_ins([tmp_path / "submissions"])


def test_keys_that_two_students_have_and_ids_that_name_no_folder(tmp_path: Path) -> None:
    text = "student_id,email,github\n1,a@x,g\n2,A@X,g2\n../3,,G\n.4,,\n5,,\n"
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert [(problem.line, problem.message) for problem in caught.value.problems] == [
        (3, "the email stands in line 2 too"),
        (4, "the github stands in line 2 too"),
        (4, "the id has a slash or begins with a dot, and no folder can be named so"),
        (5, "the id has a slash or begins with a dot, and no folder can be named so"),
    ]


def test_columns_as_canvas_and_moodle_call_them(tmp_path: Path) -> None:
    canvas = load(tmp_path, 'Student,ID,SIS User ID,Section\n"Doe, Jane",4321,s-1,A\n')
    assert canvas.find("canvas_id", "4321") == "s-1" and canvas.sections == {"s-1": "A"}
    moodle = load(tmp_path, "Identifier,Full name,ID number,Email address\nParticipant 101,Sara N,s-1,s@x\n")
    assert [moodle.find(*key) for key in (("moodle_id", "101"), ("email", "S@x"), ("name", "sara n"))] == ["s-1"] * 3
    assert load(tmp_path, "id\ns-1\n").sections == {} and load(tmp_path, "s-1\n").ids == ("s-1",)


def read_book(out: Path) -> list[dict[str, str]]:
    with (out / "gradebook.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def download(tmp_path: Path) -> Path:
    """Two Moodle hand-ins, one a group's, as one archive beside a course without notebooks."""
    course = make_quick_course(tmp_path / "course", preload=[])
    make_reports(tmp_path / "made", 2)
    first, second = ((tmp_path / "made" / f"s000{number}" / "report.md").read_bytes() for number in (1, 2))
    members = (
        ("Jane_101_assignsubmission_file/report.md", first),
        ("Team 7_9_assignsubmission_file/report.md", second),
    )
    path = course / "HW5.zip"
    path.write_bytes(make_zip(*members))
    return path


def test_a_group_is_marked_once_and_every_member_credited(download: Path, tmp_path: Path) -> None:
    load(tmp_path)
    out = tmp_path / "out"
    run = run_grade(download, "--roster", tmp_path / "roster.csv", "--out", out, "--jobs", 2)
    assert run.returncode in (0, 3), run.stdout + run.stderr
    assert "recognised: Moodle's download (2 hand-ins)" in run.stderr
    assert [name for name in list_names(out) if name.endswith(".json")] == [
        "Team 7/marksheet.json",
        "s-001/marksheet.json",
    ]
    rows = {row["student"]: row for row in read_book(out)}
    assert [(row["status"] == "no hand-in", row["section"]) for row in rows.values()] == [
        (False, "A"), (False, "B"), (False, "B"), (True, "A"), (True, ""),
    ]  # fmt: skip
    assert {**rows["s-002"], "student": ""} == {**rows["s-003"], "student": ""} and rows["s-002"]["so_far"] != ""
    stamp = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file() and path.name != "lock"}
    again = run_grade(download, "--roster", tmp_path / "roster.csv", "--out", out)
    assert again.returncode == run.returncode
    assert stamp == {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file() and path.name != "lock"}
    status = run_grade("status", download, "--roster", tmp_path / "roster.csv", "--out", out)
    counts = [int(number) for number in re.findall(r"\d+", status.stdout.splitlines()[-1])]
    assert sum(counts) == 2 and "out of date" not in status.stdout


def test_a_stranger_stops_the_run_before_anything_is_graded(download: Path, tmp_path: Path) -> None:
    load(tmp_path, "student_id,moodle_id\ns-001,101\n")
    run = run_grade(download, "--roster", tmp_path / "roster.csv", "--out", tmp_path / "out")
    assert run.returncode == 2 and "moodle_id 9 or name Team 7" in run.stderr and not (tmp_path / "out").exists()
    run = run_grade(download, "--roster", tmp_path / "roster.csv", "--allow-strangers", "--out", tmp_path / "out")
    assert run.returncode in (0, 3), run.stderr
    assert [(row["student"], row["on_roster"]) for row in read_book(tmp_path / "out")] == [
        ("s-001", "yes"),
        ("9", "no"),
    ]


@pytest.mark.thorough
def test_a_slurm_task_grades_what_the_layout_found(download: Path, tmp_path: Path) -> None:
    load(tmp_path)
    jobs, out = tmp_path / "jobs", tmp_path / "out"
    options = ["--roster", tmp_path / "roster.csv", "--out", out]
    assert run_grade(download, *options, "--emit-sbatch", jobs, "--jobs", 1).returncode == 0
    run = run_grade("--part", jobs / "part-000.json", "--out", out, "--course", download.parent)
    assert run.returncode in (0, 3), run.stderr
    assert {path.parent.name for path in out.glob("*/marksheet.json")} == {"s-001", "Team 7"}
    last = (jobs / "finish.sbatch").read_text()
    assert f"--roster {tmp_path / 'roster.csv'}" in last and str(download) in last
