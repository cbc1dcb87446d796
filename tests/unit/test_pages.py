"""Pages that a person must look at: named in the evidence, drawn beside the marksheet, hidden from students."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from grader import reading
from grader.batch.page_files import show_pages
from grader.batch.store import Store
from grader.documents import MOST_PAGES, Document, draw_pages
from grader.intake import open_submission
from grader.model import Answer, Evidence, Location, Review
from grader.pages import name_pages
from tests.document_maker import draw_photo, typeset
from tests.unit.batch_cases import read_sheets, run_grade

WAITING = Evidence(criterion="q1a", verdict="unreadable", credit=None, review=Review(reason="look"))


def _answer(location: Location | None) -> dict[str, Answer]:
    return {"q1a": Answer(question="q1a", state="unreadable", location=location)}


def _name(location: Location | None, *documents: Document) -> list[tuple[str, int]]:
    (named,) = name_pages([WAITING], _answer(location), documents)
    return [(item["file"], item["page"]) for item in named.observed.get("pages", [])]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of a scan, a photo, and a typed PDF whose second question is answered wrongly."""
    folder = tmp_path_factory.mktemp("class")
    hand_ins = {
        "s-001": {"report.pdf": draw_photo(form="PDF")},
        "s-002": {"report.md": b"# Q1\na) options 2 and 3\n", "photo.png": draw_photo(3000, 2000)},
        "s-003": {"report.pdf": typeset(["Q1", "a) options 2 and 3"], ["Q2", "a) $x + y$"])},
    }
    for student, files in hand_ins.items():
        (folder / "submissions" / student).mkdir(parents=True)
        for name, data in files.items():
            (folder / "submissions" / student / name).write_bytes(data)
    (folder / "submissions" / "class.yaml").write_text("key: demo\n")
    run = run_grade(folder / "submissions", "--out", folder / "graded")
    assert run.returncode == 3, run.stderr
    return folder / "graded"


def _criterion(graded: Path, student: str, name: str) -> dict[str, Any]:
    found = {item["id"]: item for item in read_sheets(graded)[student]["criteria"]}
    criterion: dict[str, Any] = found[name]
    return criterion


@pytest.mark.parametrize(("student", "file"), [("s-001", "report.pdf"), ("s-002", "photo.png")])
def test_a_scan_or_a_photo_waits_with_its_picture(graded: Path, student: str, file: str) -> None:
    part = _criterion(graded, student, "q2a")
    assert part["verdict"] == "unreadable" and part["awarded"] is None
    assert part["observed"]["pages"] == [{"picture": "pages/page-1.jpg", "file": file, "page": 1}]
    with Image.open(graded / student / "pages" / "page-1.jpg") as picture:
        assert picture.format == "JPEG" and max(picture.size) == 1500


def test_what_is_answered_beside_a_photo_is_decided(graded: Path) -> None:
    part = _criterion(graded, "s-002", "q1a")
    assert part["verdict"] == "correct" and "pages" not in part["observed"]


def test_a_wrong_formula_of_a_pdf_is_confirmed_by_a_person_who_sees_the_page(graded: Path) -> None:
    part = _criterion(graded, "s-003", "q2a")
    assert part["awarded"] is None and "PDF" in part["review"]["reason"]
    assert part["observed"]["pages"] == [{"picture": "pages/page-1.jpg", "file": "report.pdf", "page": 2}]
    assert _criterion(graded, "s-003", "q1a")["verdict"] == "correct"


def test_students_do_not_see_pages_and_the_class_page_leads_staff_to_them(graded: Path) -> None:
    assert "page-1.jpg" not in (graded / "s-001" / "feedback.html").read_text()
    assert "./s-001/pages/" in (graded / "class.html").read_text()


def test_the_answers_own_page_is_shown() -> None:
    typed = Document(file="a.pdf", pages=9)
    assert _name(Location(file="a.pdf", page=4), typed) == [("a.pdf", 4)]
    assert _name(Location(file="a.md", line=3), typed) == []
    assert _name(None, typed) == []


def test_unread_files_are_shown_whole_up_to_a_bound() -> None:
    scan, partly = Document(file="s.pdf", pages=3, unreadable="a scan"), Document(file="p.pdf", pages=2, partly="x")
    assert _name(None, scan, partly) == [("s.pdf", 1), ("s.pdf", 2), ("s.pdf", 3), ("p.pdf", 1), ("p.pdf", 2)]
    assert len(_name(None, Document(file="l.pdf", pages=500, unreadable="a scan"))) == MOST_PAGES


def test_decided_answers_name_no_pages() -> None:
    decided = Evidence(criterion="q1a", verdict="missing", credit=0)  # type: ignore[arg-type]
    (named,) = name_pages([decided], _answer(None), [Document(file="s.pdf", pages=3, unreadable="a scan")])
    assert named is decided


def test_pictures_that_are_named_no_more_are_removed_and_others_drawn_only_where_they_lack(tmp_path: Path) -> None:
    hand_in = tmp_path / "s-001"
    hand_in.mkdir()
    (hand_in / "scan.png").write_bytes(draw_photo())
    submission = open_submission(hand_in, assignment="hw5")
    store = Store(tmp_path / "graded")
    evidence = name_pages([WAITING], _answer(None), [Document(file="scan.png", pages=1, unreadable="a picture")])
    old = tmp_path / "graded" / "s-001" / "pages" / "page-7.jpg"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    show_pages(store, submission, evidence, anew=True)
    drawn = old.with_name("page-1.jpg")
    assert not old.exists() and drawn.read_bytes().startswith(b"\xff\xd8\xff")
    drawn.write_bytes(b"kept")
    show_pages(store, submission, evidence, anew=False)
    assert drawn.read_bytes() == b"kept"
    show_pages(store, submission, [], anew=False)
    assert not drawn.exists()


def test_a_photo_keeps_its_right_side_up_and_nothing_else_of_its_file(tmp_path: Path) -> None:
    photo = Image.new("RGB", (40, 20), "white")
    marks = Image.Exif()
    marks[0x0112], marks[0x010E] = 6, "secret words"
    photo.save(tmp_path / "p.jpg", exif=marks)
    (picture,) = draw_pages((tmp_path / "p.jpg").read_bytes(), [1])
    (tmp_path / "drawn.jpg").write_bytes(picture)
    with Image.open(tmp_path / "drawn.jpg") as drawn:
        assert drawn.size == (20, 40)
    assert b"secret" not in picture


def test_evidence_with_pages_is_plain_json() -> None:
    (named,) = name_pages([WAITING], _answer(None), [Document(file="s.pdf", pages=1, unreadable="a scan")])
    assert json.loads(json.dumps(named.observed)) == named.observed


def test_many_files_do_not_hold_a_class_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        (tmp_path / f"{number}.md").write_text("# Q1\na) second\n")
    monkeypatch.setattr(reading, "_MOST_FILES", 1)
    documents = reading.read_documents(open_submission(tmp_path, assignment="hw5"))
    assert [bool(document.unreadable) for document in documents] == [False, True, True]
    (finding,) = [item for document in documents for item in document.findings]
    assert "Only 1 files were read" in finding.message and "“1.md”, “2.md”" in finding.message
