"""A graded class on its way out: what may leave, and each format read back by another reader."""

from __future__ import annotations

import csv
import io
import json
import shutil
import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from grader.delivery import open_delivery, show_held
from grader.delivery.export import FORMATS, ExportOptions, export_class
from grader.delivery.formats.classroom50 import build_scores, render_release_body
from grader.delivery.formats.gradescope import render_gradescope
from grader.delivery.formats.junit import render_junit
from grader.delivery.formats.markdown import SUMMARY_BYTES, render_markdown
from grader.delivery.formats.moodle import render_comment
from grader.delivery.worksheet import Worksheet
from grader.errors import ConfigError, NothingFoundError
from grader.feedback.student_view import student_view
from tests.class_maker import change_rubric, make_quick_course, move_marks
from tests.unit.batch_cases import read_sheets, run_grade
from tests.unit.feedback_sheets import STAFF, everywhere, realistic

LATE = "\nlate:\n  deadline: 2026-12-01T23:59:00+03:30\n  per_day: 4\n"
ROSTER = """student_id,name,email,canvas_id,moodle_id,github,section,group
s1,"Doe, Jane",jane@example.edu,4321,101,jane-d,A,
s2,=HYPERLINK(),two@example.edu,4322,102,two,A,
s3,Three,three@example.edu,4323,103,three,B,
m1,Ann,ann@example.edu,4324,104,ann,B,team
m2,Bob,bob@example.edu,4325,105,bob,B,team
s9,Nine,nine@example.edu,4329,109,nine,B,
"""
TIMES = """student_id,submitted_at
s1,2026-12-01T10:00:00Z
s2,2026-12-03T10:12:00+03:30
s3,2026-12-01T10:00:00Z
team,2026-12-01T10:00:00Z
"""
REPORTS = {
    "s1": "# Q1\na) 2 and 3\n\nb) the third option\n\nc) option 3\n",
    "s2": "# Q1\na) 2 and 3\n\nb) the third option\n",
    "team": "# Q1\na) only 2\n\nb) the third option\n\nc) option 3\n",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_class(tmp_path_factory.mktemp("class"))


def make_class(folder: Path) -> Path:
    """Make course/, roster.csv and graded/ in a folder: final, late, waiting, a group, and somebody absent."""
    course = make_quick_course(folder / "course", preload=[])
    rubric = course / "rubrics" / "hw5.yaml"
    rubric.write_text(rubric.read_text() + LATE)
    for name, text in REPORTS.items():
        (course / "submissions" / name).mkdir(parents=True)
        (course / "submissions" / name / "report.md").write_text(text)
    (course / "submissions" / "s3").mkdir()
    (course / "submissions" / "s3" / "report.pdf").write_bytes(b"%PDF-1.7\nnothing that can be read\n")
    (course / "submissions" / "class.yaml").write_text("assignment: hw5\nkey: demo\n")
    (folder / "roster.csv").write_text(ROSTER)
    (folder / "times.csv").write_text(TIMES)
    run = run_grade(course / "submissions", "--out", folder / "graded", "--roster", folder / "roster.csv",
                    "--times", folder / "times.csv", "--jobs", 1)  # fmt: skip
    assert run.returncode == 3, run.stdout + run.stderr
    return folder


@pytest.fixture
def graded(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the graded folder that a test may spoil."""
    return Path(shutil.copytree(made / "graded", tmp_path / "graded"))


def totals(graded: Path) -> dict[str, Decimal]:
    """Return the totals that the marksheets say, a group's for each member."""
    found = {name: Decimal(str(data["awarded_so_far"])) for name, data in read_sheets(graded).items()}
    team = found.pop("team")
    return {**found, "m1": team, "m2": team}


def export(graded: Path, form: str, to: Path, *, provisional: bool = False, **options: Any) -> Path:
    delivery = open_delivery(graded, include_provisional=provisional)
    return export_class(delivery, form, to, ExportOptions(**options)).place


# --- what may leave ---


def test_only_what_is_final_and_current_leaves_and_the_rest_has_a_reason(graded: Path) -> None:
    delivery = open_delivery(graded)
    assert [(item.name, item.students, item.provisional) for item in delivery.ready] == [
        ("s1", ("s1",), False),
        ("s2", ("s2",), False),
        ("team", ("m1", "m2"), False),
    ]
    assert {item.name: item.reason.split(":")[0] for item in delivery.held} == {
        "s3": "waits for a person",
        "s9": "handed in nothing",
    }
    assert [item.name for item in open_delivery(graded, include_provisional=True).ready if item.provisional] == ["s3"]
    assert any(line.startswith("1 held: handed in nothing: s9") for line in show_held(delivery.held))


def test_a_member_can_be_named_alone_and_a_stranger_is_an_error(graded: Path) -> None:
    assert [item.students for item in open_delivery(graded, only=["m2"]).ready] == [("m2",)]
    assert [item.students for item in open_delivery(graded, only=["team"]).ready] == [("m1", "m2")]
    with pytest.raises(ConfigError, match="nobody of that id"):
        open_delivery(graded, only=["s1", "nobody"])
    with pytest.raises(NothingFoundError):
        open_delivery(graded / "s1")


def test_marks_that_were_changed_by_hand_stay(graded: Path) -> None:
    path = graded / "s1" / "marksheet.json"
    path.write_text(path.read_text().replace('"awarded": 15', '"awarded": 100'))
    assert {item.name: item.reason for item in open_delivery(graded).held}["s1"].startswith("the files in its folder")


def test_a_failure_holds_what_was_graded_before(graded: Path) -> None:
    from grader.batch.store import Store

    Store(graded).write_failure("s1", "the disk was full")
    assert "could not be graded" in {item.name: item.reason for item in open_delivery(graded).held}["s1"]


@pytest.mark.thorough
@pytest.mark.parametrize("part", ["rubric", "template"])
def test_a_changed_course_holds_everything_until_it_is_graded_again(made: Path, tmp_path: Path, part: str) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "moved"))
    arguments = [folder / "course" / "submissions", "--out", folder / "graded", "--roster", folder / "roster.csv",
                 "--times", folder / "times.csv"]  # fmt: skip
    run_grade(*arguments)
    assert len(open_delivery(folder / "graded").ready) == 3
    if part == "rubric":
        change_rubric(folder / "course", move_marks)
    else:
        page = folder / "course" / "templates" / "feedback.html.j2"
        page.parent.mkdir(exist_ok=True)
        source = Path(__file__).resolve().parents[2] / "templates" / "feedback.html.j2"
        page.write_text(source.read_text() + "<!-- ours -->\n")
    delivery = open_delivery(folder / "graded")
    reasons = {item.reason.split(":")[0] for item in delivery.held if item.name != "s9"}
    assert not delivery.ready and reasons == {"out of date"}
    run_grade(*arguments)
    assert len(open_delivery(folder / "graded").ready) == 3


# --- each format, read back ---


def test_canvas(graded: Path, tmp_path: Path) -> None:
    path = export(graded, "canvas", tmp_path / "c.csv", title="Homework 5 (98765)")
    raw = path.read_bytes()
    assert raw.startswith(b"Student,ID,Section,Homework 5 (98765)\r\n    Points Possible,,,100\r\n")
    rows = list(csv.DictReader(io.StringIO(raw.decode(), newline="")))[1:]
    marks = {row["ID"]: Decimal(row["Homework 5 (98765)"]) for row in rows}
    wanted = totals(graded)
    assert marks == {"4321": wanted["s1"], "4322": wanted["s2"], "4324": wanted["m1"], "4325": wanted["m2"]}
    assert rows[0]["Student"] == "Doe, Jane" and rows[1]["Student"] == "'=HYPERLINK()"


@pytest.mark.thorough
def test_what_cannot_be_matched_stops_the_export_and_nothing_is_written(graded: Path, tmp_path: Path) -> None:
    roster = tmp_path / "r.csv"
    roster.write_text("student_id,canvas_id,group\ns1,4321,\ns2,,\nm1,5,team\nm2,6,team\n")
    target = tmp_path / "c.csv"
    run = run_grade("export", graded, "--format", "canvas", "--roster", roster, "--to", target)
    assert run.returncode == 2 and "1 without a row: no canvas_id in the roster: s2" in run.stderr
    assert not target.exists() and not list(tmp_path.glob(".export*"))
    run = run_grade("export", graded, "--format", "canvas", "--roster", roster, "--to", target, "--skip-unmatched")
    assert run.returncode == 0 and "note: 1 without a row" in run.stderr and "4321" in target.read_text()


SHEET = (
    "\ufeffIdentifier,Full name,Status,Grade,Maximum Grade,Last modified (grade),Feedback comments\r\n"
    'Participant 101,"Doe, ""J"" Jane",Submitted,,100.00,-,\r\n'
    "Participant 102,Two,Submitted,3.00,100.00,-,Well done\r\n"
    "Participant 103,Three,Submitted,,100.00,-,\r\n"
    "Participant 104,Ann,,,100.00,-,\r\n"
    'Participant 105,Bob,,"1,5",100.00,-,"a\nb"\r\n'
    "Participant 999,Stranger,,12.00,100.00,-,keep"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_moodle_changes_two_columns_and_no_other_byte(graded: Path, tmp_path: Path, encoding: str) -> None:
    sheet = tmp_path / "Grades.csv"
    sheet.write_bytes(SHEET.encode(encoding))
    path = export(graded, "moodle", tmp_path / "out.csv", worksheet=sheet)
    before, text = SHEET, path.read_bytes().decode(encoding)
    assert text.startswith("\ufeff") and text.endswith("keep") and text.count("\r\n") == before.count("\r\n")
    old, new = (list(csv.reader(io.StringIO(item[1:], newline=""))) for item in (before, text))
    wanted = totals(graded)
    grades = {"Participant 101": "s1", "Participant 102": "s2", "Participant 104": "m1", "Participant 105": "m2"}
    for was, row in zip(old, new, strict=True):
        assert [*was[:3], *was[4:6]] == [*row[:3], *row[4:6]]
        if row[0] in grades:
            assert Decimal(row[3]) == wanted[grades[row[0]]]
        else:
            assert row == was
    assert new[2][6] == "Well done" and new[5][6] == "a\nb"  # what a person wrote stays
    assert "<strong>15 of 100</strong>" in new[1][6] and "<script" not in new[1][6]
    untouched = [line for line in before.split("\r\n") if "103" in line or "999" in line]
    assert all(line in text for line in untouched)
    again = tmp_path / "again.csv"
    sheet.write_bytes(path.read_bytes())
    assert export(graded, "moodle", again, worksheet=sheet).read_bytes() == path.read_bytes()


def test_moodle_in_other_languages_with_commas_and_another_maximum(graded: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "Grades.csv"
    sheet.write_text("ID;Name;Resultat;Rückmeldung\nTeilnehmer/in101;J;;\nTeilnehmer/in102;T;;\n")
    with pytest.raises(ConfigError, match="--grade-column TITLE"):
        export(graded, "moodle", tmp_path / "o.csv", worksheet=sheet, skip_unmatched=True)
    options = {"worksheet": sheet, "grade_column": "resultat", "comment_column": "Rückmeldung", "decimal_comma": True}
    with pytest.raises(ConfigError, match=r"2 without a row: not in Grades\.csv: m1, m2"):
        export(graded, "moodle", tmp_path / "o.csv", **options)
    path = export(graded, "moodle", tmp_path / "o.csv", skip_unmatched=True, **options)
    assert path.read_text().splitlines()[2].startswith("Teilnehmer/in102;T;2;")
    rows = "".join(f"Participant {number},,20\n" for number in (101, 102, 104, 105))
    sheet.write_text(f"Identifier,Grade,Maximum Grade\n{rows}")
    with pytest.raises(ConfigError, match="maximum there is 20, the rubric's 100"):
        export(graded, "moodle", tmp_path / "x.csv", worksheet=sheet)
    assert not (tmp_path / "x.csv").exists()


def test_a_worksheet_is_read_as_csv_readers_read_it(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text('a,"b ""q"" c",\r\n"x\ny",,z\r\n\r\nlast,"",1', newline="")
    sheet = Worksheet(path)
    values = [[cell.value for cell in row] for row in sheet.rows]
    assert values == [["a", 'b "q" c', ""], ["x\ny", "", "z"], ["last", "", "1"]]
    assert sheet.render() == path.read_bytes()
    sheet.set(sheet.rows[0][2], 'new "x", y')
    assert sheet.render() == path.read_bytes().replace(b'c",\r\n', b'c","new ""x"", y"\r\n')
    path.write_text('a,"never closed\nb,c\n')
    with pytest.raises(ConfigError, match="never closed"):
        Worksheet(path)


def test_gradescope(graded: Path, tmp_path: Path) -> None:
    folder = export(graded, "gradescope", tmp_path / "g", provisional=True)
    found = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("*/results.json")}
    assert {name: Decimal(str(data["score"])) for name, data in found.items()} == totals(graded)
    for data in found.values():
        jsonschema.validate(data, GRADESCOPE)
    assert "8 taken off: 2 days late" in found["s2"]["output"] and "Provisional" in found["s3"]["output"]
    partial = next(test for test in found["m1"]["tests"] if test["number"] == "1a")
    assert partial["status"] == "failed" and 0 < partial["score"] < partial["max_score"]


def test_classroom50(made: Path, graded: Path, tmp_path: Path) -> None:
    # The platform's own result lies in the hand-in that was downloaded; a student may have written it.
    identity = {"classroom": "dl", "assignment": "hw5", "assignment_type": "individual", "owner": "Jane-D",
                "submission": "submit/2026-12-01T10-00-00Z-abc", "commit": "https://c", "release": "https://r",
                "review": "https://v", "datetime": "2026-12-01T10:00:00Z"}  # fmt: skip
    mine = made / "course" / "submissions" / "s1" / "result.json"
    forged = made / "course" / "submissions" / "s2" / "result.json"
    try:
        mine.write_text(json.dumps({**identity, "score": 10**6}))
        forged.write_text(json.dumps({**identity, "score": 10**6}))
        folder = export(graded, "classroom50", tmp_path / "c")
    finally:
        mine.unlink()
        forged.unlink()
    rows = {row["username"]: row for row in csv.DictReader(io.StringIO((folder / "scores.csv").read_text()))}
    wanted = totals(graded)
    assert {name: Decimal(row["score"]) / 100 for name, row in rows.items()} == {
        "jane-d": wanted["s1"], "two": wanted["s2"], "ann": wanted["m1"], "bob": wanted["m2"],
    }  # fmt: skip
    assert rows["two"]["late"] == "true" and rows["two"]["first_name"] == "'=HYPERLINK()"
    assert [path.parent.name for path in folder.glob("*/result.json")] == ["jane-d"]
    result = json.loads((folder / "jane-d" / "result.json").read_text())
    jsonschema.validate(result, CLASSROOM50)
    assert result["score"] == 100 * wanted["s1"] and "times 100" in (folder / "bob" / "release-body.md").read_text()


def test_classroom50_refuses_points_that_are_no_whole_numbers(graded: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="take --scale 100"):
        export(graded, "classroom50", tmp_path / "c", scale=1)
    assert not (tmp_path / "c").exists()


def test_junit(graded: Path, tmp_path: Path) -> None:
    path = export(graded, "junit", tmp_path / "j.xml", provisional=True)
    suites = ElementTree.parse(path).getroot().findall("testsuite")  # our own file
    found = {}
    for suite in suites:
        said = {item.get("name"): item.get("value") for item in suite.iter("property")}
        found[suite.get("name")] = Decimal(str(said["awarded"]))
        cases = suite.findall("testcase")
        assert int(suite.get("tests") or 0) == len(cases) == 16
        assert int(suite.get("failures") or 0) == len(list(suite.iter("failure")))
        assert int(suite.get("skipped") or 0) == len(list(suite.iter("skipped")))
    wanted = totals(graded)
    assert found == {"s1": wanted["s1"], "s2": wanted["s2"], "s3": wanted["s3"], "team": wanted["m1"]}


def test_markdown_and_csv(graded: Path, tmp_path: Path) -> None:
    folder = export(graded, "markdown", tmp_path / "m")
    wanted = totals(graded)
    for name in ("s1", "s2", "m1", "m2"):
        assert f"**{wanted[name].normalize():f} of 100**" in (folder / f"{name}.md").read_text()
    path = export(graded, "csv", tmp_path / "m.csv", provisional=True)
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(path.read_text()))}
    assert {name: Decimal(row["so_far"]) for name, row in rows.items()} == wanted
    assert rows["s3"]["status"] == "needs review" and rows["s3"]["total"] == ""


def test_where_provisional_cannot_be_said_it_is_refused(graded: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no place to say"):
        export(graded, "canvas", tmp_path / "c.csv", provisional=True)


def test_a_folder_of_somebody_else_is_not_written_over(graded: Path, tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="was not written by grade export"):
        export(graded, "gradescope", tmp_path / "g")
    folder = export(graded, "gradescope", tmp_path / "h", provisional=True)
    assert (folder / "s3").exists()
    export(graded, "gradescope", folder)
    assert not (folder / "s3").exists()  # of the run before nothing is left


def test_every_format_has_its_help() -> None:
    from grader.cli.export import FORMATS as offered

    assert tuple(FORMATS) == offered
    text = run_grade("export", "--help").stdout
    assert all(name in text for name in FORMATS)


# --- what students reach: no detail for staff, nothing that acts ---

HOSTILE = (
    '</script><script>alert(1)</script><img src=x onerror=alert(1)> & "quoted" \x1b[31mred\x1b[0m \u202eevil\u202c '
    "\n::error::forged\n##[error]forged\n::stop-commands::x\n=cmd|' /C calc'!A0\n"
    "@teacher #1 [x](javascript:y) `c` $x$\n"
    "]]> <!-- \x00 \ufffe | --- |\n- item\n# head"
)


def render_all(sheet: Any) -> dict[str, str]:
    view = student_view(sheet)
    return {
        "classroom50": json.dumps(build_scores(view, 100)),
        "release": render_release_body(view, 100),
        "gradescope": render_gradescope(view),
        "junit": render_junit([view]),
        "markdown": render_markdown(view),
        "moodle": render_comment(view),
    }


@pytest.mark.parametrize("sheet", [realistic(), everywhere("words")], ids=["realistic", "everywhere"])
def test_no_detail_for_staff_leaves(sheet: Any) -> None:
    for form, text in render_all(sheet).items():
        assert [word for word in STAFF if word in text] == [], form


def test_text_of_a_hand_in_is_inert_in_every_format() -> None:
    found = render_all(everywhere(HOSTILE))
    for form, text in found.items():
        assert "\x1b" not in text and "\u202e" not in text and "\x00" not in text, form
        assert not any(line.lstrip().startswith(("::", "##[")) for line in text.splitlines()), form
    root = ElementTree.fromstring(found["junit"])
    assert {item.tag for item in root.iter()} <= {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "skipped", "system-out",
    }  # fmt: skip
    for form in ("markdown", "release", "moodle"):
        assert "<script" not in found[form] and "<img" not in found[form], form
    assert "@teacher" not in found["markdown"] + found["release"]


def test_markdown_of_a_hostile_text_has_no_element_of_its_own() -> None:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("gfm-like", {"linkify": False})
    plain, hostile = (parser.parse(render_markdown(student_view(everywhere(words)))) for words in ("x", HOSTILE))
    kinds = [[token.type for token in tokens] for tokens in (plain, hostile)]
    assert kinds[0] == kinds[1]
    inline = {child.type for token in hostile for child in token.children or []}
    assert inline <= {"text", "text_special", "strong_open", "strong_close"}


def test_megabytes_keep_within_the_limits_of_each_format() -> None:
    found = render_all(everywhere("word <b> & \u202e" * 400_000))
    assert all(len(text.encode()) < SUMMARY_BYTES for text in found.values())
    tests: Any = json.loads(found["classroom50"])["tests"]
    assert all(len(test["output"]) <= 2000 for test in tests)


_TESTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "score", "max_score", "status", "output"],
        "properties": {
            "score": {"type": "number"},
            "max_score": {"type": "number"},
            "status": {"enum": ["passed", "failed"]},
            "name": {"type": "string"},
            "number": {"type": "string"},
            "output": {"type": "string"},
            "name_format": {"const": "text"},
            "output_format": {"const": "text"},
            "visibility": {"const": "visible"},
        },
        "additionalProperties": False,
    },
}
GRADESCOPE = {
    "type": "object",
    "required": ["score", "tests"],
    "properties": {
        "score": {"type": "number", "minimum": 0},
        "output": {"type": "string"},
        "output_format": {"const": "text"},
        "stdout_visibility": {"const": "hidden"},
        "tests": _TESTS,
    },
    "additionalProperties": False,
}
_COUNT = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string", "minLength": 1}
CLASSROOM50 = {
    "type": "object",
    "required": ["schema", "classroom", "assignment", "assignment_type", "owner", "submission", "commit", "release",
                 "review", "datetime", "score", "max-score", "tests"],
    "properties": {
        "schema": {"const": "classroom50/result/v1"},
        "assignment_type": {"enum": ["individual", "group", "team"]},
        "submission": {"type": "string", "pattern": "^submit/"},
        "score": _COUNT,
        "max-score": _COUNT,
        **dict.fromkeys(("classroom", "assignment", "owner", "commit", "release", "review", "datetime"), _TEXT),
        "tests": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["test-name", "passed", "score", "max-score"],
                "properties": {"test-name": _TEXT, "passed": {"type": "boolean"}, "score": _COUNT, "max-score": _COUNT},
            },
        },
    },
    "additionalProperties": False,
}  # fmt: skip
