"""A small course of its own, with the homework's rubric and small limits, graded by the command line."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.hostile.arena import ROOT, notebook

REPORT = "# Q1\na) 2 and 3\n\nb) the third option\n\nc) option 3\n"
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from grader.cli import main; sys.argv[0] = 'grade'; main()"


def build_course(folder: Path, **limits) -> Path:
    """Lay out a course whose notebooks may import nothing; return its folder, in which hand-ins may lie."""
    folder.mkdir()
    for name in ("templates", "reference"):
        (folder / name).symlink_to(ROOT / name)
    rubric = yaml.safe_load((ROOT / "rubrics/hw5.yaml").read_text())
    rubric["notebook"] |= {"packages": {}, "preload": [], "data": "data", "cell_timeout_seconds": 20.0, **limits}
    (folder / "rubrics").mkdir()
    (folder / "rubrics/hw5.yaml").write_text(yaml.safe_dump(rubric, sort_keys=False, allow_unicode=True))
    (folder / "data").mkdir(mode=0o755)
    (folder / "data/course.csv").write_text("id\n1\n")
    return folder


def hand_in(course: Path, name: str, *cells: str, report: str = REPORT) -> Path:
    folder = course / "hand-ins" / name
    folder.mkdir(parents=True)
    (folder / "report.md").write_text(report)
    (folder / "Q4.ipynb").write_bytes(notebook(*cells))
    return folder


def start(course: Path, *paths: Path, temporary: Path, **options) -> subprocess.Popen:
    """Start ``grade`` as a process of its own."""
    command = [sys.executable, "-c", START, str(ROOT), *map(str, paths), "--course", str(course)]
    command += ["--out", str(course / "graded"), "--device", "cpu"]
    environment = {**os.environ, "TMPDIR": str(temporary), "COLUMNS": "200"}
    return subprocess.Popen(
        command, cwd=course, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def grade(course: Path, *paths: Path, temporary: Path) -> tuple[int, str, str]:
    """Run ``grade`` to its end and return its exit code and what it printed."""
    with start(course, *paths, temporary=temporary) as grader:
        out, err = grader.communicate(timeout=60)
    return grader.returncode, out, err
