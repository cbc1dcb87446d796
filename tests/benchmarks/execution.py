"""How fast notebooks start and run: stock nbclient, the cold room, the warm room, and the floor.

    python -m tests.benchmarks.execution [--runs 9] [--batch 48] [--json FILE]

The NumPy and torch notebooks meet rooms that have imported NumPy and torch, the homework's notebook those with the
rubric's whole list of modules (a larger process takes longer to fork and more memory to share).
The floor is a fork from a process that has imported the same modules, and ``exec`` of the cells in it: no isolation, no
Jupyter, no messages. Every figure is a median of interleaved runs, in milliseconds unless it says otherwise; ratios are
stock over the row. CPU is the whole machine's (background included), so run it on a quiet one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbclient import NotebookClient
from pydantic import TypeAdapter

from grader.sandbox import NotebookSettings, Rooms, open_lodging, run_notebook
from grader.sandbox.kernel import LiveKernel
from grader.sandbox.watch import find_room_processes, read_memory

ROOT = Path(__file__).resolve().parents[2]
NUMPY = ("import numpy as np", "a = np.ones((64, 64)) @ np.ones((64, 64))", "print(a.sum())")
TORCH = ("import torch", "x = torch.randn(64, requires_grad=True)\n(x * x).sum().backward()", "print(x.grad.shape)")
HOMEWORK = (
    "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt\nimport seaborn as sns\nimport torch\n"
    "import nltk\nfrom nltk.tokenize import word_tokenize\nfrom sklearn.model_selection import train_test_split\n"
    "from torchtext.data import BucketIterator, Field, LabelField, TabularDataset\nfrom torchtext.vocab import GloVe\n"
    "from tqdm.notebook import tqdm\nfrom wordcloud import WordCloud",
    "frame = pd.DataFrame({'a': [1, 2, 3]})\nx = torch.ones(3) @ torch.tensor(frame['a'].values, dtype=torch.float32)",
    "print(x)",
)
NOTEBOOKS = {"numpy": NUMPY, "torch": TORCH, "homework": HOMEWORK}
WORKERS = 4
ROWS = ("stock", "cold", "warm", "floor")
Run = Callable[[tuple[str, ...]], float]  # runs the cells, returns the seconds until the first reply


def run_stock(cells: tuple[str, ...]) -> float:
    """Run cells as nbclient does out of the box."""
    form: Any = nbformat.v4
    notebook = form.new_notebook(cells=[form.new_code_cell(cell) for cell in cells])
    started, first = time.perf_counter(), []
    client = NotebookClient(notebook, kernel_name="python3")
    client.on_cell_executed = lambda **_: first.append(time.perf_counter() - started)
    client.execute(stderr=subprocess.DEVNULL)
    return first[0]


def run_in(rooms: Rooms, homework: Rooms | None = None) -> Run:
    """Return what runs cells in a room, by the way that the grader goes; the homework's in ``homework``."""

    def run(cells: tuple[str, ...]) -> float:
        content = json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}).encode()
        started, said = time.perf_counter(), []
        place = homework if homework and cells is HOMEWORK else rooms
        execution = run_notebook(content, place, progress=lambda _: said.append(time.perf_counter() - started))
        if execution.outcome != "finished":
            raise SystemExit(f"a notebook did not finish: {execution}")
        return said[1]

    return run


def run_floor(cells: tuple[str, ...]) -> float:
    """Fork from this process, which has the modules, and execute the cells."""
    started = time.perf_counter()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            namespace: dict[str, Any] = {}
            for cell in cells:
                exec(compile(cell, "<cell>", "exec"), namespace)
                os.write(writer, b"x")
        os._exit(0)
    os.read(reader, 1)
    first = time.perf_counter() - started
    os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    return first


@contextlib.contextmanager
def open_rooms(*preload: str, warm: bool = True) -> Iterator[Rooms]:
    """Give started rooms with the homework's own settings; ``preload`` replaces the rubric's list of modules."""
    section = yaml.safe_load((ROOT / "rubrics" / "hw5.yaml").read_text(encoding="utf-8"))["notebook"]
    section |= {"data": ""} | ({"preload": preload} if preload else {})
    settings = TypeAdapter(NotebookSettings).validate_json(json.dumps(section))
    started = time.perf_counter()
    with open_lodging(settings, ROOT, seed=13, warm=warm) as rooms:
        rooms.start()
        print(f"{rooms.isolation}: ready after {time.perf_counter() - started:.1f} s {'; '.join(rooms.notes)}")
        yield rooms


def read_machine_seconds() -> float:
    """Return the processor time that the whole machine has spent on programs and on itself."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()
    return sum(int(fields[place]) for place in (1, 2, 3, 6, 7)) / os.sysconf("SC_CLK_TCK")


def time_alone(rows: dict[str, Run], runs: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return, by notebook and row, the medians of whole time and time to the first reply, one at a time."""
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(runs):
        for notebook, cells in NOTEBOOKS.items():
            for row, run in rows.items():
                started = time.perf_counter()
                first = run(cells)
                taken.setdefault((notebook, row), []).append((time.perf_counter() - started, first))
    return {
        notebook: {
            row: {
                "whole_ms": 1000 * statistics.median(whole for whole, _ in taken[notebook, row]),
                "first_reply_ms": 1000 * statistics.median(first for _, first in taken[notebook, row]),
            }
            for row in rows
        }
        for notebook in NOTEBOOKS
    }


def time_together(rows: dict[str, Run], batch: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return, by notebook and row, notebooks per minute and CPU per notebook, four at once."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for notebook, cells in NOTEBOOKS.items():
        for row, run in rows.items():
            count = max(8, batch // 4) if row in ("stock", "cold") else batch
            before, started = read_machine_seconds(), time.perf_counter()
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(run, [cells] * count))
            seconds = time.perf_counter() - started
            found.setdefault(notebook, {})[row] = {
                "per_minute": 60 * count / seconds,
                "cpu_ms": 1000 * (read_machine_seconds() - before) / count,
            }
    return found


async def weigh_rooms(rooms: Rooms, cells: tuple[str, ...]) -> float:
    """Return the memory (PSS) in MiB of one of four live kernels after the cells."""
    form: Any = nbformat.v4
    kernels = []
    try:
        for _ in range(WORKERS):
            notebook = form.new_notebook(cells=[form.new_code_cell(cell) for cell in cells])
            kernels.append(LiveKernel(rooms, rooms.settings, notebook))
            await kernels[-1].start()
            for index, cell in enumerate(notebook.cells):
                await kernels[-1].run_cell(cell, index, 60)
        sizes = [sum(map(read_memory, find_room_processes(kernel.room))) for kernel in kernels if kernel.room]
        return statistics.mean(sizes) / 2**20
    finally:
        for kernel in kernels:
            await kernel.stop()


def weigh_stock(cells: tuple[str, ...]) -> float:
    """Return the memory (PSS) in MiB of one of four live stock kernels after the cells."""
    form: Any = nbformat.v4
    sizes = []
    with contextlib.ExitStack() as stack:
        for _ in range(WORKERS):
            notebook = form.new_notebook(cells=[form.new_code_cell(cell) for cell in cells])
            client = NotebookClient(notebook, kernel_name="python3")
            stack.enter_context(client.setup_kernel(stderr=subprocess.DEVNULL))
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            assert client.km is not None
            sizes.append(client.km.provisioner.pid)  # type: ignore[union-attr]
        return statistics.mean(map(read_memory, sizes)) / 2**20


def build_table(alone: dict[str, Any], together: dict[str, Any], memory: dict[str, Any]) -> str:
    """Return the figures as text, with each row's ratio to stock nbclient."""
    lines = []
    for notebook in NOTEBOOKS:
        lines.append(f"\n{notebook:10} whole ms        first reply ms    x4 per minute     CPU ms   PSS MiB")
        stock, many = alone[notebook]["stock"], together[notebook]["stock"]
        for row in ROWS:
            one, four = alone[notebook][row], together[notebook][row]
            weight = memory.get(notebook, {}).get(row)
            lines.append(
                f"  {row:6} {one['whole_ms']:9.1f} ({stock['whole_ms'] / one['whole_ms']:5.1f}x)"
                f" {one['first_reply_ms']:9.1f} ({stock['first_reply_ms'] / one['first_reply_ms']:5.1f}x)"
                f" {four['per_minute']:8.0f} ({four['per_minute'] / many['per_minute']:5.1f}x)"
                f" {four['cpu_ms']:8.0f} {f'{weight:9.1f}' if weight else '        -'}"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and write the figures as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="runs of each, one at a time (default 9)")
    parser.add_argument("--batch", type=int, default=48, help="notebooks of a batch, four at once (default 48)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    threads = [f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL")]
    os.environ.update(dict.fromkeys(threads, "1"))
    for cells in NOTEBOOKS.values():  # what the floor forks from, with one thread, as in the rooms
        exec(cells[0], {})
    for name in threads:  # stock kernels begin as they do out of the box
        del os.environ[name]
    gc.collect()
    gc.freeze()
    with (
        open_rooms(warm=False) as cold,
        open_rooms("numpy", "torch") as warm,
        open_rooms() as homework,
    ):
        if not (warm.warm and homework.warm):
            raise SystemExit("no warm kernels here: nothing to measure")
        in_warm = run_in(warm, homework)
        rows: dict[str, Run] = {"stock": run_stock, "cold": run_in(cold), "warm": in_warm, "floor": run_floor}
        for run in rows.values():
            run(NUMPY)
        alone = time_alone(rows, options.runs)
        together = time_together(rows, options.batch)
        memory = {
            notebook: {
                "stock": weigh_stock(cells),
                "cold": asyncio.run(weigh_rooms(cold, cells)),
                "warm": asyncio.run(weigh_rooms(homework if cells is HOMEWORK else warm, cells)),
            }
            for notebook, cells in NOTEBOOKS.items()
        }
    print(build_table(alone, together, memory))
    if options.json:
        figures = {"python": sys.version, "alone": alone, "together": together, "pss_mib": memory}
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
