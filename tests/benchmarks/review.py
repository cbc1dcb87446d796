"""How long a decision takes at a large class: ``python -m tests.benchmarks.review [STUDENTS [DECISIONS]]``.

A graded class of 200 (60 answers wait, in 9 groups) is copied under other names; each decision is sent as the page
sends it, for one answer alone, and timed with the page that follows. The server is a process of its own and makes marks
anew in between.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from grader.batch.store import Store
from tests.unit.review_cases import Client, Server, make_waiting_class


def main(students: int = 2_000, decisions: int = 300) -> None:
    with tempfile.TemporaryDirectory() as name:
        out = make_waiting_class(Path(name))
        copy_class(Store(out), students // 200 - 1)
        began = time.perf_counter()
        with Server(out, who=("ada",)) as server:
            client = Client(server)
            client.get("/next")
            opened = time.perf_counter() - began
            sent, shown = [], []
            for _ in range(decisions):
                place = client.get("/next").headers["location"]
                form = client.read_form(f"{place}?one=0")
                start = time.perf_counter()
                answer = client.post(f"{place}/decide", {**form, "verdict": "correct"})
                middle = time.perf_counter()
                client.get(answer.headers["location"])
                assert answer.status == 303
                sent.append(1000 * (middle - start))
                shown.append(1000 * (time.perf_counter() - middle))
        print(f"{students} students: {opened:.1f} s until the first page")
        for what, found in (("decision acknowledged", sent), ("next page", shown)):
            parts = statistics.quantiles(found, n=20)
            print(f"{what}: p50 {parts[9]:.1f} ms, p95 {parts[18]:.1f} ms, max {max(found):.1f} ms ({len(found)})")


def copy_class(store: Store, times: int) -> None:
    """Add ``times`` copies of every hand-in of a store, under other names."""
    for student in list(store.list_marksheets()):
        record = store.find_record(student)
        assert record is not None
        sheet = json.loads(store.get(record.objects["marksheet"]) or b"{}")
        for number in range(1, times + 1):
            other = f"{student}-{number}"
            data = json.dumps({**sheet, "submission": other}).encode()
            objects = {**record.objects, "marksheet": store.put(data)}
            store.write_record(dataclasses.replace(record, student=other, objects=objects))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
