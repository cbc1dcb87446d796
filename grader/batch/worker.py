"""A process that grades hand-ins one after another: ``python -m grader.batch.worker``, asked in lines of JSON.

The process that watches it loses nothing when one hand-in brings it down: it is killed when it says nothing for too
long, started anew when it dies, and ends by itself when nobody is left to listen. ``WorkerProcess`` is the watching
side; the rest runs in the child.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from grader import ONE_THREAD
from grader.batch.events import Event, Job, build_event, read_event

MOST_BYTES = 3 * 2**30  # many times what a report takes; a room's own limit is the rubric's
_END_SECONDS = 5.0
_WORDS_BYTES = 2000
_TRIES = 2
_PR_SET_PDEATHSIG = 1


class WorkerProcess:
    """The watching side of one worker.

    ``die_with_parent`` has the kernel end the child with the *thread* that started it: only for a main thread.
    """

    def __init__(self, job: Job, name: str, *, die_with_parent: bool = False) -> None:
        self.name = name
        self._job, self._die_with_parent = job, die_with_parent
        self._process: subprocess.Popen[bytes] | None = None
        self._words: IO[bytes] | None = None
        self._buffer = b""
        self._path, self._tries, self._heard = "", 0, 0.0

    @property
    def busy(self) -> bool:
        """Whether a hand-in is being graded."""
        return bool(self._path)

    def fileno(self) -> int:
        """Return what to ``select`` on; -1 where no child runs."""
        if self._process is None or self._process.stdout is None:
            return -1
        return self._process.stdout.fileno()

    def grade(self, path: str) -> Iterator[Event]:
        """Grade one hand-in; the last event is ``finished`` or ``failed``. Never raises for a hand-in."""
        self.begin(path)
        while self.busy:
            select.select([self.fileno()], [], [], 1.0)
            yield from self.pump()

    def begin(self, path: str) -> None:
        """Ask for a hand-in to be graded; ``pump`` tells how it goes."""
        self._path, self._tries = path, 0
        self._ask()

    def pump(self) -> list[Event]:
        """Return what the child has said by now; one that died is started anew, one that hangs is ended."""
        events, ended = self._read()
        if self._path and ended:
            events += self._begin_again()
        elif self._path and time.monotonic() - self._heard > self._job.quiet_seconds:
            reason = f"the grader said nothing for {self._job.quiet_seconds:g} seconds and was stopped"
            events.append(self._fail(f"{reason}; the hand-in waits for a person"))
            self.kill()
        elif self._path and self._read_memory() > MOST_BYTES:
            reason = f"the grader took more than {MOST_BYTES // 2**20} MiB of memory and was stopped"
            events.append(self._fail(f"{reason}; the hand-in waits for a person"))
            self.kill()
        return events

    def _read_memory(self) -> int:
        """Return how much memory the child has, in bytes; rooms are other processes, with limits of their own."""
        with contextlib.suppress(OSError, ValueError, AttributeError, IndexError):
            fields = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()  # type: ignore[union-attr]
            return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
        return 0

    def _ask(self) -> None:
        self._tries += 1
        self._heard = time.monotonic()
        if self._process is None or self._process.poll() is not None:
            self._start()
        self._send({"grade": self._path})

    def _send(self, message: Any) -> None:
        assert self._process is not None  # noqa: S101  # started by whoever asks
        assert self._process.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):  # its end is met by ``pump``
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _start(self) -> None:
        self.kill()
        self._buffer = b""
        self._words = os.fdopen(os.memfd_create("worker"), "w+b")
        self._process = subprocess.Popen(  # noqa: S603  # our own command line
            [sys.executable, "-m", "grader.batch.worker", *(["--die-with-parent"] if self._die_with_parent else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env={**os.environ, **ONE_THREAD},
            start_new_session=True,  # Ctrl-C at the terminal is for the watching side, which then ends the child
            cwd=Path(__file__).parents[2],  # where ``grader`` is, installed or not
        )
        self._send(dataclasses.asdict(self._job))

    def _read(self) -> tuple[list[Event], bool]:
        """Return the events that have arrived, and whether the child has ended."""
        ended = False
        while select.select([self.fileno()], [], [], 0)[0] if self.fileno() >= 0 else False:
            data = os.read(self.fileno(), 1 << 16)
            if not data:
                ended = True
                break
            self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        if lines:
            self._heard = time.monotonic()
        return [event for line in lines if (event := self._take(line)) is not None], ended

    def _take(self, line: bytes) -> Event | None:
        try:
            event = dataclasses.replace(read_event(json.loads(line)), worker=self.name)
        except (ValueError, TypeError, KeyError):
            return None
        if event.kind in ("finished", "failed"):
            self._path = ""
        return event

    def _begin_again(self) -> list[Event]:
        """Go on in a new child after the death of one: the hand-in is not to blame before it has done so twice."""
        words, code = self._read_words(), self._wait()
        if self._tries < _TRIES:
            self._ask()
            return [Event(kind="stage", path=self._path, text="once more, in a new process", worker=self.name)]
        said = f": {words}" if words else ""
        return [self._fail(f"the grader's process ended {_TRIES} times over this hand-in (exit status {code}){said}")]

    def _fail(self, text: str) -> Event:
        event = Event(kind="failed", path=self._path, text=text, worker=self.name)
        self._path = ""
        return event

    def _read_words(self) -> str:
        """Return the end of what the child wrote to its standard error."""
        if self._words is None:
            return ""
        size = os.fstat(self._words.fileno()).st_size
        return (
            os.pread(self._words.fileno(), _WORDS_BYTES, max(0, size - _WORDS_BYTES)).decode(errors="replace").strip()
        )

    def _wait(self) -> int | None:
        if self._process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        return self._process.returncode

    def close(self) -> None:
        """Let the child end by itself, with what it has started; then end it."""
        if self._process is not None and self._process.poll() is None and not self.busy:
            self._send({"end": True})
            self._wait()
        self.kill()

    def kill(self) -> None:
        """End the child at once. Rooms and their keeper end with it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout, self._words):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()
        self._process = self._words = None


# --- in the child ----------------------------------------------------------------------------------------------------


def main() -> None:
    """Grade what is asked for, until there is nobody to ask."""
    if "--die-with-parent" in sys.argv:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_end_with_listener, daemon=True).start()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what else prints must not stand between the lines
    lines = iter(sys.stdin.readline, "")
    job = Job(**json.loads(next(lines)))

    def say(event: Event) -> None:
        out.write(json.dumps(build_event(event)) + "\n")
        out.flush()

    _serve(job, lines, say)


def _end_with_listener() -> None:
    """Wait until the other side has gone, then end this process, and with it every room."""
    poll = select.poll()
    poll.register(0, 0)  # a hang-up is told without being asked for
    poll.poll()
    os.kill(os.getpid(), signal.SIGKILL)


def _serve(job: Job, lines: Iterator[str], say: Any) -> None:
    from grader.batch.unit import open_desk
    from grader.errors import GraderError
    from grader.pipeline import open_lodgings

    with contextlib.ExitStack() as stack:
        path = ""
        try:
            desk = open_desk(job)
            desk.lodgings = open_lodgings(desk.course, device=job.device, unsafe=job.unsafe)
            if desk.lodgings is not None:
                stack.callback(desk.lodgings.close)
            for line in lines:
                message = json.loads(line)
                if "end" in message:
                    return
                path = message["grade"]
                prepare(desk.lodgings, job, say)
                serve_one(desk, path, say)
        except GraderError as error:
            say(Event(kind="failed", path=path, text=str(error), fatal=True))


def prepare(lodgings: Any, job: Job, say: Any) -> None:
    """Build the rooms where there are notebooks, unless they are there. Raises NoRoomError."""
    if lodgings is None or not job.prepare or lodgings.is_prepared:
        return
    with contextlib.suppress(OSError):  # what else is wrong, as with the data, is said of each notebook
        lodgings.start()
        for note in lodgings.notes:
            say(Event(kind="note", path="", text=note))


def serve_one(desk: Any, path: str, say: Any) -> None:
    """Grade one hand-in and say what came of it. Raises NoRoomError: no other notebook would fare better."""
    from grader.batch.unit import grade_unit
    from grader.errors import ConfigError, InfrastructureError
    from grader.intake import read_hand_in
    from grader.sandbox import NoRoomError

    try:
        summary = grade_unit(desk, read_hand_in(path), lambda text: say(Event(kind="stage", path=path, text=text)))
    except NoRoomError:
        raise
    except InfrastructureError as error:  # a full disk, a folder that may not be written: so it is for all
        say(Event(kind="failed", path=path, text=str(error), fatal=True))
    except ConfigError as error:  # a hand-in that was taken away or changed meanwhile
        say(Event(kind="failed", path=path, text=str(error)))
    except Exception:  # a bug of ours: this hand-in stays ungraded, with the traceback for staff; the class goes on
        say(Event(kind="failed", path=path, text=f"the grader failed and marked nothing\n{traceback.format_exc()}"))
    else:
        say(Event(kind="finished", path=path, summary=summary))


if __name__ == "__main__":
    main()
