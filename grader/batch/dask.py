"""The class on many machines: one Dask task for each hand-in (the extra ``cluster``).

A task watches a child process that grades, as ``local`` does; Dask itself only carries paths there and summaries back.
Results are written by the child into the results folder, which all machines share, so a task may be repeated at will.
Lost workers are not a student's fault: their hand-ins are given out again. Lost schedulers end the run, and the next
run goes on where this one stopped.

What comes from distributed and dask-jobqueue is ``Any`` here and imported late: both are optional.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import hashlib
import importlib
import logging
import os
import queue
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.batch.events import Event, Job
from grader.batch.slurm import find_needs
from grader.batch.worker import WorkerProcess
from grader.errors import ConfigError, GraderError, InfrastructureError

INSTALL = "pip install 'homework-grader[cluster]'"
_AGAIN = "Run the same command again: what is graded is stored and not graded again."
_WAIT_SECONDS = {"": 60.0, "local": 60.0, "slurm": 3600.0}  # for the first worker; Slurm's queues are long
_CONNECT_SECONDS = 15.0
_POLL_SECONDS = 2.0
_TICK_SECONDS = 0.25
_TRIES = 3
_PER_THREAD = 4  # hand-ins at the scheduler for each thread of the workers: the rest waits here
_SLURM_JOBS = 8
_EXIT_SECONDS = 10.0  # for a Dask worker to end by itself
_SPARE_SECONDS = 120  # between the end of a worker's life and the end of its Slurm job
# For a scheduler of our own. A worker that dies costs one more try and not three; a hand-in waits at the scheduler and
# not at a worker, whose death would be counted against it; no web pages, which would show what is worked on.
_OWN_CLUSTER = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.daemon": False,
    "distributed.worker.profile.enabled": False,
    "distributed.nanny.pre-spawn-environ": {},
}


_NO_PAGES = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}  # None would take port 8787


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a task must know besides its path. ``identity`` is what the grader of a worker must be, to the last file."""

    token: str
    job: Job
    identity: Mapping[str, str]


class MismatchError(InfrastructureError):
    """A worker would not give the marks that this machine would give."""


def run_dask(
    job: Job,
    paths: Sequence[str],
    *,
    scheduler: str | None,
    cluster: str | None = None,
    jobs: int | None = None,
    wait_seconds: float | None = None,
) -> Generator[Event]:
    """Grade ``paths`` on Dask workers and yield what happens, as ``run_local`` does; the order is theirs.

    Exactly one of ``scheduler`` (the address of one that runs) and ``cluster`` is given: ``local`` makes workers on
    this machine, ``slurm`` makes them as Slurm jobs, ``jobs`` at the most; both are gone at the end. ``wait_seconds``
    is how long to do without any worker. Closing the iterator takes back what is not graded.

    Raises ConfigError at once for what is missing or wrong here. The iterator raises InfrastructureError where the
    scheduler or all workers are gone, or would mark differently; what was finished by then is stored.
    """
    if (scheduler is None) == (cluster is None):
        raise ConfigError("name either a scheduler's address or a kind of cluster")
    if cluster not in (None, "local", "slurm"):
        raise ConfigError(f"no such cluster: {cluster} (local or slurm)")
    for name in ("distributed", "cryptography", *(["dask_jobqueue"] if cluster == "slurm" else [])):
        _import(name)
    if cluster == "slurm" and shutil.which("sbatch") is None:
        raise ConfigError("--cluster slurm: there is no sbatch here; run grade on a machine that may submit jobs")
    patience = wait_seconds or _WAIT_SECONDS[cluster or ""]
    return _run(job, list(paths), scheduler, cluster or "", jobs, patience)


def _import(name: str) -> Any:
    """Return a module of the extra. Raises ConfigError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(f"grading on a cluster needs {name}: {INSTALL} ({error})") from None


def _run(
    job: Job, paths: list[str], scheduler: str | None, cluster: str, jobs: int | None, patience: float
) -> Generator[Event]:
    if not paths:
        return
    run = Run(token=secrets.token_hex(16), job=job, identity=find_identity(job))
    with contextlib.ExitStack() as stack:
        if cluster:
            stack.enter_context(_import("dask").config.set(_OWN_CLUSTER))
            place = stack.enter_context(_open_cluster(cluster, job, min(jobs or _SLURM_JOBS, len(paths))))
            if cluster == "slurm":
                yield Event(kind="note", path="", text=f"waiting for Slurm; its logs are in {_find_folder(job)}")
        client = stack.enter_context(_connect(place if cluster else scheduler))
        _wait_for_workers(client, job, patience)
        yield from _Desk(client, run, patience, ours=cluster == "slurm").grade(paths)


@contextlib.contextmanager
def _connect(where: Any) -> Iterator[Any]:
    """Return a client of a cluster, or of the scheduler at an address. Raises ConfigError, InfrastructureError."""
    distributed = _import("distributed")
    try:
        client = distributed.Client(where, timeout=_CONNECT_SECONDS, set_as_default=False)
    except OSError as error:
        raise InfrastructureError(f"no Dask scheduler answers at {where}: {error}") from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"--scheduler {where}: {error} (an address is like tcp://host:8786)") from None
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # the other side may have gone first
            client.close(timeout=5)


def _wait_for_workers(client: Any, job: Job, patience: float) -> None:
    """Wait for a worker that may grade. Raises InfrastructureError, and ConfigError where none has a GPU."""
    deadline = time.monotonic() + patience
    while not (workers := _ask(client.scheduler_info)["workers"]):
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"no Dask worker has come within {patience:g} seconds (is one started, and may it reach the "
                f"scheduler?). {_AGAIN}"
            )
        time.sleep(0.2)
    # A request that nobody can fulfil would be kept for ever.
    if job.device == "cuda" and not any(worker["resources"].get("GPU", 0) >= 1 for worker in workers.values()):
        raise ConfigError(
            "--device cuda: no Dask worker offers a GPU (start those that have one with: dask worker --resources GPU=1)"
        )


def _ask(question: Any) -> Any:
    """Return the scheduler's answer. Raises InfrastructureError where there is none."""
    try:
        return question()
    except (OSError, RuntimeError, concurrent.futures.CancelledError) as error:
        raise _lost(error) from None


def _lost(error: object) -> InfrastructureError:
    return InfrastructureError(f"the Dask scheduler is lost ({error or 'no connection'}). {_AGAIN}")


class _Desk:
    """Gives hand-ins out, a few for each worker at a time, and takes in what comes of them."""

    def __init__(self, client: Any, run: Run, patience: float, *, ours: bool = False) -> None:
        self._client, self._run, self._patience, self._ours = client, run, patience, ours
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._given: dict[str, tuple[Any, str, int]] = {}  # the future, the path and which try it is, by the task's key
        self._notes: set[str] = set()
        self._finished = self._threads = 0
        self._seen = self._counted = time.monotonic()

    def grade(self, paths: Sequence[str]) -> Iterator[Event]:
        """Yield what happens to ``paths`` until each has ended or a failure is fatal."""
        name = f"grader-{self._run.token}"
        _ask(lambda: self._client.register_plugin(_build_plugin(self._run.token, ours=self._ours), name=name))
        waiting = deque((path, 1) for path in paths)
        try:
            while waiting or self._given:
                yield from self._give_out(waiting)
                for event in self._take_in(waiting):
                    yield event
                    if event.fatal:
                        return
        finally:
            with contextlib.suppress(Exception):  # the scheduler may be gone
                self._client.cancel([future for future, _, _ in self._given.values()])
                self._client.unregister_worker_plugin(name)

    def _give_out(self, waiting: deque[tuple[str, int]]) -> Iterator[Event]:
        self._count()
        while waiting and len(self._given) < max(1, self._threads) * _PER_THREAD:
            path, number = waiting.popleft()
            key = build_key(self._run, path, number)
            future = self._client.submit(
                grade_unit,
                self._run,
                path,
                key=key,
                pure=False,
                **({"resources": {"GPU": 1}} if self._run.job.device == "cuda" else {}),
            )
            self._given[key] = (future, path, number)
            future.add_done_callback(self._done.put)
            yield Event(kind="started", path=path)

    def _count(self) -> None:
        """See how many threads there are. Raises InfrastructureError where there was none for too long."""
        now = time.monotonic()
        if self._threads and now - self._counted < _POLL_SECONDS:
            return
        self._counted = now
        self._threads = sum(_ask(self._client.nthreads).values())
        if self._threads:
            self._seen = now
        elif now - self._seen > self._patience:
            raise InfrastructureError(f"all Dask workers are gone for {self._patience:g} seconds. {_AGAIN}")

    def _take_in(self, waiting: deque[tuple[str, int]]) -> Iterator[Event]:
        """Wait a little for a task that has ended, and yield what came of it."""
        try:
            future = self._done.get(timeout=_TICK_SECONDS)
        except queue.Empty:
            if self._client.status != "running":
                raise _lost(self._client.status) from None
            yield Event(kind="note", path="")  # nothing new: for a display that counts seconds
            return
        _, path, number = self._given.pop(future.key)
        if future.status == "finished":
            yield from self._receive(_ask(future.result))
        elif future.status == "error":
            yield from self._receive_error(future.exception(), path, number, waiting)
        else:  # cancelled: nobody but a lost scheduler, or a person at it, takes back what we have given out
            raise _lost(future.status)

    def _receive(self, events: Sequence[Event]) -> Iterator[Event]:
        for event in events:
            if event.kind != "note":
                self._finished += event.kind == "finished"
                yield event
            elif event.text not in self._notes:  # every worker says the same
                self._notes.add(event.text)
                yield event

    def _receive_error(
        self, error: BaseException, path: str, number: int, waiting: deque[tuple[str, int]]
    ) -> Iterator[Event]:
        """Give the hand-in out again where a worker died; say why it failed where that does not help."""
        if isinstance(error, GraderError):
            raise error
        if type(error).__name__ != "KilledWorker":  # a child's trouble is told in an event: this is Dask's own
            text = f"the Dask task failed: {type(error).__name__}: {error}"
            yield Event(kind="failed", path=path, text=text, fatal=not self._finished)
        elif number < _TRIES:
            yield Event(kind="stage", path=path, text="once more: the Dask workers at it died")
            waiting.append((path, number + 1))
        else:
            text = f"the Dask workers died each time ({_TRIES} times) while this hand-in was with them"
            yield Event(kind="failed", path=path, text=f"{text}; it is not marked, and no fault of the student's")


def build_key(run: Run, path: str, number: int) -> str:
    """Return a task's key. Keys are shown on Dask's pages and in its logs, so they give no student away."""
    text = f"{run.token}\x00{number}\x00{path}"
    return f"hand-in-{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}"


# --- who grades ------------------------------------------------------------------------------------------------------


def find_identity(job: Job) -> dict[str, str]:
    """Return what marks depend on besides the hand-in: the same here and on every worker, or marks may differ."""
    from grader.batch.unit import load_job_course
    from grader.course import digest_pairs
    from grader.pipeline import find_versions_used

    course = load_job_course(job)
    files = {f"files of the {name}": digest for name, digest in course.digests.items()}
    times = {"list of times": digest_pairs(course.times.items())}
    return {**files, **times, "course secret": course.key_id, **find_versions_used(course)}


def find_differences(run: Run) -> list[str]:
    """Return what is different on this machine, in words."""
    found = [f"{place} is not there" for place in (run.job.class_folder, run.job.out) if not Path(place).is_dir()]
    try:
        own = find_identity(run.job)
    except GraderError as error:
        return [*found, str(error)]
    return found + [
        f"{name}: {own.get(name, 'none')}, not {value}"
        for name, value in run.identity.items()
        if own.get(name) != value
    ]


# --- on the workers --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Child:
    """The process that grades for one thread of this Dask worker, for one run."""

    token: str
    process: WorkerProcess
    closed: bool = False


@dataclass(slots=True)
class _Children:
    """All such processes of this Dask worker."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    by_thread: dict[int, _Child] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)


_children = _Children()


def grade_unit(run: Run, path: str) -> tuple[Event, ...]:
    """Grade one hand-in in this thread's child; return the notes there were and the last event.

    This is a task: it runs on a Dask worker, in a thread that is not the main one. Raises MismatchError where the
    grader of this machine is not the one of the client, Reschedule where the Dask worker is about to end.
    """
    _check_identity(run)
    child = _find_child(run)
    events: list[Event] = []
    try:
        for event in child.process.grade(path):
            if child.closed:
                break
            if event.kind in ("note", "finished", "failed"):
                events.append(event)
    except (OSError, ValueError):  # its pipes were closed under it
        if not child.closed:
            raise
    if child.closed:
        child.process.kill()  # it may just have been started anew
        raise _import("distributed").Reschedule
    return tuple(event for event in events if event.text or event.kind != "note")


def _check_identity(run: Run) -> None:
    with _children.lock:
        if run.token in _children.checked:
            return
        differences = find_differences(run)
        if differences:
            told = "; ".join(differences)
            raise MismatchError(
                f"the Dask worker on {socket.gethostname()} would not grade as this machine does: {told}. Every "
                f"machine needs the same grader, course, secret, hand-ins and results folder"
            )
        _children.checked.add(run.token)


def _find_child(run: Run) -> _Child:
    """Return this thread's child for this run; an earlier run's is ended."""
    thread = threading.get_ident()
    with _children.lock:
        child = _children.by_thread.get(thread)
        if run.token in _children.ended:
            raise _import("distributed").Reschedule
    if child is not None and child.token == run.token:
        return child
    if child is not None:
        child.process.close()
    child = _Child(run.token, WorkerProcess(run.job, _find_name()))
    with _children.lock:
        _children.by_thread[thread] = child
    return child


def _find_name() -> str:
    worker = _import("distributed").get_worker()
    return f"{socket.gethostname()}/{worker.name}"


def close_children(token: str = "") -> None:
    """End the children of one run, or all; what they were at is given out again."""
    with _children.lock:
        if token:
            _children.ended.add(token)
        chosen = {thread: child for thread, child in _children.by_thread.items() if token in ("", child.token)}
        for thread, child in chosen.items():
            child.closed = True
            del _children.by_thread[thread]
    for child in chosen.values():
        child.process.close()


atexit.register(close_children)


def end_worker(token: str) -> None:
    """End the children of one run, and soon this Dask worker: it is a Slurm job of that run alone.

    A Dask worker that gets scancel's signal while it closes may wait for itself for ever (distributed 2026.8.0), and
    Slurm does not kill what it does not track.
    """
    close_children(token)
    threading.Thread(target=_exit_late, daemon=True).start()


def _exit_late() -> None:
    time.sleep(_EXIT_SECONDS)
    os._exit(0)


def _build_plugin(token: str, *, ours: bool) -> Any:
    """Return what has a Dask worker close its children when it ends, or when the run does.

    ``ours``: the worker is a process that was made for the run, and ends with it.
    """
    base: Any = _import("distributed").WorkerPlugin
    end = end_worker if ours else close_children

    class Closing(base):  # type: ignore[misc]
        """Sent by value, since its base is imported late: of what is here it may name functions only."""

        def teardown(self, worker: object) -> Coroutine[Any, Any, None]:
            """Close them beside the worker's event loop, which must go on."""
            return asyncio.to_thread(end, token)

    return Closing()


# --- clusters of our own ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _open_cluster(kind: str, job: Job, jobs: int) -> Iterator[Any]:
    """Return a cluster that is gone afterwards. Its parts prove by certificates made for it that they belong together.

    Without these, whoever reaches the scheduler could run anything as the person who grades.
    """
    cluster = _open_local(job, jobs) if kind == "local" else _open_slurm(job, jobs)
    try:
        yield cluster
    finally:
        with contextlib.suppress(Exception):  # a worker that does not answer any more is killed
            cluster.close(timeout=30)


def _open_local(job: Job, jobs: int) -> Any:
    distributed = _import("distributed")
    cuda = job.device == "cuda"
    return distributed.LocalCluster(
        n_workers=1 if cuda else jobs,  # a worker would not know which GPU is its own
        threads_per_worker=1,
        processes=True,
        memory_limit=0,  # what needs memory is not the worker itself; rooms have limits of their own
        host="127.0.0.1",
        protocol="tls://",
        security=distributed.Security.temporary(),
        scheduler_kwargs=_NO_PAGES,
        silence_logs=logging.CRITICAL,
        **({"resources": {"GPU": 1}} if cuda else {}),
    )


def _open_slurm(job: Job, jobs: int) -> Any:
    """Return a cluster of Slurm jobs; what it does not set is read from Dask's configuration (``jobqueue.slurm``)."""
    jobqueue = _import("dask_jobqueue")
    folder = _find_folder(job)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = build_slurm_options(job, _import("dask").config.get("jobqueue.slurm", {}), str(folder))
    cluster = jobqueue.SLURMCluster(security=_import("distributed").Security.temporary(), **options)
    try:
        _check_script(cluster.job_script())
        cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)  # a job that ends before its time is replaced
    except BaseException:
        cluster.close(timeout=5)
        raise
    return cluster


def _find_folder(job: Job) -> Path:
    """Return where the logs and keys of Slurm's jobs lie: for their owner only."""
    return Path(job.out) / ".cluster"


def build_slurm_options(job: Job, configured: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Return the options of a SLURMCluster. Raises ConfigError where they cannot be met."""
    needs = find_needs(job)
    places = {name: str(configured.get(name) or folder) for name in ("log-directory", "shared-temp-directory")}
    for name, place in places.items():  # dask-jobqueue writes them into its script as they are
        if not re.fullmatch(r"[\w./~$-]+", place, re.ASCII):
            variable = f"DASK_JOBQUEUE__SLURM__{name.replace('-', '_').upper()}"
            raise ConfigError(
                f"--cluster slurm: {place!r} cannot stand in dask-jobqueue's scripts; name another shared folder in "
                f"{variable}, or take --emit-sbatch"
            )
    cuda = job.device == "cuda"
    extra = list(configured.get("job-extra-directives") or [])
    if cuda and not any(re.search(r"--(gres|gpus)", item) for item in extra):
        extra.append("--gres=gpu:1")
    life = _find_life(str(configured.get("walltime") or ""), needs.seconds)
    return {
        "cores": 1,
        "processes": 1,
        "nanny": False,
        "memory": configured.get("memory") or f"{needs.memory_bytes}B",
        "python": configured.get("python") or shlex.quote(sys.executable),
        "log_directory": places["log-directory"],
        "shared_temp_directory": places["shared-temp-directory"],
        "job_extra_directives": extra,
        "worker_extra_args": [
            *(configured.get("worker-extra-args") or []),
            *life,
            "--no-dashboard",
            *(["--resources", "GPU=1"] if cuda else []),
        ],
        "scheduler_options": {**_NO_PAGES, **(configured.get("scheduler-options") or {})},
        "silence_logs": logging.CRITICAL,
    }


def _find_life(walltime: str, seconds: float) -> list[str]:
    """Return the arguments that have a worker retire before Slurm ends it. Raises ConfigError where time is short."""
    total = parse_walltime(walltime)
    if total is None:
        return []
    if total < seconds:
        raise ConfigError(
            f"--cluster slurm: a job's time is {walltime}, and one hand-in may take {seconds / 60:.0f} minutes: set "
            f"DASK_JOBQUEUE__SLURM__WALLTIME=04:00:00, or more"
        )
    return ["--lifetime", f"{max(60, total - _SPARE_SECONDS)}s", "--lifetime-stagger", f"{_SPARE_SECONDS // 4}s"]


def parse_walltime(text: str) -> int | None:
    """Return the seconds of a time as Slurm writes it (30, 30:00, 4:00:00, 1-12, 1-12:30); None for no limit."""
    found = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text.strip())
    if found is None:
        return None
    days, *rest = found.groups()
    numbers = [int(item) for item in rest if item is not None]
    if days is None and len(numbers) < 3:  # minutes, or minutes and seconds
        numbers.insert(0, 0)
    hours, minutes, seconds = (*numbers, 0, 0)[:3]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def _check_script(script: str) -> None:
    """Raise ConfigError where Slurm would refuse such a job; nothing is submitted."""
    run = subprocess.run(  # the script is Dask's
        ["sbatch", "--test-only"],  # noqa: S607
        input=script,
        capture_output=True,
        text=True,
        check=False,
        cwd=os.getcwd(),
    )
    if run.returncode:
        raise ConfigError(f"Slurm would refuse the jobs: {run.stderr.strip()}\n{script}")
