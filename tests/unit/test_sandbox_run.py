"""Real kernels: what notebooks do is survived, seen and bounded. Tests share a run where they can."""

import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from grader.model import ProbeRequest
from grader.sandbox import NoRoomError, NotebookSettings, open_lodging, run_notebook
from grader.sandbox.room_handle import RoomError
from grader.sandbox.rooms import Rooms
from grader.sandbox.unsafe import find_processes, open_unsafe
from tests.unit.room_cases import (
    ISOLATION,
    KINDS,
    codes,
    keeper_tree,
    own_groups,
    processes_that_name,
    run,
    wait_until,
    with_settings,
)

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).resolve().parents[2]
NAMES = "numpy torch pandas scikit-learn matplotlib seaborn wordcloud nltk tqdm torchtext".split()
PACKAGES = {name: version(name) for name in NAMES}
PRELOAD = yaml.safe_load((ROOT / "rubrics" / "hw5.yaml").read_text(encoding="utf-8"))["notebook"]["preload"]
SETTINGS = NotebookSettings(packages=PACKAGES, preload=tuple(PRELOAD), data="data", cell_timeout_seconds=60)
QUICK = NotebookSettings(cell_timeout_seconds=4, output_bytes_per_cell=10_000)
UNUSED = Path("unused")
MARK = f"4321.{os.getpid()}"  # a process that a notebook starts, to be found by its argument


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A temporary folder of our own, to see that nothing is left in it."""
    folder = tmp_path_factory.mktemp("t")
    patch = pytest.MonkeyPatch()
    patch.setattr(tempfile, "tempdir", str(folder))
    patch.setenv("PYTHONPATH", str(ROOT))  # must not reach the kernel
    patch.setenv("COURSE_SECRET", "not for students")
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "data.csv").write_text("id,comment_text,toxic\n1,hello there,0\n2,you fool,1\n")
    rows = [f"{word} " + " ".join(["0.5"] * 100) for word in ("king", "queen", "man")]
    (folder / "glove.6B.100d.txt").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module", params=["warm", pytest.param("cold", marks=pytest.mark.thorough)])
def sealed(request):
    return request.param


@pytest.fixture(scope="module")
def full(sealed, data, folder):
    """Rooms with the homework's packages and data."""
    with open_lodging(SETTINGS, data, seed=13, **KINDS[sealed]) as rooms:
        rooms.start()
        yield rooms


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def quick(kind, folder):
    """Rooms with short times and little output, and the open machine."""
    lodgings = open_lodging(QUICK, UNUSED, seed=13, **KINDS[kind])
    yield lodgings
    lodgings.close()


COLAB = {
    "cd": "%cd /content/drive/MyDrive/DL/HW5\nimport os\nprint(os.path.basename(os.getcwd()))",
    "mount": "from google.colab import drive, files\ndrive.mount('/content/drive')\nprint(sorted(files.upload()))",
    "shell": "!pip install -U torchtext==0.6.0\n%pip install nltk\n!apt-get install -y unzip\n!python -m pip install x",
    "fetch": "!wget -q https://example.org/a/data.csv -O again.csv\n!gdown 1AbC\n!curl -O https://example.org/b.zip\n"
    "!unzip b.zip\nprint(open('again.csv').readline())",
    "paths": "import pandas as pd\nfor path in ('/content/drive/MyDrive/a b/data.csv', r'C:\\Users\\me\\data.csv', "
    "'dataset/data.csv', '/content/drive/MyDrive/jigsaw.csv', 'https://example.org/data.csv'):\n    "
    "print(len(pd.read_csv(path)))",
    "write": "pd.DataFrame({'a': [1]}).to_csv('/content/drive/MyDrive/out.csv')\nos.makedirs('out')\n"
    "open('out/data.csv', 'w').write('mine')\nprint(os.path.exists('out.csv'), len(pd.read_csv('data.csv')))",
    "missing": "pd.read_csv('train.csv')",
    "network": "import urllib.request\nurllib.request.urlopen('http://example.org/other.csv')",
    "nltk": "import nltk\nnltk.download('punkt')\nfrom nltk.tokenize import word_tokenize\n"
    'print(word_tokenize("Mr. Smith isn\'t here, e.g. today. Is he? No!"))',
    "imports": "import torch, torchtext, sklearn, matplotlib.pyplot as plt, seaborn, wordcloud\n"
    "from tqdm.notebook import tqdm, trange\nprint(list(tqdm(range(3))))\nplt.plot([1, 2])\nplt.show()",
    "cuda": "device = 'cuda'\nlinear = torch.nn.Linear(3, 2).cuda().to(device)\n"
    "x = torch.ones(4, 3, device=device).to('cuda:0').to(0).to(torch.device('cuda'))\nprint(linear(x).shape, x.device)",
    "load": "torch.save(linear.state_dict(), '/content/drive/MyDrive/model.pt')\n"
    "print(list(torch.load('/content/drive/MyDrive/model.pt', map_location='cuda')))\n"
    "print(torch.zeros(2).type('torch.cuda.LongTensor').dtype, torch.cuda.is_available(), torch.get_num_threads())",
    "glove": "os.makedirs('deeper')\nos.chdir('deeper')\nfrom torchtext.vocab import GloVe\n"
    "for _ in range(2):\n    glove = GloVe(name='6B', dim=100)\nprint(len(glove), glove.dim)\nos.chdir('..')",
    "input": "name = input('your name? ')",
    "closed": "import importlib.util as u, importlib.metadata as m\n"
    "print([n for n in ('grader', 'reference', 'rubrics', 'pydantic', 'pytest', 'yaml') if u.find_spec(n)])\n"
    "print([k for k in os.environ if 'SECRET' in k or k == 'PYTHONPATH'], m.version('pandas'))",
    "processes": "import subprocess, sys\n"
    "code = 'import numpy\\ntry:\\n import grader\\nexcept ImportError: print(7)'\n"
    "print(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout)\n"
    "from torch.utils.data import DataLoader\nprint(len(list(DataLoader(range(10), num_workers=1))))",
}
EXPECTED = {
    "cd": "work",
    "mount": "Mounted at /content/drive\n['data.csv', 'glove.6B.100d.txt']",
    "shell": "pip: offline",
    "fetch": "id,comment_text,toxic",
    "paths": "2\n2\n2\n2\n2",
    "write": "True 2",
    "nltk": "['Mr.', 'Smith', 'is', \"n't\", 'here', ',', 'e.g.', 'today', '.', 'Is', 'he', '?', 'No', '!']",
    "imports": "[0, 1, 2]",
    "cuda": "torch.Size([4, 2]) cpu",
    "load": "['weight', 'bias']\ntorch.int64 False 1",
    "glove": "3 100",
    "closed": f"[]\n[] {version('pandas')}",
    "processes": "7\n\n10",
}
RAISES = {"missing": "FileNotFoundError", "network": "URLError", "input": "StdinNotImplementedError"}


@pytest.fixture(scope="module")
def colab(full):
    """One notebook as it comes from Colab."""
    said: list[str] = []
    execution = run(full, *COLAB.values(), progress=said.append)
    return execution, said


@pytest.mark.parametrize("name", COLAB)
def test_what_a_colab_notebook_does_is_survived(colab, name):
    cell = colab[0].cells[list(COLAB).index(name)]
    assert (cell.error_name, cell.outcome) == (RAISES.get(name, ""), "raised" if name in RAISES else "finished"), cell
    assert EXPECTED.get(name, "") in cell.text


def test_what_was_replaced_is_told_once_and_costs_nothing(colab):
    codes = [finding.code for finding in colab[0].findings]
    assert sorted(codes) == ["notebook.cuda_on_cpu", "notebook.network", "notebook.path_mapped"]
    assert {finding.audience for finding in colab[0].findings} == {"student"}
    message = next(finding.message for finding in colab[0].findings if finding.code == "notebook.path_mapped")
    assert "/content/drive/MyDrive/a b/data.csv" in message


def test_an_execution_says_what_it_was_made_with(colab, sealed):
    execution, said = colab
    assert (execution.outcome, execution.device, execution.isolation, execution.fault) == (
        "raised",
        "cpu",
        ISOLATION[sealed],
        "",
    )
    assert execution.versions == {**PACKAGES, "python": execution.versions["python"]}
    assert said[0] == f"cell 1 of {len(COLAB)}"


TRAINING = (
    "import torch\nclass Network(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.inner = torch.nn.Linear(3, 1)\n    def forward(self, x):\n        return self.inner(x)\n"
    "def train(network, optimizer):\n    optimizer.zero_grad()\n    network(torch.ones(2, 3)).sum().backward()\n"
    "    optimizer.step()",
    "network = Network()\nfirst = torch.rand(1).item()\noptimizer = torch.optim.Adam(network.parameters())",
    "train(network, optimizer)\nalias = network",
    "del alias\nnetwork = Network()\nnetworks = {'gru': network}",
    "train(network, optimizer)\nclass Odd(torch.nn.Module):\n    def named_parameters(self, *a, **k):\n        1 / 0\n"
    "odd = Odd()",
    "del network, networks\nprint(first, torch.rand(1).item())",
)
PROBES = """
import time, os, random, numpy, torch

def value(namespace, numbers): return {"sum": sum(numbers), "names": "network" in namespace, "odd": float("nan")}
def student_error(namespace): return namespace["train"](None, None)
def leaves(namespace): raise SystemExit("I go")
def too_large(namespace): return "x" * 2000
def not_plain(namespace): return [numpy.float64(1.0)]
def tensor(namespace): return torch.ones(2)
def draw(namespace): return [random.random(), numpy.random.rand(), torch.rand(1).item()]
def slow(namespace): time.sleep(60)
def dies(namespace): os.kill(os.getpid(), 9)
"""
ASKED = [
    "student_error",
    "leaves",
    "too_large",
    "not_plain",
    "tensor",
    "draw",
    "slow",
    "unknown",
    "draw2",
    "dies",
    "late",
]


@pytest.fixture(scope="module")
def trained(full):
    """One notebook with networks, then every kind of probe."""
    rooms = with_settings(full, value_bytes=1000, probe_timeout_seconds=5)
    requests = [ProbeRequest(name="value", function="value", arguments={"numbers": [1, 2, math.inf]})]
    for name in ASKED:
        function = {"draw2": "draw", "late": "value"}.get(name, name)
        requests.append(ProbeRequest(name=name, function=function, timeout_seconds=0.5 if name == "slow" else 60))
    return run(rooms, *TRAINING, probes_source=PROBES, requests=requests)


def test_networks_are_seen_after_each_cell_under_their_names(trained):
    seen = [{look.name: (look.identity, look.kind) for look in cell.networks} for cell in trained.cells]
    assert seen == [
        {},
        {"network": (1, "Network")},
        {"network": (1, "Network"), "alias": (1, "Network")},
        {"network": (2, "Network"), "networks['gru']": (2, "Network")},
        {"network": (2, "Network"), "networks['gru']": (2, "Network"), "odd": (3, "Odd")},
        {"odd": (3, "Odd")},
    ]
    assert trained.cells[1].networks[0].parameters == 4


def test_a_digest_moves_with_the_parameters_and_stands_still_under_another_networks_optimizer(trained):
    digests = [{look.name: look.digest for look in cell.networks} for cell in trained.cells]
    assert len(digests[1]["network"]) == 64
    assert digests[1]["network"] != digests[2]["network"] == digests[2]["alias"]
    assert digests[3]["network"] == digests[4]["network"] != digests[2]["network"]
    assert digests[4]["odd"] == ""


def test_looking_draws_no_random_number(trained, full):
    together = run(full, ";".join(("import torch", "torch.nn.Linear(3, 1)", "a = torch.rand(1).item()")) + "\n"
                   "torch.nn.Linear(3, 1)\nprint(a, torch.rand(1).item())")  # fmt: skip
    assert trained.cells[-1].text == together.cells[0].text != ""


def test_probes_bring_back_plain_values(trained):
    value = trained.replies["value"].value
    assert value["sum"] == math.inf
    assert math.isnan(value["odd"])
    assert value["names"] is False


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("student_error", "AttributeError: 'NoneType' object has no attribute 'zero_grad'"),
        ("leaves", "SystemExit: I go"),
        ("too_large", "ValueError: the reply is larger than 1000 bytes"),
        ("not_plain", "TypeError: the reply holds a value that is not plain: numpy.float64"),
        ("tensor", "TypeError: the reply holds a value that is not plain: torch.Tensor"),
        ("slow", "TimeoutError: took longer than 0.5 seconds and was stopped"),
        ("unknown", "KeyError: 'unknown'"),
        ("dies", "The notebook's process ended while this was asked."),
        ("late", "The notebook's process had ended before this could be asked."),
    ],
)
def test_a_probe_that_brings_nothing_says_why(trained, name, error):
    assert (trained.replies[name].value, trained.replies[name].error) == (None, error)


def test_every_probe_draws_from_a_seed_of_its_own(trained):
    first, second = trained.replies["draw"].value, trained.replies["draw2"].value
    assert all(a != b for a, b in zip(first, second, strict=True))


def test_a_probe_that_kills_the_process_leaves_the_cells_as_they_were(trained):
    assert trained.outcome == "finished"
    assert {cell.outcome for cell in trained.cells} == {"finished"}


@pytest.fixture(scope="module")
def stubborn(quick):
    """Failures, loops and floods in one notebook."""
    return run(
        quick,
        "x = 1\ndef f():\n    return 1 / 0\n\nf()",
        "if x\n  print(x)",
        "while True: pass",
        "for i in range(20_000): print('line', i)",
        "print('y' * 20_000_000)",
        f"import subprocess\n_ = subprocess.Popen(['sleep', '{MARK}'], start_new_session=True)\nprint(x, hash('a'))",
        "import os, time\nprint('last words', flush=True)\ntime.sleep(0.5)\nos._exit(3)",
        "print('never')",
    )


def test_a_failing_cell_does_not_stop_the_rest(stubborn):
    zero, syntax = stubborn.cells[:2]
    assert (zero.outcome, zero.error_name, zero.error_message, zero.error_line) == (
        "raised", "ZeroDivisionError", "division by zero", 3)  # fmt: skip
    assert (syntax.outcome, syntax.error_name, syntax.error_line) == ("raised", "SyntaxError", 1)
    assert syntax.error_message == "expected ':' (line 1)"


def test_an_endless_loop_is_stopped_and_the_rest_runs(stubborn):
    assert [cell.outcome for cell in stubborn.cells] == [
        "raised", "raised", "timed out", "finished", "finished", "finished", "killed", "not run"]  # fmt: skip
    assert "Cell 2 ran longer than 4 seconds" in stubborn.findings[0].message


def test_output_is_cut(stubborn):
    assert [len(stubborn.cells[index].text) for index in (3, 4)] == [10_000, 10_000]
    assert [finding.code for finding in stubborn.findings].count("notebook.output_cut") == 2


def test_a_process_that_ends_leaves_the_evidence_standing(stubborn):
    assert stubborn.outcome == "killed"
    assert stubborn.cells[5].text.startswith("1 ")
    assert stubborn.cells[6].text == "last words\n"
    assert codes(stubborn)[-1] == "notebook.kernel_died"


def test_outside_a_room_every_execution_says_so(stubborn, kind):
    assert stubborn.isolation == ISOLATION[kind]
    told = [finding for finding in stubborn.findings if finding.code == "notebook.no_sandbox"]
    assert [finding.audience for finding in told] == (["student"] if kind == "unsafe" else [])


def test_nothing_outlives_a_run(stubborn, quick, kind, folder):
    assert os.listdir(folder) == []
    assert not list(processes_that_name(str(folder).encode()))
    assert not list(processes_that_name(MARK.encode()))
    if kind != "unsafe":
        assert_only_the_keeper_is_left(quick)


def test_nothing_outlives_a_run_with_threads_and_workers(colab, trained, full, folder):
    assert os.listdir(folder) == []
    assert_only_the_keeper_is_left(full)


def assert_only_the_keeper_is_left(rooms):
    """Between two notebooks there is bubblewrap, the keeper in it, and the process with the warm imports."""
    assert wait_until(lambda: len(keeper_tree(rooms)) == 2 + rooms.warm), keeper_tree(rooms)
    assert own_groups() == []


def test_the_process_that_survives_its_kernel_is_found_by_its_home(folder):
    with open_unsafe(QUICK, UNUSED, 1, "cpu") as lodging:
        child = os.posix_spawn("/bin/sleep", ["sleep", "9"], {"HOME": str(lodging.layout.home)})
        time.sleep(0.05)
        assert find_processes(lodging.layout) == [child]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9


NUMBERS: dict[str, str] = {}


def test_a_second_run_is_the_same_and_every_kernel_says_the_same(quick):
    cells = ("import random\nprint(random.random(), hash('a'), set('abcdef'), object())", "raise ValueError(object())")
    first, second = run(quick, *cells), run(quick, *cells)
    assert first.cells == second.cells
    assert "0x..." in first.cells[1].error_message
    other = [sys.executable, "-c", "print(hash('a'), set('abcdef'))"]
    same = subprocess.run(other, env={"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=True).stdout.strip()
    number, _, rest = first.cells[0].text.partition(" ")
    assert rest == f"{same} <object object at 0x...>\n"
    assert NUMBERS.setdefault("drawn", number) == number


def test_all_cells_together_have_a_limit(quick):
    lodgings = with_settings(quick, cell_timeout_seconds=60, total_timeout_seconds=1)
    execution = run(lodgings, "x = 1", "import time\ntime.sleep(60)", "y = 1")
    assert [cell.outcome for cell in execution.cells] == ["finished", "timed out", "not run"]
    assert codes(execution) == ["notebook.out_of_time"]


def test_a_loop_that_swallows_interrupts_ends_the_process(quick, monkeypatch):
    monkeypatch.setattr("grader.sandbox.kernel.INTERRUPT_SECONDS", 0.6)
    loop = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    execution = run(with_settings(quick, cell_timeout_seconds=0.5), loop, "x = 1")
    assert [cell.outcome for cell in execution.cells] == ["timed out", "not run"]
    assert "did not react" in execution.findings[0].message


def test_another_version_is_told_to_staff(quick):
    execution = run(with_settings(quick, packages={"six": "0.1"}), "x = 1")
    told = [finding for finding in execution.findings if finding.code != "notebook.no_sandbox"]
    assert [(finding.code, finding.audience) for finding in told] == [("notebook.package_version", "staff")]


@pytest.fixture(params=KINDS)
def idle(request):
    """Lodgings that nothing has been started for."""
    lodgings = open_lodging(QUICK, UNUSED, seed=1, **KINDS[request.param])
    yield lodgings
    lodgings.close()


def test_a_file_that_is_no_notebook_is_the_students_to_mend(idle):
    execution = run_notebook(b"<html>", idle)
    assert (execution.outcome, execution.fault, execution.cells) == ("not started", "", ())
    assert [(finding.code, finding.audience) for finding in execution.findings] == [("notebook.unreadable", "student")]
    assert not isinstance(idle, Rooms) or idle._keeper is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_package_is_our_fault(kind):
    settings = NotebookSettings(packages={"no-such-package-here": "1.0"})
    lodgings = open_lodging(settings, UNUSED, seed=1, **KINDS[kind])
    execution = run(lodgings, "x = 1")
    assert (execution.outcome, execution.cells) == ("not started", ())
    assert "pip install no-such-package-here==1.0" in execution.fault
    assert not isinstance(lodgings, Rooms) or lodgings._keeper is None


@pytest.mark.parametrize("kind", KINDS)
def test_missing_data_is_our_fault(kind):
    lodgings = open_lodging(NotebookSettings(data="data"), Path("no-such-folder"), seed=1, **KINDS[kind])
    execution = run(lodgings, "x = 1")
    lodgings.close()
    assert execution.outcome == "not started"
    assert "no-such-folder" in execution.fault


def test_a_kernel_that_does_not_start_is_our_fault(monkeypatch):
    monkeypatch.setattr("grader.sandbox.unsafe._BOOTSTRAP", "raise SystemExit('no kernel here')")
    execution = run(open_lodging(QUICK, UNUSED, seed=1, unsafe=True), "x = 1")
    assert execution.outcome == "not started"
    assert "no kernel here" in execution.fault


def test_a_room_that_cannot_be_opened_is_our_fault(quick, kind, monkeypatch):
    if kind == "unsafe":
        return  # there is none
    quick.start()

    async def refuse(connection):
        raise RoomError("the house is full")

    monkeypatch.setattr(quick, "open", refuse)
    execution = run(quick, "x = 1")
    assert execution.outcome == "not started"
    assert "the house is full" in execution.fault
    monkeypatch.undo()
    assert run(quick, "x = 1").outcome == "finished"


def test_a_kernel_that_starts_in_no_room_is_told_before_the_first_notebook(monkeypatch):
    monkeypatch.setattr("grader.sandbox.rooms._COLD", "raise SystemExit('no kernel here')")
    with open_lodging(QUICK, UNUSED, seed=1, warm=False) as rooms, pytest.raises(NoRoomError, match="no kernel here"):
        rooms.start()


GRADER = """
import os, sys, tempfile
from pathlib import Path
from grader.sandbox import *
tempfile.tempdir = sys.argv[1]
cell = b'{"cells": [{"cell_type": "code", "source": "import time; time.sleep(60)"}]}'
tell = lambda text: print(text, flush=True)
if __name__ == "__main__":
    kind = sys.argv[2]
    lodgings = open_lodging(NotebookSettings(), Path(), seed=1, warm=kind == "warm", unsafe=kind == "unsafe")
    try:
        run_notebook(cell, lodgings, progress=tell)
    finally:
        lodgings.close()
"""


def start_grader(kind, folder):
    """Return a grader in the middle of a notebook, and all processes below it."""
    command = [sys.executable, "-c", GRADER, str(folder), kind]
    grader = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert grader.stdout.readline() == "cell 1 of 1\n"
    return grader, sorted(tree(grader.pid) - {grader.pid})


def tree(process):
    from grader.sandbox.watch import find_processes

    return set(find_processes(process))


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_leaves_nothing(kind, tmp_path):
    grader, below = start_grader(kind, tmp_path)
    with grader:
        assert len(below) > 1 if kind != "unsafe" else os.listdir(tmp_path)
        grader.send_signal(signal.SIGINT)
        _, said = grader.communicate(timeout=20)
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert "never retrieved" not in said
    assert os.listdir(tmp_path) == []
    assert wait_until(lambda: not any(os.path.exists(f"/proc/{process}") for process in below)), below


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["warm", "cold"])
def test_a_killed_grader_leaves_no_process_and_no_file(kind, tmp_path):
    grader, below = start_grader(kind, tmp_path)
    with grader:
        assert len(below) > 1
        grader.kill()
    assert wait_until(lambda: not any(os.path.exists(f"/proc/{process}") for process in below)), below
    assert os.listdir(tmp_path) == []
