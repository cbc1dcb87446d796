"""Messages composed, looked through and written a second: ``python -m tests.benchmarks.mail [STUDENTS]``."""

import dataclasses
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from grader.delivery import open_delivery
from grader.delivery.mail import load_settings, prepare
from grader.model import Mark
from tests.unit.feedback_sheets import realistic
from tests.unit.mail_cases import make_graded, write_settings


def main(students: int = 300) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sheets = [dataclasses.replace(realistic(), submission=f"s{n:04d}", marks=vary(n)) for n in range(students)]
        out = make_graded(folder / "class", sheets)
        settings = load_settings(folder, write_settings(folder, 587, ca_file=None))
        start = time.perf_counter()
        delivery = open_delivery(out, include_provisional=True)
        opened = time.perf_counter()
        outbox = prepare(delivery, settings, out / "mail", now=datetime.now(UTC))
        done = time.perf_counter()
        size = sum(letter.size for letter in outbox.letters) / max(1, len(outbox.letters))
        print(
            f"{len(outbox.letters)} of {students} messages of {size / 1000:.0f} kB: opened in {opened - start:.1f} s, "
            f"written in {done - opened:.1f} s, {len(outbox.letters) / (done - opened):.0f} a second"
        )


def vary(number: int) -> tuple[Mark, ...]:
    """Return marks in which every student has a formula and a plot of the own."""
    marks = []
    for mark in realistic().marks:
        seen = dict(mark.evidence.observed)
        if seen.get("latex"):
            seen["latex"] = f"{seen['latex']} + x_{{{number}}}"
        if seen.get("plot"):
            seen["plot"] = {**seen["plot"], "title": f"{seen['plot']['title']} {number}"}
        marks.append(dataclasses.replace(mark, evidence=dataclasses.replace(mark.evidence, observed=seen)))
    return tuple(marks)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
