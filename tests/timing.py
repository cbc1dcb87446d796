"""Seconds of the processor: the clock's would tell of whatever else the machine does."""

from __future__ import annotations

import resource


def count_seconds() -> float:
    """Return the processor's time of this process and of the children that it has waited for."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in spent)
