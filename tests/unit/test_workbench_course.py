"""A second assignment, and a new course: nothing under grader/ knows which homework it marks."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest
import yaml

from grader.course import load_course
from grader.pipeline import open_lodgings
from grader.workbench.mutants import load_mutants
from grader.workbench.notebooks import attack_notebooks, find_reference_problems, run_reference
from tests.class_maker import copy_course
from tests.unit.batch_cases import read_sheets, run_grade

SAMPLE = {"evaluation mode missing", "duplicates kept", "gru for every type", "no zero_grad"}
HW6 = Path(__file__).resolve().parents[1] / "hw6"


@pytest.fixture
def hw6(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HW6, tmp_path / "hw6", ignore=shutil.ignore_patterns("__pycache__")))


def test_homework_6_is_marked(hw6: Path, tmp_path: Path) -> None:
    run = run_grade(hw6 / "submissions", "--course", hw6, "--out", tmp_path / "out")
    assert run.returncode == 0, run.stdout + run.stderr
    sheets = read_sheets(tmp_path / "out")
    assert {name: sheet["awarded"] for name, sheet in sheets.items()} == {"right": 20, "half": 4.9, "empty": 0}
    half = {item["id"]: item["verdict"] for item in sheets["half"]["criteria"]}
    assert half == {"q1": "correct", "q2": "wrong", "q3": "wrong", "q4": "wrong", "q5": "partial"}
    assert "Homework 6: least squares" in (tmp_path / "out/right/feedback.html").read_text()


def test_homework_6_is_in_order(hw6: Path, tmp_path: Path) -> None:
    run = run_grade("check", "--course", hw6, "--notebooks", "--json", tmp_path / "check.json")
    assert run.returncode == 0 and "in order" in run.stdout, run.stdout + run.stderr
    found = json.loads((tmp_path / "check.json").read_text())
    listed = [item for item in found["mutants"] if item["listed"]]
    assert {(item["criterion"], item["outcome"]) for item in listed} == {
        ("q1", "killed"), ("q3", "killed"), ("q4", "killed"), ("q5", "killed"),
    }  # fmt: skip
    assert [item["wrong"] for item in found["formulas"]] == [""]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("key: [2]", "key: [1]", "q1"),  # the right answer no longer earns everything
        ("formula: 'X^T (X w - y)'", "formula: 'X^T (X w + y)'", "is not what automatic differentiation gives"),
        ("formulas: ['X w - y']", "formulas: ['X (X w - y)']", "does not get its own hint"),
        ("credit: 0.7}", "credit: 0.2}\n        - {id: more, title: more, credit: 0.5}", "the reference"),
    ],
)
def test_a_mistake_in_the_rubric_is_found(hw6: Path, old: str, new: str, said: str) -> None:
    rubric = hw6 / "rubrics/hw6.yaml"
    text = rubric.read_text()
    assert old in text
    rubric.write_text(text.replace(old, new))
    run = run_grade("check", "--course", hw6, *(["--notebooks"] if "reference" in said else []))
    told = " ".join((run.stdout + run.stderr).split())
    assert run.returncode == 2 and said in told, told


def test_a_listed_mutant_that_survives_is_told(hw6: Path) -> None:
    table = hw6 / "rubrics/mutants/hw6.yaml"
    listed = '{mutant: transpose dropped, criterion: q3, answer: "$X (X w - y)$", keeps: 0.5}'
    assert listed in table.read_text()
    table.write_text(table.read_text().replace(listed, listed.replace("X (X w - y)", "X w - y").replace("0.5", "0")))
    run = run_grade("check", "--course", hw6)
    assert run.returncode == 2 and "transpose" in run.stdout and "to be mended" in run.stdout, run.stdout


def test_a_new_course_works_as_it_is_written(tmp_path: Path) -> None:
    course = tmp_path / "course"
    run = run_grade("init", course, "--assignment", "hw7", "--title", 'Homework "7"')
    assert run.returncode == 0 and "wrote" in run.stdout, run.stderr
    assert run_grade("check", "--course", course, "--notebooks").returncode == 0
    run = run_grade(course / "submissions", "--course", course, "--out", tmp_path / "out")
    assert run.returncode == 0, run.stdout + run.stderr
    assert read_sheets(tmp_path / "out")["example"]["awarded"] == 10


def test_nothing_is_written_over(tmp_path: Path) -> None:
    run_grade("init", tmp_path / "course")
    probes = tmp_path / "course/reference/hw1/probes.py"
    probes.write_text("# ours\n")
    run = run_grade("init", tmp_path / "course")
    assert run.returncode == 2 and "is there already" in run.stderr and probes.read_text() == "# ours\n"
    report = tmp_path / "course/submissions/example/report.md"
    report.write_text("ours")
    assert run_grade("init", tmp_path / "course", "--assignment", "hw2").returncode == 0
    assert report.read_text() == "ours" and (tmp_path / "course/rubrics/hw2.yaml").exists()
    for bad in ("../x", "Hw 1", "", "a" * 40):
        assert run_grade("init", tmp_path / "other", "--assignment", bad).returncode == 2
    assert not (tmp_path / "other").exists()


@pytest.mark.thorough
def test_homework_5_survives_its_wrong_answers(tmp_path: Path) -> None:
    run = run_grade("check", "--json", tmp_path / "check.json")
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads((tmp_path / "check.json").read_text())
    listed = [item for item in found["mutants"] if item["listed"]]
    assert len(listed) >= 25 and {item["outcome"] for item in listed} <= {"killed", "person"}
    assert len(found["mutants"]) > 300 and len(found["formulas"]) >= 14


@pytest.mark.thorough
def test_wrong_notebooks_of_homework_5_are_seen_through(tmp_path: Path) -> None:
    """Run a sample of the table; all of it is run by ``grade check --notebooks``."""
    course = copy_course(tmp_path / "course")
    path = course / "rubrics/mutants/hw5.yaml"
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    table["notebook"] = [item for item in table["notebook"] if item["mutant"] in SAMPLE]
    assert len(table["notebook"]) == len(SAMPLE)
    path.write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
    loaded = load_course([], root=course, rubric=None, class_folder=None)
    mutants = load_mutants(loaded)
    lodgings = open_lodgings(loaded)
    assert lodgings is not None
    with contextlib.closing(lodgings):
        reference = run_reference(loaded, mutants, lodgings)
        assert find_reference_problems(loaded, mutants, reference) == []
        attacks = attack_notebooks(loaded, mutants, lodgings, reference=reference, tell=lambda _: None)
    assert {(item.mutant, item.outcome) for item in attacks} == {(name, "killed") for name in SAMPLE}
