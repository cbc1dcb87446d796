"""notebook: the case table, run in this process."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.notebook_cases import CANARIES, PROBES, differences, judge, load_cases, open_workshop

CASES = [
    pytest.param(case, id=case["case"], marks=[pytest.mark.slow] if case.get("slow") else []) for case in load_cases()
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    state = case.get("state", "given")
    probes = [probe for criterion in case["expect"] for probe in PROBES[criterion]]
    execution = open_workshop().run(case["change"], [*probes, *CANARIES]) if state == "given" else None
    evidence = {criterion: judge(criterion, execution, state) for criterion in case["expect"]}
    assert differences(case, evidence) == []


def test_every_loss_is_explained_and_every_gain_is_shown() -> None:
    execution = open_workshop().run(
        [{"cell": "def train_network", "old": "optimizer.step()", "new": "pass"}], ["train"]
    )
    evidence = judge("q4_train", execution)
    rows = evidence.observed["table"]["rows"]
    assert [row[1] for row in rows] == ["no", "no", "no", "yes", "yes", "yes", "yes"]
    assert all(row[2] for row in rows)
    assert len([finding for finding in evidence.findings if finding.audience == "student"]) >= 3
    assert evidence.observed["next"]
