"""What of a hand-in's folder is opened, and what is not: links, pipes, huge files, archives, odd names."""

from __future__ import annotations

import hashlib
import os
import resource
from pathlib import Path

import pytest

from grader.errors import ConfigError
from grader.intake import build_digest, escape_name, open_submission, plain_hand_in, read_artifact
from grader.intake import listing as intake_listing
from grader.intake.names import unescape_name
from grader.model import Submission


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "class" / "student-a"
    made.mkdir(parents=True)
    (made / "report.md").write_text("Q1 a) 2")
    return made


def _open(folder: Path) -> Submission:
    return open_submission(folder, assignment="hw5")


def _codes(submission: Submission) -> list[str]:
    return [finding.code for finding in submission.findings]


def _names(submission: Submission) -> list[str]:
    return [artifact.path for artifact in submission.artifacts]


def test_a_folder_with_subfolders(folder: Path) -> None:
    (folder / "part").mkdir()
    (folder / "part" / "Q4.ipynb").write_text("{}")
    submission = _open(folder)
    assert (submission.student, submission.assignment, submission.machine_read) == ("student-a", "hw5", False)
    assert [(item.path, item.media, item.size_bytes) for item in submission.artifacts] == [
        ("part/Q4.ipynb", "notebook", 2),
        ("report.md", "markdown", 7),
    ]
    assert submission.artifacts[1].sha256 == hashlib.sha256(b"Q1 a) 2").hexdigest()
    assert read_artifact(submission, submission.artifacts[0]) == b"{}"
    assert read_artifact(submission, submission.artifacts[1]) == b"Q1 a) 2"


def test_an_empty_folder_is_a_hand_in_without_files(tmp_path: Path) -> None:
    submission = _open(tmp_path)
    assert submission.artifacts == () and submission.findings == ()
    assert submission.digest == hashlib.sha256().hexdigest()


def test_a_single_file_is_a_hand_in(folder: Path) -> None:
    (folder / "other.md").write_text("not mine")
    submission = _open(folder / "report.md")
    assert submission.student == "report" and _names(submission) == ["report.md"]
    assert read_artifact(submission, submission.artifacts[0]) == b"Q1 a) 2"


def test_machine_read_is_told(folder: Path) -> None:
    assert open_submission(folder, assignment="hw5", machine_read=True).machine_read


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file or folder"):
        _open(tmp_path / "nobody")


def test_the_digest_is_that_of_sorted_names_and_contents(folder: Path) -> None:
    (folder / "a.md").write_text("x")
    submission = _open(folder)
    expected = hashlib.sha256()
    for name, text in (("a.md", b"x"), ("report.md", b"Q1 a) 2")):
        expected.update(f"{name}\0{hashlib.sha256(text).hexdigest()}\n".encode())
    assert submission.digest == expected.hexdigest() == build_digest(tuple(reversed(submission.artifacts)))
    (folder / "a.md").write_text("y")
    assert _open(folder).digest != submission.digest


def test_what_systems_leave_behind_is_ignored(folder: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "~$report.docx"):
        (folder / name).write_text("x")
    for name in ("__MACOSX", ".ipynb_checkpoints", ".git", "__pycache__"):
        (folder / name).mkdir()
        (folder / name / "report.md").write_text("x")
    assert _names(_open(folder)) == ["report.md"]


@pytest.mark.parametrize("target", ["../student-b/report.md", "/etc/passwd", "nowhere", "../..", ".", ".hidden"])
def test_a_link_out_of_the_folder_is_not_opened(folder: Path, target: str) -> None:
    other = folder.parent / "student-b"
    other.mkdir()
    (other / "report.md").write_text("secret")
    (folder / ".hidden").write_text("hidden")
    (folder / "answers.md").symlink_to(target)
    submission = _open(folder)
    assert _names(submission) == ["report.md"]
    assert _codes(submission) == ["intake.symlink"]
    assert "“answers.md” is a link" in submission.findings[0].message
    assert submission.findings[0].audience == "student"


def test_a_linked_folder_is_not_entered(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "key.md").write_text("secret")
    (folder / "part").symlink_to(tmp_path / "outside")
    assert _names(_open(folder)) == ["report.md"]
    assert _codes(_open(folder)) == ["intake.symlink"]


def test_a_link_inside_the_folder_is_the_same_file(folder: Path) -> None:
    (folder / "again.md").symlink_to("report.md")
    submission = _open(folder)
    assert _names(submission) == ["report.md"] and submission.findings == ()


def test_a_hand_in_that_is_a_link_is_not_opened(folder: Path) -> None:
    link = folder.parent / "student-c"
    link.symlink_to(folder)
    submission = _open(link)
    assert submission.artifacts == () and _codes(submission) == ["intake.symlink"]


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "answers.md")
    submission = _open(folder)
    assert _names(submission) == ["report.md"] and _codes(submission) == ["intake.not_a_file"]


def test_200_megabytes_are_not_read(folder: Path) -> None:
    with (folder / "answers.md").open("wb") as stream:
        stream.truncate(200_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    submission = _open(folder)
    assert _names(submission) == ["report.md"] and _codes(submission) == ["intake.too_large"]
    assert "larger than 50 MB (200 MB)" in submission.findings[0].message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


def test_a_large_file_within_the_limit_is_digested_in_pieces(folder: Path) -> None:
    with (folder / "data.bin").open("wb") as stream:
        stream.truncate(40_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    submission = _open(folder)
    assert submission.artifacts[0].size_bytes == 40_000_000
    assert submission.artifacts[0].sha256 == hashlib.sha256(b"\0" * 40_000_000).hexdigest()
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
    )  # kB, the comparison's own 40 MB among it


@pytest.mark.parametrize(
    ("name", "head", "media"),
    [
        ("a.MD", b"# Q1", "markdown"),
        ("a.txt", b"Q1", "text"),
        ("a.md", b"%PDF-1.7", "pdf"),
        ("a.md", b"PK\x03\x04", "docx"),
        ("a.md", b"\x89PNG\r\n", "image"),
        ("a.jpg", b"\xff\xd8\xff", "image"),
        ("a.ipynb", b"<html>", "notebook"),
        ("a.html", b"<html>", "html"),
        ("report", b"Q1 a) 2", "text"),
        ("report", b"\x7fELF\x00\x00", "other"),
        ("a.py", b"import torch", "other"),
        ("a.csv", b"1,2", "other"),
    ],
)
def test_media(folder: Path, name: str, head: bytes, media: str) -> None:
    (folder / "report.md").unlink()
    (folder / name).write_bytes(head)
    assert [item.media for item in _open(folder).artifacts] == [media]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb.md", "a\\x0ab.md"),
        ("a\u202edm.exe", "a\\u202edm.exe"),
        ("a\x1b[31m.md", "a\\x1b[31m.md"),
        ("a\\nb.md", "a\\\\nb.md"),
        ("گزارش می\u200cشود.md", "گزارش می\u200cشود.md"),
        (os.fsdecode(b"\xff.md"), "\\udcff.md"),
    ],
)
def test_odd_names_are_shown_escaped_and_can_be_read(folder: Path, name: str, shown: str) -> None:
    (folder / name).write_text("x")
    submission = _open(folder)
    assert shown in _names(submission) and escape_name(name) == shown and unescape_name(shown) == name
    artifact = next(item for item in submission.artifacts if item.path == shown)
    assert read_artifact(submission, artifact) == b"x"


def test_a_file_that_changes_meanwhile_is_noticed(folder: Path) -> None:
    submission = _open(folder)
    (folder / "report.md").write_text("Q1 a) 3")
    with pytest.raises(ConfigError, match="has changed"):
        read_artifact(submission, submission.artifacts[0])
    (folder / "report.md").unlink()
    (folder / "report.md").symlink_to("/etc/passwd")
    with pytest.raises(ConfigError, match="has changed"):
        read_artifact(submission, submission.artifacts[0])


def test_a_link_above_an_artifact_is_not_followed_either(folder: Path, tmp_path: Path) -> None:
    (folder / "part").mkdir()
    (folder / "part" / "a.md").write_text("x")
    submission = _open(folder)
    (folder / "part").rename(tmp_path / "part")
    (folder / "part").symlink_to(tmp_path / "part")
    with pytest.raises(ConfigError, match="has changed"):
        read_artifact(submission, submission.artifacts[0])


def test_too_many_and_too_deep(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_listing, "MAX_FILES", 3)
    monkeypatch.setattr(intake_listing, "MAX_DEPTH", 2)
    for number in range(5):
        (folder / f"a{number}.md").write_text("x")
    (folder / "b/c/d").mkdir(parents=True)
    submission = _open(folder)
    assert len(submission.artifacts) == 3
    assert _codes(submission) == ["intake.too_many", "intake.too_deep"]


def test_student_ids(tmp_path: Path) -> None:
    assert plain_hand_in(Path("submissions/student-a")).student == "student-a"
    assert plain_hand_in(Path("submissions/student.b/")).student == "student.b"
    assert plain_hand_in(Path(__file__)).student == "test_intake_folder"
    assert plain_hand_in(Path("x/a\nb")).student == "a\\x0ab"
    assert plain_hand_in(Path(".")).student == Path.cwd().name
    (tmp_path / "s-1.tar.gz").write_text("")
    assert plain_hand_in(tmp_path / "s-1.tar.gz").student == "s-1"
