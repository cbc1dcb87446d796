"""Classroom 50's autograder.py as its runner calls it: no arguments, in the checkout, with a whole environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from grader.delivery.ci.setup import write_setup
from grader.delivery.ci.targets import Names, build_classroom50
from tests.unit.ci_cases import load_homework, write_hand_in, write_notebook
from tests.unit.ci_runner import hear

TOP = {
    "schema", "classroom", "assignment", "assignment_type", "owner", "submission", "commit", "release", "review",
    "datetime", "score", "max-score", "tests",
}  # fmt: skip


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("c50")
    list(write_setup(folder, build_classroom50(load_homework(), Names(classroom="dl"))))
    assert json.loads((folder / "runtime.json").read_text())["python"] in ("3.11", "3.12", "3.13")
    return folder / "dl/autograders/hw5"


def call(bundle: Path, checkout: Path, place: Path, **more: str) -> tuple[int, str, dict[str, str]]:
    """Run autograder.py; return its exit code, its log and its outputs. The grader is installed already."""
    output = place / "output"
    output.parent.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(place), "CLASSROOM50_BUNDLE_DIR": str(bundle), "CLASSROOM": "dl",
        "ASSIGNMENT": "hw5", "ASSIGNMENT_TYPE": "individual", "USERNAME": "student-a", "OWNER": "dl-course",
        "SUBMISSION_TAG": "submit/2026-11-23T10-00-00Z-abc1234", "COMMIT_URL": "https://github.com/c",
        "RELEASE_URL": "https://github.com/r", "REVIEW_URL": "", "GITHUB_OUTPUT": str(output),
        "GH_TOKEN": "SECRET-TOKEN",
        "GITHUB_ENV": str(place / "env"), "SECRET": "SECRET-PATH", "GRADE_PYTHON": sys.executable, **more,
    }  # fmt: skip
    done = subprocess.run([sys.executable, bundle / "autograder.py"], cwd=checkout, env=environment,
                          capture_output=True, text=True, check=False, timeout=120)  # fmt: skip
    lines = output.read_text().splitlines() if output.exists() else []
    return done.returncode, done.stdout + done.stderr, dict(line.split("=", 1) for line in lines)


def read_result(checkout: Path) -> dict[str, Any]:
    """Return result.json after the rules by which Classroom 50 collects one."""
    path = checkout / "result.json"
    assert not path.is_symlink()
    result: dict[str, Any] = json.loads(path.read_text())
    assert set(result) == TOP
    assert result["schema"] == "classroom50/result/v1"
    assert result["submission"].startswith("submit/")
    assert result["assignment_type"] in ("individual", "group", "team")
    assert result["review"]
    assert result["tests"], "no tests reads as no autograder"
    for item in (result, *result["tests"]):
        for key in ("score", "max-score"):
            assert type(item[key]) is int
            assert item[key] >= 0
        assert item["score"] <= item["max-score"]
    for test in result["tests"]:
        assert isinstance(test["test-name"], str)
        assert isinstance(test["passed"], bool)
    assert sum(test["score"] for test in result["tests"]) == result["score"]
    assert sum(test["max-score"] for test in result["tests"]) == result["max-score"]
    return result


def test_a_report_becomes_a_result(bundle: Path, tmp_path: Path) -> None:
    checkout = write_hand_in(tmp_path / "checkout")
    code, log, outputs = call(bundle, checkout, tmp_path / "r")
    assert code == 0, log
    result = read_result(checkout)
    assert (result["owner"], result["classroom"], result["commit"]) == ("student-a", "dl", "https://github.com/c")
    assert 0 < result["score"] < result["max-score"]
    assert outputs == {"status": "failure", "summary": f"{result['score']}/{result['max-score']}"}
    assert "not your grade" in (checkout / "release-body.md").read_text()


def test_a_hostile_hand_in_commands_nothing(bundle: Path, tmp_path: Path) -> None:
    checkout = write_hand_in(tmp_path / "checkout", evil=True)
    forged = tmp_path / "elsewhere"
    forged.write_text("{}")
    (checkout / "result.json").symlink_to(forged)
    (checkout / "release-body.md").mkdir()
    code, log, outputs = call(bundle, checkout, tmp_path / "r")
    assert code == 0, log
    read_result(checkout)
    assert hear(log) == []
    assert set(outputs) == {"status", "summary"}
    assert forged.read_text() == "{}"
    assert not (tmp_path / "r/env").exists()
    assert "SECRET" not in log + (checkout / "result.json").read_text()


def test_nothing_handed_in_is_one_failed_row(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "checkout").mkdir()
    code, _, outputs = call(bundle, tmp_path / "checkout", tmp_path / "r")
    result = read_result(tmp_path / "checkout")
    assert (code, outputs["status"], len(result["tests"]), result["score"]) == (0, "failure", 1, 0)


def test_our_own_failure_is_no_zero(bundle: Path, tmp_path: Path) -> None:
    checkout = write_hand_in(tmp_path / "checkout")
    for python in ("/nowhere/python", "/bin/false"):
        code, log, outputs = call(bundle, checkout, tmp_path / f"r{len(python)}", GRADE_PYTHON=python)
        assert code == 1, log
        assert outputs["status"] == "error"
        assert not (checkout / "result.json").exists()


# In place of the grader: what student's code that got out of hand could do on the same machine.
_ROGUE = """#!{python}
import os, pathlib, subprocess, sys, time
pathlib.Path({seen!r}).write_text(repr(sorted(os.environ)))
late = "import time, pathlib\\nwhile True:\\n pathlib.Path({result!r}).write_text('FORGED'); time.sleep(0.01)"
subprocess.Popen([sys.executable, "-c", late], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        exec(late)
    os._exit(0)
{end}
"""


def test_what_a_run_leaves_behind_is_ended_before_the_result_is_written(bundle: Path, tmp_path: Path) -> None:
    checkout = write_hand_in(tmp_path / "checkout")
    rogue, seen = tmp_path / "rogue", tmp_path / "seen"
    result = checkout / "result.json"
    rogue.write_text(_ROGUE.format(python=sys.executable, seen=str(seen), result=str(result), end="time.sleep(60)"))
    rogue.chmod(0o755)
    code, log, _ = call(bundle, checkout, tmp_path / "r", GRADE_PYTHON=str(rogue), GRADE_TOTAL_SECONDS="1")
    assert code == 0, log
    assert "was stopped" in read_result(checkout)["tests"][0]["output"]
    time.sleep(0.3)
    read_result(checkout)
    names = seen.read_text()
    assert "TOKEN" not in names
    assert "GITHUB" not in names
    assert "SECRET" not in names
    assert "HOME" in names


@pytest.mark.thorough
@pytest.mark.notebook
def test_a_notebook_finds_no_token_and_no_result_to_write(bundle: Path, tmp_path: Path) -> None:
    checkout = write_hand_in(tmp_path / "checkout")
    target = checkout / "result.json"
    write_notebook(checkout, "import os; assert not [n for n in os.environ if 'GITHUB' in n or 'TOKEN' in n]",
                   f"open({str(target)!r}, 'w').write('FORGED')")  # fmt: skip
    code, log, _ = call(bundle, checkout, tmp_path / "r")
    assert code == 0, log
    result = read_result(checkout)
    notebook = next(test for test in result["tests"] if "notebook" in test["test-name"].lower())
    assert notebook["score"] < notebook["max-score"]
