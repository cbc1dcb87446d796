"""Mutated documents: each must end in a Document, in time, and its answers be found or not, without an exception.

python -m tests.benchmarks.fuzz_documents --count 1000 --seed 1
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from grader.documents import Place, find_passages, read_document
from grader.documents.child import WALL_SECONDS
from tests.document_maker import convert, draw_photo, repack, typeset

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
PLACES = [Place(question=1, part=part) for part in "abc"] + [Place(question=3, part=part) for part in "ab"]


class Sample(NamedTuple):
    """A sound document to begin from."""

    media: Any
    data: bytes


@functools.cache
def make_samples() -> Mapping[str, Sample]:
    """Return one sound document of each format."""
    report = (GOLDEN / "persian" / "report.md").read_text(encoding="utf-8")
    cells = [{"cell_type": "markdown", "source": [report]}, {"cell_type": "code", "source": "1", "outputs": []}]
    return {
        "md": Sample("markdown", report.encode()),
        "ipynb": Sample("notebook", json.dumps({"cells": cells, "nbformat": 4}).encode()),
        "docx": Sample("docx", convert(report, "docx")),
        "odt": Sample("docx", convert(report, "odt")),
        "rtf": Sample("docx", convert(report, "rtf")),
        "html": Sample("html", convert(report, "html")),
        "pdf": Sample("pdf", typeset(["Q1", "a) options 2 and 3", r"b) $h_t^T$"], ["Q3", "a) [1, 2]", "b) no"])),
        "scan": Sample("pdf", draw_photo(300, 400, "PDF")),
    }


def mutate(samples: Mapping[str, Sample], name: str, chance: random.Random) -> bytes:
    """Return a document with bytes flipped, cut out, cut off, repeated, or put in from another one."""
    data = bytearray(samples[name].data)
    if name in ("docx", "odt") and chance.random() < 0.7:  # else hardly any change gets past the zip's checksums
        part = "word/document.xml" if name == "docx" else "content.xml"
        return repack(bytes(data), {part: lambda xml: _damage(bytearray(xml), samples, chance)})
    return _damage(data, samples, chance)


def _damage(data: bytearray, samples: Mapping[str, Sample], chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 3, 20))):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((1, 8, 200, 5000)))
        act = chance.randrange(6)
        if act == 0:
            data[start:end] = chance.randbytes(end - start)
        elif act == 1:
            del data[start:end]
        elif act == 2:
            del data[end:]
        elif act == 3:
            data[start:start] = data[start:end] * chance.choice((2, 50))
        elif act == 4:
            other = chance.choice(list(samples.values())).data
            place = chance.randrange(len(other))
            data[start:end] = other[place : place + 2000]
        else:
            data[start:end] = chance.choice((b"\x00", b"\xff" * 9, b"<" * 99, b"(" * 999, b"$$", b"~~", b"9" * 40))
        if not data:
            data = bytearray(b"x")
    return bytes(data)


def check_one(samples: Mapping[str, Sample], chance: random.Random) -> tuple[str, str, float]:
    """Read one mutated document; return its format, what became of it and the seconds taken.

    Raises whatever the reader raises, which is what is looked for.
    """
    name = chance.choice(list(samples))
    data = mutate(samples, name, chance)
    began = time.monotonic()
    document = read_document(f"report.{name}", samples[name].media, data)
    passages = find_passages([document], PLACES)
    seconds = time.monotonic() - began
    assert len(passages) == len(PLACES)
    assert seconds < WALL_SECONDS + 5, f"{name} took {seconds:.1f} s"
    return name, "unreadable" if document.unreadable else "read", seconds


def main() -> None:
    """Check as many documents as asked for, and print what became of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    outcomes: Counter[str] = Counter()
    slowest = (0.0, 0, "")
    for number in range(asked.count):
        seed = asked.seed * 1_000_000 + number
        name, outcome, seconds = check_one(make_samples(), random.Random(seed))  # mutations, no secrets
        outcomes[f"{name} {outcome}"] += 1
        slowest = max(slowest, (seconds, seed, name))
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:6d} {outcome}")
    print(f"slowest: {slowest[0]:.2f} s (seed {slowest[1]}, {slowest[2]})")


if __name__ == "__main__":
    main()
