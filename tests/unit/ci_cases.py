"""Hand-ins for the tests of CI, plain and hostile, and the homework's course."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from grader.course import Course, load_course

ROOT = Path(__file__).resolve().parents[2]
REPORT = "# Q1\na) 2 and 3\n\nb) the third option\n\nc) option 3\n\n# Q2\na) $\\hat y_t - y_t$\n\nb) TODO\n"
# Whatever a runner, a terminal, a page or an XML reader could take for more than words.
EVIL = (
    "::error title=FORGED::FORGED\n  ::set-output name=points::FORGED\n##[error]FORGED ##[set-env name=X]FORGED\n"
    "::add-mask::5\n::stop-commands::FORGED\n\x1b[31mred\x1b]0;title\x07\r::warning::FORGED\u2028::notice::FORGED\n"
    "points=FORGED\nEOF\nresult=FORGED\n<script>FORGED()</script><img src=x onerror=FORGED()> ]]> & </testcase>\n"
    "![x](https://evil.example/FORGED.png) [FORGED](javascript:FORGED()) @everyone `` ``` ~~~ | a | b |\n\u202eright\n"
)


@functools.cache
def load_homework() -> Course:
    """Return homework 5, as a teacher has it."""
    return load_course([], root=ROOT, rubric=None, class_folder=None)


def write_hand_in(folder: Path, *, evil: bool = False, size: int = 0) -> Path:
    """Write a report without a notebook."""
    folder.mkdir(parents=True)
    text = REPORT
    if evil:
        text = f"# Q1\na) 2 and 3 {EVIL}\n\nb) third {EVIL}\n\nc) {EVIL}\n\n# Q2\na) {EVIL}\n"
        (folder / "##[error]FORGED ::error::FORGED.txt").write_text(EVIL)
        (folder / "a,line=1,title=FORGED::FORGED.md").write_text("# Q3\na) here\n" + EVIL)
    (folder / "report.md").write_text(text + "x " * (size // 2))
    return folder


def write_notebook(folder: Path, *sources: str) -> Path:
    """Add a notebook of these code cells."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = [{"cell_type": "code", "metadata": {}, "source": source, "outputs": []} for source in sources]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "Q4.ipynb").write_text(json.dumps(book))
    return folder
