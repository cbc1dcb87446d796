"""Which hand-ins a PATH means."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.codec import load_record
from grader.errors import ConfigError, Exit, NothingFoundError
from grader.intake import ClassFile, find_hand_ins, is_class_folder

ROOT = Path(__file__).parents[2]


def _make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
    return root


def _find(*paths: Path) -> list[str]:
    return [item.path.name for item in find_hand_ins(paths)]


def test_one_hand_in(tmp_path: Path) -> None:
    _make(tmp_path, "student-a/report.md", "student-a/figures/plot.png")
    assert _find(tmp_path / "student-a") == ["student-a"]


def test_one_file(tmp_path: Path) -> None:
    _make(tmp_path, "student-a.md", "student-b.ipynb", "scan.pdf")
    assert _find(tmp_path / "student-a.md", tmp_path / "student-b.ipynb", tmp_path / "scan.pdf") == [
        "student-a.md",
        "student-b.ipynb",
        "scan.pdf",
    ]


@pytest.mark.parametrize("name", ["class.yaml", "data.csv", "program.py"])
def test_a_file_that_is_no_hand_in(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="not a hand-in"):
        find_hand_ins([_make(tmp_path, name) / name])


def test_a_class_folder(tmp_path: Path) -> None:
    _make(
        tmp_path, "week/class.yaml", "week/s10/report.md", "week/s9/a.md", "week/.git/x", "week/notes.txt", "week/s1/"
    )
    assert _find(tmp_path / "week") == ["s1", "s9", "s10"]


def test_a_folder_of_folders_is_a_class(tmp_path: Path) -> None:
    assert _find(_make(tmp_path, "a/report.md", "b/report.md", ".DS_Store")) == ["a", "b"]


def test_archives_in_a_class_are_hand_ins_and_alone_they_make_one(tmp_path: Path) -> None:
    _make(tmp_path, "week/class.yaml", "week/s2.zip", "week/s1.tar.gz", "week/s10/", "week/notes.md", "zips/a.zip")
    assert _find(tmp_path / "week") == ["s1.tar.gz", "s2.zip", "s10"]
    assert [item.student for item in find_hand_ins([tmp_path / "week"])] == ["s1", "s2", "s10"]
    assert _find(tmp_path / "zips") == ["zips"]
    assert _find(_make(tmp_path / "zips", "b.rar")) == ["a.zip", "b.rar"]
    assert _find(_make(tmp_path / "zips", "report.md")) == ["zips"]


def test_a_folder_in_a_class_is_a_hand_in_whatever_it_holds(tmp_path: Path) -> None:
    _make(
        tmp_path, "week/class.yaml", "week/a/HW5/report.md", "week/b/", "submissions/c/HW5/report.md", "submissions/d/"
    )
    for name in ("week/a", "week/b", "submissions/c", "submissions/d"):
        assert _find(tmp_path / name) == [Path(name).name]


def test_an_empty_folder_is_a_hand_in_unless_it_is_a_class(tmp_path: Path) -> None:
    _make(tmp_path, "alone/", "submissions/", "week/class.yaml", "course/rubrics/hw5.yaml", "course/hand-ins/")
    assert _find(tmp_path / "alone") == ["alone"]
    for name in ("submissions", "week", "course/hand-ins"):
        with pytest.raises(NothingFoundError, match="no hand-in") as caught:
            find_hand_ins([tmp_path / name])
        assert caught.value.exit_code is Exit.NOTHING_FOUND


def test_a_course_means_its_submissions(tmp_path: Path) -> None:
    _make(tmp_path, "rubrics/hw5.yaml", "submissions/a/report.md", "README.md")
    assert _find(tmp_path) == ["a"]


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file or folder") as caught:
        find_hand_ins([tmp_path / "nobody"])
    assert caught.value.exit_code is Exit.CONFIG


def test_each_hand_in_once_in_order(tmp_path: Path) -> None:
    _make(tmp_path, "submissions/a/r.md", "submissions/b/r.md")
    assert _find(tmp_path / "submissions/b", tmp_path / "submissions", tmp_path / "submissions/b/../a") == ["b", "a"]


def test_a_named_link_is_followed_and_a_link_in_a_class_is_listed(tmp_path: Path) -> None:
    _make(tmp_path, "real/report.md", "week/class.yaml", "week/a/r.md")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "week/b").symlink_to("../real")
    assert _find(tmp_path / "link") == ["real"]
    assert [item.path.name for item in find_hand_ins([tmp_path / "week"])] == ["a", "b"]


def test_is_class_folder(tmp_path: Path) -> None:
    _make(tmp_path, "a/report.md")
    assert is_class_folder(tmp_path) and not is_class_folder(tmp_path / "a")


def test_the_examples_class_file() -> None:
    loaded, _ = load_record(ClassFile, ROOT / "submissions/class.yaml")
    assert loaded == ClassFile(assignment="hw5", key="demo", machine_read=("99521082",))
    assert ClassFile().key == "course"


def test_a_class_file_with_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "class.yaml"
    path.write_text("assigment: hw5\nkey: mine\n")
    with pytest.raises(ConfigError) as caught:
        load_record(ClassFile, path)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("names", [["a_1_2_x.png", "a_2_3_y.png", "report.md"], ["plot_1_2_a.md", "plot_1_3_b.md"]])
def test_a_hand_in_with_numbered_files_is_one(tmp_path: Path, names: list[str]) -> None:
    assert _find(_make(tmp_path / "student-a", *names)) == ["student-a"]
