"""Nothing outlives a run, however it ends: processes, mounts, control groups and temporary files are counted."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader.sandbox import cgroups, run_notebook
from grader.sandbox.rooms import NoRoomError
from tests.hostile.arena import ROOT, SETTINGS, Arena, cell, groups, notebook
from tests.hostile.class_room import build_course, grade, hand_in
from tests.hostile.conftest import need_bubblewrap
from tests.hostile.test_limits import fork_for_ever

SCRIPT = """
import sys, tempfile
sys.path.insert(0, sys.argv[1])
tempfile.tempdir = sys.argv[3]
from pathlib import Path
from tests.hostile.arena import SETTINGS, notebook, open_lodging, run_notebook
cells = ["x = 1", sys.argv[5]]
seed = int(sys.argv[4])
with open_lodging(SETTINGS, Path(sys.argv[2]), seed=seed, warm=sys.argv[6] == "warm") as rooms:
    run_notebook(notebook(*cells), rooms, progress=lambda text: print(text, flush=True))
"""


@pytest.fixture(params=["warm", "cold"])
def grader(request, data, tmp_path, arena_like):
    """A grader of its own, in the middle of a cell that never ends."""
    kind = request.param

    @contextlib.contextmanager
    def start(source):
        command = [
            sys.executable,
            "-c",
            SCRIPT,
            str(ROOT),
            str(data),
            str(tmp_path),
            str(arena_like.seed),
            source,
            kind,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout.readline() == "cell 1 of 2\n", process.stderr.read()
                assert process.stdout.readline() == "cell 2 of 2\n"
                time.sleep(0.3)
                assert len(arena_like.processes()) > 2
                yield process
            finally:
                process.kill()
        assert os.listdir(tmp_path) == []

    return start


class Marked:
    """Finds the processes of rooms that have this seed, as an Arena does."""

    def __init__(self, seed):
        self.seed = seed
        self.rooms = self
        self.settings = self

    processes = Arena.processes

    def wait(self):
        """Wait until all are gone and return what is not."""
        deadline = time.monotonic() + 5
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left


@pytest.fixture
def arena_like():
    return Marked((os.getpid() << 20) + time.monotonic_ns() % 2**20)


def mounts():
    return Path("/proc/self/mountinfo").read_text()


def test_ctrl_c_leaves_nothing(grader, arena_like):
    before = mounts()
    with grader("while True: pass") as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=15)
        assert said.rstrip().endswith("KeyboardInterrupt")
        assert "never retrieved" not in said
        assert arena_like.wait() == {}
        assert groups(process.pid) == []
    assert mounts() == before


def test_a_killed_grader_leaves_nothing_for_long(grader, arena_like):
    before = mounts()
    with grader(cell(fork_for_ever)) as process:
        process.kill()
        process.wait(10)
        assert arena_like.wait() == {}
        cgroups.remove_left_groups()  # as the next grader does when it starts
        assert groups(process.pid) == []
    assert mounts() == before


@pytest.fixture(params=["warm", "cold"])
def own(request, data, tmp_path, arena_like):
    """An arena for one test, whose helpers may die."""
    need_bubblewrap()
    made = Arena(data, tmp_path, warm=request.param == "warm", settings=replace(SETTINGS, seed=arena_like.seed))
    with made.rooms:
        yield made
    assert arena_like.wait() == {}
    assert groups(os.getpid()) == []


def find_helpers(own):
    """Return the process numbers of the grader's helpers: bubblewrap, the keeper within, and its zygote (0 if cold)."""
    started = own.rooms._keeper.pid
    parents = {
        int(line.split()[0]): int(line.rpartition(")")[2].split()[1]) for line in map(read_stat, own.processes())
    }
    keeper = next(number for number, parent in parents.items() if parent == started)
    zygote = next((number for number, parent in parents.items() if parent == keeper), 0)
    return {"bubblewrap": started, "keeper": keeper, "zygote": zygote}


def read_stat(number):
    return Path(f"/proc/{number}/stat").read_text()


@pytest.mark.parametrize("victim", ["bubblewrap", "keeper", "zygote"])
def test_a_grader_whose_helper_is_killed_goes_on_or_says_so(own, victim):
    number = find_helpers(own)[victim]
    if number:
        os.kill(number, signal.SIGKILL)
    started = time.monotonic()
    execution = run_notebook(notebook("x = 1"), own.rooms)
    assert time.monotonic() - started < 20
    assert execution.fault or execution.cells[0].outcome == "finished"


def test_a_keeper_that_is_killed_within_a_cell_takes_the_room_along(own):
    keeper, steps = find_helpers(own)["keeper"], []

    def kill(text):
        steps.append(text)
        if len(steps) == 2:
            os.kill(keeper, signal.SIGKILL)

    execution = run_notebook(notebook("x = 1", "import time; time.sleep(1)", "x = 2"), own.rooms, progress=kill)
    assert execution.cells[0].outcome == "finished"
    # Either the rest of the evidence stands, or all of it is gathered anew by new helpers: it was not the student.
    assert [item.outcome for item in execution.cells[1:]] in (["killed", "not run"], ["finished", "finished"])


def test_a_full_disk_leaves_nothing(tmp_path, data):
    """Results that cannot be written are an error of the machine's; no half of one is left."""
    course = build_course(tmp_path / "course")
    folder = hand_in(course, "99", "print(1)")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (course / "graded").mkdir()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limit[1]))
    try:
        code, _, said = grade(course, folder, temporary=temporary)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert code == 4, said
    assert not (course / "graded" / "99").exists()
    assert list((course / "graded" / ".store" / "tmp").glob("*")) == []
    assert os.listdir(temporary) == []


def test_without_bubblewrap_nothing_is_run(monkeypatch, data):
    from grader.sandbox import walls

    def nothing():
        raise walls.NoBubblewrapError("there is none")

    monkeypatch.setattr(walls, "find_bwrap", nothing)
    with pytest.raises(NoRoomError, match="apt install bubblewrap"):
        Arena(data, data, warm=False)
