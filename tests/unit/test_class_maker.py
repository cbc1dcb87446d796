"""Generated classes are what they say: equal each time, distinct within, and open to the grader."""

import ast
import json
import os
from pathlib import Path

import pytest

from grader.course import load_course
from grader.pipeline import grade_submission, open_hand_in
from tests.class_maker import (
    HARD,
    change_rubric,
    make_class,
    make_endless,
    make_quick_course,
    make_reports,
    make_small_class,
    move_marks,
)


def read_class(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_equal_seeds_write_equal_classes(tmp_path):
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        make_class(tmp_path / name, 12, seed=seed)
    assert read_class(tmp_path / "one") == read_class(tmp_path / "two") != read_class(tmp_path / "three")


def test_one_in_ten_is_broken_and_the_kinds_take_turns(tmp_path):
    paths = make_class(tmp_path / "class", 10 * len(HARD))
    sources = {path.name: (path / "Q4.ipynb") for path in paths}
    trained = 0
    for source in sources.values():
        if source.is_file() and not source.is_symlink():
            try:
                cells = [cell["source"] for cell in json.loads(source.read_bytes())["cells"]]
            except ValueError:
                continue
            for cell in cells:
                ast.parse(cell)
            trained += any("class Network" in cell for cell in cells)
    assert trained == 9 * len(HARD)
    assert sum(path.is_symlink() for path in sources.values()) == 1


def test_reports_differ(tmp_path):
    paths = make_reports(tmp_path / "class", 30)
    assert len({(path / "report.md").read_bytes() for path in paths}) == 30


@pytest.mark.parametrize("make", [make_reports, make_small_class])
def test_classes_are_of_the_quick_course(tmp_path, make):
    root = make_quick_course(tmp_path / "course")
    change_rubric(root, move_marks)
    paths = make(tmp_path / "class", 6)
    course = load_course(paths[:1], root=root, rubric=None, class_folder=tmp_path / "class")
    assert course.rubric.notebook.preload == ("numpy", "torch", "pandas")
    assert [int(item.available) for item in course.rubric.criteria[:2]] == [6, 4]
    assert {open_hand_in(course, path).student for path in paths} == {path.name for path in paths}
    awarded = {grade_submission(course, path, lodgings=None).awarded_so_far for path in paths}
    assert len(awarded) > 2


def test_an_endless_hand_in_is_made_apart(tmp_path):
    hand_in = make_endless(tmp_path / "class")
    assert "while True" in (hand_in / "Q4.ipynb").read_text()
