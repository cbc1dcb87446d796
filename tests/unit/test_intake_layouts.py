"""Whole classes as learning platforms give them, unpacked and as archives, recognised by themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.cli import options
from grader.errors import ConfigError, NothingFoundError
from grader.intake import (
    LAYOUTS,
    HandIn,
    Intake,
    compile_pattern,
    find_hand_ins,
    open_submission,
    read_artifact,
    read_hand_in,
)
from grader.intake.layouts.found import clean_id, find_time
from tests.unit.archive_cases import REPORT, make_zip, zip_link
from tests.unit.layout_cases import CANVAS, CLASSES, EXPECTED, MOODLE, pack_class, write_class, write_files

Row = tuple[str, tuple[str, ...], str | None, bool, tuple[str, ...]]


def describe(hand_in: HandIn) -> Row:
    """Return what is expected of a hand-in, its files read as a worker reads them."""
    assert read_hand_in(hand_in.pack()) == hand_in
    submission = open_submission(hand_in, assignment="hw5")
    assert submission.findings == hand_in.findings
    for artifact in submission.artifacts:
        assert len(read_artifact(submission, artifact)) == artifact.size_bytes
    assert (submission.student, submission.members) == (hand_in.student, hand_in.members)
    paths = tuple(artifact.path for artifact in submission.artifacts)
    return (submission.student, submission.members, submission.submitted_at, submission.late_flag, paths)


def find(path: Path, **intake: object) -> tuple[set[Row], list[str]]:
    told: list[str] = []
    found = find_hand_ins([path], Intake(tell=told.append, **intake))  # type: ignore[arg-type]
    assert len({hand_in.student for hand_in in found}) == len(found)
    return {describe(hand_in) for hand_in in found}, told


@pytest.mark.parametrize("name", CLASSES)
def test_a_download_is_recognised(tmp_path: Path, name: str) -> None:
    path = write_class(tmp_path, name)
    found, told = find(path)
    assert found == EXPECTED[name]
    assert told == [f"recognised: {CLASSES[name][1]} ({len(EXPECTED[name])} hand-ins) in {path}"]


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("name", CLASSES)
def test_a_download_is_recognised_in_the_archive_that_it_comes_in(tmp_path: Path, name: str, inside: bool) -> None:
    path = pack_class(tmp_path, name, inside=inside)
    found, told = find(path)
    assert found == EXPECTED[name]
    assert told == [f"recognised: {CLASSES[name][1]} ({len(found)} hand-ins) in {path}"]


@pytest.mark.parametrize("name", CLASSES)
def test_an_order_of_the_files_changes_nothing(tmp_path: Path, name: str) -> None:
    first = [hand_in.student for hand_in in find_hand_ins([write_class(tmp_path / "a", name)])]
    folder, _, files = CLASSES[name]
    second = write_files(tmp_path / "b" / folder, dict(reversed(files.items())))
    assert [hand_in.student for hand_in in find_hand_ins([second])] == first


def test_an_address_that_was_handed_in_is_for_a_person(tmp_path: Path) -> None:
    found = {item.student: item for item in find_hand_ins([write_class(tmp_path, "canvas")])}
    assert [finding.code for finding in found["80"].findings] == ["intake.address"] and not found["79"].findings


def test_canvas_files_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    names = ["doejane_4321_98765_a.md", "doejane_4321_98766_a.md", "doejane_4321_98767_b-1.md", "roeal_5_6_c.md"]
    found, _ = find(write_files(tmp_path, dict.fromkeys(names, "x")))
    assert {row[0]: row[4] for row in found} == {"4321": ("98765_a.md", "98766_a.md", "b.md"), "5": ("c.md",)}


def test_teachers_files_beside_a_download_are_no_hand_ins(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "down", {**CANVAS, "roster.csv": "id\n1\n", "class.yaml": "assignment: hw5\n"})
    found, told = find(folder)
    assert found == EXPECTED["canvas"] and len(told) == 1


def test_what_belongs_to_no_hand_in_is_told(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "down", {**MOODLE, "notes.md": "x", "grades.csv": ""})
    _, told = find(folder)
    assert told[1:] == ["belongs to no hand-in and was left out: notes.md"]


def test_a_layout_that_is_named_overrules(tmp_path: Path) -> None:
    one = write_files(tmp_path / "down", {"doejane_4321_98765_report.md": "A", "doejane_4321_98766_Q4.ipynb": "{}"})
    assert {row[0] for row in find(one)[0]} == {"down"}
    found, told = find(one, layout="canvas")
    assert found == {("4321", (), None, False, ("Q4.ipynb", "report.md"))}
    assert told == [f"as was asked: Canvas's download (1 hand-in) in {one}"]
    moodle = write_class(tmp_path, "moodle")
    assert "Sara N_101_assignsubmission_file" in {row[0] for row in find(moodle, layout="plain")[0]}
    with pytest.raises(NothingFoundError):
        find(one, layout="plain")


def test_a_plain_class_in_an_archive_must_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "class.zip"
    path.write_bytes(make_zip(("s-1/report.md", REPORT), ("s-2.zip", make_zip(("report.md", REPORT)))))
    assert {row[0] for row in find(path)[0]} == {"class"}
    found, _ = find(path, layout="plain")
    assert found == {("s-1", (), None, False, ("report.md",)), ("s-2", (), None, False, ("s-2.zip/report.md",))}


def test_names_by_a_pattern(tmp_path: Path) -> None:
    names = [
        "s-1/x_report_2026-11-20-10-00-00.md",
        "s-1/x_report_2026-11-21-10-00-00.md",
        "s-2/x_Q4_bad.ipynb",
        "other.md",
    ]
    root = write_files(tmp_path / "d", {name: str(number) for number, name in enumerate(names)})
    pattern = compile_pattern(r"(?P<student_id>s-\d)/x_(?P<file_id>\w+?)_(?P<timestamp>.*)\.")
    found, told = find(root, name_pattern=pattern)
    assert found == {
        ("s-1", (), "2026-11-21T10:00:00+00:00", False, ("report.md",)),
        ("s-2", (), None, False, ("Q4.ipynb",)),
    }
    assert told[1] == "belongs to no hand-in and was left out: other.md"
    assert find(root, name_pattern=compile_pattern(r".*?/(?P<student_id>x)"))[0] == {
        ("x", (), None, False, tuple(sorted(name.partition("/")[2] for name in names[:3])))
    }
    with pytest.raises(NothingFoundError):
        find(root, name_pattern=compile_pattern("(?P<student_id>nobody)"))


def test_names_by_a_pattern_in_an_archive(tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(make_zip(("a/1_report.md", b"x"), ("b/2_report.md", b"y")))
    found, _ = find(tmp_path / "all.zip", name_pattern=compile_pattern(r"\w/(?P<student_id>\d)_(?P<file_id>report)"))
    assert {row[0]: row[4] for row in found} == {"1": ("report.md",), "2": ("report.md",)}


@pytest.mark.parametrize(
    ("text", "message"), [("(", "no regular expression"), (r"(?P<name>\d)", "no group student_id")]
)
def test_a_pattern_with_mistakes(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compile_pattern(text)


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "\x00", "a: !ruby/object:X [&1 *1"])
def test_gradescope_metadata_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    write_files(tmp_path, {"submission_metadata.yml": text, "submission_1/a.md": "x"})
    with pytest.raises(ConfigError, match="download the export again"):
        find_hand_ins([tmp_path])


def test_no_metadata_leads_out_of_the_results(tmp_path: Path) -> None:
    text = "submission_1:\n  :submitters:\n  - :sid: ../../etc\nsubmission_2:\n  :submitters: [7, ':email': .store]\n"
    write_files(tmp_path, {"submission_metadata.yml": text, "submission_1/a.md": "", "submission_2/a.md": ""})
    assert [item.student for item in find_hand_ins([tmp_path])] == ["_.._etc", "store"]


def test_a_link_in_a_download_leads_to_nobody_elses_files(tmp_path: Path) -> None:
    root = write_class(tmp_path, "moodle")
    own = root / "Sara N_101_assignsubmission_file" / "Q4.ipynb"
    own.symlink_to(root / "گروه ۲_102_assignsubmission_file_" / "report.md")
    submission = open_submission(find_hand_ins([root])[2], assignment="hw5")
    assert submission.student == "101" and [finding.code for finding in submission.findings] == ["intake.symlink"]


def test_attacks_in_a_class_archive_hit_only_their_own_hand_in(tmp_path: Path) -> None:
    name = "Sara N_101_assignsubmission_file"
    files = [(f"{name}/report.md", REPORT), zip_link(f"{name}/l.md", "/etc/passwd"), (f"{name}/../../x.md", b"x")]
    others = [(f"Al_{number}_assignsubmission_file/r.md", REPORT) for number in range(102, 110)]
    nested = ("Bo_110_assignsubmission_file/all.zip", make_zip(("in.zip", make_zip(("report.md", REPORT)))))
    (tmp_path / "HW5.zip").write_bytes(make_zip(*files, *others, nested))
    found = {item.student: open_submission(item, assignment="hw5") for item in find_hand_ins([tmp_path / "HW5.zip"])}
    assert len(found) == 10
    assert {student for student, item in found.items() if item.findings} == {"101"}
    assert [item.path for item in found["110"].artifacts] == ["all.zip/in.zip/report.md"]
    assert read_artifact(found["110"], found["110"].artifacts[0]) == REPORT


def test_a_damaged_archive_is_a_hand_in_for_a_person(tmp_path: Path) -> None:
    (tmp_path / "s-001.zip").write_bytes(b"PK\x03\x04")
    (hand_in,) = find_hand_ins([tmp_path / "s-001.zip"])
    assert open_submission(hand_in, assignment="hw5").findings[0].code == "intake.damaged_archive"
    with pytest.raises(ConfigError, match="damaged"):
        find_hand_ins([tmp_path / "s-001.zip"], Intake(layout="moodle"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("../x", "_x"),
        ("a/b", "a_b"),
        ("", "_"),
        ("۹۹۵", "995"),
        ("a\nb", "ab"),
        ("x" * 500, "x" * 120),
        ("a@b.c", "a@b.c"),
    ],
)
def test_ids_can_be_names_of_folders(text: str, shown: str) -> None:
    assert clean_id(text) == shown


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00+00:00"),
        ("2026-11-20 10:00:00 +0330", "2026-11-20T10:00:00+03:30"),
        ("2026-11-20 10:00:00.5 UTC", None),
        ("2026-11-20T10:00:00", None),
        ("2026-11-20", None),
        ("", None),
    ],
)
def test_times_need_a_zone(text: str, time: str | None) -> None:
    assert find_time(text) == time
    assert time is not None or not text or re.match(r"2026-11-20T.*\+00:00", find_time(text, utc=True) or "")


def test_the_command_line_names_the_layouts() -> None:
    assert tuple(LAYOUTS) == options.LAYOUTS
