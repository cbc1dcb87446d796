"""A runner of GitHub's for tests: runs the ``run:`` steps of a job with bash and hears commands as the real one does.

The rules are those of actions/runner (``ActionCommand.TryParseV2`` and ``TryParse``): ``::name props::text`` counts
after leading spaces, ``##[name props]text`` anywhere in a line, nothing between ``::stop-commands::T`` and ``::T::``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_NEW = re.compile(r"\s*::([A-Za-z0-9-]+)(?: ([^\n]*?))?::(.*)", re.DOTALL)
_OLD = re.compile(r"##\[([A-Za-z-]+)([^\]]*)\](.*)")
_EXPRESSION = re.compile(r"\$\{\{\s*([^}]+?)\s*\}\}")

# In place of `python`: a virtual environment whose pip unpacks the bundle's wheel and fetches nothing; everything that
# the wheel needs comes from the tests' own environment.
_SHIM = f"""#!/bin/bash
if [ "$1 $2" = "-m venv" ]; then
  mkdir -p "$3/bin" "$3/site" && cp "$0" "$3/bin/python"
  printf '#!/bin/bash\\nPYTHONPATH=%s/site exec {sys.executable} -m grader "$@"\\n' "$3" >"$3/bin/grade"
  chmod +x "$3/bin/grade"
elif [ "$1 $2 $3" = "-m pip install" ]; then
  exec {sys.executable} -m zipfile -e "${{@: -1}}" "$(dirname "$0")/../site"
else
  exec {sys.executable} "$@"
fi
"""


@dataclass(frozen=True)
class Command:
    """A command that the runner obeys."""

    name: str
    properties: str
    text: str


@dataclass
class Job:
    """What a job came to."""

    code: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)

    @property
    def commands(self) -> list[Command]:
        return hear(self.log)


def hear(log: str) -> list[Command]:
    """Return the commands in a log, without those that are stopped."""
    found, token = [], None
    for line in re.split(r"\r\n|\n|\r", log):
        new = _NEW.match(line)
        if token is not None:
            if new and new[1] == token:
                token = None
            continue
        if new and new[1] == "stop-commands":
            token = new[3]
        elif new:
            found.append(Command(new[1], new[2] or "", new[3]))
        elif old := _OLD.search(line):
            found.append(Command(old[1], old[2].strip(), old[3]))
    assert token is None, "commands were stopped and never let go on"
    return found


class Runner:
    """A machine with nothing on it: a workspace, a temporary folder, and the files that steps write to."""

    def __init__(self, place: Path, submission: Path, actions: Mapping[str, Path] | None = None) -> None:
        self.place, self.submission, self.actions = place, submission, dict(actions or {})
        self.workspace, self.temporary = place / "work", place / "temp"
        (place / "bin").mkdir(parents=True)
        for name in ("python", "python3"):
            self.add_program(name, _SHIM)
        self.add_program("sudo", "#!/bin/bash\nexit 1\n")
        self.job = Job()
        self.more: dict[str, str] = {}
        self.secrets: dict[str, str] = {}

    def add_program(self, name: str, text: str) -> None:
        """Put a program before all others of its name."""
        path = self.place / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def run(self, workflow: Path, inputs: Mapping[str, str] | None = None, job: str = "") -> Job:
        """Run a workflow's only job, or the one that is named, on a machine that holds nothing of any other."""
        for folder in (self.workspace, self.temporary, self.place / "home"):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        self.job.code = 0
        jobs = yaml.safe_load(workflow.read_text())["jobs"]
        steps = jobs[job or next(iter(jobs))]["steps"]
        known = {f"inputs.{name}": value for name, value in (inputs or {}).items()} | self.secrets
        self._steps(steps, known, self.workspace)
        return self.job

    def _steps(self, steps: list[Any], known: dict[str, str], action_path: Path) -> None:
        for number, step in enumerate(steps):
            if self.job.code and step.get("if") != "always()":
                continue
            name = step.get("id", f"step-{number}")
            if "run" in step:
                outputs = self._run(step, known, action_path)
            else:
                outputs = self._use(step, known)
            self.job.outputs[name] = outputs
            known |= {f"steps.{name}.outputs.{key}": value for key, value in outputs.items()}

    def _fill(self, text: Any, known: Mapping[str, str]) -> str:
        return _EXPRESSION.sub(lambda found: known.get(found[1], ""), str(text))

    def _run(self, step: Mapping[str, Any], known: dict[str, str], action_path: Path) -> dict[str, str]:
        assert "${{" not in step["run"], "an expression in a script can be injected into"
        here = {**known, "github.action_path": str(action_path), "github.workspace": str(self.workspace)}
        output, summary = self.temporary / "output", self.temporary / "summary"
        output.write_text("")
        summary.write_text("")
        environment = {
            "PATH": f"{self.place / 'bin'}:{os.environ['PATH']}", "HOME": str(self.place / "home"), "CI": "true",
            "GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_ENV": str(self.temporary / "env"), "RUNNER_TEMP": str(self.temporary),
            **{key: self._fill(value, here) for key, value in step.get("env", {}).items()}, **self.more,
        }  # fmt: skip
        done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                              cwd=self.workspace, env=environment, capture_output=True, check=False)  # fmt: skip
        self.job.log += done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        self.job.code = self.job.code or done.returncode
        assert len(summary.read_bytes()) < 2**20, "GitHub drops a larger summary"
        self.job.summary += summary.read_text()
        return dict(line.split("=", 1) for line in output.read_text().splitlines())

    def _use(self, step: Mapping[str, Any], known: dict[str, str]) -> dict[str, str]:
        given = {key: self._fill(value, known) for key, value in step.get("with", {}).items()}
        action = step["uses"].partition("@")[0]
        if action == "actions/checkout":
            assert step["with"]["persist-credentials"] is False
            shutil.copytree(self.submission, self.workspace / given["path"], symlinks=True, dirs_exist_ok=True)
        elif action == "actions/download-artifact":
            shutil.copytree(
                self.job.artifacts[given["name"]], self.workspace / given.get("path", "."), dirs_exist_ok=True
            )
        elif action == "actions/upload-artifact":
            kept = self.place / "artifacts" / given["name"]
            for path in (item for line in given["path"].split() for item in self.workspace.glob(line)):
                kept.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-r", f"{path}/." if path.is_dir() else path, kept], check=True)
                self.job.artifacts[given["name"]] = kept
        elif action in self.actions:
            folder = self.actions[action]
            action_file = yaml.safe_load((folder / "action.yml").read_text())
            inputs = {key: value.get("default", "") for key, value in action_file["inputs"].items()} | given
            known = {f"inputs.{key}": value for key, value in inputs.items()}
            self._steps(action_file["runs"]["steps"], known, folder)
            return {key: self._fill(value["value"], known) for key, value in action_file["outputs"].items()}
        else:
            assert action == "actions/setup-python", action
        return {}
