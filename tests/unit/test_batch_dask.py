"""Grading on Dask workers that are real processes: workers and schedulers die, and no hand-in is lost."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.batch import dask as batch
from grader.batch.dask import build_slurm_options, parse_walltime, run_dask
from grader.batch.events import Event, Job
from grader.batch.local import run_local
from grader.errors import ConfigError, InfrastructureError
from grader.sandbox.watch import find_processes
from tests.unit.room_cases import notebook, wait_until

ROOT = Path(__file__).resolve().parents[2]
REPORT = "# Q1\na) 2 and 3\n\nb) the third option\n\nc) option {}\n"
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _installed() -> None:
    """Skip each test (and not the file: CI turns skips of tests into failures) where the extra is not installed."""
    for name in ("distributed", "dask_jobqueue", "cryptography"):
        pytest.importorskip(name, reason="needs pip install '.[cluster]'")


@pytest.fixture
def foreign(_installed: None) -> Iterator[Any]:
    """Make clusters that somebody else has started."""
    import dask
    from distributed import LocalCluster

    with contextlib.ExitStack() as stack:

        def start(workers: int, *, failures: int = 3) -> Any:
            with dask.config.set({"distributed.scheduler.allowed-failures": failures}):
                options = {"dashboard_address": ":0", "silence_logs": 60, "memory_limit": 0}
                cluster = LocalCluster(n_workers=workers, threads_per_worker=1, host="127.0.0.1", **options)
            return stack.enter_context(cluster)

        yield start


def make_class(folder: Path, *, reports: int = 8, slow: int = 0) -> tuple[Path, list[str]]:
    """Write a class of reports and of slow notebooks; return it and its hand-ins, notebooks first."""
    submissions = folder / "submissions"
    for number in range(reports + slow):
        path = submissions / f"student-{number}"
        path.mkdir(parents=True)
        (path / "report.md").write_text(REPORT.format(number % 4 + 1))
        if number < slow:
            (path / "Q4.ipynb").write_bytes(notebook("import time", "time.sleep(3)"))
    (submissions / "class.yaml").write_text("assignment: hw5\nkey: demo\n")
    return submissions, [str(submissions / f"student-{number}") for number in range(reports + slow)]


def make_job(submissions: Path, out: Path, **options: Any) -> Job:
    out.mkdir()
    rubric = str(ROOT / "rubrics/hw5.yaml")
    return Job(course=str(ROOT), rubric=rubric, class_folder=str(submissions), out=str(out), **options)


def read_sheets(out: Path) -> dict[str, dict[str, Any]]:
    sheets = {path.parent.name: json.loads(path.read_text()) for path in out.glob("*/marksheet.json")}
    return {name: {**sheet, "timing": None} for name, sheet in sheets.items()}


def read_pages(out: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in out.glob("*/feedback.html")}


def ended(events: list[Event]) -> dict[str, str]:
    """Return how each hand-in ended; none may do so twice."""
    found = [(event.path, event.kind) for event in events if event.kind in ("finished", "failed")]
    assert len(found) == len(dict(found))
    return dict(found)


def graders(process: int) -> list[int]:
    """Return the grading processes below a process."""
    found = []
    for number in find_processes(process):
        with contextlib.suppress(OSError):
            if b"grader.batch.worker" in Path(f"/proc/{number}/cmdline").read_bytes():
                found.append(number)
    return found


@pytest.mark.thorough
def test_a_cluster_of_our_own_marks_as_this_machine_does_and_leaves_nothing(tmp_path: Path) -> None:
    submissions, paths = make_class(tmp_path)
    list(run_local(make_job(submissions, tmp_path / "here"), paths, 2))
    events = list(run_dask(make_job(submissions, tmp_path / "there"), paths, scheduler=None, cluster="local", jobs=2))
    assert ended(events) == dict.fromkeys(paths, "finished")
    assert {event.path for event in events if event.kind == "started"} == set(paths)
    assert all(event.summary for event in events if event.kind == "finished")
    assert read_sheets(tmp_path / "here") == read_sheets(tmp_path / "there")
    assert len(read_sheets(tmp_path / "there")) == 8
    assert read_pages(tmp_path / "here") == read_pages(tmp_path / "there")
    assert wait_until(lambda: not graders(os.getpid()))
    again = list(run_dask(make_job(submissions, tmp_path / "c"), paths, scheduler=None, cluster="local", jobs=1))
    first = next(number for number, event in enumerate(again) if event.kind == "finished")
    assert sum(event.kind == "started" for event in again[:first]) <= 4, "more than a few are at the scheduler"


@pytest.mark.thorough
@pytest.mark.notebook
def test_a_worker_that_is_killed_loses_no_hand_in(tmp_path: Path, foreign: Any) -> None:
    submissions, paths = make_class(tmp_path, slow=2)
    cluster = foreign(3)
    job = make_job(submissions, tmp_path / "there", unsafe=True)
    events, killed = [], None
    for event in run_dask(job, paths, scheduler=cluster.scheduler_address):
        events.append(event)
        if event.kind == "finished" and killed is None:  # a report: the two others are at a notebook each
            name = int(event.worker.rpartition("/")[2])
            killed = next(worker for number, worker in cluster.workers.items() if number != name).pid
            orphans = graders(killed)
            os.kill(killed, signal.SIGKILL)
    assert ended(events) == dict.fromkeys(paths, "finished")
    assert orphans
    assert wait_until(lambda: not any(Path(f"/proc/{number}").exists() for number in orphans))
    assert wait_until(lambda: not graders(os.getpid())), "the foreign workers kept what graded for us"
    list(run_local(make_job(submissions, tmp_path / "here", unsafe=True), paths, 2))
    there = read_sheets(tmp_path / "there")
    for name, sheet in read_sheets(tmp_path / "here").items():
        assert sheet == there[name]


@pytest.mark.notebook
@pytest.mark.parametrize("kills", [pytest.param(1, marks=pytest.mark.thorough), 3])
def test_workers_that_die_are_not_the_students_fault(tmp_path: Path, foreign: Any, kills: int) -> None:
    submissions, paths = make_class(tmp_path, reports=0, slow=1)
    cluster = foreign(1, failures=0)  # each death is a KilledWorker
    events, dead = [], set()
    for event in run_dask(
        make_job(submissions, tmp_path / "out", unsafe=True), paths, scheduler=cluster.scheduler_address
    ):
        events.append(event)
        process = cluster.workers[0].pid
        if len(dead) < kills and process and process not in dead and graders(process):
            dead.add(process)
            os.kill(process, signal.SIGKILL)
    said = [event.text for event in events if event.text]
    if kills == 1:
        assert ended(events) == {paths[0]: "finished"}
        assert "once more" in said[0]
        assert len(read_sheets(tmp_path / "out")) == 1
    else:
        assert ended(events) == {paths[0]: "failed"}
        assert "no fault of the student's" in said[-1]
        assert not events[-1].fatal
        assert not read_sheets(tmp_path / "out"), "never a zero"


def test_without_workers_it_says_so(tmp_path: Path, foreign: Any) -> None:
    submissions, paths = make_class(tmp_path, reports=1)
    address = foreign(0).scheduler_address
    with pytest.raises(InfrastructureError, match="no Dask worker has come within 1 seconds"):
        list(run_dask(make_job(submissions, tmp_path / "out"), paths, scheduler=address, wait_seconds=1))


@pytest.mark.thorough
def test_workers_that_go_for_good_are_missed(tmp_path: Path, foreign: Any) -> None:
    submissions, paths = make_class(tmp_path, reports=40)
    cluster = foreign(1)
    events = run_dask(
        make_job(submissions, tmp_path / "out"), paths, scheduler=cluster.scheduler_address, wait_seconds=2
    )
    with pytest.raises(InfrastructureError, match="gone for 2 seconds"):
        for event in events:
            if event.kind == "finished":
                cluster.scale(0)


def test_a_gpu_that_nobody_has_is_refused(tmp_path: Path, foreign: Any) -> None:
    submissions, paths = make_class(tmp_path, reports=1)
    job = make_job(submissions, tmp_path / "out", device="cuda")
    with pytest.raises(ConfigError, match="no Dask worker offers a GPU"):
        list(run_dask(job, paths, scheduler=foreign(1).scheduler_address))


def test_another_grader_on_a_worker_is_refused(tmp_path: Path, foreign: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    submissions, paths = make_class(tmp_path, reports=2)
    job = make_job(submissions, tmp_path / "out")
    identity = {**batch.find_identity(job), "grader": "0.0"}
    monkeypatch.setattr(batch, "find_identity", lambda _: identity)
    with pytest.raises(InfrastructureError, match=r"would not grade as this machine does: grader: .*, not 0\.0"):
        list(run_dask(job, paths, scheduler=foreign(1).scheduler_address))
    assert not read_sheets(tmp_path / "out")


def test_a_folder_that_is_not_shared_is_refused(tmp_path: Path) -> None:
    submissions, _ = make_class(tmp_path, reports=1)
    job = make_job(submissions, tmp_path / "out")
    run = batch.Run(token="t", job=job, identity=batch.find_identity(job))
    assert batch.find_differences(run) == []
    (tmp_path / "out").rmdir()
    assert batch.find_differences(run) == [f"{tmp_path / 'out'} is not there"]


@pytest.mark.thorough
def test_a_lost_scheduler_ends_the_run_and_the_next_goes_on(tmp_path: Path) -> None:
    submissions, paths = make_class(tmp_path, reports=30)
    job, file = make_job(submissions, tmp_path / "out"), tmp_path / "scheduler.json"
    kinds = {"scheduler": ["--host", "127.0.0.1", "--port", "0"], "worker": ["--no-nanny", "--nthreads", "1"]}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options, "--scheduler-file", str(file)]
            + ["--no-dashboard"] + (["--death-timeout", "5"] if kind == "worker" else ["--dashboard-address", ":0"]),
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        for kind, options in kinds.items()
    ]  # fmt: skip
    try:
        assert wait_until(lambda: file.exists() and file.stat().st_size > 0, 30)
        events = []
        with pytest.raises(InfrastructureError, match=r"the Dask scheduler is lost .* Run the same command again"):
            for event in run_dask(job, paths, scheduler=json.loads(file.read_text())["address"]):
                events.append(event)
                if event.kind == "finished":
                    running[0].kill()
    finally:
        for process in running:
            process.kill()
            process.wait()
    done = ended(events)
    assert 0 < len(done) < len(paths)
    rest = {event.path: event.summary for event in run_local(job, paths, 2) if event.kind == "finished"}
    assert set(rest) == set(paths)
    assert all(rest[path].work == "unchanged" for path in done)


def test_no_scheduler_at_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submissions, paths = make_class(tmp_path, reports=1)
    job = make_job(submissions, tmp_path / "out")
    monkeypatch.setattr(batch, "_CONNECT_SECONDS", 1.0)
    with pytest.raises(InfrastructureError, match="no Dask scheduler answers at tcp://127"):
        list(run_dask(job, paths, scheduler="tcp://127.0.0.1:9"))
    with pytest.raises(ConfigError, match="an address is like"):
        list(run_dask(job, paths, scheduler="carrier-pigeon://127.0.0.1:9"))


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submissions, paths = make_class(tmp_path, reports=1)
    job = make_job(submissions, tmp_path / "out")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install 'homework-grader\[cluster\]'"):
        run_dask(job, paths, scheduler="tcp://127.0.0.1:9")
    with pytest.raises(ConfigError, match="either"):
        run_dask(job, paths, scheduler=None)
    code = "import sys, grader.batch.dask; assert not {'distributed', 'dask', 'dask_jobqueue'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_keys_tell_nothing(tmp_path: Path) -> None:
    submissions, paths = make_class(tmp_path, reports=2)
    job = make_job(submissions, tmp_path / "out")
    runs = [batch.Run(token=token, job=job, identity={}) for token in ("a", "b")]
    keys = {batch.build_key(run, path, number) for run in runs for path in paths for number in (1, 2)}
    assert len(keys) == 8
    assert not any("student" in key for key in keys)


def test_options_of_slurm_jobs(tmp_path: Path) -> None:
    submissions, _ = make_class(tmp_path, reports=1)
    job = make_job(submissions, tmp_path / "out", device="cuda")
    options = build_slurm_options(job, {"walltime": "01:00:00"}, "/shared/out/.cluster")
    assert options["nanny"] is False
    assert options["memory"] == f"{6 * 2**30}B"
    assert options["job_extra_directives"] == ["--gres=gpu:1"]
    assert options["worker_extra_args"][:2] == ["--lifetime", "3480s"]
    with pytest.raises(ConfigError, match="DASK_JOBQUEUE__SLURM__WALLTIME"):
        build_slurm_options(job, {"walltime": "00:10:00"}, "/shared/out/.cluster")
    with pytest.raises(ConfigError, match="--emit-sbatch"):
        build_slurm_options(job, {}, "/shared/my results/.cluster")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 1800), ("30:10", 1810), ("04:00:00", 14400), ("1-12", 129600), ("1-12:30", 131400), ("UNLIMITED", None)],
)
def test_walltime(text: str, seconds: int | None) -> None:
    assert parse_walltime(text) == seconds
