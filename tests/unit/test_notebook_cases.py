"""notebook: the case table, run in this process."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.notebook_cases import PROBES, Workshop, differences, judge, load_cases

CASES = load_cases()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_case(case: dict[str, Any], workshop: Workshop) -> None:
    state = case.get("state", "given")
    probes = [probe for criterion in case["expect"] for probe in PROBES[criterion]]
    execution = workshop.run(case["change"], probes) if state == "given" else None
    evidence = {criterion: judge(criterion, execution, state) for criterion in case["expect"]}
    assert differences(case, evidence) == []


def test_every_loss_is_explained_and_every_gain_is_shown(workshop: Workshop) -> None:
    execution = workshop.run([{"cell": "def train_network", "old": "optimizer.step()", "new": "pass"}], ["train"])
    evidence = judge("q4_train", execution)
    rows = evidence.observed["table"]["rows"]
    assert [row[1] for row in rows] == ["no", "no", "no", "yes", "yes", "yes", "yes"]
    assert all(row[2] for row in rows)
    assert len([finding for finding in evidence.findings if finding.audience == "student"]) >= 3
    assert evidence.observed["next"]
