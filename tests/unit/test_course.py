"""Finding the course, its rubric, its reference and its secret."""

import stat
from pathlib import Path

import pytest

from grader import course
from grader.errors import ConfigError, Exit, worst
from grader.intake import ClassFile

ROOT = Path(__file__).resolve().parents[2]


def make_course(folder: Path, *names: str) -> Path:
    (folder / "rubrics").mkdir(parents=True)
    for name in names:
        (folder / "rubrics" / f"{name}.yaml").write_text("schema: grader/rubric/1\n")
    return folder


def test_the_root_is_the_nearest_parent_with_rubrics(tmp_path: Path) -> None:
    make_course(tmp_path)
    hand_in = tmp_path / "submissions" / "student-a"
    hand_in.mkdir(parents=True)
    assert course.find_root([hand_in]) == tmp_path.resolve()


def test_a_hand_in_cannot_bring_its_own_rubric(tmp_path: Path) -> None:
    make_course(tmp_path)
    hand_in = make_course(tmp_path / "submissions" / "student-a", "hw5")
    (hand_in / "report.md").write_text("x")
    assert course.find_root([hand_in]) == tmp_path.resolve()
    assert course.find_root([hand_in / "report.md"]) == tmp_path.resolve()


def test_without_a_parent_the_working_folder_is_asked(tmp_path: Path, monkeypatch) -> None:
    make_course(tmp_path / "course")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "course")
    assert course.find_root([tmp_path / "elsewhere"]) == tmp_path / "course"
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="no course found"):
        course.find_root([tmp_path / "elsewhere"])


def test_course_option_must_name_a_course(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder rubrics/"):
        course.find_root([], tmp_path)


def test_the_rubric_is_named_or_the_class_says_or_it_is_the_only_one(tmp_path: Path) -> None:
    make_course(tmp_path, "hw5")
    assert course.find_rubric(tmp_path, None, ClassFile()).name == "hw5.yaml"
    (tmp_path / "rubrics" / "hw6.yaml").write_text("")
    assert course.find_rubric(tmp_path, None, ClassFile(assignment="hw6")).name == "hw6.yaml"
    assert course.find_rubric(tmp_path, Path("x.yaml"), ClassFile(assignment="hw6")) == Path("x.yaml")
    with pytest.raises(ConfigError, match=r"holds hw5, hw6: name one"):
        course.find_rubric(tmp_path, None, ClassFile())


def test_the_class_file_is_strict(tmp_path: Path) -> None:
    assert course.load_class_file(tmp_path) == ClassFile()
    (tmp_path / "class.yaml").write_text("assignment: hw5\nkeys: demo\n")
    with pytest.raises(ConfigError, match=r"class.yaml:2: keys: unknown key 'keys'"):
        course.load_class_file(tmp_path)


def test_a_secret_is_made_once_outside_the_course_and_for_its_owner_only(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(course.SECRET_VARIABLE, raising=False)
    first = course.load_secret()
    path = tmp_path / "config" / "grader" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert course.load_secret() == first
    assert len(first) == 64
    assert list(path.parent.iterdir()) == [path]


def test_a_short_secret_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(course.SECRET_VARIABLE, str(tmp_path / "key"))
    (tmp_path / "key").write_text("short\n")
    with pytest.raises(ConfigError, match="shorter than 32"):
        course.load_secret()


def test_the_reference_is_loaded_from_the_course_and_from_nowhere_else(tmp_path: Path) -> None:
    package = tmp_path / "reference" / "hw9"
    package.mkdir(parents=True)
    (tmp_path / "reference" / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "checks.py").write_text("def seven():\n    return 7\n")
    try:
        assert course.resolve(tmp_path, "reference.hw9.checks:seven")() == 7
        for name in ("os:system", "reference.hw9.checks", "reference.hw9.none:x", "reference.hw9.checks:eight"):
            with pytest.raises(ConfigError):
                course.resolve(tmp_path, name)
        assert course.resolve(ROOT, "reference.hw5.corpus:__name__") == "reference.hw5.corpus"
    finally:
        course._load_package(ROOT, "reference")


def test_a_digest_depends_on_names_and_contents_and_not_on_caches(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1")
    first = course.digest_folder(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    assert course.digest_folder(tmp_path) == first
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    assert course.digest_folder(tmp_path) != first


def test_the_worst_exit_code_is_reported() -> None:
    assert worst([Exit.GRADED, Exit.NEEDS_REVIEW, Exit.BELOW]) == Exit.BELOW
    assert worst([Exit.NEEDS_REVIEW, Exit.INFRASTRUCTURE]) == Exit.INFRASTRUCTURE
    assert worst([]) == Exit.GRADED
