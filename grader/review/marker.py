"""Marks made anew behind the reviewers' backs: a decision is acknowledged first, and marked by a process apart."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from grader.review.queue import Queue

QUIET_SECONDS = 2.0
_RETRY_SECONDS = 5.0


class Marker:
    """Marks those again on whom something was decided, once nobody decided for a moment, and at the end."""

    def __init__(self, queue: Queue, lock: threading.Lock) -> None:
        self._queue, self._lock = queue, lock
        self._wake, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="marker", daemon=True)
        self.trouble = ""
        """Why not all is marked that was decided, for the page; nothing is lost."""
        self._left: set[str] = set()

    def start(self) -> None:
        """Begin, with what was decided before and not marked yet."""
        self._thread.start()
        self._wake.set()

    def wake(self) -> None:
        """Say that something was decided."""
        self._wake.set()

    def stop(self) -> None:
        """Mark what is left, and end."""
        self._end.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while not self._end.is_set() and self._wake.wait(QUIET_SECONDS):  # somebody is still deciding
                self._wake.clear()
            with self._lock:
                students = self._queue.take_unmarked()
            if students:
                self._mark(students)
            if self._end.is_set():
                return

    def _mark(self, students: set[str]) -> None:
        """Mark again, and once more in a moment where that fails. What is out of date stays so, and is told."""
        found = mark_apart(self._queue.out)
        with self._lock:
            if found:
                self._queue.put_back(students)
            else:
                self._queue.reload(students)
                self._left = self._queue.find_left(self._left | students)
            self.trouble = found or _describe_left(len(self._left))
        if found and not self._end.wait(_RETRY_SECONDS):
            self._wake.set()


def _describe_left(count: int) -> str:
    """Return what to do about hand-ins that only ``grade`` can mark again, "" where there are none."""
    if not count:
        return ""
    return (
        f"{count} {'hand-in is' if count == 1 else 'hand-ins are'} out of date, since the hand-in, the course or the "
        "grader has changed. Grade the class again with grade, as you did before: what was decided counts then. "
        "Afterwards start grade review anew."
    )


def mark_apart(out: Path) -> str:
    """Run ``grade review --apply`` and return what it complains of, "" where all is marked.

    A process of its own: a class page of 2,000 takes seconds of this one's time, which answers keys.
    """
    command = [sys.executable, "-m", "grader", "review", str(out), "--apply"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # ourselves
    return "" if run.returncode == 0 else (run.stderr.strip().splitlines() or ["marks could not be made anew"])[-1]
