"""The class on this machine: a few workers, each with a hand-in at a time, watched from one thread."""

from __future__ import annotations

import os
import select
from collections.abc import Generator, Sequence
from pathlib import Path

from grader.batch.events import Event, Job
from grader.batch.worker import WorkerProcess
from grader.sandbox.settings import NotebookSettings

_WORKER_BYTES = 700 * 2**20  # a worker, its keeper and the modules that kernels start with
_REPORT_BYTES = 300 * 2**20
_TICK_SECONDS = 0.25


def find_jobs(settings: NotebookSettings | None, *, notebooks: bool, device: str = "cpu") -> int:
    """Return how many hand-ins this machine can grade at a time: a core each, and memory for each one's limit."""
    cores = len(os.sched_getaffinity(0))
    each = _WORKER_BYTES + settings.memory_bytes if settings is not None and notebooks else _REPORT_BYTES
    jobs = min(cores, _find_free_memory() // each)
    if notebooks and device == "cuda":
        jobs = min(jobs, len(list(Path("/dev").glob("nvidia[0-9]*"))))
    return max(1, jobs)


def _find_free_memory() -> int:
    """Return the memory that may be used, in bytes (a large number where Linux does not tell)."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 2**40
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 2**40)


def run_local(job: Job, paths: Sequence[str], jobs: int) -> Generator[Event]:
    """Grade ``paths``, ``jobs`` at a time, and yield what happens. Call it from the main thread.

    Closing the iterator ends the workers, and with them every notebook.
    """
    waiting = list(reversed(paths))
    workers = [WorkerProcess(job, str(number), die_with_parent=True) for number in range(1, min(jobs, len(paths)) + 1)]
    try:
        while waiting or any(worker.busy for worker in workers):
            for worker in workers:
                if waiting and not worker.busy:
                    path = waiting.pop()
                    worker.begin(path)
                    yield Event(kind="started", path=path, worker=worker.name)
            busy = [worker for worker in workers if worker.busy]
            select.select(busy, [], [], _TICK_SECONDS)
            for worker in busy:
                yield from worker.pump()
            yield Event(kind="note", path="")  # nothing new: for a display that counts seconds
        for worker in workers:
            worker.close()
    finally:
        for worker in workers:
            worker.kill()
