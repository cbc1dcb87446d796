"""The files of each target, and what a teacher does with them. The texts lie in ``files/``; a target is a row here.

Layouts and contracts: classroom-formats.md 2 and 4 (Classroom 50's runner, composite actions of a private repository),
delivery-formats.md 1 and 2 (the old reporter, Gradescope).
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources

from grader.course import Course
from grader.delivery.ci.bundle import build_bundle
from grader.delivery.ci.setup import Setup
from grader.delivery.ci.wheel import build_entry, build_wheel
from grader.errors import ConfigError

MOST_BUNDLE_BYTES = 10 * 2**20
"""What Classroom 50's runner downloads at most, packed."""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# Pinned by commit, as read in workflows of public repositories in November 2026; check before you raise them.
ACTIONS = {
    "CHECKOUT": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "SETUP_PYTHON": "actions/setup-python@ece7cb06caefa5fff74198d8649806c4678c61a1 # v6.3.0",
    "UPLOAD": "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1",
    "DOWNLOAD": "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
}
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the course is called outside: its organization on GitHub, the repository for its CI, its classroom."""

    org: str = "ORG"
    repo: str = "course-ci"
    classroom: str = "CLASSROOM"

    def __post_init__(self) -> None:
        for option in ("org", "repo", "classroom"):
            if not _NAME.fullmatch(getattr(self, option)):
                raise ConfigError(f"--{option} {getattr(self, option)!r}: letters, digits, dots, dashes and _ only")


Build = Callable[[Course, Names], Setup]


def _read(target: str, name: str, course: Course, names: Names) -> bytes:
    """Return a file of ``files/`` with the words between at signs filled in."""
    text = (resources.files(__package__) / "files" / target / name).read_text(encoding="utf-8")
    words = {
        **ACTIONS, "ASSIGNMENT": course.rubric.assignment, "ORG": names.org, "REPO": names.repo, "PYTHON": PYTHON,
        "CLASSROOM": names.classroom, "RUBRIC": course.rubric_path.name,
    }  # fmt: skip
    return re.sub(r"@([A-Z_]+)@", lambda found: words[found[1]], text).encode()


def _under(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in files.items()}


def build_actions(course: Course, names: Names) -> Setup:
    """Return a workflow and an action for a private repository, and the workflow of students' repositories."""
    assignment = course.rubric.assignment
    files = {
        f"{names.repo}/.github/workflows/grade.yml": _read("actions", "grade.yml", course, names),
        f"{names.repo}/grade/action.yml": _read("actions", "action.yml", course, names),
        "template/.github/workflows/grade.yml": _read("actions", "student.yml", course, names),
        **_under(f"{names.repo}/grade/{assignment}", build_bundle(course)),
    }
    return Setup(
        files=files,
        closed=(f"{names.repo}/grade/{assignment}",),
        steps=(
            f"Commit {names.repo}/ to a private repository {names.org}/{names.repo} and tag the commit v1.",
            "There, under Settings > Actions > General > Access, allow the organization's repositories.",
            "Commit template/ to the assignment's template repository.",
            "In the organization, under Settings > Actions > General: workflow permissions read-only, and require "
            "actions to be pinned to a commit.",
            "GitHub Team: a push ruleset that restricts .github/** keeps students from editing the workflow. Even so: "
            "what CI says is feedback, marks are made by `grade` (see docs/ci.md).",
        ),
    )


def build_reporter(course: Course, names: Names) -> Setup:
    """Return the action, and a workflow named as GitHub Classroom's was, for repositories left over from it."""
    assignment = course.rubric.assignment
    return Setup(
        files={
            f"{names.repo}/grade/action.yml": _read("actions", "action.yml", course, names),
            "template/.github/workflows/classroom.yml": _read("classroom-reporter", "classroom.yml", course, names),
            **_under(f"{names.repo}/grade/{assignment}", build_bundle(course)),
        },
        closed=(f"{names.repo}/grade/{assignment}",),
        steps=(
            f"Commit {names.repo}/ to a private repository {names.org}/{names.repo}, tag the commit v1, and under "
            "Settings > Actions > General > Access allow the organization's repositories.",
            "Commit template/ to the template repository, or to each repository that is there already.",
            "GitHub Classroom ended on 2026-08-28: nobody collects these points any more. Take them as feedback.",
        ),
    )


def build_classroom50(course: Course, names: Names) -> Setup:
    """Return the autograder's folder of one assignment. Raises ConfigError where it is too large to be served."""
    slug = course.rubric.assignment
    folder = f"{names.classroom}/autograders/{slug}"
    served = {**build_bundle(course), "autograder.py": _read("classroom50", "autograder.py", course, names)}
    _check_size(served)
    runtime = {"runs-on": "ubuntu-24.04", "python": PYTHON}
    return Setup(
        files={**_under(folder, served), "runtime.json": (json.dumps(runtime) + "\n").encode()},
        closed=(folder,),
        steps=(
            f"Commit {names.classroom}/ to {names.org}/classroom50 and push. Its Pages are public: so is all of this.",
            f"gh teacher assignment add {names.org} {names.classroom} {slug} --name {slug} --template {names.org}/"
            "TEMPLATE --runtime runtime.json --submission-mode tag",
            f"To grade again: gh workflow run regrade.yaml -f classroom={names.classroom} -f assignment={slug}",
            "Points there are feedback, in whole numbers; marks are made by `grade` (see docs/ci.md).",
        ),
    )


def _check_size(files: Mapping[str, bytes]) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    if (size := len(stream.getvalue())) > MOST_BUNDLE_BYTES:
        largest = sorted(files, key=lambda name: -len(files[name]))[:3]
        raise ConfigError(
            f"the autograder is {size / 2**20:.1f} MiB packed, and Classroom 50 takes {MOST_BUNDLE_BYTES // 2**20}: "
            f"the largest files are {', '.join(largest)} (shorten notebook.handed_out in the rubric)"
        )


def build_gradescope(course: Course, names: Names) -> Setup:
    """Return the zip that Gradescope takes as an autograder."""
    programs = {name: _read("gradescope", name, course, names) for name in ("setup.sh", "run_autograder")}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted({**programs, **_under("bundle", build_bundle(course))}.items()):
            archive.writestr(build_entry(name, executable=name in programs), data)
    name = f"autograder-{course.rubric.assignment}.zip"
    return Setup(
        files={name: stream.getvalue()},
        steps=(
            f"On Gradescope: Create assignment > Programming; upload {name} under Configure autograder.",
            "Base image: Ubuntu 24.04 (22.04 works too); container: at least 2 CPUs and 6 GB, since torch needs it; "
            "timeout: 15 minutes.",
            "Points there are for being complete and readable; marks are made by `grade` (see docs/ci.md).",
        ),
    )


def build_staff(course: Course, names: Names) -> Setup:
    """Return the workflow and the programs of a staff repository that grades the class, keys and all."""
    name, wheel = build_wheel()
    files = {
        ".github/workflows/grade-class.yml": _read("staff", "grade-class.yml", course, names),
        "ci/fetch.py": _read("staff", "fetch.py", course, names),
        "ci/report.py": _read("staff", "report.py", course, names),
        f"ci/{name}": wheel,
    }
    return Setup(
        files=files,
        programs=("ci/fetch.py", "ci/report.py"),
        steps=(
            "Put these into the private repository that holds the course (rubrics/, reference/, templates/); nobody "
            "but staff may read it.",
            "Add repositories.csv (student_id,repository): 99521082,my-course/hw5-99521082",
            "Environment `fetch` with the secrets FETCH_TOKEN (a fine-grained token: read contents of the students' "
            "repositories) and COURSE_SECRET (what is in ~/.config/grader/secret).",
            "Environment `report` with the secret REPORT_TOKEN (read and write issues of the students' repositories).",
            "Run it: Actions > grade the class; the marks are in the artifact `graded`. Students are told nothing "
            "unless you tick `publish`.",
        ),
    )


TARGETS: Mapping[str, Build] = {
    "actions": build_actions,
    "classroom50": build_classroom50,
    "classroom-reporter": build_reporter,
    "staff": build_staff,
    "gradescope": build_gradescope,
}
