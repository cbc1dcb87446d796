"""Grading as an array of Slurm jobs, with nothing installed but the grader: scripts for ``sbatch`` are written.

Each task of the array grades one list of hand-ins into the same results folder (a shared file system is needed). A task
that dies loses nothing but the hand-in it was at: the last job, which waits for the array, grades what is left and
writes what is made of the whole class.
"""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.batch.events import Job
from grader.errors import ConfigError, InfrastructureError

MOST_TASKS = 1000  # Slurm's own limit as it comes (MaxArraySize is 1001)
_OWN_BYTES = 2 * 2**30  # the grader itself, and the warm imports that rooms are forked from
_REPORT_SECONDS = 60.0
_NOTEBOOK_SPARE_SECONDS = 600.0  # the probes, and the start of the rooms
_MOST_SECONDS = 12 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What one hand-in may take at the most, by the rubric."""

    memory_bytes: int
    seconds: float


def find_needs(job: Job) -> Needs:
    """Return what a hand-in of this job may take. Raises ConfigError where the course is in no order."""
    from grader.batch.unit import load_job_course

    course = load_job_course(job)
    settings = course.rubric.notebook
    if settings is None:
        return Needs(memory_bytes=_OWN_BYTES, seconds=_REPORT_SECONDS)
    seconds = settings.total_timeout_seconds * job.repeat + _NOTEBOOK_SPARE_SECONDS
    return Needs(memory_bytes=settings.memory_bytes + _OWN_BYTES, seconds=seconds)


def emit_sbatch(
    job: Job,
    paths: Sequence[str],
    folder: Path,
    *,
    tasks: int,
    command: Sequence[str] | None = None,
    last_options: Sequence[str] = (),
    whole: Sequence[str] | None = None,
) -> list[Path]:
    """Write the scripts that grade ``paths`` with Slurm into ``folder``, and return the files written.

    ``tasks`` is how many jobs to make at the most. ``command`` is the grader with its options and without a PATH (else
    ``build_command`` of the job); paths in it must be absolute. The last job is given ``last_options`` besides, such as
    a roster's, and ``whole`` as PATH (else ``paths``), such as the class folder. ``submit.sh`` is what a person runs.
    The same input gives the same files. Raises InfrastructureError where they cannot be written.
    """
    folder = folder.resolve()
    lists = split_paths(paths, tasks)
    needs = find_needs(job)
    command = build_command(job) if command is None else command
    files = {_part(number): json.dumps({"paths": part}) + "\n" for number, part in enumerate(lists)}
    fresh = ["--fresh"] if job.fresh else []  # not in the last job, which would do everything once more
    files["grade.sbatch"] = _build_grade(job, needs, folder, [*command, *fresh], lists)
    last = [*command, *last_options, "--jobs", "1", "--", *(paths if whole is None else whole)]
    files["finish.sbatch"] = _build_finish(job, needs, last)
    files["submit.sh"] = _build_submit(len(lists), len(paths))
    try:
        return _write(folder, files)
    except OSError as error:
        raise InfrastructureError(f"cannot write the scripts in {folder}: {error.strerror or error}") from None


def build_command(job: Job) -> list[str]:
    """Return the command line that grades as this job says, with this Python and without a PATH."""
    options = ["--course", job.course, "--rubric", job.rubric, "--out", job.out, "--device", job.device]
    if job.times:
        options += ["--times", job.times]
    if job.unsafe:
        options.append("--unsafe-no-sandbox")
    if job.repeat > 1:
        options += ["--repeat", str(job.repeat)]
    return [sys.executable, "-m", "grader", *options]


def read_part(path: Path) -> list[str]:
    """Return the hand-ins of one task's list. Raises ConfigError where there is no such list."""
    try:
        return [str(item) for item in json.loads(path.read_text(encoding="utf-8"))["paths"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"--part {path}: not a list that --emit-sbatch has written: {error}") from None


def split_paths(paths: Sequence[str], tasks: int) -> list[list[str]]:
    """Return the paths dealt out in turn to as many lists as there are tasks, none of them empty."""
    count = max(1, min(tasks, len(paths), MOST_TASKS))
    return [list(paths[number::count]) for number in range(count)]


def _part(number: int) -> str:
    return f"part-{number:03d}.json"


def _build_grade(job: Job, needs: Needs, folder: Path, command: Sequence[str], lists: Sequence[Sequence[str]]) -> str:
    seconds = min(_MOST_SECONDS, needs.seconds * max(map(len, lists)))
    head = [f"#SBATCH --array=0-{len(lists) - 1}", "#SBATCH --output=grade-%a.log"]
    body = (
        f"folder={shlex.quote(str(folder))}\n"
        'part=$(printf \'%s/part-%03d.json\' "$folder" "$SLURM_ARRAY_TASK_ID")\n'
        f'{shlex.join(command)} --jobs 1 --part "$part" || code=$?\n'
    )
    return _build_script("grade", "One task of the array grades one list of hand-ins.", job, needs, seconds, head, body)


def _build_finish(job: Job, needs: Needs, last: Sequence[str]) -> str:
    about = "After the array: grades what is left, and writes what is made of the whole class."
    body = f"{shlex.join(last)} || code=$?\n"
    return _build_script("finish", about, job, needs, _MOST_SECONDS, ["#SBATCH --output=finish.log"], body)


def _build_script(name: str, about: str, job: Job, needs: Needs, seconds: float, head: Sequence[str], body: str) -> str:
    directives = [
        f"#SBATCH --job-name=grader-{name}",
        *head,
        "#SBATCH --ntasks=1",
        "#SBATCH --cpus-per-task=1",
        f"#SBATCH --mem={math.ceil(needs.memory_bytes / 2**20)}M",
        f"#SBATCH --time={math.ceil(seconds / 60)}",
        *(["#SBATCH --gres=gpu:1"] if job.device == "cuda" else []),
    ]
    return "\n".join(
        [
            "#!/bin/bash",
            f"# {about} Submitted by submit.sh; see there.",
            *directives,
            "set -u",
            "code=0",
            body.rstrip("\n"),
            "# 1 and 3 are about marks (below a limit, waiting for a person), not about this job.",
            'case "$code" in 0 | 1 | 3) exit 0 ;; *) exit "$code" ;; esac',
            "",
        ]
    )


def _build_submit(tasks: int, hand_ins: int) -> str:
    return f"""#!/bin/bash
# Grades {hand_ins} hand-ins with {tasks} Slurm jobs, and one more that waits for them:
#
#   part-000.json ...   which hand-ins a task grades
#   grade.sbatch        the array of tasks; logs in grade-*.log
#   finish.sbatch       grades what a task could not, and writes the results of the class; log in finish.log
#   submit.sh           this: submits both
#
# Needed: this folder, the course, the hand-ins, the results folder and the grader's Python under the same paths on
# every node, with file locks that work between them; and the course secret, the same everywhere.
# What Slurm needs besides (partition, account, other limits) can be given in its own variables:
#   SBATCH_PARTITION=short SBATCH_ACCOUNT=dl SBATCH_TIMELIMIT=02:00:00 ./submit.sh
# All of it may be submitted again at any time: what is graded is not graded again.
set -euo pipefail
cd "$(dirname "${{BASH_SOURCE[0]}}")"
array=$(sbatch --parsable grade.sbatch)
array=${{array%%;*}}
finish=$(sbatch --parsable --dependency="afterany:$array" finish.sbatch)
echo "submitted: array $array, then job ${{finish%%;*}} (squeue --me shows them)"
"""


def _write(folder: Path, files: dict[str, str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("part-[0-9][0-9][0-9].json"):  # of an earlier run that had more
        if path.name not in files:
            path.unlink()
    written = []
    for name, text in files.items():
        path = folder / name
        path.write_bytes(text.encode("utf-8", "surrogateescape"))  # names of files need not be UTF-8
        path.chmod(0o755 if name == "submit.sh" else 0o644)
        written.append(path)
    return written
