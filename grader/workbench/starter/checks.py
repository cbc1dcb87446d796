"""What is asked of a notebook, and what is made of the replies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from grader.model import Execution, Judgement, PointResult, ProbeRequest


def _draw(seed: int) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed % 2**32)
    return draw.normal(size=3), draw.normal(size=(4, 3))


def list_requests(seed: int) -> list[ProbeRequest]:
    """Return the one request, with inputs that follow from the hand-in."""
    w, x = _draw(seed)
    return [ProbeRequest(name="predict", function="predict", arguments={"w": w.tolist(), "x": x.tolist()})]


def predict(question: Any, execution: Execution, seed: int) -> Judgement:
    """Judge the criterion: points values, shapes."""
    reply = execution.replies.get("predict")
    value = reply.value if reply is not None else None
    if not isinstance(value, dict) or value.get("found") is None:
        return Judgement(missing=True)
    w, x = _draw(seed)
    wanted = x @ w
    found = np.array(value.get("values", []), dtype=np.float64)
    shaped = value.get("shape") == [4]
    right = shaped and bool(np.allclose(found, wanted, rtol=1e-6, atol=1e-9))
    saw = value.get("error") or f"shape {value.get('shape')}"
    results = (
        PointResult(point="values", share=Decimal(right), saw=str(saw)),
        PointResult(point="shapes", share=Decimal(shaped), saw=str(saw)),
    )
    return Judgement(results=results, confirmed=right)
