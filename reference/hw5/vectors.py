"""Made-up word vectors in the format of GloVe's ``glove.6B.100d.txt``, small enough to ship.

Words of one theme lie near one another, and every pair of a relation (king and queen, man and woman) differs by about
the same step, so neighbours and analogies come out as with the real vectors. ``words.txt`` lists themes and pairs; all
words of the corpus are in it.

torchtext's ``GloVe(name="6B", dim=100)`` reads ``.vector_cache/glove.6B.100d.txt`` without a network when it is there.
"""

from __future__ import annotations

from pathlib import Path

import numpy
from numpy.typing import NDArray

Vector = NDArray[numpy.float64]

DIMENSIONS = 100
VECTORS_FILE = Path(__file__).parent / "data" / "glove.6B.100d.txt"
WORDS_FILE = Path(__file__).parent / "words.txt"
SEED = 6
# Lengths of the parts that a vector is the sum of. Own parts are longer than steps, so that in every relation the
# second word of a pair is nearest to its analogy; themes are longer still, so that neighbours share a theme.
THEME_LENGTH, OWN_LENGTH, STEP_LENGTH, NOISE_LENGTH = 4.0, 2.5, 2.0, 0.4


def build_vectors() -> dict[str, Vector]:
    """Return word to vector, float64 [100], rounded to the file's three decimals; the same on every call."""
    random = numpy.random.Generator(numpy.random.PCG64(SEED))
    arrows: dict[tuple[str, str], Vector] = {}
    vectors: dict[str, Vector] = {}
    for kind, name, items in parse_words(WORDS_FILE.read_text(encoding="utf-8")):
        if (kind, name) not in arrows:
            arrows[kind, name] = _draw(random, THEME_LENGTH if kind == "theme" else STEP_LENGTH)
        for item in items:
            first, _, second = item.partition(" ")
            word = second or first
            base = vectors[first] + _draw(random, NOISE_LENGTH) if second else _draw(random, OWN_LENGTH)
            vectors.setdefault(word, base + arrows[kind, name])
    return {word: vector.round(3) + 0.0 for word, vector in vectors.items()}


def parse_words(text: str) -> list[tuple[str, str, list[str]]]:
    """Return (kind, name, items) of every line: kind "theme" with words, or "pairs" with two words to an item.

    Raises ValueError for a line of another form.
    """
    lines = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        head, _, body = line.partition(": ")
        kind, _, name = head.partition(" ")
        if kind not in ("theme", "pairs") or not name or not body:
            raise ValueError(f"neither a theme nor pairs: {line!r}")
        lines.append((kind, name, body.split(", ") if kind == "pairs" else body.split()))
    return lines


def render_vectors() -> str:
    """Return the vector file: a line for each word, the word and its numbers separated by single spaces."""
    lines = (" ".join([word, *(f"{number:g}" for number in vector)]) for word, vector in build_vectors().items())
    return "\n".join(lines) + "\n"


def write_vectors_file(path: Path = VECTORS_FILE) -> None:
    """Write the vector file to ``path``, byte for byte the same every time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(render_vectors().encode())


def _draw(random: numpy.random.Generator, length: float) -> Vector:
    """Return a random vector that is ``length`` long."""
    vector = random.standard_normal(DIMENSIONS)
    return vector * (length / float(numpy.linalg.norm(vector)))


if __name__ == "__main__":
    write_vectors_file()
    print(f"wrote {VECTORS_FILE}")
