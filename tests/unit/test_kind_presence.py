"""Presence questions on the rows of tests/cases/presence.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from grader.kinds.base import Context
from grader.kinds.presence import KIND, PresenceQuestion
from grader.model import Answer, Evidence
from tests.timing import count_seconds

ROWS = yaml.safe_load((Path(__file__).resolve().parents[1] / "cases" / "presence.yaml").read_text(encoding="utf-8"))


def check(text: str, state: Any = "given", **more: Any) -> Evidence:
    answer = Answer(question="q1a", state=state, text=text, **more)
    return KIND.check("q1a", PresenceQuestion(kind="presence"), answer, Context(seed=b"case"))


@pytest.mark.parametrize("row", ROWS, ids=[repr(row["answer"])[:30] for row in ROWS])
def test_the_rows(row: dict[str, str]) -> None:
    evidence = check(row["answer"], row.get("state", "given"), reason="a scan")
    assert evidence.verdict == row["verdict"]
    assert (evidence.review is not None) == (evidence.verdict == "unreadable")


def test_a_pdfs_formulas_are_warned_of() -> None:
    assert check("y = x").findings == ()
    assert [item.code for item in check("y = x", extracted=True).findings] == ["presence.from_pdf"]


def test_long_answers_of_one_letter_take_no_time() -> None:
    started = count_seconds()
    for letter in "-a_ .\n":
        check(letter * 200_000)
    assert count_seconds() - started < 1
