"""The Gradescope zip, unpacked as the platform lays it out, and run by root as it is there."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from grader.delivery.ci.targets import Names, build_gradescope
from grader.errors import ConfigError
from grader.sandbox.unsafe import find_user_processes
from tests.unit.ci_cases import ROOT, load_homework, write_hand_in, write_notebook

# As on the platform these run as root; an ordinary user who may becomes it.
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n", "--preserve-env=PATH,GRADE,NOTEBOOK_USER"]
ROOT_ONLY = pytest.mark.skipif(
    bool(AS_ROOT)
    and (shutil.which("sudo") is None or subprocess.run(["sudo", "-n", "true"], check=False).returncode != 0),
    reason="only root can become another user",
)
USER = "61357"  # nobody's number


@pytest.fixture
def autograder(tmp_path: Path) -> Path:
    """Return the folder that stands for /autograder."""
    setup = build_gradescope(load_homework(), Names())
    root = tmp_path / "autograder"
    (root / "source").mkdir(parents=True)
    (tmp_path / "a.zip").write_bytes(setup.files["autograder-hw5.zip"])
    archive = zipfile.ZipFile(tmp_path / "a.zip")
    archive.extractall(root / "source")
    for entry in archive.infolist():
        (root / "source" / entry.filename).chmod(entry.external_attr >> 16)
    (tmp_path / "grade").write_text(f'#!/bin/bash\nexec {sys.executable} -m grader "$@"\n')
    (tmp_path / "grade").chmod(0o755)
    return root


def run(root: Path) -> tuple[int, str]:
    """Run ``run_autograder`` where the platform has it: in a container of our own, whose /autograder the folder is.

    Python and the clone may lie in a home that only root can enter; in the container everybody can.
    """
    needed = {os.path.realpath(path) for path in (sys.base_prefix, sys.prefix, ROOT)}
    homes = sorted({path for path in needed if path.startswith("/root/")})
    argv = [*AS_ROOT, "bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc", "--cap-add", "ALL"]
    argv += ["--perms", "0755", "--tmpfs", "/root"] if homes else []
    for path in homes:
        for parent in reversed(Path(path).relative_to("/root").parents):
            argv += ["--perms", "0755", "--dir", str(Path("/root") / parent)]
        argv += ["--bind", path, path]
    argv += ["--bind", str(root), "/autograder", "--chdir", "/autograder", "--", "/autograder/source/run_autograder"]
    environment = {"PATH": os.environ["PATH"], "GRADE": str(root.parent / "grade"), "NOTEBOOK_USER": USER}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=300)
    if AS_ROOT:
        subprocess.run([*AS_ROOT, "chown", "-R", str(os.getuid()), root], check=True)
    return done.returncode, done.stdout + done.stderr


def read_results(root: Path) -> dict[str, Any]:
    """Return results.json after the rules of the platform's documentation."""
    found: dict[str, Any] = json.loads((root / "results/results.json").read_text())
    formats = {"text", "html", "simple_format", "md", "ansi"}
    assert set(found) <= {"score", "execution_time", "output", "output_format", "test_output_format",
                          "test_name_format", "visibility", "stdout_visibility", "tests", "extra_data"}  # fmt: skip
    assert found.get("stdout_visibility", "hidden") == "hidden"
    for test in found["tests"]:
        assert 0 <= test["score"] <= test["max_score"]
        assert test.get("status", "passed") in ("passed", "failed")
        assert test.get("visibility", "visible") != "hidden", "a hidden test hides the student's total"
        assert test.get("output_format", "text") in formats
    return found


def test_the_zip_is_what_the_platform_takes() -> None:
    setup = build_gradescope(load_homework(), Names())
    (data,) = setup.files.values()
    archive = zipfile.ZipFile(io.BytesIO(data))
    for name in ("setup.sh", "run_autograder"):
        text = archive.read(name)
        assert text.startswith(b"#!/usr/bin/env bash\n")
        assert b"\r" not in text
        assert stat.S_IXUSR & (archive.getinfo(name).external_attr >> 16)
        assert subprocess.run(["bash", "-n", "-c", text.decode()], check=False).returncode == 0


@ROOT_ONLY
def test_a_report_is_graded_and_both_folders_are_closed(autograder: Path) -> None:
    write_hand_in(autograder / "submission")
    code, log = run(autograder)
    assert code == 0, log
    found = read_results(autograder)
    assert len(found["tests"]) == 10
    assert found["score"] > 0
    for name in ("source", "results"):
        assert stat.S_IMODE((autograder / name).stat().st_mode) == 0o700
    assert [path.name for path in (autograder / "results").iterdir()] == ["results.json"]


@ROOT_ONLY
def test_nothing_handed_in_is_told(autograder: Path) -> None:
    (autograder / "submission").mkdir()
    code, log = run(autograder)
    assert code == 0, log
    assert "Nothing was handed in" in read_results(autograder)["output"]


@ROOT_ONLY
@pytest.mark.thorough
@pytest.mark.notebook
def test_a_notebook_is_another_user_who_can_read_neither_source_nor_results(autograder: Path) -> None:
    """Without namespaces, as in a container: a run that must do without a room."""
    grade = autograder.parent / "grade"
    grade.write_text(grade.read_text().replace('"$@"', '"$@" --no-room'))
    hand_in = write_hand_in(autograder / "submission")
    write_notebook(
        hand_in,
        f"import os\nassert os.getuid() == {USER} and os.geteuid() == {USER} and os.getgroups() == []",
        "for name in ('source', 'results'):\n    try:\n        os.listdir('/autograder/' + name)\n"
        "    except PermissionError:\n        continue\n    raise RuntimeError('open')",
        "import pandas; assert len(pandas.read_csv('data.csv')) > 100",
        "try:\n    os.setuid(0)\nexcept PermissionError:\n    pass\nelse:\n    raise RuntimeError('root')",
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], "
        "start_new_session=True, env={}); None",
        "# train_network",
    )
    code, log = run(autograder)
    assert code == 0, log
    found = read_results(autograder)
    notebook = next(test for test in found["tests"] if "notebook" in test["name"].lower())
    assert notebook["score"] >= 3, (notebook, log)  # all ran, nothing left blank; names are not there
    assert find_user_processes(int(USER)) == []


def test_a_user_must_be_there_and_not_be_root() -> None:
    from grader.delivery.ci.run import find_user

    for user in ("no-such-user-here", "0", "root"):
        with pytest.raises(ConfigError, match="--notebook-user"):
            find_user(user)
