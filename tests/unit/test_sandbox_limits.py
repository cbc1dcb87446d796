"""Every limit of a room: told in words, and what was before it, and mostly what comes after it, stands."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from grader.model import CellRun
from grader.sandbox import NotebookSettings, cgroups, open_lodging
from grader.sandbox.findings import find_limit, kernel_died, output_cut
from tests.unit.room_cases import KINDS, codes, run, with_settings

SMALL = NotebookSettings(
    cell_timeout_seconds=30,
    memory_bytes=2**29,
    processes=40,
    open_files=128,
    file_bytes=2**20,
    disk_bytes=2**22,
    output_bytes_per_cell=10_000,
    output_bytes_per_notebook=100_000,
)

# What Python and libraries raise at a limit, word for word, and what is told.
TOLD = [
    ("MemoryError", "", "memory", "memory than there is here (512 MB)"),
    (
        "_ArrayMemoryError",
        "Unable to allocate 8.00 GiB for an array with shape (1073741824,) and data type float64",
        "memory",
        "512 MB",
    ),
    (
        "RuntimeError",
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
        "allocate 40000000000 bytes. Error code 12 (Cannot allocate memory)",
        "memory",
        "512 MB",
    ),
    ("OSError", "[Errno 12] Cannot allocate memory", "memory", "512 MB"),
    ("OSError", "[Errno 28] No space left on device", "disk", "disk space than there is here (4 MB)"),
    ("RuntimeError", "basic_ios::clear: iostream error: No space left on device", "disk", "4 MB"),
    ("OSError", "[Errno 27] File too large", "file", "space in one file than there is here (1 MB)"),
    ("OSError", "[Errno 24] Too many open files: '/dev/null'", "files", "open files than there is here (128)"),
    ("RuntimeError", "can't start new thread", "processes", "processes and threads than there is here (40)"),
    ("BlockingIOError", "[Errno 11] Resource temporarily unavailable", "processes", "40"),
]


@pytest.mark.parametrize(("name", "message", "code", "words"), TOLD)
def test_an_error_at_a_limit_is_told_in_words(name, message, code, words):
    found = find_limit(CellRun(index=7, source="", outcome="raised", error_name=name, error_message=message), SMALL)
    assert found is not None
    assert (found.code, found.audience) == (f"notebook.{code}_limit", "student")
    assert found.message.startswith("Cell 7 asked for more ")
    assert words in found.message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", ""),
        ("ValueError", ""),
        ("KeyError", "'memory'"),
        ("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (4x3 and 5x2)"),
        ("RuntimeError", "required keyword attribute 'memory_format' is undefined"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'train.csv'"),
        ("ModuleNotFoundError", "No module named 'memory'"),
        ("IndexError", ""),
    ],
)
def test_another_error_is_no_limit(name, message):
    run = CellRun(index=7, source="", outcome="raised", error_name=name, error_message=message)
    assert find_limit(run, SMALL) is None


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("memory", "Cell 3 needed more memory than 512 MB and was stopped."),
        ("processor", "Cell 3 brought the notebook's processor time above 3600 seconds and was stopped."),
        ("output", "Cell 3 printed many times more than 97.7 kB and was stopped."),
        ("", "The notebook's process ended while cell 3 ran"),
    ],
)
def test_a_room_that_was_closed_says_for_which_limit(cause, words):
    found = kernel_died(3, cause, SMALL)
    assert found.code == (f"notebook.{cause}_limit" if cause else "notebook.kernel_died")
    assert found.message.startswith(words)
    assert "what ran before it counts" in found.message


def test_output_that_was_cut_says_how_much_was_kept():
    assert output_cut(7, 100_000).message.startswith("Cell 7 printed more than 100,000 bytes; what came after")


# Cells that meet a limit each, by the finding that tells so.
MEETS = {
    "memory": "x = bytearray(2**30)",
    "file": "open('large', 'wb').write(b'x' * 2**21)",
    "disk": "for n in range(9):\n    open(f'part{n}', 'wb').write(b'x' * 2**20)",
    "files": "held = [open('/dev/null') for _ in range(200)]",
    "processes": "import threading\nhold = threading.Event()\ntry:\n    for _ in range(100):\n"
    "        threading.Thread(target=hold.wait).start()\nfinally:\n    hold.set()",
    "children": "import subprocess\nheld = []\ntry:\n    for _ in range(100):\n"
    "        held.append(subprocess.Popen(['sleep', '60']))\nfinally:\n"
    "    for child in held:\n        child.kill()\n        child.wait()",
    "memory of NumPy": "import numpy\nnumpy.ones(2**28)",
    "output": "print('y' * 1_000_000)",
}


@pytest.fixture(scope="module", params=["warm", "cold"])
def small(request):
    settings = replace(SMALL, packages={"numpy": version("numpy")}, preload=("numpy",))
    with open_lodging(settings, Path("unused"), seed=13, **KINDS[request.param]) as rooms:
        rooms.start()
        yield rooms


@pytest.fixture(scope="module")
def met(small):
    """One notebook that meets every limit, with a cell after each that prints."""
    cells = [part for name, cell in MEETS.items() for part in (cell, f"print({name!r}, 1 + 1)")]
    return run(small, *cells)


@pytest.mark.notebook
@pytest.mark.parametrize("name", MEETS)
def test_a_limit_is_met_and_told_and_the_next_cell_runs(met, name):
    place = 2 * list(MEETS).index(name)
    cell, after = met.cells[place : place + 2]
    assert cell.outcome == ("finished" if name == "output" else "raised"), cell
    assert (after.outcome, after.text) == ("finished", f"{name} 2\n")
    code = {"children": "processes", "memory of NumPy": "memory"}.get(name, name)
    wanted = "notebook.output_cut" if name == "output" else f"notebook.{code}_limit"
    assert [item.code for item in met.findings if item.message.startswith(f"Cell {place} ")] == [wanted]
    assert len(cell.text) <= SMALL.output_bytes_per_cell


@pytest.mark.notebook
def test_what_a_cell_prints_is_cut_and_the_cells_after_it_still_print(small):
    flood = "for i in range(20_000): print('line', i)"
    execution = run(small, *[flood] * 3, "print('y' * 20_000_000)", "print('still here')")
    assert [len(cell.text) for cell in execution.cells] == [10_000] * 4 + [len("still here\n")]
    assert codes(execution) == ["notebook.output_cut"] * 4


@pytest.mark.notebook
def test_what_all_cells_print_together_is_cut_and_told(small):
    execution = run(small, *["print('z' * 9_000)"] * 40)
    assert {cell.outcome for cell in execution.cells} == {"finished"}
    assert sum(len(cell.text) for cell in execution.cells) <= SMALL.output_bytes_per_notebook
    assert codes(execution) == ["notebook.all_output_cut"]
    assert "All cells together printed more than 100,000 bytes" in execution.findings[0].message


@pytest.mark.notebook
def test_warnings_and_errors_never_count(small):
    loud = "import sys, warnings\nsys.stderr.write('w' * 1_000_000)\nwarnings.warn('v' * 1_000)\nprint('answer')"
    execution = run(small, *[loud] * 12)
    assert [cell.text for cell in execution.cells] == ["answer\n"] * 12
    assert codes(execution) == []


@pytest.mark.notebook
def test_a_kernel_that_floods_the_grader_is_closed(small):
    """What an honest notebook cannot do: past the limit that the kernel itself keeps."""
    flood = "import sys\nwhile True:\n    type(sys.stdout).write(sys.stdout, 'y' * 100_000)\n    sys.stdout.flush()"
    execution = run(small, "print('before')", flood, "print('after')")
    assert [cell.outcome for cell in execution.cells] == ["finished", "killed", "not run"]
    assert execution.cells[0].text == "before\n"
    assert len(execution.cells[1].text) <= SMALL.output_bytes_per_cell
    assert codes(execution)[-1] == "notebook.output_limit"


@pytest.mark.notebook
def test_processor_time_closes_the_room(small):
    burn = "import os\nfor _ in range(2):\n    os.fork()\nwhile True: pass"
    execution = run(with_settings(small, cpu_seconds=1.0), "print('before')", burn, "print('after')")
    assert [cell.outcome for cell in execution.cells] == ["finished", "killed", "not run"]
    assert codes(execution) == ["notebook.processor_limit"]
    assert "above 1 seconds" in execution.findings[0].message


@pytest.mark.notebook
def test_memory_of_all_processes_together_closes_the_room_without_a_control_group(small, monkeypatch):
    monkeypatch.setattr(cgroups, "open_group", lambda *limits: cgroups.Group(folders={}))
    hoard = "import os, time\nfor _ in range(3):\n    os.fork()\nx = b'x' * 2**27\ntime.sleep(20)"
    execution = run(small, "print('before')", hoard, "print('after')")
    assert [cell.outcome for cell in execution.cells] == ["finished", "killed", "not run"]
    assert codes(execution) == ["notebook.memory_limit"]
    assert "needed more memory than 512 MB" in execution.findings[0].message
