"""Long tables of cases: the everyday tests take some of them, CI takes all."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def sample(cases: Iterable[Any], keep: int, identify: Callable[[Any], str] | None = None) -> list[Any]:
    """Return parameters of which all but ``keep``, spread evenly, are left to CI (the marker ``thorough``)."""
    cases = list(cases)
    kept = {round(number * (len(cases) - 1) / max(keep - 1, 1)) for number in range(keep)}
    return [
        pytest.param(
            case,
            id=identify(case) if identify else None,
            marks=[] if number in kept else [pytest.mark.thorough],
        )
        for number, case in enumerate(cases)
    ]
