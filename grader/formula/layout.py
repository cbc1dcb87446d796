"""Whether a text knows matrices and vectors at all, or treats every quantity as a number."""

from __future__ import annotations

import re

from grader.formula.faults import MAX_PASSAGE
from grader.formula.normalise import normalise
from grader.formula.passage import drop_struck

_BOUNDS = re.compile(r"\\(?:sum|prod|bigl?sum)\s*(?:\\limits\s*)?(?:[_^]\s*(?:\{[^{}]*\}|\\?\w+)\s*)+")
_LAYOUT = re.compile(
    r"\^\s*\{?\s*(?:\\(?:top|intercal|mathsf\s*\{?\s*T|mathrm\s*\{?\s*T|rm\s*T|text\s*\{?\s*T)|T\b|\(\s*T\s*\)|t(?!\s*[-+])\s*\}?(?![-\w+]))"
    r"|\.T\b|@|(?i:\bdiag\b|\bouter\b|\btranspose|\.dot\(|matmul|\bshape\b|\\(?:odot|otimes|circ|mathbb|vec|Vert|lVert|\|)"
    r"|matrix\}|\\begin\{array|\|\||ترانهاده|\bJacobian\b|\bmatrix\b|\bmatrices\b|\bvectors?\b|\btranspos)",
)
_UNIT = re.compile(r"\\mathbb\s*\{\s*1\s*\}")


def shows_layout(text: str) -> bool:
    """Whether a transpose, an outer or elementwise product, diag, a norm, a shape or a matrix stands in the text."""
    plain = _UNIT.sub("1", _BOUNDS.sub(" ", normalise(drop_struck(text[:MAX_PASSAGE]))))
    return bool(_LAYOUT.search(plain))
