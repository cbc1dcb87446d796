"""The staff repository's workflow, job by job: fetch from repositories, grade, tell students on a server of ours."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from grader.delivery.ci.setup import write_setup
from grader.delivery.ci.targets import Names, build_staff
from tests.unit.ci_cases import EVIL, ROOT, load_homework, write_hand_in
from tests.unit.ci_runner import Runner

SECRET = "5" * 64


def commit(folder: Path, when: str, message: str = "x") -> None:
    more = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when, "GIT_CONFIG_GLOBAL": "/dev/null"}
    for command in (["add", "-A"], ["-c", "user.name=s", "-c", "user.email=s@x", "commit", "-q", "-m", message]):
        subprocess.run(["git", "-C", folder, *command], check=True, env={**os.environ, **more})


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return the staff repository: homework 5 with its report alone, and what `grade ci init` wrote."""
    folder = tmp_path / "course"
    folder.mkdir()
    rubric = yaml.safe_load((ROOT / "rubrics/hw5.yaml").read_text())
    kept = [item for item in rubric["criteria"] if item["id"] in ("q1a", "q1b", "q1c")]
    rubric |= {"criteria": kept, "available": 15}
    (folder / "rubrics").mkdir()
    (folder / "rubrics/hw5.yaml").write_text(yaml.safe_dump(rubric, allow_unicode=True, sort_keys=False))
    shutil.copytree(ROOT / "reference", folder / "reference", ignore=shutil.ignore_patterns("__pycache__"))
    list(write_setup(folder, build_staff(load_homework(), Names())))
    return folder


@pytest.fixture
def repositories(tmp_path: Path, course: Path) -> Path:
    """Return repositories as on a server: of two commits, a hostile one, an empty one, and one that is lost."""
    server = tmp_path / "server"
    rows = []
    for name in ("s1", "evil", "empty", "lost"):
        rows.append({"student_id": name, "repository": f"dl-course/hw5-{name}"})
        folder = server / f"dl-course/hw5-{name}"
        if name == "lost":
            continue
        folder.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
        if name == "empty":
            continue
        shutil.copytree(write_hand_in(tmp_path / f"h-{name}", evil=name == "evil"), folder, dirs_exist_ok=True)
        if name == "evil":
            (folder / "link.md").symlink_to("/etc/passwd")
            (folder / ".gitattributes").write_text("* filter=lfs\n")
            (folder / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% /tmp/FORGED\n')
        commit(folder, "2026-11-20T10:00:00+00:00", EVIL)
        (folder / "report.md").write_text("# Q1\na) all of it was changed after the deadline\n")
        commit(folder, "2026-12-20T10:00:00+00:00")
    with (course / "repositories.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["student_id", "repository"])
        writer.writeheader()
        writer.writerows(rows)
    return server


class Server(BaseHTTPRequestHandler):
    """GitHub's API, as far as issues go."""

    issues: ClassVar[dict[str, list[dict[str, Any]]]] = {}

    def _answer(self, data: Any) -> None:
        assert self.headers["Authorization"] == "Bearer REPORT"
        body = json.dumps(data).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer(self.issues.get(self.path.partition("?")[0], []))

    def do_POST(self) -> None:
        issue = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.issues.setdefault(self.path, []).append(issue)
        self._answer(issue)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[str]:
    Server.issues.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_class_is_fetched_graded_and_told(course: Path, repositories: Path, api: str, tmp_path: Path) -> None:
    workflow = course / ".github/workflows/grade-class.yml"
    runner = Runner(tmp_path / "r", course)
    runner.more = {"GITHUB_SERVER_URL": f"file://{repositories}", "GITHUB_API_URL": api, "FETCH_WAIT_SECONDS": "0"}
    runner.add_program("sudo", "#!/bin/bash\nexit 0\n")
    inputs = {"deadline": "2026-12-01T00:00:00+00:00", "publish": "true"}
    runner.secrets = {"secrets.FETCH_TOKEN": "FETCH", "secrets.COURSE_SECRET": SECRET, "secrets.REPORT_TOKEN": "REPORT"}
    job = runner.run(workflow, inputs, "fetch")
    assert job.code == 0, job.log
    assert [command.properties for command in job.commands] == ["title=Not everything was fetched"]
    assert "3 of 4 repositories fetched" in job.log
    assert "lost: could not be fetched" in job.log
    key = runner.workspace / "course/.assignment-key"
    assert SECRET not in key.read_text()
    assert len(key.read_text().strip()) == 64
    assert not (runner.workspace / "hand-ins/submissions/evil/link.md").is_symlink()

    runner.secrets = {}  # the job that grades is given none
    job = runner.run(workflow, inputs, "grade")
    assert job.code == 0, job.log
    graded = runner.workspace / "graded"
    sheet = json.loads((graded / "s1/marksheet.json").read_text())
    assert sheet["awarded"] == 15  # the commit before the deadline
    assert (graded / "gradebook.csv").exists()
    assert {command.name for command in job.commands} <= {"notice", "warning"}
    assert "FORGED" not in "".join(command.text + command.properties for command in job.commands)
    assert "s1.md" in [path.name for path in job.artifacts["letters"].iterdir()]

    runner.secrets = {"secrets.REPORT_TOKEN": "REPORT"}
    for _ in range(2):
        job = runner.run(workflow, inputs, "report")
        assert job.code == 0, job.log
    issues = Server.issues["/repos/dl-course/hw5-s1/issues"]
    assert len(issues) == 1, "nobody is told the same twice"
    assert "15 of 15" in issues[0]["body"]
    assert "digest" not in issues[0]["body"]


def test_a_list_that_is_no_list_of_repositories_fetches_nothing(course: Path, tmp_path: Path) -> None:
    for row in ("s1,../x", "../s1,a/b", "s1,https://evil.example/a/b", "s1,a/b --upload-pack=x", "s1,a/b\ns1,a/c"):
        (tmp_path / "list.csv").write_text(f"student_id,repository\n{row}\n")
        run = ["python3", course / "ci/fetch.py", tmp_path / "list.csv", tmp_path / "out"]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "student" in done.stderr
        assert not (tmp_path / "out").exists()
