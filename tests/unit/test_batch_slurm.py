"""The scripts for Slurm, run by a stand-in for sbatch: what they call, with which words, and what they say of it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader.batch.events import Job
from grader.batch.slurm import MOST_TASKS, build_command, emit_sbatch, read_part, split_paths
from grader.errors import ConfigError, InfrastructureError

ROOT = Path(__file__).resolve().parents[2]
STRANGE = ["/class/it's", '/class/a "b" $HOME `c`', "/class/two\nlines", "/class/-x \\", "/class/\udce9t\udce9"]
RECORD = """
import json, os, sys
name = os.environ["RECORD"] + "-" + os.environ.get("SLURM_ARRAY_TASK_ID", "finish")
open(name, "w").write(json.dumps(sys.argv[1:]))
sys.exit(int(os.environ.get("CODE", "0")))
"""


def make_job(tmp_path: Path, **options: Any) -> Job:
    rubric = str(ROOT / "rubrics/hw5.yaml")
    (tmp_path / "class.yaml").write_text("key: demo\n")
    return Job(course=str(ROOT), rubric=rubric, class_folder=str(tmp_path), out=str(tmp_path / "out"), **options)


def emit(tmp_path: Path, **options: Any) -> tuple[Path, list[Path]]:
    folder = tmp_path / 'it\'s a "folder" $HOME'
    command = [sys.executable, "-c", RECORD, "--out", str(tmp_path / "my out")]
    options = {"command": command, "tasks": 3, **options}
    return folder, emit_sbatch(make_job(tmp_path), STRANGE, folder, **options)


def run(script: Path, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "RECORD": str(tmp_path / "record"), **environment}
    return subprocess.run(["bash", script], cwd=tmp_path, env=given, capture_output=True, text=True, check=False)


def recorded(tmp_path: Path, task: object) -> list[str]:
    return json.loads((tmp_path / f"record-{task}").read_text())


def test_every_hand_in_is_in_one_list_whatever_its_name(tmp_path: Path) -> None:
    folder, written = emit(tmp_path)
    assert [path.name for path in written] == [
        *(f"part-00{number}.json" for number in range(3)), "grade.sbatch", "finish.sbatch", "submit.sh"
    ]  # fmt: skip
    for number in range(3):
        assert run(folder / "grade.sbatch", tmp_path, SLURM_ARRAY_TASK_ID=str(number)).returncode == 0
    parts = [read_part(Path(recorded(tmp_path, number)[-1])) for number in range(3)]
    assert sorted(path for part in parts for path in part) == sorted(STRANGE)
    assert recorded(tmp_path, 0)[:-1] == ["--out", str(tmp_path / "my out"), "--jobs", "1", "--part"]


def test_the_last_job_is_given_the_whole(tmp_path: Path) -> None:
    folder, _ = emit(tmp_path)
    assert run(folder / "finish.sbatch", tmp_path).returncode == 0
    assert recorded(tmp_path, "finish")[2:] == ["--jobs", "1", "--", *STRANGE]
    emit(tmp_path, whole=["/class"], last_options=["--roster", "/my roster"])
    run(folder / "finish.sbatch", tmp_path)
    assert recorded(tmp_path, "finish")[2:] == ["--roster", "/my roster", "--jobs", "1", "--", "/class"]


def test_the_job_is_the_command_line(tmp_path: Path) -> None:
    from grader.cli.grade import grade

    times = tmp_path / "my times.csv"
    times.write_text("student_id,submitted_at\n")
    job = make_job(tmp_path, device="cuda", unsafe=True, fresh=True, repeat=3, times=str(times))
    given = grade.make_context("grade", [*build_command(job)[3:], "--", "/a"]).params
    assert [given[name] for name in ("device", "unsafe", "repeat")] == ["cuda", True, 3]
    assert given["times"] == times
    assert [str(given[name]) for name in ("root", "rubric", "out")] == [job.course, job.rubric, job.out]
    folder = tmp_path / "scripts"
    emit_sbatch(job, ["/a"], folder, tasks=1)
    assert "--fresh --jobs 1 --part" in (folder / "grade.sbatch").read_text()
    assert "--fresh" not in (folder / "finish.sbatch").read_text(), "everything would be done once more"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"paths": 1}'])
def test_a_list_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "part.json").write_text(text)
    with pytest.raises(ConfigError, match="not a list that --emit-sbatch has written"):
        read_part(tmp_path / "part.json")


@pytest.mark.parametrize(("code", "seen"), [(0, 0), (1, 0), (3, 0), (2, 2), (4, 4), (130, 130)])
def test_a_job_fails_where_the_machine_did_and_not_for_marks(tmp_path: Path, code: int, seen: int) -> None:
    folder, _ = emit(tmp_path)
    for script in ("grade.sbatch", "finish.sbatch"):
        assert run(folder / script, tmp_path, CODE=str(code), SLURM_ARRAY_TASK_ID="0").returncode == seen


def test_scripts_are_the_same_each_time_and_bash_can_read_them(tmp_path: Path) -> None:
    folder, written = emit(tmp_path, tasks=5)
    before = {path: path.read_bytes() for path in written}
    emit(tmp_path, tasks=2)
    assert len(list(folder.glob("part-*.json"))) == 2, "lists of an earlier run would mislead"
    emit(tmp_path, tasks=5)
    assert {path: path.read_bytes() for path in written} == before
    for path in written:
        if path.suffix != ".json":
            subprocess.run(["bash", "-n", path], check=True)
            if shutil.which("shellcheck"):
                subprocess.run(["shellcheck", "--shell=bash", "--severity=warning", path], check=True)


def test_slurm_is_asked_for_what_the_rubric_allows(tmp_path: Path) -> None:
    folder, _ = emit(tmp_path)
    text = (folder / "grade.sbatch").read_text(errors="surrogateescape")
    for line in ("--array=0-2", "--cpus-per-task=1", "--mem=6144M", "--time=60"):
        assert f"#SBATCH {line}\n" in text
    assert "gres" not in text
    emit_sbatch(make_job(tmp_path, device="cuda"), STRANGE, folder, command=["grade"], tasks=1)
    assert "#SBATCH --gres=gpu:1\n" in (folder / "grade.sbatch").read_text()


def test_submit_chains_the_two(tmp_path: Path) -> None:
    folder, _ = emit(tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    fake = tools / "sbatch"
    fake.write_text('#!/bin/bash\necho "$PWD|$*" >> "$RECORD"\necho "4711;cluster"\n')
    fake.chmod(0o755)
    done = run(folder / "submit.sh", tmp_path, PATH=f"{tools}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert "array 4711, then job 4711" in done.stdout
    assert (tmp_path / "record").read_text().splitlines() == [
        f"{folder}|--parsable grade.sbatch", f"{folder}|--parsable --dependency=afterany:4711 finish.sbatch"
    ]  # fmt: skip


def test_no_list_is_empty_and_slurm_can_count_them() -> None:
    assert split_paths(["a", "b", "c"], 2) == [["a", "c"], ["b"]]
    assert split_paths(["a"], 5) == [["a"]]
    assert len(split_paths([str(number) for number in range(3000)], 2000)) == MOST_TASKS


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InfrastructureError, match="cannot write the scripts"):
        emit_sbatch(make_job(tmp_path), ["/a"], tmp_path / "file", command=["grade"], tasks=1)
