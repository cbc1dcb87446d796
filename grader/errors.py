"""What can go wrong for staff and for us, and the exit code each kind of trouble ends in.

A student's mistake is never an exception: it becomes Evidence with findings. Exceptions are for the people who run
the grader. Exit codes: 0 graded whatever the marks, 1 below ``--fail-under``, 2 usage or configuration, 3 some
submissions need a person, 4 harness or infrastructure, 5 no submission found, 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line."""

    GRADED = 0
    BELOW = 1
    CONFIG = 2
    NEEDS_REVIEW = 3
    INFRASTRUCTURE = 4
    NOTHING_FOUND = 5
    INTERRUPTED = 130


# Where several hold at once, the first of these is the one that is reported.
PRECEDENCE = (
    Exit.INTERRUPTED,
    Exit.CONFIG,
    Exit.INFRASTRUCTURE,
    Exit.NOTHING_FOUND,
    Exit.BELOW,
    Exit.NEEDS_REVIEW,
    Exit.GRADED,
)


def worst(codes: Collection[Exit]) -> Exit:
    """Return the exit code that stands for all of ``codes`` (GRADED for none)."""
    return next((code for code in PRECEDENCE if code in codes), Exit.GRADED)


class GraderError(Exception):
    """Base of every error that a person who runs the grader must act on."""

    exit_code = Exit.INFRASTRUCTURE


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend in a configuration file, with its place and a hint."""

    file: str
    message: str
    line: int | None = None
    where: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        where = f" {self.where}:" if self.where else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}:{where} {self.message}{hint}"


class ConfigError(GraderError):
    """The course's own files are wrong: every problem at once, each with file, line and hint."""

    exit_code = Exit.CONFIG

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        """Take all the problems found, or one sentence that belongs to no file."""
        self.problems = () if isinstance(problems, str) else tuple(problems)
        super().__init__(problems if isinstance(problems, str) else "\n".join(map(str, self.problems)))


class NothingFoundError(GraderError):
    """There is no submission under the path that was given."""

    exit_code = Exit.NOTHING_FOUND


class InfrastructureError(GraderError):
    """The machine or the harness failed: never the student's fault, never a zero."""


class DeliveryError(GraderError):
    """The world outside (mail, web) did not take what was sent."""
