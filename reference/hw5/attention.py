"""Question 3: attention over four keys and values, with argmax as on the sheet and with softmax as usual."""

from __future__ import annotations

import numpy
from numpy.typing import NDArray

Array = NDArray[numpy.float64]

KEYS: Array = numpy.array([[1.0, 2, 3], [2, 2, 1], [0, 1, -1], [0, -2, -4]])  # [4, 3]
VALUES: Array = numpy.array([[6.0, 1, -2], [6, -1, 2], [6, 1, 0], [6, 1, 2]])  # [4, 3]
QUERY: Array = numpy.array([3.0, -1, -1])  # [3]


def compute_scores(keys: Array, query: Array) -> Array:
    """Return the inner product of every key with the query: [items, size], [size] to [items]."""
    scores: Array = keys @ query
    return scores


def attend_argmax(keys: Array, values: Array, query: Array) -> Array:
    """Return the value of the key with the highest score, [size]; the first one where scores are equal."""
    chosen: Array = values[int(numpy.argmax(compute_scores(keys, query)))]
    return chosen


def attend_softmax(keys: Array, values: Array, query: Array) -> Array:
    """Return the mean of the values weighted with the softmax of the scores, [size]."""
    scores = compute_scores(keys, query)
    weights = numpy.exp(scores - scores.max())  # the greatest exponent is 0, so that nothing overflows
    mean: Array = weights @ values / weights.sum()
    return mean
