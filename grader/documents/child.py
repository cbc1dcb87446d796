"""Files that nobody trusts, parsed in a child process: bounded in time, memory and answer.

A child that dies, hangs or says too much is a file that could not be read; it is never an exception here.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from grader import ONE_THREAD

Job = Literal["word", "web", "pdf", "draw"]
WALL_SECONDS: Final = 10.0
MEMORY_BYTES: Final = 512 * 2**20
# Many times what a report says; the pictures of its pages are larger.
_MOST_BYTES: Final[Mapping[Job, int]] = {"word": 8 * 2**20, "web": 8 * 2**20, "pdf": 8 * 2**20, "draw": 48 * 2**20}
_TOO_MUCH_MEMORY: Final = f"reading it takes more than {MEMORY_BYTES // 2**20} MB of memory, or crashes its reader"


def ask_child(job: Job, name: str, data: bytes) -> Mapping[str, Any]:
    """Return the child's answer to ``job`` on a file's bytes; ``{"fault": reason}`` where there is none.

    It takes WALL_SECONDS and MEMORY_BYTES at most, whatever stands in the file.
    """
    with _open_input(data) as stream, _start(job, name, stream.fileno()) as process:
        try:
            answer, reason = _listen(process, _MOST_BYTES[job])
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # also what the child itself started
    if reason:
        return {"fault": reason}
    return _read_answer(answer)


@contextlib.contextmanager
def _open_input(data: bytes) -> Any:
    """Hold the file in memory, where the child reads it without a pipe that could block either side."""
    with os.fdopen(os.memfd_create("document"), "w+b") as stream:
        stream.write(data)
        stream.flush()
        stream.seek(0)
        yield stream


def _start(job: Job, name: str, source: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # our own command line
        [sys.executable, "-m", "grader.documents.extraction", job, name],
        stdin=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", **ONE_THREAD},
        start_new_session=True,
        cwd=Path(__file__).parents[2],  # where ``grader`` is, installed or not
    )


def _listen(process: subprocess.Popen[bytes], most_bytes: int) -> tuple[bytes, str]:
    """Return what the child says until it ends, and why that does not count ("" where it does)."""
    assert process.stdout is not None  # noqa: S101  # a pipe, by _start
    end = time.monotonic() + WALL_SECONDS
    pieces: list[bytes] = []
    size = 0
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            return b"", f"reading it takes more than {WALL_SECONDS:g} seconds"
        piece = os.read(process.stdout.fileno(), 1 << 20)
        if not piece:
            return b"".join(pieces), ""
        pieces.append(piece)
        size += len(piece)
        if size > most_bytes:
            return b"", "it holds more text than any report"


def _read_answer(answer: bytes) -> Mapping[str, Any]:
    """Return the child's JSON object; a child that a file has taken over may say anything."""
    try:
        read = json.loads(answer)
    except (ValueError, RecursionError):
        return {"fault": _TOO_MUCH_MEMORY}
    return read if isinstance(read, dict) else {"fault": "it is damaged"}
