"""Where attacks are let loose: rooms with small limits, and a count of everything that could be left of them."""

import contextlib
import inspect
import json
import os
import textwrap
import threading
import time
from pathlib import Path

from grader.sandbox import NotebookSettings, kernel, open_lodging, run_notebook

ROOT = Path(__file__).resolve().parents[2]
DISK = 2**25
SETTINGS = NotebookSettings(
    cell_timeout_seconds=2,
    total_timeout_seconds=60,
    probe_timeout_seconds=2,
    output_bytes_per_cell=10_000,
    output_bytes_per_notebook=100_000,
    value_bytes=100_000,
    memory_bytes=700 * 2**20,
    processes=64,
    open_files=256,
    file_bytes=2**26,
    disk_bytes=DISK,
    data="data",
    seed=(os.getpid() << 20) + 13,  # tells our rooms from everybody else's, see Arena.processes
)
BOUND_SECONDS = 30  # whatever a notebook of one endless cell does, it is over by then
GROWTH_BYTES = 120 * 2**20
_SETTLE_SECONDS = 5
kernel.INTERRUPT_SECONDS = 1.5  # for most attacks end by the clock


def notebook(*cells: str) -> bytes:
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}).encode()


def cell(attack, *arguments) -> str:
    """Return ``attack`` (a function that needs nothing from around it) as a cell that prints what it returns."""
    call = f"{attack.__name__}({', '.join(map(repr, arguments))})"
    return f"import json as _json\n{textwrap.dedent(inspect.getsource(attack))}\nprint(_json.dumps({call}))"


class Arena:
    """One set of rooms. ``run`` fails the test for whatever no notebook may bring about."""

    def __init__(self, data: Path, temporary: Path, *, warm: bool, settings: NotebookSettings = SETTINGS) -> None:
        self.data, self.temporary, self.warm = data, temporary, warm
        hidden = [ROOT / "reference", ROOT / "rubrics", ROOT / "grader", ROOT / "submissions"]
        self.rooms = open_lodging(settings, data, seed=settings.seed, warm=warm, hidden=hidden)
        self.rooms.start()
        assert self.rooms.isolation == f"bubblewrap room, {'warm' if warm else 'cold'} kernel", self.rooms.notes
        self.run("1")  # whatever is opened once and kept is open now
        deadline = time.monotonic() + _SETTLE_SECONDS
        while len(self.processes()) > 1 + warm and time.monotonic() < deadline:
            time.sleep(0.02)
        self.before = self.traces()
        assert len(self.before["processes"]) == 1 + warm, "besides the keeper and the zygote something lives"

    def run(self, *cells: str, **options):
        """Run a notebook and return its Execution."""
        started = time.monotonic()
        with growth() as grown:
            execution = run_notebook(notebook(*cells), self.rooms, **options)
        assert time.monotonic() - started < BOUND_SECONDS
        assert execution.fault == "", "the student's doing was taken for ours"
        assert len(execution.cells) == len(cells), "evidence is missing"
        assert grown() < GROWTH_BYTES, f"the grader grew by {grown() >> 20} MiB"
        return execution

    def texts(self, *cells: str) -> list[str]:
        """Run a notebook and return what each cell printed."""
        execution = self.run(*cells)
        assert [item.outcome for item in execution.cells] == ["finished"] * len(cells), execution.cells
        return [item.text for item in execution.cells]

    def processes(self) -> dict[int, str]:
        """Return every living process that sees the file tree of our rooms, wherever in it and whosever it is."""
        mark = f'"seed": {self.rooms.settings.seed},'
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (folder / "root/room/facts.json").read_text():
                    found[int(folder.name)] = (folder / "comm").read_text().strip()
        return found

    def traces(self) -> dict[str, object]:
        """Return what there is of us now: processes, mounts, control groups, temporary files, open files."""
        return {
            "processes": self.processes(),
            "mounts": Path("/proc/self/mountinfo").read_text(),
            "groups": groups(os.getpid()),
            "files": sorted(os.listdir(self.temporary)),
            "descriptors": len(os.listdir("/proc/self/fd")),
        }

    def check_traces(self) -> None:
        """Fail where a notebook left something (its minder needs a moment)."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while (now := self.traces()) != self.before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert now == self.before, {
            name: (self.before[name], now[name]) for name in now if now[name] != self.before[name]
        }


def groups(owner: int) -> list[str]:
    """Return the control groups that the grader with this process number has made."""
    found = os.walk("/sys/fs/cgroup")  # which does not mind that groups go while it looks; glob does
    return sorted(
        f"{folder}/{name}" for folder, names, _ in found for name in names if name.startswith(f"grader-{owner}-")
    )


@contextlib.contextmanager
def growth():
    """Give a function that returns by how many bytes this process has grown at most."""
    start, peak, ended = resident(), [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peak[0] = max(peak[0], resident() - start)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: peak[0]
    finally:
        ended.set()
        thread.join()


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
