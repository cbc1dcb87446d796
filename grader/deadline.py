"""A limit on processor time around code that reads what students wrote: the last one, when all others have failed."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class OutOfTimeError(BaseException):
    """The time is up. No ``except Exception`` on the way may keep it from whoever set the limit."""


@contextlib.contextmanager
def limit_seconds(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError in the block when this process has worked for longer.

    Python tells signals to its main thread alone: in any other there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
