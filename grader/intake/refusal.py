"""What of a hand-in stays closed, and how that is told: as a finding, never as an exception outside this package."""

from __future__ import annotations

from grader.model import Finding

_ADVICE = "A person will look at it."
_MOST_SHOWN = 120


class UnopenedError(Exception):
    """One file of a hand-in stays closed; carries the finding that says so."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.finding = Finding(code=f"intake.{code}", message=f"{message} {_ADVICE}")


def quote(shown: str) -> str:
    """Return an escaped name for a sentence: in quotes, its middle left out where it is very long."""
    half = _MOST_SHOWN // 2
    return f"“{shown}”" if len(shown) <= _MOST_SHOWN else f"“{shown[:half]}…{shown[-half:]}”"
