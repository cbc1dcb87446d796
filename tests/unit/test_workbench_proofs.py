"""``grade check``: every accepted reading against torch.autograd and central differences, and what is wrong is told."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from grader.cli.check import check
from grader.course import Course, load_course
from grader.errors import InfrastructureError
from grader.workbench.proofs import DIFFERENCES_RTOL, RTOL, Proof, prove_formulas
from tests.class_maker import change_rubric, copy_course
from tests.unit.formula_cases import QUESTIONS

ROOT = Path(__file__).resolve().parents[2]


def load(root: Path) -> Course:
    return load_course([], root=root, rubric=None, class_folder=None, again=True)


@pytest.fixture(scope="module")
def proofs() -> list[Proof]:
    return prove_formulas(load(ROOT))


def test_every_accepted_reading_is_what_its_oracle_gives(proofs: list[Proof]) -> None:
    assert {(proof.criterion, proof.reading) for proof in proofs} == {
        (criterion, name) for criterion, question in QUESTIONS.items() for name in question.readings
    }
    assert [proof for proof in proofs if proof.wrong or not proof.gap <= RTOL] == []
    assert RTOL < DIFFERENCES_RTOL < 1e-4


def test_a_reading_that_is_not_right_is_found(tmp_path: Path) -> None:
    course = copy_course(tmp_path / "course")

    def spoil(rubric: Any) -> None:
        question = next(item["question"] for item in rubric["criteria"] if item["id"] == "q2a")
        question["readings"]["full"]["formula"] = r"2 \hat{y}_t - y_t"

    change_rubric(course, spoil)
    result = CliRunner().invoke(check, ["--course", str(course)])
    assert result.exit_code == 2
    assert "q2a full: is not what automatic differentiation gives" in result.output


def test_a_rubric_that_was_in_order_is_looked_into_again(tmp_path: Path) -> None:
    course = copy_course(tmp_path / "course")
    load_course([], root=course, rubric=None, class_folder=None)
    change_rubric(course, lambda rubric: rubric.update(available=99))
    result = CliRunner().invoke(check, ["--course", str(course)])
    assert result.exit_code != 0 and "sum to 100" in str(result.exception)


def test_an_oracle_that_fails_is_our_trouble(tmp_path: Path) -> None:
    course = copy_course(tmp_path / "course")
    shutil.copy(ROOT / "reference/hw5/choices.py", course / "reference/hw5/oracles.py")
    with pytest.raises(InfrastructureError, match=r"reference\.hw5\.oracles"):
        prove_formulas(load(course))
