"""When a hand-in came: the teacher's list, and a student's repository that nothing of may be believed or run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from grader.errors import ConfigError
from grader.intake import check_times, find_commit_time, load_times
from tests.timing import count_seconds

WHEN = "2026-12-03T10:12:00+03:30"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "times.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        f"student_id,submitted_at\ns-001,{WHEN}\n۹۹,2026-12-03T06:42:00Z\ns-003,\n",
        f"\ufeffname;Submitted_At;STUDENT_ID\na;{WHEN};s-001\nb;2026-12-03T06:42:00Z;99\nc\n".replace(
            "\nc\n", "\nc;;s-3"
        ),
    ],
)
def test_a_list_is_read_and_who_handed_nothing_in_has_no_time(tmp_path: Path, text: str) -> None:
    assert load_times(write(tmp_path, text)) == {"s-001": WHEN, "99": "2026-12-03T06:42:00Z"}


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["times.csv: has no column student_id and no column submitted_at"]),
        (f"id,submitted_at\ns-001,{WHEN}", ["times.csv:1: has no column student_id"]),
        (
            f"student_id,submitted_at\ns-001,2026-12-03 10:12\ns-002,late\n,{WHEN}\ns-004,{WHEN}\ns-004,{WHEN}",
            [
                "times.csv:2: '2026-12-03 10:12' has no zone (write it as 2026-12-01T23:59:00+03:30)",
                "times.csv:3: 'late' is no time as ISO 8601 writes it",
                "times.csv:4: has no id in this line",
                "times.csv:6: s-004 stands twice (which time counts?)",
            ],
        ),
    ],
)
def test_every_mistake_of_a_list_is_told_with_its_line(tmp_path: Path, text: str, messages: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_times(write(tmp_path, text))
    assert len(caught.value.problems) == len(messages)
    for problem, message in zip(caught.value.problems, messages, strict=True):
        assert message in str(problem)


def test_somebody_whom_nobody_knows_is_a_mistake_and_who_handed_nothing_in_is_not(tmp_path: Path) -> None:
    path = write(tmp_path, f"student_id,submitted_at\ns-001,{WHEN}\ns-002,{WHEN}\ns-003,\n")
    check_times(path, {"s-001", "s-002"})
    with pytest.raises(ConfigError, match=r"times.csv:3: s-002 is neither a hand-in nor on the roster"):
        check_times(path, {"s-001"})


# --- a student's repository ---


def git(folder: Path, *arguments: str, when: str = WHEN) -> None:
    identity = {f"GIT_{role}_{key}": "s-001" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    dates = {"GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z", "GIT_COMMITTER_DATE": when}
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, env={**os.environ, **identity, **dates, **own}
    )


def make_repository(folder: Path, *, when: str = WHEN, form: str = "sha1") -> Path:
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main", f"--object-format={form}")
    (folder / "report.md").write_text("# Q1\na) 2 and 3\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "hand in\n\ncommitter x <x> 1 +0000", when=when)
    return folder


@pytest.mark.parametrize("form", ["sha1", "sha256"])
@pytest.mark.parametrize("when", [WHEN, "2026-12-03T10:12:00-11:00", "2026-12-03T10:12:00+00:00"])
def test_the_date_of_the_last_commit_is_the_committers(tmp_path: Path, when: str, form: str) -> None:
    assert find_commit_time(make_repository(tmp_path / "s", when=when, form=form)) == when


def test_packed_cloned_and_detached_repositories_are_read(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "s")
    git(folder, "gc", "-q")
    assert not list((folder / ".git" / "refs" / "heads").iterdir())
    assert find_commit_time(folder) == WHEN
    git(tmp_path, "clone", "-q", "--no-local", "s", "clone")
    assert find_commit_time(tmp_path / "clone") == WHEN
    git(tmp_path / "clone", "checkout", "-q", "--detach")
    assert find_commit_time(tmp_path / "clone") == WHEN


def test_a_repository_around_the_folder_is_not_asked(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "course")
    (folder / "s-001").mkdir()
    assert find_commit_time(folder / "s-001") is None
    assert find_commit_time(folder / "report.md") is None
    (tmp_path / "link").symlink_to(folder)
    assert find_commit_time(tmp_path / "link") is None


def test_a_repository_without_a_commit_or_without_its_objects_has_no_date(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q")
    assert find_commit_time(tmp_path / "new") is None
    folder = make_repository(tmp_path / "s")
    for path in (folder / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()
    assert find_commit_time(folder) is None


def test_nothing_that_a_repository_names_is_run(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "s")
    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    trap.chmod(0o755)
    hooks = folder / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "reference-transaction", "fsmonitor-watchman"):
        (hooks / name).write_text(trap.read_text())
        (hooks / name).chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "gpg.program", "core.sshCommand", "core.editor", "core.gitProxy",
                "remote.origin.uploadpack", "alias.cat-file", "core.alternateRefsCommand"):  # fmt: skip
        git(folder, "config", key, str(trap))
    git(folder, "config", "log.showSignature", "true")
    assert find_commit_time(folder) == WHEN
    # A promised object that is missing is fetched by git with the transport of the config.
    git(folder, "config", "remote.origin.url", str(tmp_path))
    git(folder, "config", "remote.origin.promisor", "true")
    git(folder, "config", "extensions.partialClone", "origin")
    git(folder, "config", "core.repositoryFormatVersion", "1")
    (folder / ".git" / "HEAD").write_text("0" * 39 + "1\n")
    assert find_commit_time(folder) is None
    assert not sprung.exists()
    # What plain git does there: otherwise this test would show nothing.
    subprocess.run(["git", "cat-file", "commit", "HEAD"], cwd=folder, check=False, capture_output=True)
    assert sprung.exists() or b"2.45" < subprocess.check_output(["git", "--version"]).split()[2]


@pytest.mark.parametrize(
    "head",
    ["", "ref: refs/heads/none", "ref: refs/heads/../../../../secret", "ref: /etc/passwd", "-p", "HEAD", "\x00" * 99,
     "ref: refs/heads/main\nref: refs/heads/none", "main", "g" * 40],
)  # fmt: skip
def test_a_head_that_is_none_has_no_date(tmp_path: Path, head: str) -> None:
    folder = make_repository(tmp_path / "s")
    (tmp_path / "secret").write_text((folder / ".git" / "refs" / "heads" / "main").read_text())
    (folder / ".git" / "HEAD").write_text(head)
    assert find_commit_time(folder) is None


@pytest.mark.parametrize("name", ["HEAD", "refs/heads/main", "packed-refs", "objects/{object}"])
def test_pipes_and_links_in_a_repository_stop_nobody(tmp_path: Path, monkeypatch, name: str) -> None:
    monkeypatch.setattr("grader.intake.commit._SECONDS", 1)
    folder = make_repository(tmp_path / "s")
    commit = (folder / ".git" / "refs" / "heads" / "main").read_text().strip()
    path = folder / ".git" / name.format(object=f"{commit[:2]}/{commit[2:]}")
    if name == "packed-refs":
        (folder / ".git" / "refs" / "heads" / "main").unlink()
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    started = count_seconds()
    assert find_commit_time(folder) is None
    assert count_seconds() - started < 5
    path.unlink()
    path.symlink_to("/dev/zero")
    assert find_commit_time(folder) is None


def test_a_git_file_that_points_elsewhere_is_not_followed(tmp_path: Path) -> None:
    make_repository(tmp_path / "other")
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / ".git").write_text(f"gitdir: {tmp_path / 'other' / '.git'}\n")
    assert find_commit_time(tmp_path / "s") is None
    (tmp_path / "s" / ".git").unlink()
    (tmp_path / "s" / ".git").symlink_to(tmp_path / "other" / ".git")
    assert find_commit_time(tmp_path / "s") is None


def test_a_commit_as_large_as_a_bomb_has_no_date(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "s")
    git(folder, "config", "user.name", "s")
    message = tmp_path / "message"
    message.write_bytes(b"x\n\n" + b"a" * 3_000_000)
    git(folder, "commit", "-q", "--allow-empty", "-F", str(message))
    assert find_commit_time(folder) is None


def test_without_git_there_is_no_date(tmp_path: Path, monkeypatch) -> None:
    folder = make_repository(tmp_path / "s")
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert find_commit_time(folder) is None
