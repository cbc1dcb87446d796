"""Archives broken at random: each must become a Submission whose files can be read, quickly and without an exception.

    python -m tests.benchmarks.fuzz_archives [--archives 20000] [--first 0] [--json FILE]

The archive of a number is always the same: --first N --archives 1 makes one of them again.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import resource
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.intake import open_submission, read_artifact
from tests.unit.archive_cases import REPORT, encrypt, link, make_tar, make_zip, overlap, unmarked, zip_link

LIMIT_SECONDS, LIMIT_MIB = 10.0, 512.0
_MAGIC = (
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"ustar",
    b"\x1f\x8b\x08",
    b"\xff" * 4,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one archive."""

    files: int
    codes: tuple[str, ...]
    seconds: float


@functools.cache
def make_seeds() -> tuple[tuple[str, bytes], ...]:
    """Return the archives that the others are made from, each with its file's name."""
    notebook = json.dumps({"cells": [{"source": "x" * 40}] * 30}).encode()
    files = (("report.md", REPORT), ("HW5/Q4.ipynb", notebook), ("داده/۱.csv", b"1,2\n" * 50))
    inner = make_zip(*files)
    return (
        ("x.zip", inner),
        ("x.zip", make_zip(*files, method=zipfile.ZIP_STORED)),
        ("x.zip", make_zip(("inner.zip", inner), ("inner.tgz", make_tar(*files, mode="w:gz")))),
        ("x.zip", make_zip(zip_link("a.md", "/etc/passwd"), ("../b.md", REPORT), ("c.md", bytes(2_000_000)))),
        ("x.zip", encrypt(inner)),
        ("x.zip", overlap(20, 10_240)),
        ("x.zip", unmarked("گزارش.md", REPORT)),
        ("x.tar", make_tar(*files, link("l", "/etc"), ("d" * 200 + ".md", REPORT))),
        ("x.tar.gz", make_tar(*files, mode="w:gz")),
    )


def mutate(seed: int) -> tuple[str, bytes]:
    """Return a file's name and its bytes: one of the archives with a few things changed."""
    chance = random.Random(seed)
    name, data = chance.choice(make_seeds())
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        if found:
            chance.choice(_CHANGES)(found, chance)
    return name, bytes(found)


def _flip(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] = chance.randrange(256)


def _extreme(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at : at + chance.choice((1, 2, 4, 8))] = chance.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * chance.choice(
        (1, 2, 4)
    )


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _remove(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.randrange(1, 64)]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at:at] = data[at : at + chance.randrange(1, 600)] * chance.choice((1, 1, 50))


def _insert(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at:at] = chance.choice(_MAGIC) + chance.randbytes(chance.randrange(30))


def _near_end(data: bytearray, chance: random.Random) -> None:
    at = max(0, len(data) - chance.randrange(1, 120))
    data[at] = chance.randrange(256)


_CHANGES: Sequence[Callable[[bytearray, random.Random], None]] = (
    _flip, _flip, _extreme, _cut, _remove, _repeat, _insert, _near_end, _near_end,
)  # fmt: skip


def try_archive(folder: Path, name: str, data: bytes) -> Outcome:
    """Return what becomes of a hand-in with this archive and an honest report, every file of it read."""
    hand_in = folder / "s-001"
    hand_in.mkdir(exist_ok=True)
    path = hand_in / name
    (hand_in / "report.md").write_bytes(REPORT)
    path.write_bytes(data)
    started = time.monotonic()
    try:
        submission = open_submission(hand_in, assignment="hw5")
        total = sum(len(read_artifact(submission, artifact)) for artifact in submission.artifacts)
    finally:
        path.unlink()
    assert total == sum(artifact.size_bytes for artifact in submission.artifacts)
    assert any(artifact.path == "report.md" for artifact in submission.artifacts)
    codes = tuple(sorted({finding.code for finding in submission.findings}))
    return Outcome(files=len(submission.artifacts), codes=codes, seconds=time.monotonic() - started)


def main() -> None:
    """Try many archives, and end with 1 where one was slow or took much memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archives", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    codes: Counter[str] = Counter()
    slowest = (0.0, -1)
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(options.first, options.first + options.archives):
            try:
                outcome = try_archive(Path(scratch), *mutate(seed))
            except BaseException:
                print(f"archive {seed}:")
                raise
            codes.update(outcome.codes or ("read whole",))
            slowest = max(slowest, (outcome.seconds, seed))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"archives": options.archives, "slowest_seconds": slowest[0], "slowest": slowest[1], "memory_mib": memory,
             "outcomes": dict(codes.most_common())}  # fmt: skip
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found))
    if slowest[0] > LIMIT_SECONDS or memory > LIMIT_MIB:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
