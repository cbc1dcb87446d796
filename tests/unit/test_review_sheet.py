"""A class from small reports, decided through the spreadsheet: what waits, what comes of it, what is refused."""

import csv
import json
from decimal import Decimal

import pytest

from tests.class_maker import make_quick_course, make_reports
from tests.unit.batch_cases import read_sheets, run_grade


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course of eight reports, graded: four answer 1b alike and contradict themselves, two are unclear."""
    folder = tmp_path_factory.mktemp("class")
    course = make_quick_course(folder / "course", preload=[])
    hand_ins = make_reports(course / "submissions", 8)
    contradiction = (
        "# Question 1\n\n(b) Option 4: a unidirectional network.{gap}The mood depends on the days up to t only.\n"
    )
    for number, path in enumerate(hand_ins[:4]):
        next(path.rglob("*.md")).write_text(contradiction.format(gap=" " * (number + 1)), encoding="utf-8")
    unclear = "# Question 1\n\nI think that it is about options, perhaps.\n"
    for path in hand_ins[4:6]:
        next(path.rglob("*.md")).write_text(unclear, encoding="utf-8")
    out = folder / "out"
    run = run_grade(course / "submissions", "--out", out, "--jobs", 1)
    assert run.returncode in (0, 3), run.stdout + run.stderr
    return course, out


def export(out, path):
    run = run_grade("review", out, "--export", path)
    assert run.returncode == 0, run.stdout + run.stderr
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def bring(out, path, rows, who="ada"):
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return run_grade("review", out, "--import", path, "--as", who)


def test_a_whole_group_is_decided_by_one_row_and_stays_decided(graded, tmp_path):
    course, out = graded
    rows = export(out, tmp_path / "waiting.csv")
    assert [int(row["alike"]) for row in rows] == sorted((int(row["alike"]) for row in rows), reverse=True)
    unread = [row["group"] for row in rows if not row["answer"]]
    assert len(unread) > 1 and len(set(unread)) == len(unread)  # nobody's answer is like one that was not read
    first = rows[0]
    students = {row["student"] for row in rows if row["group"] == first["group"]}
    assert len(students) == int(first["alike"]) >= 2
    before = read_sheets(out)
    first.update(verdict="partial", credit="0.5", comment="Half of it.", reason="agreed by staff", apply_to="group")
    run = bring(out, tmp_path / "filled.csv", rows)
    assert run.returncode == 0 and f"{len(students)} decisions" in run.stdout, run.stdout + run.stderr
    criterion = first["criterion"]
    for student, sheet in read_sheets(out).items():
        mark = next(item for item in sheet["criteria"] if item["id"] == criterion)
        old = next(item for item in before[student]["criteria"] if item["id"] == criterion)
        if student in students:
            assert mark["awarded"] == pytest.approx(mark["available"] / 2)
            assert mark["decision"]["who"] == "ada" and mark["verdict"] == old["verdict"]
            page = (out / student / "feedback.html").read_text(encoding="utf-8")
            assert "Half of it." in page and "agreed by staff" not in page and "ada" not in page.split()
        else:
            assert mark == old
    again = run_grade(course / "submissions", "--out", out, "--jobs", 1)
    assert "unchanged" in again.stdout
    assert not {row["student"] for row in export(out, tmp_path / "b.csv") if row["group"] == first["group"]}
    stale = bring(out, tmp_path / "stale.csv", rows)
    assert stale.returncode == 2 and "does not wait for a person" in stale.stderr


def test_an_undo_makes_it_wait_again(graded):
    _, out = graded
    decided = [(name, mark["id"]) for name, sheet in read_sheets(out).items() for mark in sheet["criteria"]
               if "decision" in mark]  # fmt: skip
    student, criterion = decided[0]
    run = run_grade("review", out, "--undo", student, criterion, "--as", "bob")
    assert run.returncode == 0, run.stdout + run.stderr
    mark = next(item for item in read_sheets(out)[student]["criteria"] if item["id"] == criterion)
    assert mark["awarded"] is None and "decision" not in mark
    again = run_grade("review", out, "--undo", student, criterion)
    assert again.returncode == 2 and "nothing was decided" in again.stderr


def test_a_sheet_with_problems_decides_nothing_and_names_each_line(graded, tmp_path):
    _, out = graded
    rows = export(out, tmp_path / "waiting.csv")
    lines = (out / "moderation.jsonl").read_bytes() if (out / "moderation.jsonl").exists() else b""
    rows[0].update(verdict="brilliant", credit="1")
    rows[1].update(verdict="partial", marks="999")
    rows[2].update(verdict="partial", marks="nan")
    run = bring(out, tmp_path / "bad.csv", rows)
    assert run.returncode == 2 and "verdict must be" in run.stderr and "more than" in run.stderr
    assert "marks is no number: 'nan'" in run.stderr
    assert lines == ((out / "moderation.jsonl").read_bytes() if (out / "moderation.jsonl").exists() else b"")


def test_a_decision_that_was_not_marked_yet_holds_the_marks_back(graded):
    from grader.batch.moderation import Moderation, new_decision
    from grader.delivery import open_delivery

    _, out = graded
    student, sheet = next(iter(read_sheets(out).items()))
    seen = {"seen": "0" * 64, "verdict": "wrong", "credit": Decimal(0)}
    file = Moderation(out)
    file.refresh()
    criterion = sheet["criteria"][-1]["id"]
    head = file.find_head(student, criterion)
    assert not file.append([new_decision("ada", student, criterion, replaces=head.id if head else "", **seen)])
    held = {item.name: item.reason for item in open_delivery(out, include_provisional=True).held}
    assert held[student] == "a person decided since: grade again"
    assert json.loads((out / "moderation.jsonl").read_text().splitlines()[-1])["student"] == student
