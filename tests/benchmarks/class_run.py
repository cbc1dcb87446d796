"""How fast a whole class is graded: beside stock nbclient and a floor, again after a change, and at growing sizes.

    python -m tests.benchmarks.class_run [--count 200] [--quick] [--only class,remark] [--json FILE] [--keep DIR]

Sections (``--only`` picks some):

class    a generated class of mixed hand-ins (one in ten broken or hostile): `grade` with its default number of workers,
         stock nbclient one notebook after another (a sample, scaled), and the floor (half before `grade`, half after)
endless  notebooks that never end, under a cell limit of five seconds: `grade` and the floor
remark   the same class after a change of marks in the rubric: nothing may be run
memory   the memory of the process that watches, at 100 and 5,000 hand-ins without notebooks
cost     CPU seconds of the whole process tree for each hand-in without notebook, from 10 to 5,000
nothing  a run that finds everything done

The floor is a process that has imported the rubric's modules and forks once for each hand-in, as many at a time as
there are cores; the child executes the cells beside the course's data and calls the same probes with the same inputs
(worked out beforehand). It knows no isolation, no messages, no checks, no marks and no pages. Its imports are not
counted, while `grade` is timed from its start to its end. Run it on a quiet machine: CPU of the class is the machine's.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import itertools
import json
import os
import platform
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.execution import read_machine_seconds
from tests.class_maker import change_rubric, copy_course, make_class, make_endless, make_reports, move_marks

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("class", "endless", "remark", "memory", "cost", "nothing")
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
CORES = len(os.sched_getaffinity(0))
NOTEBOOK = "Q4.ipynb"
FINE = (0, 1, 3)  # exit codes of a run in which nothing of ours failed
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one command took. ``rooms`` counts the processes of rooms and keepers that were seen meanwhile."""

    wall: float
    tree_cpu: float
    """Of all processes that were waited for: kernels are not, so this is for hand-ins without notebooks."""
    machine_cpu: float
    peak_bytes: int
    rooms: int


@dataclass(slots=True)
class Figures:
    """All that was measured, each with what is wanted of it ("" where nothing is)."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self, section: str, name: str, value: float, unit: str = "", *, wanted: str = "", met: bool | None = None
    ) -> None:
        """Add a figure and print it."""
        self.rows.append({"section": section, "name": name, "value": value, "unit": unit, "wanted": wanted, "met": met})
        verdict = {None: "", True: f"  wanted {wanted}: met", False: f"  wanted {wanted}: NOT MET"}[met]
        print(f"{section:8} {name:62} {value:10.3f} {unit:8}{verdict}", flush=True)

    def limit(self, section: str, name: str, value: float, most: float, unit: str = "") -> None:
        """Add a figure that may be at most ``most``."""
        self.add(section, name, value, unit, wanted=f"<= {most:g}", met=value <= most)


# --- `grade` as a process of its own ---------------------------------------------------------------------------------


def run_grade(course: Path, folder: Path, out: Path, *arguments: str) -> Run:
    """Run ``grade`` on a class folder and watch it. Raises SystemExit where our side failed."""
    log = out.with_name(f"{out.name}.log")
    command = [sys.executable, "-m", "grader", str(folder), "--course", str(course), "--out", str(out)]
    environment = {**os.environ, "CI": "1", "XDG_CONFIG_HOME": str(out.parent / "config")}
    before, started, peak, seen, look = read_machine_seconds(), time.perf_counter(), 0, set[int](), 0.0
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--device", "cpu", *arguments], cwd=ROOT, env=environment, stdout=stream, stderr=stream
        )
        while True:
            peak = max(peak, read_peak(process.pid))
            if (elapsed := time.perf_counter() - started) >= look:
                seen |= find_rooms(process.pid)
                look = max(elapsed + LOOK_SECONDS, elapsed * 1.02)  # the search itself must not cost much
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            time.sleep(LOOK_SECONDS)
    wall = time.perf_counter() - started
    process.returncode = code = os.waitstatus_to_exitcode(status)
    if code not in FINE:
        raise SystemExit(f"grade ended with {code}:\n{log.read_text(errors='replace')[-3000:]}")
    return Run(
        wall=wall,
        tree_cpu=used.ru_utime + used.ru_stime,
        machine_cpu=read_machine_seconds() - before,
        peak_bytes=peak,
        rooms=len(seen),
    )


def read_peak(pid: int) -> int:
    """Return the most memory that a living process has had, in bytes; 0 where it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def find_rooms(pid: int) -> set[int]:
    """Return the descendants that belong to rooms: bubblewrap, the keeper and what it forks."""
    found = set()
    for child in list_children(pid):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"bwrap" in words or b"keeper" in words:
                found.add(child)
        found |= find_rooms(child)
    return found


def list_children(pid: int) -> list[int]:
    """Return the children of every thread of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(word) for word in task.read_text(encoding="ascii").split()]
    return found


# --- the floor and stock nbclient, each in a process of its own ------------------------------------------------------


def call_apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call ``function`` in a forked process and return what it returned (through JSON): its imports stay there."""
    with tempfile.TemporaryFile() as answer:
        child = os.fork()
        if child == 0:
            try:
                answer.write(json.dumps(function(*arguments)).encode())
                answer.flush()
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        if os.waitpid(child, 0)[1]:
            raise SystemExit(f"{function.__name__} failed")
        answer.seek(0)
        return json.loads(answer.read())


def read_cells(hand_in: Path) -> list[str] | None:
    """Return the sources of a hand-in's notebook; None where there is none that can be read."""
    path = hand_in / NOTEBOOK
    if path.is_symlink() or not path.is_file():
        return None
    with contextlib.suppress(ValueError):
        return [cell["source"] for cell in json.loads(path.read_bytes())["cells"] if cell["cell_type"] == "code"]
    return None


def write_tasks(course: Path, paths: Sequence[Path], folder: Path) -> int:
    """Write down, for each notebook, its cells and the probes that ``grade`` asks of it; return how many there are."""
    from grader.course import load_course
    from grader.pipeline import list_requests, open_hand_in

    loaded = load_course(list(paths[:1]), root=course, rubric=None, class_folder=paths[0].parent)
    folder.mkdir()
    count = 0
    for path in paths:
        cells = read_cells(path)
        if cells is None:
            continue
        asked = [
            [request.token or request.name, request.function, dict(request.arguments), request.timeout_seconds]
            for request in list_requests(loaded, open_hand_in(loaded, path))
        ]
        (folder / f"{path.name}.json").write_text(json.dumps({"cells": cells, "requests": asked}), encoding="utf-8")
        count += 1
    return count


def run_floor(course: Path, tasks: Path) -> dict[str, float]:
    """Fork for each task from a process with the rubric's modules, ``CORES`` at a time; return what it took."""
    settings = yaml.safe_load((course / "rubrics/hw5.yaml").read_text(encoding="utf-8"))["notebook"]
    os.environ.update(THREADS, MPLBACKEND="Agg")
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in settings["preload"]:
            importlib.import_module(name)
    imported = time.perf_counter() - started
    probes = (course / settings["probes"]).read_text(encoding="utf-8")
    gc.collect()
    gc.freeze()
    before, started = read_machine_seconds(), time.perf_counter()
    living: set[int] = set()
    for task in sorted(tasks.glob("*.json")):
        if len(living) == CORES:
            living.remove(wait_for_one())
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                do_task(task, course / settings["data"], settings, probes)
            os._exit(0)
        living.add(child)
    while living:
        living.remove(wait_for_one())
    wall = time.perf_counter() - started
    return {"wall": wall, "machine_cpu": read_machine_seconds() - before, "imports": imported}


def wait_for_one() -> int:
    """Wait for a child and end what it has started."""
    child = os.wait()[0]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return child


def do_task(task: Path, data: Path, settings: dict[str, Any], probes: str) -> None:
    """Execute the cells in a new folder, then call the probes; limits are kept by the simplest means."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    own = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (own + settings["memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (settings["file_bytes"],) * 2)
    work = tempfile.mkdtemp(dir=task.parent)
    shutil.copytree(data, work, dirs_exist_ok=True)
    os.chdir(work)
    sys.modules["torch"].set_num_threads(1)
    content = json.loads(task.read_text(encoding="utf-8"))
    main = types.ModuleType("__main__")  # where the classes of a notebook live
    sys.modules["__main__"] = main
    for cell in content["cells"]:
        with contextlib.suppress(BaseException), time_limit(settings["cell_timeout_seconds"]):
            exec(compile(cell, "<cell>", "exec"), main.__dict__)
    asked = types.ModuleType("probes")
    exec(compile(probes, "<probes>", "exec"), asked.__dict__)
    for name, function, arguments, seconds in content["requests"]:
        with contextlib.suppress(BaseException), time_limit(min(seconds, settings["probe_timeout_seconds"])):
            reseed(name)
            json.dumps(getattr(asked, function)(main.__dict__, **arguments))
    shutil.rmtree(work)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block when its time is over."""

    def end(*_: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def reseed(name: str) -> None:
    """Seed as rooms do before each probe."""
    import random
    import zlib

    seed = 13 + zlib.crc32(name.encode())
    random.seed(seed)
    sys.modules["numpy"].random.seed(seed % 2**32)
    sys.modules["torch"].manual_seed(seed)


def run_stock(paths: Sequence[Path], data: Path, limit: int, memory_bytes: int) -> dict[str, float]:
    """Run a sample of notebooks by stock nbclient, one after another; return seconds of wall and CPU for one."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    resource.setrlimit(resource.RLIMIT_AS, (2 * memory_bytes,) * 2)  # kernels inherit it: one of them takes all it gets
    before, started = read_machine_seconds(), time.perf_counter()
    for path in paths:
        with tempfile.TemporaryDirectory() as work:
            shutil.copytree(data, work, dirs_exist_ok=True)
            notebook: Any = nbformat.reads((path / NOTEBOOK).read_text(encoding="utf-8"), as_version=4)
            resources = {"metadata": {"path": work}}
            client = NotebookClient(
                notebook, timeout=limit, kernel_name="python3", allow_errors=True, resources=resources
            )
            with contextlib.suppress(CellTimeoutError, DeadKernelError):
                client.execute(stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    return {"wall": wall / len(paths), "machine_cpu": (read_machine_seconds() - before) / len(paths)}


# --- sections --------------------------------------------------------------------------------------------------------


class Bench:
    """Classes that have been written and graded are used by several sections."""

    def __init__(self, scratch: Path, count: int, *, quick: bool) -> None:
        self.scratch, self.count, self.quick = scratch, count, quick
        self.figures = Figures()
        self.course = copy_course(scratch / "course")
        self._paths: list[Path] = []
        self._mixed: tuple[list[Path], Path, Run] | None = None
        self._reports: dict[int, tuple[Path, Path, list[Run]]] = {}

    def mixed_class(self) -> list[Path]:
        """Return the hand-ins of the mixed class."""
        self._paths = self._paths or make_class(self.scratch / "mixed", self.count)
        return self._paths

    def mixed(self) -> tuple[list[Path], Path, Run]:
        """Return the mixed class, where it was graded, and how that went."""
        if self._mixed is None:
            out = self.scratch / "mixed-graded"
            self._mixed = self.mixed_class(), out, run_grade(self.course, self.scratch / "mixed", out)
        return self._mixed

    def reports(self, count: int, runs: int = 1) -> tuple[Path, Path, list[Run]]:
        """Return a class without notebooks, where it was graded (the first time), and at least ``runs`` first runs."""
        if count not in self._reports:
            folder = self.scratch / f"reports-{count}"
            make_reports(folder, count)
            self._reports[count] = folder, self.scratch / f"reports-{count}-graded", []
        folder, out, done = self._reports[count]
        while len(done) < runs:
            target = out if not done else out.with_name(f"{out.name}-again")
            done.append(run_grade(self.course, folder, target))
            if done[1:]:
                shutil.rmtree(target)
        return self._reports[count]

    def measure_class(self) -> None:
        """Time the mixed class: `grade`, stock nbclient, the floor."""
        paths = self.mixed_class()
        # Half before and half after: a machine that grows slower meanwhile is the same one for both.
        halves = [self.run_floor("class", self.course, paths[::2])]
        run = self.mixed()[2]
        halves.append(self.run_floor("class", self.course, paths[1::2]))
        floor = {name: sum(half[name] for half in halves) for name in ("wall", "machine_cpu")}
        notebooks = [path for path in paths if read_cells(path) is not None]
        sample = notebooks[:: max(1, len(notebooks) // (4 if self.quick else 20))]
        settings = yaml.safe_load((ROOT / "rubrics/hw5.yaml").read_text(encoding="utf-8"))["notebook"]
        limit, memory = int(settings["cell_timeout_seconds"]), settings["memory_bytes"]
        stock = call_apart(run_stock, sample, self.course / settings["data"], limit, memory)
        share = len(notebooks) / len(paths)
        add, each = self.figures.add, len(paths)
        add("class", f"hand-ins, {len(notebooks)} of them with a notebook, {CORES} cores", each)
        add("class", "grade: wall seconds for each hand-in", run.wall / each, "s")
        add("class", "grade: CPU seconds for each hand-in (machine)", run.machine_cpu / each, "s")
        add("class", "floor: wall seconds for each hand-in", floor["wall"] / each, "s")
        add("class", "floor: CPU seconds for each hand-in (machine)", floor["machine_cpu"] / each, "s")
        add("class", f"stock, one after another, no probes: wall (from {len(sample)})", stock["wall"] * share, "s")
        add("class", f"stock: CPU seconds (from {len(sample)})", stock["machine_cpu"] * share, "s")
        add("class", "stock / grade, wall", stock["wall"] * share / (run.wall / each), "times")
        self.figures.limit("class", "grade / floor, wall", run.wall / floor["wall"], 1.25, "times")
        add("class", "grade / floor, CPU", run.machine_cpu / floor["machine_cpu"], "times")
        add("class", "grade: peak memory of the watching process", run.peak_bytes / 2**20, "MiB")

    def run_floor(self, name: str, course: Path, paths: Sequence[Path]) -> dict[str, float]:
        """Return what the floor takes for a class."""
        tasks = self.scratch / f"{name}-tasks"
        call_apart(write_tasks, course, paths, tasks)
        result: dict[str, float] = call_apart(run_floor, course, tasks)
        shutil.rmtree(tasks)
        return result

    def measure_endless(self) -> None:
        """Time notebooks that never end, with five seconds for each cell."""
        course = copy_course(self.scratch / "endless-course", cell_timeout_seconds=5.0)
        count = CORES if self.quick else 4 * CORES
        paths = [make_endless(self.scratch / "endless", f"e{number:03d}") for number in range(count)]
        run = run_grade(course, self.scratch / "endless", self.scratch / "endless-graded")
        floor = self.run_floor("endless", course, paths)
        self.figures.add("endless", f"hand-ins, {CORES} cores, cell limit 5 s", count)
        self.figures.add("endless", "grade: seconds of a worker for each", run.wall / count * CORES, "s")
        self.figures.add("endless", "floor: seconds of a core for each", floor["wall"] / count * CORES, "s")
        self.figures.add("endless", "grade / floor, wall (start-up included)", run.wall / floor["wall"], "times")

    def measure_remark(self) -> None:
        """Mark again after a change of marks: from what is stored, and with no room."""
        paths, out, first = self.mixed()
        folder, reports_out, runs = self.reports(100 if self.quick else 1000)
        change_rubric(self.course, move_marks)
        try:
            few = [f"--only={path.name}" for path in paths[:CORES]]  # so many that all workers start
            start = run_grade(self.course, self.scratch / "mixed", out, *few)
            again = run_grade(self.course, self.scratch / "mixed", out)
            reports_again = run_grade(self.course, folder, reports_out)
            sheet = json.loads((out / paths[0].name / "marksheet.json").read_bytes())
            marks = [str(item["available"]) for item in sheet["criteria"][:2]]
        finally:
            change_rubric(self.course, lambda rubric: move_marks(rubric, -1))
        count = len(paths)
        limit, add = self.figures.limit, self.figures.add
        add("remark", f"the first run of the {count} mixed hand-ins", first.wall, "s")
        add("remark", f"marking {CORES} of them again: the start-up", start.wall, "s")
        add("remark", f"marking the other {count - CORES} again", again.wall, "s")
        thousand = [
            start.wall + 1000 * max(0.0, again.wall - start.wall) / (count - CORES),
            start.wall + 1000 * (first.wall - start.wall) / count,
        ]
        add("remark", "marking 1,000 again (start-up once, the rest scaled)", thousand[0], "s")
        add("remark", "the first run of 1,000 (in the same way)", thousand[1], "s")
        limit("remark", "again / first, for 1,000 (estimated so)", 100 * thousand[0] / thousand[1], 1, "%")
        limit("remark", "processes of rooms seen meanwhile", start.rooms + again.rooms + reports_again.rooms, 0)
        good = sum(map(float, marks)) == 10 and marks[0] != marks[1]
        add("remark", "the new marks stand in the marksheet", float(good), wanted="yes", met=good)
        add("remark", f"without notebooks ({len(list_hand_ins(folder))}): the first run", runs[0].wall, "s")
        add("remark", "without notebooks: again", reports_again.wall, "s")
        add("remark", "without notebooks: again / first", 100 * reports_again.wall / runs[0].wall, "%")
        self._reports.pop(len(list_hand_ins(folder)))  # graded by other marks now
        shutil.rmtree(folder)
        shutil.rmtree(reports_out)
        if self._mixed is not None:
            run_grade(self.course, self.scratch / "mixed", out)

    def measure_memory(self) -> None:
        """Compare the watching process' memory for a small and a large class."""
        small, large = (100, 400) if self.quick else (100, 5000)
        peaks = {count: self.reports(count)[2][0].peak_bytes / 2**20 for count in (small, large)}
        for count, peak in peaks.items():
            self.figures.add("memory", f"peak of the watching process, {count} hand-ins", peak, "MiB")
        self.figures.limit("memory", f"{large} / {small} hand-ins", peaks[large] / peaks[small], 1.2, "times")

    def measure_cost(self) -> None:
        """Compare what one more hand-in costs, at growing sizes."""
        sizes = (10, 50, 150) if self.quick else (10, 100, 1000, 5000)
        cpu = {}
        for count in sizes:
            runs = self.reports(count, 1 if self.quick or count > 1000 else 3)[2]
            cpu[count] = statistics.median(run.tree_cpu for run in runs)
            self.figures.add("cost", f"CPU for each of {count}, all included", 1000 * cpu[count] / count, "ms")
        more = [1000 * (cpu[large] - cpu[small]) / (large - small) for small, large in itertools.pairwise(sizes)]
        for cost, (small, large) in zip(more, itertools.pairwise(sizes), strict=True):
            self.figures.add("cost", f"CPU for one more, from {small} to {large}", cost, "ms")
        start = cpu[sizes[0]] - sizes[0] * more[0] / 1000
        self.figures.add("cost", f"start-up (what {sizes[0]} cost, less {sizes[0]} more)", start, "s")
        self.figures.limit("cost", "dearest / cheapest one more", max(more) / min(more), 1.25, "times")

    def measure_nothing(self) -> None:
        """Time a run in which nothing is to be done."""
        count = 100 if self.quick else 1000
        folder, out, _ = self.reports(count)
        walls = [run_grade(self.course, folder, out).wall for _ in range(3)]
        self.figures.limit("nothing", f"nothing to do for {count} hand-ins", statistics.median(walls), 3, "s")
        if self._mixed is not None:
            wall = run_grade(self.course, self.scratch / "mixed", self._mixed[1]).wall
            self.figures.add("nothing", f"nothing to do for the {self.count} mixed", wall, "s")


def stamp_code() -> list[tuple[str, int]]:
    """Return when each file of the grader was written: a change meanwhile voids what is stored, and the figures."""
    return sorted((str(path), path.stat().st_mtime_ns) for path in (ROOT / "grader").rglob("*.py"))


def list_hand_ins(folder: Path) -> list[Path]:
    """Return the hand-ins of a class folder."""
    return [path for path in folder.iterdir() if path.is_dir()]


def describe_machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    words = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    model = next((line.partition(":")[2].strip() for line in words if line.startswith("model name")), "")
    return {
        "cores": CORES,
        "memory_gib": round(memory / 2**30, 1),
        "processor": model,
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }


def main() -> None:
    """Measure, print each figure as it comes, and write all of them as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="hand-ins of the mixed class (default 200)")
    parser.add_argument("--quick", action="store_true", help="small classes: to see that everything works")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--keep", type=Path, help="leave the classes and results in this new folder")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if strange := set(wanted) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(strange))}")
    count = min(options.count, 20) if options.quick else options.count
    machine, code = describe_machine(), stamp_code()
    print(machine, flush=True)
    with contextlib.ExitStack() as stack:
        scratch = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="class-run-")))
        scratch.mkdir(exist_ok=True, parents=True)
        bench = Bench(scratch.resolve(), count, quick=options.quick)
        for section in SECTIONS:
            if section in wanted:
                getattr(bench, f"measure_{section}")()
                if options.json:  # after each, since the next takes minutes
                    content = {"machine": machine, "count": count, "quick": options.quick, "void": stamp_code() != code}
                    text = json.dumps({**content, "figures": bench.figures.rows}, indent=1)
                    options.json.write_text(f"{text}\n", encoding="utf-8")
    if stamp_code() != code:
        raise SystemExit("VOID: files of the grader were changed meanwhile, so that stored work was done again")
    missed = [row["name"] for row in bench.figures.rows if row["met"] is False]
    print(f"not met: {'; '.join(missed)}" if missed else "all that is wanted is met")


if __name__ == "__main__":
    main()
