"""Sends what the outbox holds: at the pace that servers allow, again where they ask for it, and never twice."""

from __future__ import annotations

import heapq
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from grader.delivery.mail.courier import Courier, Outcome, ServerAwayError
from grader.delivery.mail.ledger import Entry, Ledger, State
from grader.delivery.mail.outbox import Letter
from grader.delivery.mail.pace import Pace
from grader.errors import DeliveryError

_IDLE = 30.0
"""Seconds after which a server would rather not have waited: the connection is closed meanwhile."""


@dataclass(kw_only=True)
class Sending:
    """How many messages are in which state, how many were never tried, and why the run stopped early."""

    states: Counter[str] = field(default_factory=Counter)
    left: int = 0
    stopped: str = ""
    interrupted: bool = False


def send_letters(
    letters: Sequence[Letter], courier: Courier, ledger: Ledger, pace: Pace, tell: Callable[[str], None]
) -> Sending:
    """Send the letters and return what came of it; ``tell`` gets a line for each, without a word about its student.

    A first Ctrl-C (or SIGTERM) lets the message that is being given come to its end. Never raises DeliveryError: what
    stopped the run is in ``stopped``, and the ledger is right whatever happens.
    """
    run = _Run(letters, courier, ledger, pace, tell)
    with _listen(run.stop):
        try:
            run.work()
        except DeliveryError as error:
            run.result.stopped = str(error)
        finally:
            courier.close()
    run.result.left = len(letters) - run.result.states.total()
    return run.result


class _Run:
    def __init__(
        self, letters: Sequence[Letter], courier: Courier, ledger: Ledger, pace: Pace, tell: Callable[[str], None]
    ) -> None:
        self.stop = threading.Event()
        self.result = Sending()
        self._courier, self._ledger, self._pace, self._tell = courier, ledger, pace, tell
        self._count = len(letters)
        # When each is due, its place in the class, how often it was tried, and the letter.
        self._queue = [(0.0, place, 0, letter) for place, letter in enumerate(letters)]
        self._next = 0.0
        self._refused = self._away = 0

    def work(self) -> None:
        while self._queue:
            due, place, tries, letter = heapq.heappop(self._queue)
            if not self._wait_until(max(due, self._next)):
                self.result.stopped, self.result.interrupted = "as asked", True
                return
            try:
                self._courier.open()
            except ServerAwayError as error:
                heapq.heappush(self._queue, (due, place, tries, letter))
                self._hold_on(str(error))
                continue
            self._next = time.monotonic() + self._pace.gap
            outcome = self._try(letter)
            if outcome.state == "retry" and tries + 1 < self._pace.tries:
                wait = self._pace.find_wait(tries + 1)
                self._tell(f"{letter.reference} {_describe(outcome)}; again in {wait:.0f} s")
                heapq.heappush(self._queue, (time.monotonic() + wait, place, tries + 1, letter))
                if outcome.lost:
                    self._hold_on(_describe(outcome))
                continue
            self._finish(letter, outcome)

    def _try(self, letter: Letter) -> Outcome:
        data = letter.read()
        outcome = self._courier.deliver(
            letter.address, letter.reference, data, lambda: self._note(letter, Outcome(state="unknown"), "sending")
        )
        self._note(letter, outcome, outcome.state)
        return outcome

    def _finish(self, letter: Letter, outcome: Outcome) -> None:
        self.result.states[outcome.state] += 1
        done = self.result.states.total()
        self._tell(f"{letter.reference} {_describe(outcome)} ({done} of {self._count})")
        if outcome.state == "sent":
            letter.file.unlink(missing_ok=True)  # what was sent need not lie about; the page is in the store
            self._away = 0
        self._refused = self._refused + 1 if outcome.state in ("failed", "unknown") else 0
        if self._refused >= self._pace.stop_after:
            raise DeliveryError(
                f"{self._refused} messages one after another were refused or lost, the last: {_describe(outcome)}. "
                f"What the server said stands in the index"
            )

    def _hold_on(self, why: str) -> None:
        """Wait before the next connection. Raises DeliveryError after too many in vain."""
        self._away += 1
        if self._away >= self._pace.tries:
            raise DeliveryError(f"{why}; tried {self._away} times. Try again later: nobody is mailed twice")
        wait = self._pace.find_wait(self._away)
        self._next = max(self._next, time.monotonic() + wait)
        self._tell(f"{why}; again in {wait:.0f} s")

    def _wait_until(self, moment: float) -> bool:
        """Wait, and return whether to go on."""
        seconds = moment - time.monotonic()
        if seconds > _IDLE:
            self._courier.close()
        return not self.stop.wait(max(0.0, seconds))

    def _note(self, letter: Letter, outcome: Outcome, state: State) -> None:
        self._ledger.note(
            Entry(
                student=letter.student,
                digest=letter.digest,
                message_id=letter.message_id,
                address=letter.address,
                state=state,
                code=outcome.code,
                reply=outcome.reply,
            )
        )


def _describe(outcome: Outcome) -> str:
    """Return an outcome for the log: the server's words are left out, since they repeat the address."""
    words = {"sent": "sent", "retry": "not now", "failed": "refused", "unknown": "unknown: the connection was lost"}
    return words[outcome.state] + (f" ({outcome.code})" if outcome.code else "")


@contextmanager
def _listen(stop: threading.Event) -> Iterator[None]:
    """Take the first Ctrl-C or SIGTERM as the wish to stop; the second ends the program as ever."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop_soon(number: int, frame: object) -> None:
        stop.set()
        for known, handler in before.items():
            signal.signal(known, handler)

    try:
        for number in before:
            signal.signal(number, stop_soon)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
