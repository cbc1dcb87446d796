"""What learning writes: the course's files as they were but for the addition, and nothing that is nobody's business."""

from __future__ import annotations

import stat
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from grader.course import load_course
from grader.workbench.learning.decided import DecidedGroup, choose_comment
from grader.workbench.learning.draft import Draft
from grader.workbench.trial import Case, check_text
from tests.class_maker import make_quick_course

TOKEN = "What the forebears allow the newcomer in that row of words to be"


def make_group(
    answer: str = TOKEN, criterion: str = "q1c", *, machine_read: bool = False, **fields: Any
) -> DecidedGroup:
    case = Case(criterion=criterion, answer=answer, machine_read=machine_read)
    given = {"verdict": "correct", "credit": Decimal(1), "comment": "", "students": 2, "names": frozenset()}
    return DecidedGroup(id="abc", criterion=criterion, answers=(case,), **{**given, **fields})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_quick_course(tmp_path / "course", preload=[])


def open_draft(root: Path) -> Draft:
    return Draft(load_course([], root=root, rubric=None, class_folder=None))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order mark"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_every_other_byte_stays(root: Path, ends: bytes, mark: bytes) -> None:
    rubric = root / "rubrics/hw5.yaml"
    before = mark + rubric.read_bytes().replace(b"\n", ends)
    rubric.write_bytes(before)
    rubric.chmod(0o640)
    draft = open_draft(root)
    assert draft.learn(make_group()).learned
    assert sum(line[:1] in "+-" and line[:3] not in ("+++", "---") for line in draft.edits[-1].diff.splitlines()) in (
        1,
        2,
    )
    draft.apply()
    after = rubric.read_bytes()
    start = next(place for place in range(len(before)) if before[place] != after[place])
    put_in = after[start : len(after) - len(before) + start]
    assert after.endswith(before[start:]) and TOKEN.lower().encode() in put_in
    assert stat.S_IMODE(rubric.stat().st_mode) == 0o640
    assert stat.S_IMODE((root / "cases/choice.yaml").stat().st_mode) == 0o640


def test_a_link_stays_a_link(root: Path, tmp_path: Path) -> None:
    rubric, kept = root / "rubrics/hw5.yaml", tmp_path / "kept.yaml"
    rubric.rename(kept)
    rubric.symlink_to(kept)
    draft = open_draft(root)
    assert draft.learn(make_group()).learned
    draft.apply()
    assert rubric.is_symlink() and TOKEN.lower() in kept.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("group", "why"),
    [
        (make_group(machine_read=True), "a machine read"),
        (make_group(f"{TOKEN}. " * 9), "more than 500 characters"),
        (make_group(criterion="q9z"), "no criterion q9z"),
    ],
    ids=["machine-read", "long", "gone"],
)
def test_what_no_other_student_writes_becomes_no_row_either(root: Path, group: DecidedGroup, why: str) -> None:
    draft = open_draft(root)
    lesson = draft.learn(group)
    assert why in lesson.why and not lesson.learned and not lesson.rows and not draft.edits


@pytest.mark.parametrize("text", ["# nothing yet\n", "{a: 1}\n", "- {answer: x, verdict: nice}\n", "- [\n"])
def test_a_table_that_is_in_no_order_is_told_and_left(root: Path, text: str) -> None:
    table = root / "cases/choice.yaml"
    table.parent.mkdir()
    table.write_text(text, encoding="utf-8")
    draft = open_draft(root)
    lesson = draft.learn(make_group())
    assert "table of cases is in no order" in lesson.why and not draft.edits


def test_a_comment_that_names_somebody_is_told_to_nobody_else() -> None:
    names = frozenset({"s0001", "sara"})
    for comment, kept in {
        "The transpose is missing.": True,
        "Sara, the transpose is missing.": False,
        "As in s0001's": False,
        "Ask me. Ada": False,
        "Come to A. Lovelace's office": False,
    }.items():
        items = [SimpleNamespace(comment=comment, who="Ada Lovelace")] * 2
        assert choose_comment(items, names) == (comment if kept else ""), comment


def test_a_misconception_keeps_the_persons_words(root: Path) -> None:
    answer = r"$\sum_{i=2}^t (g_{h_i} \odot \psi'(z_i)) h_{i-1}^T$"
    draft = open_draft(root)
    lesson = draft.learn(
        make_group(
            answer, "q2c", verdict="partial", credit=Decimal("0.5"), comment="The first step is 'not' there: why?"
        )
    )
    assert lesson.learned and lesson.rows == 1, lesson
    draft.apply()
    rubric = yaml.safe_load((root / "rubrics/hw5.yaml").read_text(encoding="utf-8"))
    known = next(item for item in rubric["criteria"] if item["id"] == "q2c")["question"]["misconceptions"]
    assert [item["hint"] for name, item in known.items() if name.startswith("decided_")] == [
        "The first step is 'not' there: why?"
    ]


def test_what_is_learned_second_does_not_undo_what_was_learned_first(root: Path) -> None:
    draft = open_draft(root)
    answer = "The wandering picker dozes upon its bench and our knobs remember their cradle."
    first = make_group(answer, "q3b", verdict="partial", credit=Decimal("0.5"))
    second = make_group("our knobs remember their cradle.", "q3b", verdict="wrong", credit=Decimal(0))
    assert draft.learn(first).learned
    assert "would undo what is learned" in draft.learn(second).why
    assert [row["verdict"] for row in yaml.safe_load(draft.edits[0].after)] == ["partial", "wrong|unreadable"]
    evidence = check_text(draft.course, first.answers[0])
    assert evidence.decided and evidence.credit == Decimal("0.5")
