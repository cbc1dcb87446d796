"""Asked in the notebook's process: what predict() returns for inputs that the grader made."""

from typing import Any

import numpy as np


def predict(namespace: Any, w: Any, x: Any) -> Any:
    """Return the student's own values and their shape."""
    found = namespace.get("predict")
    if not callable(found):
        return {"found": None}
    try:
        value = np.asarray(found(np.array(w), np.array(x)), dtype=float)
    except Exception as error:
        return {"found": "predict", "error": f"{type(error).__name__}: {error}"}
    return {"found": "predict", "shape": list(value.shape), "values": value.ravel().tolist()}
