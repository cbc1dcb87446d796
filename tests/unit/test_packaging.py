"""The wheel grades outside the clone, with its own templates and its own kernel files."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = {
    "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": "import torch, pandas", "outputs": []}],
    "metadata": {"kernelspec": {"name": "no-such-kernel", "display_name": "x"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.mark.slow
@pytest.mark.notebook
@pytest.mark.skipif("GRADER_TEST_EVERYTHING" not in os.environ, reason="building a wheel fetches setuptools")
def test_a_wheel_grades_outside_the_clone(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path / "wheel", ROOT], check=True
    )
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    assert not (tmp_path / "site" / "reference").exists()
    hand_in = tmp_path / "student-a"
    hand_in.mkdir()
    (hand_in / "report.md").write_text("# Q1\na) 2 and 3\n")
    (hand_in / "Q4.ipynb").write_text(json.dumps(NOTEBOOK))
    run = subprocess.run(
        [sys.executable, "-m", "grader", hand_in, "--course", ROOT],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    assert run.returncode in (0, 3), run.stdout + run.stderr
    data = json.loads((tmp_path / "graded" / "student-a" / "marksheet.json").read_text())
    criteria = {item["id"]: item for item in data["criteria"]}
    assert criteria["q1a"]["awarded"] == 5
    assert "grader.fault" not in {f["code"] for item in data["criteria"] for f in item["findings"]}
    assert criteria["q4_train"]["verdict"] != "ungraded", criteria["q4_train"]
    assert (tmp_path / "graded" / "student-a" / "feedback.html").stat().st_size > 10_000
