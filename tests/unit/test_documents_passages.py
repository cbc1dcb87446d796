"""Reports in any habit: tests/cases/documents.yaml, the example, the golden reports, several files at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from grader.documents import Document, Passage, Place, find_passages, read_document
from grader.model import Location

ROOT = Path(__file__).parents[2]
RUBRIC = yaml.safe_load((ROOT / "rubrics/hw5.yaml").read_text(encoding="utf-8"))
WANTED = [
    Place(question=place["question"], part=place["part"], clues=tuple(place["clues"]))
    for place in (criterion.get("place") for criterion in RUBRIC["criteria"])
    if place
]
CASES = yaml.safe_load((ROOT / "tests/cases/documents.yaml").read_text(encoding="utf-8"))


def _read(report: str | bytes, name: str = "report.md") -> Document:
    data = report.encode() if isinstance(report, str) else report
    return read_document(name, "markdown", data)


def _find(*documents: Document) -> dict[str, Passage]:
    passages = find_passages(documents, WANTED)
    return {f"{place.question}{place.part}": passage for place, passage in passages.items()}


def _find_golden(name: str) -> dict[str, Passage]:
    return _find(_read((ROOT / "tests/golden" / name / "report.md").read_bytes()))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict) -> None:
    found = {}
    for name, passage in _find(_read(case["report"])).items():
        assert (passage.state == "unreadable") == bool(passage.reason)
        if passage.state != "missing":
            found[name] = " ".join(passage.text.split()) if passage.state == "given" else passage.state
    assert found == case["expect"]


def test_case_names_are_unique() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 50


HABITS = ["reference", "persian", "terse", "out-of-order", "question-repeated", "notebook-export", "utf-16"]


@pytest.mark.parametrize("habit", HABITS)
def test_golden_reports_are_found_whole(habit: str) -> None:
    found = _find_golden(habit)
    assert {passage.state for passage in found.values()} == {"given"}
    assert "3" in found["1b"].text or "۳" in found["1b"].text or "third" in found["1b"].text
    assert "h_{i-1}" in found["2c"].text.replace("−", "-")
    assert not found["1a"].machine_read
    for name, passage in found.items():  # no answer holds another one's label or the next question's heading
        assert "Question" not in passage.text and "سوال" not in passage.text, name


def test_the_example_is_read_as_a_person_reads_it() -> None:
    found = _find(_read((ROOT / "submissions/99521082/report.md").read_bytes()))
    assert {passage.state for passage in found.values()} == {"given"}
    assert all(passage.machine_read for passage in found.values())
    assert found["1a"].text.startswith("The second and the third one.")
    assert found["2a"].text.count("~~") == 2 and "y_{t, 2}" in found["2a"].text.split("~~")[2]
    assert found["2b"].text.startswith("$$ J_{h t}=") and found["2b"].text.endswith("$$")
    assert found["2c"].text.startswith("$$ \\frac") and "h_{t-1}" in found["2c"].text
    assert found["2d"].text.startswith("$$") and "h_{i-2}" in found["2d"].text
    assert found["3a"].text.startswith("$q=[3,-1]$") and "[6,1,2]" in found["3a"].text
    assert found["3b"].text.startswith("Advantages")
    for passage in found.values():
        assert "Date" not in passage.text and "Subject" not in passage.text


def test_places_in_the_file_are_told() -> None:
    found = _find(_read("Name:\n\nQ1\n\na) one\ntwo\n\nb) three\n"))
    assert found["1a"].location == Location(file="report.md", line=5, end_line=6)
    assert found["1b"].location == Location(file="report.md", line=8, end_line=8)


def test_two_reports_that_agree_or_complete_one_another_are_one() -> None:
    found = _find(_read("Q1\na) 2 and 3\nb) 3", "answers.md"), _read("Q1\na) 2  and 3\nc) 3", "report.md"))
    assert [found[name].text for name in ("1a", "1b", "1c")] == ["2 and 3", "3", "3"]


def test_two_reports_that_contradict_one_another_are_for_a_person() -> None:
    found = _find(_read("Q1 a) 2 and 3", "answers.md"), _read("Q1 a) 1", "report.md"))
    assert found["1a"].state == "unreadable"
    assert found["1a"].reason == "answers.md and report.md answer this differently"
    assert "2 and 3" in found["1a"].text and "1" in found["1a"].text
    assert found["1b"].state == "missing"


@pytest.mark.parametrize("media", ["pdf", "docx", "html", "image"])
def test_a_file_that_nobody_read_keeps_answers_from_being_missing(media: str) -> None:
    found = _find(_read("Q1 a) 2"), read_document("scan", media, b"\x00\x01"))
    assert found["1a"].state == "given"
    assert found["1b"].state == "unreadable" and "scan" in found["1b"].reason


def test_no_document_is_everything_missing() -> None:
    assert {passage.state for passage in _find().values()} == {"missing"}


def test_the_word_question_is_not_needed_once_but_numbers_then_stay_numbers() -> None:
    found = _find(_read("Q1\na) I take\n2.\nb) 3\n"))
    assert found["1a"].text == "I take\n2."
    assert found["2b"].state == "missing"


def test_a_question_without_parts_takes_all_of_its_text() -> None:
    wanted = [Place(question=1), Place(question=2)]
    found = find_passages([_read("Q1) all\na) of\nb) it\nQ2: more")], wanted)
    assert [passage.text for passage in found.values()] == ["all\na) of\nb) it", "more"]


def test_everything_struck_out_by_a_machine_is_for_a_person() -> None:
    found = _find(_read("Q1\nDate.\nSubject.\na) ~~2 and 3~~\nb) 3"))
    assert found["1a"].state == "unreadable" and "struck" in found["1a"].reason
    assert _find(_read("Q1\na) ~~2 and 3~~\nb) 3"))["1a"].state == "missing"


@pytest.mark.parametrize("path", ["reference/hw5/template.ipynb", "submissions/99521082/Q4.ipynb"])
def test_the_homeworks_own_notebook_holds_no_answer_to_the_report(path: str) -> None:
    notebook = read_document("Q4.ipynb", "notebook", (ROOT / path).read_bytes())
    report = _read((ROOT / "submissions/99521082/report.md").read_bytes())
    assert notebook.blocks and not notebook.unreadable
    assert {passage.state for passage in _find(notebook).values()} == {"missing"}
    assert _find(notebook, report) == _find(report)
