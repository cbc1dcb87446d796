"""The wheel grades outside the clone, with its own templates and its own kernel files."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.unit.room_cases import IMPORTS, ISOLATION, listing_cell, notebook

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = {
    "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": "import torch, pandas", "outputs": []}],
    "metadata": {"kernelspec": {"name": "no-such-kernel", "display_name": "x"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


FROM_WHEEL = [
    pytest.mark.slow,
    pytest.mark.skipif("GRADER_TEST_EVERYTHING" not in os.environ, reason="building a wheel fetches setuptools"),
]
# Runs the notebook on standard input in a room of the grader that is on the path.
IN_A_ROOM = """
import json, sys
from pathlib import Path
import grader
from grader.sandbox import NotebookSettings, open_lodging, run_notebook
with open_lodging(NotebookSettings(), Path(), seed=1, warm=sys.argv[1] == "warm") as rooms:
    execution = run_notebook(sys.stdin.buffer.read(), rooms)
texts = [cell.text for cell in execution.cells]
print(json.dumps([grader.__file__, execution.isolation, execution.fault, texts]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a plain folder that holds what the wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT], check=True)
    (built,) = folder.glob("*.whl")
    zipfile.ZipFile(built).extractall(folder / "site")
    return folder / "site"


@pytest.fixture(params=["copied", pytest.param("wheel", marks=FROM_WHEEL)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder with the grader in it: the clone's package, copied, or what the wheel holds."""
    if request.param == "wheel":
        return request.getfixturevalue("wheel")
    shutil.copytree(ROOT / "grader", tmp_path / "site" / "grader", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "site"


@pytest.mark.notebook
@pytest.mark.parametrize("kind", ["warm", "cold"])
def test_the_grader_of_a_plain_folder_is_not_in_its_rooms(site: Path, kind: str, tmp_path: Path) -> None:
    """As for the editable install (see test_sandbox_rooms.py): nothing to import, no file to list."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_ROOM, kind], input=notebook(IMPORTS, listing_cell()),
        cwd=tmp_path, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    place, isolation, fault, texts = json.loads(done.stdout)
    assert Path(place).is_relative_to(site)
    assert (isolation, fault, texts) == (ISOLATION[kind], "", ["[]\n", "True []\n"])


@pytest.mark.slow
@pytest.mark.notebook
@pytest.mark.skipif("GRADER_TEST_EVERYTHING" not in os.environ, reason="building a wheel fetches setuptools")
def test_a_wheel_grades_outside_the_clone(wheel: Path, tmp_path: Path) -> None:
    assert not (wheel / "reference").exists()
    hand_in = tmp_path / "student-a"
    hand_in.mkdir()
    (hand_in / "report.md").write_text("# Q1\na) 2 and 3\n")
    (hand_in / "Q4.ipynb").write_text(json.dumps(NOTEBOOK))
    run = subprocess.run(
        [sys.executable, "-m", "grader", hand_in, "--course", ROOT],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(wheel)},
    )  # fmt: skip
    assert run.returncode in (0, 3), run.stdout + run.stderr
    data = json.loads((tmp_path / "graded" / "student-a" / "marksheet.json").read_text())
    assert data["environment"]["isolation"] == "bubblewrap room, warm kernel"
    criteria = {item["id"]: item for item in data["criteria"]}
    assert criteria["q1a"]["awarded"] == 5
    assert "grader.fault" not in {f["code"] for item in data["criteria"] for f in item["findings"]}
    assert criteria["q4_train"]["verdict"] != "ungraded", criteria["q4_train"]
    assert (tmp_path / "graded" / "student-a" / "feedback.html").stat().st_size > 10_000
