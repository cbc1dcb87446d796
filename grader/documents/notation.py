r"""Short formulas inside sentences made comparable: ``P(y^{<t>} \mid y^{<1>}, \ldots)`` and ``P(yt | y1..y(t-1))``."""

from __future__ import annotations

import re

_INDEX = r"(?:[a-z0-9]+(?:[+\-][a-z0-9]+)?)"
_STEPS = (
    # y^{<t>}, y^{(t)}, y^{[t]}, y^<t>, y<t>
    (re.compile(r"([a-z])\s*[\^_]?\s*\{?\s*<\s*([^<>{}|]+?)\s*>\s*\}?"), r"\1_{\2}"),
    (re.compile(r"([a-z])\s*[\^_]\s*\{?\s*[(\[]\s*([^()\[\]{}]+?)\s*[)\]]\s*\}?"), r"\1_{\2}"),
    (re.compile(r"([a-z])\s*_\s*\{?\s*1\s*:\s*([^{}\s,|)]+(?:\s*[+\-]\s*1)?)\s*\}?"), r"\1_{1}..\1_{\2}"),
    (re.compile(r"([a-z])\s*_\s*\{?\s*(?:<=|≤|\ble?q?\b)\s*(t)\s*\}?"), r"\1_{1}..\1_{\2}"),
    (re.compile(r"([a-z])\s*_\s*\{?\s*<\s*(t)\s*\}?"), r"\1_{1}..\1_{\2-1}"),
    # x1, x2, ..., xt and x1 to x(t-1)
    (
        re.compile(
            r"\b([a-z])1(?:\s*,\s*\1\d)*\s*,?\s*(?:\.{2,}|\bto\b|\bthrough\b|تا)\s*,?\s*"
            r"\1\s*(\()?(t(?:\s?[+\-]\s?1)?)(?(2)\))(?!\w)"
        ),
        r"\1_{1}..\1_{\3}",
    ),
    (re.compile(r"\b([xyh])t\b"), r"\1_{t}"),
)
_BRACED = re.compile(r"\s*_\s*\{\s*([^{}]*?)\s*\}")
_LOOSE = re.compile(rf"([a-z])_({_INDEX})")
_PROBABILITY = re.compile(r"(?:\bp\s*r?|\bprob(?:ability)?)\s*\{?\s*[(\[{]((?:[^()\[\]]|\([^()]*\))*)[)\]}]")
_DOTS = r"(?:\.{2,}|\bto\b|\bthrough\b|\bup to\b|\buntil\b|تا)"
_RANGE = re.compile(
    rf"([a-z])_({_INDEX})(?:\s*,?\s*\1_{_INDEX})*?\s*,?\s*{_DOTS}\s*,?\s*(?:\1_{_INDEX}\s*,\s*)*\1_({_INDEX})"
)


def canonical_formulas(folded: str) -> str:
    """Return folded text with sequences as ``y_1..y_t`` and probabilities as ``p(y_t|y_1..y_t-1)``."""
    for pattern, replacement in _STEPS:
        folded = pattern.sub(replacement, folded)
    folded = _BRACED.sub(lambda m: "_" + re.sub(r"\s+", "", m[1]), folded)
    folded = _PROBABILITY.sub(_probability, folded)
    return _RANGE.sub(_range, folded)


def _probability(match: re.Match[str]) -> str:
    if re.search(r"[^\W\d_]{3,}", re.sub(r"\bgiven\b|به شرط", "", match[1])):
        return "p( " + match[1].replace("|", " given ") + " )"
    inside = re.sub(r"\bgiven\b|\bبه شرط\b|\\?\|", "|", match[1])
    inside = re.sub(r"\b([a-z])\s*\(?(\d+|t(?:\s*[+\-]\s*\d)?)\)?(?![\w])", lambda m: f"{m[1]}_{_tight(m[2])}", inside)
    inside = re.sub(r"_\{?\s*(t)\s*([+\-])\s*(\d)\s*\}?", r"_\1\2\3", inside)
    inside = _RANGE.sub(_range, inside)
    # "y_1, y_t-1" whose dots a machine reading lost is not repaired: it names two values.
    sides = [_tight(side).strip(",") for side in inside.split("|")]
    return "p(" + "|".join(side for side in sides if side) + ")"


def _tight(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _range(match: re.Match[str]) -> str:
    first, last = match[2], match[3]
    if last == "1" and first != "1":
        first, last = last, first
    return f"{match[1]}_{first}..{match[1]}_{last}"
