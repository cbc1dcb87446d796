"""How fast messages leave, and how long to wait before the next try."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between messages and tries; the most that providers take a minute is what is waited for."""

    per_minute: float = 20
    first_wait: float = 30.0
    longest_wait: float = 900.0
    tries: int = 5
    """Tries of one message, and of a connection, in one run."""
    stop_after: int = 3
    """Messages refused (5xx) or lost one after another, after which more than these is wrong."""

    @property
    def gap(self) -> float:
        """Seconds from the start of one message to that of the next."""
        return 60.0 / self.per_minute

    def find_wait(self, tries: int) -> float:
        """Return the seconds to wait after the ``tries``-th failure: doubled each time, and scattered by half."""
        wait = min(self.longest_wait, self.first_wait * 2.0 ** (tries - 1))
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 (nobody must guess it)
