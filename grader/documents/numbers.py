"""Numbers as students write them: vectors in any notation with the name they are given, and results of sums.

Reads lists, tuples, sets, LaTeX matrices, NumPy calls, columns, "6, 1 and 2", numbers in words, single components,
Persian digits, fractions, decimals and the Unicode minus. Nothing is evaluated: only literal numbers and fractions are
read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.documents.components import find_components
from grader.documents.number_words import write_digits
from grader.documents.wording import fold, remove_struck, to_plain

MAX_NUMBERS = 400
# One letter among numbers is the digit that it looks like.
_LOOK_ALIKES = {"i": "1", "l": "1", "|": "1", "o": "0"}

_NUMBER = r"[+\-]?\s?(?:\d+(?:\.\d+)?|\.\d+)(?:\s?/\s?\d+(?:\.\d+)?)?(?:e[+\-]?\d+)?"
_ENVIRONMENT = re.compile(
    r"\\begin\s*\{\s*(?:[pbvBV]?(?:small)?matrix\*?|array)\s*\}(?:\s*\{[clr|\s]*\}|\[[clr]\])?(.*?)"
    r"\\end\s*\{\s*(?:[pbvBV]?(?:small)?matrix\*?|array)\s*\}", re.S)  # fmt: skip
_FRACTION = re.compile(r"\\[td]?frac\s*\{\s*([^{}]+?)\s*\}\s*\{\s*([^{}]+?)\s*\}")
_CALL = re.compile(
    r"(?:(?:np|numpy|torch|jnp)\s*\.\s*)?(?:array|tensor|asarray|matrix)\s*\(\s*(\[.*?\])\s*(?:,[^()]*)?\)", re.S
)
_GROUP = re.compile(r"[\[({<]([^\[\](){}<>]*)[\])}>]")
_NAME_BEFORE = re.compile(r"([^\n;]*?)(?:=>|->|[=:≈]|\bis\b|\bare\b|برابر(?: با)?|است)?\s*(?:np\.\w+\()?\s*$")
_SEPARATORS = re.compile(r"\s*(?:,|;|&|\\\\|\n|\band\b|\bو\b|\s)\s*")
_BARE = re.compile(
    rf"(?<![\w.\[({{<_^,]){_NUMBER}(?:\s*(?:,\s*and|,\s*و|,|;|\band\b|\bو\b|\s)\s*{_NUMBER}){{1,7}}(?![\w\])}}>]|\.\d)"
)
_RESULT = re.compile(
    rf"=\s*\(?({_NUMBER})\)?(?!\s*[*×·.+/\-]?\s*[\d(])(?=\s*(?:$|[,;.|&)\]\\\n]|=>|->|and\b|و\b|[a-z]|✓))"
)

# "6 | 1 | 2" in running text, and a column drawn with bars.
_PIPED = re.compile(rf"(?m)(?<![\d|.]){_NUMBER}(?: ?\| ?{_NUMBER}){{2,7}}(?! ?[|\d.])")
_PIPED_ROW = re.compile(rf"(?m)^ ?\| ?({_NUMBER}) ?\| ?$")

# In right-to-left text the minus of a Persian number often comes out behind it.
_TRAILING_MINUS = re.compile(r"(?<![\-−\d۰-۹])([۰-۹٠-٩]+)\s?[-−](?=\s*(?:[،,\])؛]|و\s|$))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """A row of numbers; ``name`` is what stands before it, folded; ``rows`` > 1 where it is one row of a matrix."""

    values: tuple[float, ...]
    name: str
    start: int
    end: int
    rows: int = 1
    approximate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Everything numeric in a text: vectors, and scalar results ("... = -2") with the name on their line."""

    text: str
    vectors: tuple[Vector, ...]
    results: tuple[tuple[str, float], ...]


def read_numbers(text: str) -> Numbers:
    """Return the vectors and scalar results of a raw text, in order; struck-out ones are left out.

    A text with more than MAX_NUMBERS numbers is no answer to a vector question: nothing is read from it.
    """
    body = _TRAILING_MINUS.sub(r"-\1", _linear(remove_struck(text)))
    body = write_digits(fold(to_plain(body)))
    body = _PIPED.sub(lambda m: re.sub(r" ?\| ?", ", ", m[0]), _PIPED_ROW.sub(r"\1", body))
    body = re.sub(r"\^\s*\{?\s*(?:t|top|\\top|')\s*\}?(?=\W|$)", " ", body)
    body = _flatten_calls(body)
    if len(re.findall(r"\d+", body)) > MAX_NUMBERS:
        return Numbers(text=body, vectors=(), results=())
    vectors = _matrices(body)
    masked = _mask(body, vectors)
    vectors += _components(masked, body)
    masked = _mask(masked, vectors)
    vectors += _groups(masked, body)
    masked = _mask(masked, vectors)
    vectors += _bare(masked, body)
    results = tuple(_results(_mask(body, vectors)))
    return Numbers(text=body, vectors=tuple(sorted(vectors, key=lambda v: v.start)), results=results)


def parse_number(text: str) -> float:
    """Return the value of a literal number or fraction; raises ValueError."""
    compact = re.sub(r"\s+", "", text)
    if "/" in compact:
        numerator, denominator = compact.split("/", 1)
        if float(denominator) == 0:
            raise ValueError("division by zero")
        return float(numerator) / float(denominator)
    return float(compact)


def _linear(text: str) -> str:
    text = re.sub(r"\\(?:\{|lbrace\b|left\\\{)", "[", text)
    text = re.sub(r"\\(?:\}|rbrace\b)", "]", text)
    text = _FRACTION.sub(r" \1/\2 ", text)
    text = re.sub(r"\\(?:left|right)\s*(?=[\[\](){}.|])", "", text)
    text = re.sub(r"\\langle\b", "[", re.sub(r"\\rangle\b", "]", text))
    text = re.sub(r"(?<=\d)\{,\}(?=\d)", ",", text)
    return _ENVIRONMENT.sub(_bracketed, text)


def _bracketed(match: re.Match[str]) -> str:
    """Turn a LaTeX matrix into nested lists: a column stays one vector."""
    rows = [row for row in re.split(r"\\\\(?:\[[^\]]*\])?|\\cr", match[1].replace("\\hline", "")) if row.strip()]
    cells = [[cell.strip() for cell in row.split("&")] for row in rows]
    if any(re.search(r"[a-zA-Z]", cell) for row in cells for cell in row):
        return " "
    if all(len(row) == 1 for row in cells):
        return "[" + ", ".join(row[0] for row in cells) + "]"
    inner = ", ".join("[" + ", ".join(row) + "]" for row in cells)
    return inner if len(cells) == 1 else f"[{inner}]"


def _flatten_calls(body: str) -> str:
    return _CALL.sub(lambda m: m[1], body)


_EARLIER = re.compile(r"[\[({][^\[\](){}]*\d[^\[\](){}]*[,;\s][^\[\](){}]*[\])}]")
_MATRIX = re.compile(r"[\[({]\s*((?:[\[({][^\[\](){}]*[\])}]\s*[,;\n]?\s*)+)[\])}]")


def _matrices(body: str) -> list[Vector]:
    vectors = []
    for match in _MATRIX.finditer(body):
        rows = [_values(group[1]) for group in _GROUP.finditer(match[1])]
        name, approximate = _name(body, match.start())
        found = [row for row in rows if row]
        if len(found) != len(rows):
            continue
        if len(found) > 1 and all(len(row) == 1 for row in found):
            found = [tuple(row[0] for row in found)]
        for row in found:
            vectors.append(Vector(values=row, name=name, start=match.start(), end=match.end(), rows=len(found),
                                  approximate=approximate))  # fmt: skip
    return vectors


def _components(masked: str, body: str) -> list[Vector]:
    vectors = []
    for row in find_components(masked):
        said, approximate = _name(body, row.start)
        name = f"{said} {row.name}".strip()
        vectors.append(Vector(values=row.values, name=name, start=row.start, end=row.end, approximate=approximate))
    return vectors


def _groups(masked: str, body: str) -> list[Vector]:
    vectors = []
    for match in _GROUP.finditer(masked):
        values = _values(match[1])
        if len(values) > 1:
            name, approximate = _name(body, match.start())
            vectors.append(
                Vector(values=values, name=name, start=match.start(), end=match.end(), approximate=approximate)
            )
    return vectors


def _bare(masked: str, body: str) -> list[Vector]:
    vectors = []
    for match in _BARE.finditer(masked):
        values = _values(match[0])
        if len(values) > 2:
            name, approximate = _name(body, match.start())
            vectors.append(
                Vector(values=values, name=name, start=match.start(), end=match.end(), approximate=approximate)
            )
    return vectors


def _values(inside: str) -> tuple[float, ...]:
    """Return the numbers of a list, () where anything else stands among them."""
    tokens = [token for token in _SEPARATORS.split(re.sub(r"(?<=[+\-])\s+(?=[\d.])", "", inside.strip())) if token]
    letters = [token for token in tokens if token in _LOOK_ALIKES]
    if len(letters) == 1 and len(tokens) > 2:
        tokens = [_LOOK_ALIKES.get(token, token) for token in tokens]
    values = []
    for token in tokens:
        clean = re.sub(r"^[a-z]\w*=|\.$", "", token.strip())
        if not re.fullmatch(_NUMBER, clean):
            return ()
        try:
            values.append(parse_number(clean))
        except ValueError:
            return ()
    return tuple(values)


def _name(body: str, start: int) -> tuple[str, bool]:
    """Return what stands before a vector on its line (or on the line above, ending in a colon)."""
    head = body[:start].rstrip("$ \t({[")
    line = head.rsplit("\n", 1)[-1]
    if not re.search(r"\w", line) and re.search(r"[:=≈]\s*\W*$", head.rstrip()):
        line = head.rstrip().rsplit("\n", 1)[-1]
    if earlier := list(_EARLIER.finditer(line)):
        line = line[earlier[-1].end() :]
    approximate = bool(
        re.search(r"(?:≈|\bapprox\w*|\bsimeq|\bsim|≃|\babout|\broughly|~|حدود|تقریبا)\W*(?:equal)?\W*$", line)
    )
    line = re.split(r"[.;](?=\s)|=>|->", line.rstrip("=:≈> "))[-1]
    return line.strip(" ,=:≈$*"), approximate


def _mask(body: str, vectors: list[Vector]) -> str:
    for vector in vectors:
        body = body[: vector.start] + "\x00" * (vector.end - vector.start) + body[vector.end :]
    return body


def _results(masked: str) -> list[tuple[str, float]]:
    results = []
    for line in masked.splitlines():
        start = 0
        for match in _RESULT.finditer(line):
            name = line[start : match.start()].split("=")[0].strip(" ,;&|\\")
            start = match.end()
            try:
                results.append((name, parse_number(match[1])))
            except ValueError:
                continue
    return results
